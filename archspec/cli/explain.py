"""`archspec explain`: the teacher's command."""

from __future__ import annotations

import argparse

from archspec.analysis.layers import Report
from archspec.cli import specs
from archspec.cli.arguments import spec
from archspec.cli.failure import reading
from archspec.cli.screen import out
from archspec.views.explanation import explain

EXAMPLES = (
    ("explain lenet5", "all layers"),
    ("explain lenet5 conv1", "one of them"),
    ("explain resnet50 layer1.0", "those of a group"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser)
    parser.add_argument("layer", metavar="LAYER", nargs="?", help="a layer's name, or the name of a group; all layers without one")


def run(arguments: argparse.Namespace) -> int:
    network = specs.network(arguments)
    with reading():
        found = explain(Report(network), arguments.layer)
    screen = out()
    hang = 34 if (screen.width or 100) > 75 else 4  # behind the values, or below their names
    for layer in found:
        for line in layer.lines():
            screen.line(line, hang)
        screen.line()
    return 0
