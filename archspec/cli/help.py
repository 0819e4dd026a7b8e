"""`archspec help`."""

from __future__ import annotations

import argparse

from archspec.cli.commands import COMMANDS, unknown
from archspec.cli.failure import Failure
from archspec.cli.screen import out

EXAMPLES = (("help table", "as `archspec table --help`"),)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("command", metavar="COMMAND", nargs="?", help="a command; all of them without one")


def run(arguments: argparse.Namespace) -> int:
    from archspec.cli.main import command_parser, tell_commands

    name = arguments.command
    if name is None:
        tell_commands()
        return 0
    if name not in COMMANDS:
        raise Failure(unknown(name, "`archspec help` lists them"))
    out().write(command_parser(name).format_help())
    return 0
