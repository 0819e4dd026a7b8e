"""`archspec compare`."""

from __future__ import annotations

import argparse
from pathlib import Path

from archspec.cli import specs
from archspec.cli.arguments import listed, spec
from archspec.cli.failure import Failure, reading
from archspec.cli.screen import out, tell
from archspec.cli.writing import form, write_picture
from archspec.saving import PICTURES
from archspec.source import read_text
from archspec.views.comparison import FORMATS, Comparison
from archspec.views.comparison.accuracies import Accuracy, read_accuracies
from archspec.views.theme import THEMES

_MOST = 1 << 20
"""Bytes of a file of accuracies at most."""
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
    parser.add_argument(
        "--accuracy", metavar="FILE", help="a CSV of names and top-1 accuracies in per cent, in place of those that the specs cite"
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
    with reading():
        found = Comparison(networks, _accuracies(arguments.accuracy) if arguments.accuracy else None)
    if arguments.output:
        picture = found.draw(arguments.theme)
        for note in picture.notes:
            tell(note)
        write_picture(Path(arguments.output), picture)
    screen = out()
    if arguments.format == "text":
        screen.lines(found.lines(screen.width, screen.unicode, brief=arguments.brief))
    else:
        screen.data(getattr(found, f"to_{arguments.format}")())
    return 0


def _accuracies(file: str) -> dict[str, Accuracy]:
    """The accuracies of a file. Raises Failure, ValueError, OSError."""
    with Path(file).open("rb") as opened:
        try:
            text = read_text(opened, _MOST)
        except ValueError as error:
            raise Failure(f"cannot read {file}: {error}") from None
    return read_accuracies(text, file)
