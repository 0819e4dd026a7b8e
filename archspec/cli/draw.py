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
from archspec.ir.graph import Network
from archspec.saving import DRAWN, PICTURES
from archspec.views.arithmetic.field_picture import field_picture
from archspec.views.arithmetic.window_picture import SlidingWindow
from archspec.views.figures import KINDS_OF_PICTURE, LEVELS, STYLES, TEXT_FORMS, THEMES, draw, text_form
from archspec.views.figures.look import DIRECTIONS, Look, colours
from archspec.views.figures.plan import ASPECT, Page

_OUTPUT = f"the file to write: {listed([*TEXT_FORMS, *DRAWN])} (TikZ); SVG to standard output without it"
_LEVEL = "what a box is: a group, branches or a level of a U, equal blocks folded, a block, a layer with its norm and activation, a layer; auto is the finest that stays readable"
_LARGEST = 100_000
_PAGES = (".html", ".htm")
"""Endings of the files of pages, which play a window."""
_WORKS = {
    "level": ("--as blocks", "--as volumes", "--as bars"),
    "aspect": ("--as blocks", "--as volumes"),
    "direction": ("--as blocks", "--as volumes"),
    "style": ("--as volumes",),
    "animate": ("--as window",),
}
"""The pictures that options work with, where these are not all."""
_SIZE = ("width", "font_size")
_UNSEEN = {
    ".dot": ("aspect", *_SIZE),
    ".mmd": ("aspect", "transparent", *_SIZE),
    ".tex": ("transparent", *_SIZE),
    **dict.fromkeys(_PAGES, ("theme", "colors", "title", "legend", "transparent", "animate", *_SIZE)),
}
"""Options that have no effect in a form."""
_PLAIN = {
    "level": "auto", "theme": "light", "colors": None, "title": True, "legend": True, "transparent": False, "width": 0.0, "font_size": 0.0,
    "aspect": ASPECT, "direction": None, "style": STYLES[0], "animate": False,
}  # fmt: skip
"""Options as they are where they are not given."""
EXAMPLES = (
    ("draw lenet5 --as volumes -o lenet5.svg", "the maps as textbooks draw them"),
    ("draw vgg16 --as volumes --style boxes -o vgg16.svg", "maps shrink, channels grow"),
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
        help="boxes and arrows, the maps of textbooks, bars of parameters and MACs, or how the window of LAYER slides",
    )  # fmt: skip
    parser.add_argument("--level", choices=LEVELS, default="auto", help=_LEVEL)
    parser.add_argument(
        "--style", choices=STYLES, default=STYLES[0], help="volumes as stacked sheets, or as boxes that are as deep as they have channels"
    )
    parser.add_argument("--theme", choices=list(THEMES), default="light", help="the colours")
    parser.add_argument("--colors", metavar="FILE", help='colours of kinds of layers: TOML, `convolution = "#005b94"`')
    parser.add_argument("--no-title", dest="title", action="store_false", help="without title and totals")
    parser.add_argument("--no-legend", dest="legend", action="store_false", help="without the legend")
    parser.add_argument("--transparent", action="store_true", help="without a ground")
    parser.add_argument("--width", metavar="PIXELS", type=_positive, default=0.0, help="the width of the picture")
    parser.add_argument("--font-size", metavar="PIXELS", type=_positive, default=0.0, help="the size of the layers' words")
    parser.add_argument(
        "--aspect", metavar="W:H", type=_aspect, default=ASPECT, help="the shape of the page that is filled; 16:9 without it"
    )
    parser.add_argument("--direction", choices=DIRECTIONS, help="where the arrows go; boxes go down, and volumes to the right, without it")
    parser.add_argument("--field", metavar="LAYER", help="draw what one position of a layer sees of the maps before it, back to the input")
    parser.add_argument(
        "--animate", action="store_true", help="with `--as window`, one picture in which the window moves; .html plays it too"
    )


def run(arguments: argparse.Namespace) -> int:
    name = arguments.output or "picture.svg"
    if arguments.field is not None:
        if arguments.kind != "blocks" or arguments.layer is not None:
            raise Failure("--field is a picture of its own: it goes with no --as and no other LAYER")
        ending = form(name, PICTURES, "a receptive field")
    elif arguments.kind == "window":
        ending = form(name, (*PICTURES, *_PAGES), "a window")
    else:
        ending = form(name, (*DRAWN, *TEXT_FORMS), "a picture")
    _refuse(arguments, ending)
    look = _look(arguments)
    network = specs.network(arguments)
    with reading():
        text = _drawn(arguments, ending, network, look)
    if not arguments.output:
        out().data(text)
    elif ending in _PAGES:
        write_whole(Path(name), text)
    else:
        write_picture(Path(name), text)
    return 0


def _drawn(arguments: argparse.Namespace, ending: str, network: Network, look: Look) -> str:
    """The text of a picture. Raises SpecError, Missing, ValueError."""
    if arguments.field is not None:
        return field_picture(Report(network), arguments.field, look)
    if arguments.kind == "window":
        window = SlidingWindow(Report(network), arguments.layer)
        return window.to_html() if ending in _PAGES else window.drawn(look, animated=arguments.animate)
    if ending in TEXT_FORMS:
        picture = text_form(network, ending[1:], arguments.level, look)
    else:
        picture = draw(network, arguments.kind, arguments.level, look, arguments.layer)
    for note in picture.notes:
        tell(note)
    return picture.text


def _refuse(arguments: argparse.Namespace, ending: str) -> None:
    """Refuse what would have no effect. Raises Failure."""
    picture = "--field" if arguments.field is not None else f"--as {arguments.kind}"
    if arguments.kind == "window" and arguments.layer is None:
        raise Failure("`--as window` draws one layer: `archspec draw FILE LAYER --as window`")
    if arguments.layer is not None and arguments.kind == "bars":
        raise Failure(f"a part alone is drawn with `--as blocks` or `--as volumes`, not with `{picture}`")
    if arguments.width and arguments.font_size:
        raise Failure("--width and --font-size both set the size: give one of them")
    if ending in TEXT_FORMS and arguments.kind != "blocks":
        raise Failure(f"only `--as blocks` has a form in {ending}")
    if ending in TEXT_FORMS and arguments.layer is not None:
        raise Failure(f"a part alone has no form in {ending}")
    given = [option for option, plain in _PLAIN.items() if getattr(arguments, option) != plain]
    for option in given:
        flag = f"--no-{option}" if _PLAIN[option] is True else f"--{option.replace('_', '-')}"
        works = _WORKS.get(option, (picture,))
        if picture not in works:
            raise Failure(f"{flag} goes with {listed([f'`{each}`' for each in works])}, not with `{picture}`")
        if option in _UNSEEN.get(ending, ()):
            raise Failure(f"{flag} has no effect in {ending}: it sets how {listed(PICTURES)} look")


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
    page = Page(arguments.aspect, arguments.direction == "right")
    return Look(
        theme, arguments.title, arguments.legend, arguments.transparent, arguments.width, arguments.font_size, page, arguments.style,
        arguments.direction == "down",
    )  # fmt: skip
