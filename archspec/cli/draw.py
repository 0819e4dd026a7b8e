"""`archspec draw`."""

from __future__ import annotations

import argparse
from pathlib import Path

from archspec.analysis.layers import Report
from archspec.cli import specs
from archspec.cli.arguments import listed, spec
from archspec.cli.failure import Failure, reading
from archspec.cli.screen import out, tell
from archspec.cli.writing import form, write_picture, write_whole
from archspec.saving import PICTURES
from archspec.views.arithmetic.field_picture import field_picture
from archspec.views.arithmetic.window_picture import SlidingWindow
from archspec.views.figures import KINDS_OF_PICTURE, LEVELS, TEXT_FORMS, THEMES, draw, text_form
from archspec.views.figures.look import ASPECT, Look, colours

_OUTPUT = f"the file to write: {listed([*PICTURES, *TEXT_FORMS])} (TikZ); SVG to standard output without it"
_LEVEL = (
    "what a box is: equal blocks folded, a block, a layer with its norm and activation, a layer; auto is the finest that stays readable"
)
_LARGEST = 100_000
_PAGES = (".html", ".htm")
"""Endings of the files of pages, which play a window."""
EXAMPLES = (
    ("draw lenet5 --as volumes -o lenet5.svg", "the maps as textbooks draw them"),
    ("draw resnet50 -o resnet50.dot", "boxes and arrows, for Graphviz"),
    ("draw googlenet inception3a --no-legend -o inception.svg", "a block alone"),
    ("draw alexnet features.0 --as window -o window.html", "how a window slides, step by step"),
    ("draw vgg16 --field features.10 -o field.svg", "what one position of a layer sees"),
    ("draw vgg16 --as bars -o vgg16.svg", "where parameters and MACs are"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser)
    parser.add_argument(
        "layer", metavar="PART", nargs="?", help="a block or a group to draw alone; with `--as window`, the layer whose window it is"
    )
    parser.add_argument("-o", "--output", metavar="OUT", help=_OUTPUT)
    parser.add_argument(
        "--as", dest="kind", choices=(*KINDS_OF_PICTURE, "window"), default="blocks",
        help="boxes and arrows, the stacked maps of textbooks, bars of parameters and MACs, or how the window of LAYER slides",
    )  # fmt: skip
    parser.add_argument("--level", choices=LEVELS, default="auto", help=_LEVEL)
    parser.add_argument("--theme", choices=list(THEMES), default="light", help="the colours")
    parser.add_argument("--colors", metavar="FILE", help='colours of kinds of layers: TOML, `convolution = "#005b94"`')
    parser.add_argument("--no-title", dest="title", action="store_false", help="without title and totals")
    parser.add_argument("--no-legend", dest="legend", action="store_false", help="without the legend")
    parser.add_argument("--transparent", action="store_true", help="without a ground")
    parser.add_argument("--width", metavar="PIXELS", type=_positive, default=0.0, help="the width of the picture")
    parser.add_argument("--font-size", metavar="PIXELS", type=_positive, default=0.0, help="the size of the layers' words")
    parser.add_argument(
        "--aspect", metavar="W:H", type=_aspect, default=ASPECT, help="the shape of the page that boxes fill; 16:9 without it"
    )
    parser.add_argument("--field", metavar="LAYER", help="draw what one position of a layer sees of the maps before it, back to the input")
    parser.add_argument(
        "--animate", action="store_true", help="with `--as window`, one picture in which the window moves; .html plays it too"
    )


def run(arguments: argparse.Namespace) -> int:
    if arguments.field is not None:
        return _field(arguments)
    if arguments.kind == "window":
        return _window(arguments)
    if arguments.animate:
        raise Failure("--animate goes with `--as window`")
    if arguments.layer is not None and arguments.kind != "blocks":
        raise Failure(f"a part alone is drawn with `--as blocks`, not with `--as {arguments.kind}`")
    if arguments.width and arguments.font_size:
        raise Failure("--width and --font-size both set the size: give one of them")
    ending = form(arguments.output or "picture.svg", (*PICTURES, *TEXT_FORMS), "a picture")
    if ending in TEXT_FORMS and arguments.kind != "blocks":
        raise Failure(f"only `--as blocks` has a form in {ending}")
    if ending in TEXT_FORMS and arguments.layer is not None:
        raise Failure(f"a part alone has no form in {ending}")
    look = _look(arguments)
    network = specs.network(arguments)
    if ending in TEXT_FORMS:
        picture = text_form(network, ending[1:], arguments.level, arguments.theme)
    else:
        with reading():
            picture = draw(network, arguments.kind, arguments.level, look, arguments.layer)
    for note in picture.notes:
        tell(note)
    if arguments.output:
        write_picture(Path(arguments.output), picture.text)
    else:
        out().data(picture.text)
    return 0


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < _LARGEST:
        raise argparse.ArgumentTypeError(f"expected a number above 0 and below {_LARGEST:,}, found `{text}`")
    return value


def _aspect(text: str) -> float:
    wide, colon, high = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"expected width and height such as 16:9, found `{text}`")
    return _positive(wide) / _positive(high)


def _look(arguments: argparse.Namespace) -> Look:
    theme = THEMES[arguments.theme]
    if arguments.colors:
        with reading():
            theme = colours(theme, Path(arguments.colors).read_text(encoding="utf-8"))
    return Look(theme, arguments.title, arguments.legend, arguments.transparent, arguments.width, arguments.font_size, arguments.aspect)


def _window(arguments: argparse.Namespace) -> int:
    """Draw the sliding window of a layer. Raises Failure, SpecError, Missing."""
    ending = form(arguments.output or "picture.svg", (*PICTURES, *_PAGES), "a window")
    if arguments.layer is None:
        raise Failure("`--as window` draws one layer: `archspec draw FILE LAYER --as window`")
    report = Report(specs.network(arguments))
    with reading():
        window = SlidingWindow(report, arguments.layer)
    text = window.to_html() if ending in _PAGES else window.to_svg(arguments.theme, animated=arguments.animate)
    if not arguments.output:
        out().data(text)
    elif ending in _PAGES:
        write_whole(Path(arguments.output), text)
    else:
        write_picture(Path(arguments.output), text)
    return 0


def _field(arguments: argparse.Namespace) -> int:
    """Draw the receptive field of a layer. Raises Failure, SpecError, Missing."""
    if arguments.kind != "blocks" or arguments.layer is not None or arguments.animate:
        raise Failure("--field is a picture of its own: it goes with no --as, no other LAYER, and no --animate")
    form(arguments.output or "picture.svg", PICTURES, "a receptive field")
    report = Report(specs.network(arguments))
    with reading():
        text = field_picture(report, arguments.field, THEMES[arguments.theme])
    if arguments.output:
        write_picture(Path(arguments.output), text)
    else:
        out().data(text)
    return 0
