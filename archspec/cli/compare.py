"""`archspec compare`."""

from __future__ import annotations

import argparse
from pathlib import Path

from archspec.api import compare
from archspec.cli import specs
from archspec.cli.arguments import spec
from archspec.cli.failure import Failure
from archspec.cli.screen import out
from archspec.cli.writing import content, write_whole
from archspec.views.comparison import FORMATS
from archspec.views.theme import THEMES

_FORMS = (".svg", ".png", ".pdf")


EXAMPLES = (
    ("compare vgg16 resnet50", "two side by side"),
    ("compare resnet18 resnet34", "two relatives: what differs"),
    ("compare vgg16 resnet50 -o chart.svg", "with a chart"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser, many=True)
    parser.add_argument("--format", choices=FORMATS, default="text", help="the form of the table")
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="also write a bubble chart (MACs, cited accuracy, parameters) to a .svg, .png or .pdf"
    )
    parser.add_argument("--brief", action="store_true", help="leave out what is counted")
    parser.add_argument("--theme", choices=list(THEMES), default="light", help="the colours of the chart")


def run(arguments: argparse.Namespace) -> int:
    form = Path(arguments.output).suffix.lower() if arguments.output else ""
    if arguments.output and form not in _FORMS:
        raise Failure(f"a chart is written as {', '.join(_FORMS)}, by the name of the file; not as `{arguments.output}`")
    if arguments.files.count("-") > 1:
        raise Failure("standard input can be read once")
    networks = specs.networks(arguments)
    if networks is None:
        return 1
    if len(networks) < 2:
        raise Failure("it takes two specs to compare, or more")
    found = compare(networks)
    if arguments.output:
        write_whole(Path(arguments.output), content(found.draw(arguments.theme), form))
    screen = out()
    if arguments.format == "text":
        screen.lines(found.lines(screen.width, screen.unicode, brief=arguments.brief))
    else:
        screen.data(getattr(found, f"to_{arguments.format}")())
    return 0
