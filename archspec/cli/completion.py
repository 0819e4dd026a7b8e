"""`archspec completion`."""

from __future__ import annotations

import argparse

from archspec.cli.failure import Failure
from archspec.cli.screen import out


def run(arguments: argparse.Namespace) -> int:
    """A completion script, made of the same parser that reads the command line."""
    try:
        import shtab
    except ImportError:
        raise Failure("completion scripts are made by shtab: `pip install shtab`") from None
    from archspec.cli.main import parser

    out().data(shtab.complete(parser(), arguments.shell))
    return 0
