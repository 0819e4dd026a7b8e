"""`archspec expand`."""

from __future__ import annotations

import argparse

from archspec.backends.arch import expand
from archspec.cli import specs
from archspec.cli.arguments import spec
from archspec.cli.screen import out

EXAMPLES = (
    ("expand resnet18", "every layer on a line of its own"),
    ("expand net.arch --input 64x64x3", "at another size"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser)


def run(arguments: argparse.Namespace) -> int:
    out().data(expand(specs.network(arguments)))
    return 0
