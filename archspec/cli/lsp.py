"""`archspec lsp`."""

from __future__ import annotations

import argparse
import gc
import os
import sys

from archspec.extras import require

EXAMPLES = (("lsp", "started by an editor, which talks to it by standard input and output"),)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stdio", action="store_true", help="talk by standard input and output, as it does anyway; some editors say so")


def run(arguments: argparse.Namespace) -> int:
    require("lsp", "pygls")
    from archspec.live.language_server import server

    gc.enable()  # it runs for hours
    gc.set_threshold(50_000, 20, 20)  # a text makes many objects that stay until the next one
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:  # the server closes it at the end
        server().start_io(sys.stdin.buffer, out)
    return 0
