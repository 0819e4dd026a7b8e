"""`archspec draw`."""

from __future__ import annotations

import argparse
from pathlib import Path

from archspec.cli import specs
from archspec.cli.arguments import listed, spec
from archspec.cli.failure import Failure
from archspec.cli.screen import out, tell
from archspec.cli.writing import form, write_picture
from archspec.saving import PICTURES
from archspec.views.figures import KINDS_OF_PICTURE, LEVELS, TEXT_FORMS, THEMES, draw, text_form

_OUTPUT = f"the file to write: {listed([*PICTURES, *TEXT_FORMS])} (Mermaid); SVG to standard output without it"
_LEVEL = (
    "what a box is: equal blocks folded, a block, a layer with its norm and activation, a layer; auto is the finest that stays readable"
)
EXAMPLES = (
    ("draw lenet5 --as volumes -o lenet5.svg", "the maps as textbooks draw them"),
    ("draw resnet50 -o resnet50.dot", "boxes and arrows, for Graphviz"),
    ("draw vgg16 --as bars -o vgg16.svg", "where parameters and MACs are"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser)
    parser.add_argument("-o", "--output", metavar="OUT", help=_OUTPUT)
    parser.add_argument(
        "--as", dest="kind", choices=KINDS_OF_PICTURE, default="blocks",
        help="boxes and arrows, the stacked maps of textbooks, or bars of parameters and MACs",
    )  # fmt: skip
    parser.add_argument("--level", choices=LEVELS, default="auto", help=_LEVEL)
    parser.add_argument("--theme", choices=list(THEMES), default="light", help="the colours")


def run(arguments: argparse.Namespace) -> int:
    ending = form(arguments.output or "picture.svg", (*PICTURES, *TEXT_FORMS), "a picture")
    if ending in TEXT_FORMS and arguments.kind != "blocks":
        raise Failure(f"only `--as blocks` has a form in {ending}")
    network = specs.network(arguments)
    if ending in TEXT_FORMS:
        picture = text_form(network, ending[1:], arguments.level, arguments.theme)
    else:
        picture = draw(network, arguments.kind, arguments.level, arguments.theme)
    for note in picture.notes:
        tell(note)
    if arguments.output:
        write_picture(Path(arguments.output), picture.text)
    else:
        out().data(picture.text)
    return 0
