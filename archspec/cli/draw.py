"""`archspec draw`."""

from __future__ import annotations

import argparse
from pathlib import Path

from archspec.cli import specs
from archspec.cli.arguments import spec
from archspec.cli.failure import Failure
from archspec.cli.screen import out, tell
from archspec.cli.writing import content, write_whole
from archspec.diagnostics import SpecError
from archspec.extras import graphviz
from archspec.ir.graph import Network
from archspec.views.figures import KINDS_OF_PICTURE, LEVELS, THEMES, NoRenderer, Picture, draw, text_form

_FORMS = (".svg", ".png", ".pdf", ".dot", ".mmd")


_OUTPUT = "the file to write: .svg, .png, .pdf, .dot or .mmd (Mermaid); SVG to standard output without it"
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
    form = Path(arguments.output).suffix.lower() if arguments.output else ".svg"
    if form not in _FORMS:
        raise Failure(f"a picture is written as {', '.join(_FORMS)}, by the name of the file; not as `{arguments.output}`")
    if form in (".dot", ".mmd") and arguments.kind != "blocks":
        raise Failure(f"only `--as blocks` has a form in {form}")
    network = specs.network(arguments)
    if network is None:
        return 1
    try:
        picture = _picture(network, form, arguments)
    except SpecError as error:
        specs.tell(error.diagnostics)
        return 1
    for note in picture.notes:
        tell(note)
    if arguments.output:
        write_whole(Path(arguments.output), content(picture.text, form))
    else:
        out().data(picture.text)
    return 0


def _picture(network: Network, form: str, arguments: argparse.Namespace) -> Picture:
    if form in (".dot", ".mmd"):
        return text_form(network, form[1:], arguments.level, arguments.theme)
    try:
        return draw(network, arguments.kind, arguments.level, arguments.theme)
    except NoRenderer as missing:
        raise Failure(
            f"boxes need Graphviz to place them ({missing}): {graphviz()}; `-o NAME.dot` writes the DOT text without it"
        ) from None
