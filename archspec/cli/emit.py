"""`archspec emit`."""

from __future__ import annotations

import argparse
from pathlib import Path

from archspec.cli import specs
from archspec.cli.screen import out
from archspec.cli.writing import write_whole
from archspec.ir.schema import to_json


def run(arguments: argparse.Namespace) -> int:
    network = specs.network(arguments)
    if network is None:
        return 1
    text = to_json(network)
    if arguments.output:
        write_whole(Path(arguments.output), text)
    else:
        out().write(text)
    return 0
