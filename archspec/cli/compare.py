"""`archspec compare`."""

from __future__ import annotations

import argparse
from pathlib import Path

from archspec.api import compare
from archspec.cli import specs
from archspec.cli.arguments import listed, spec
from archspec.cli.failure import Failure
from archspec.cli.screen import out
from archspec.cli.writing import form, write_picture
from archspec.saving import PICTURES
from archspec.views.comparison import FORMATS
from archspec.views.theme import THEMES

EXAMPLES = (
    ("compare vgg16 resnet50", "two side by side"),
    ("compare resnet18 resnet34", "two similar networks: what differs"),
    ("compare vgg16 resnet50 -o chart.svg", "with a chart"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser, many=True)
    parser.add_argument("--format", choices=FORMATS, default="text", help="the form of the table")
    parser.add_argument(
        "-o", "--output", metavar="OUT", help=f"also write a bubble chart (MACs, cited accuracy, parameters) to a {listed(PICTURES)}"
    )
    parser.add_argument("--brief", action="store_true", help="leave out the notes on what is counted")
    parser.add_argument("--theme", choices=list(THEMES), default="light", help="the colours of the chart")


def run(arguments: argparse.Namespace) -> int:
    if arguments.output:
        form(arguments.output, PICTURES, "a chart")
    if arguments.files.count("-") > 1:
        raise Failure("standard input can be read once")
    networks = specs.networks(arguments)
    if len(networks) < 2:
        raise Failure("it takes two specs to compare, or more")
    found = compare(networks)
    if arguments.output:
        write_picture(Path(arguments.output), found.draw(arguments.theme))
    screen = out()
    if arguments.format == "text":
        screen.lines(found.lines(screen.width, screen.unicode, brief=arguments.brief))
    else:
        screen.data(getattr(found, f"to_{arguments.format}")())
    return 0
