"""`archspec shorten`."""

from __future__ import annotations

import argparse

from archspec.cli import specs
from archspec.cli.arguments import spec
from archspec.cli.screen import out, tell

EXAMPLES = (
    ("shorten net.arch", "blocks, repeats and params found again"),
    ("shorten resnet18 --input 64x64x3", "at another size"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser)


def run(arguments: argparse.Namespace) -> int:
    from archspec.shortening.shortest import shorten

    short = shorten(specs.network(arguments))
    if short.note:
        tell(short.note)
    out().data(short.text)
    return 0
