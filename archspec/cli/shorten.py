"""`archspec shorten`."""

from __future__ import annotations

import argparse

from archspec.cli import specs
from archspec.cli.arguments import spec
from archspec.cli.screen import out, tell

EXAMPLES = (
    ("shorten net.arch", "blocks, repeats and params found again"),
    ("shorten resnet18 --input 64x64x3", "at another size"),
    ("shorten flat.arch --rename", "names that say nothing are given up"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser)
    parser.add_argument("--rename", action="store_true", help="give layers new names: modules are what comes again and again")


def run(arguments: argparse.Namespace) -> int:
    from archspec.shortening.shortest import shorten

    short = shorten(specs.network(arguments), named=not arguments.rename)
    if short.note:
        tell(short.note)
    out().data(short.text)
    return 0
