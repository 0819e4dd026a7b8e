"""`archspec work`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from archspec.cli.arguments import whole
from archspec.cli.failure import Failure, reading
from archspec.cli.screen import out
from archspec.cli.specs import tell
from archspec.cli.writing import form, write_picture, write_whole
from archspec.diagnostics import SpecError
from archspec.source import read_text
from archspec.views.arithmetic import FORMATS, STEPS, Work, work
from archspec.views.arithmetic.matrices import Maps, read_matrices, size_of
from archspec.views.theme import THEMES

EXAMPLES = (
    ("work 'conv k=3' --image image.csv --kernel k.csv", "the feature map, every sum written out"),
    ("work 'conv round=floor' --image image.csv --kernel k.csv --s 2 --p 1 -o conv.html", "with a stride and padding, played"),
    ("work 'pool w=2 s=2' --image image.csv --format latex", "a max pooling, for LaTeX"),
    ("work 'conv | relu' --image image.csv --kernel k.csv --bias 5", "a bias and an activation too"),
)
_MOST = 1 << 18
"""Bytes of a file at most."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("step", metavar="STEP", help=f"a layer, or several with bars between: {', '.join(STEPS)}")
    parser.add_argument(
        "--image",
        metavar="FILE",
        action="append",
        required=True,
        help="rows of numbers, an empty line between channels; `-` for standard input; repeatable",
    )
    parser.add_argument(
        "--kernel", metavar="FILE", action="append", default=[], help="likewise, a matrix for each filter and channel; repeatable"
    )
    parser.add_argument("--bias", metavar="B", action="append", default=[], help="a number, or one per filter: 5 or 1,0,-2")
    parser.add_argument("--s", metavar="N", type=whole, help="the stride, as `s=` of the layer")
    parser.add_argument("--p", metavar="N", type=whole, help="the padding, as `p=` of the layer")
    parser.add_argument("-o", "--output", metavar="OUT", help=f"the file to write: {', '.join(FORMATS)}; standard output without it")
    parser.add_argument("--format", choices=list(dict.fromkeys(FORMATS.values())), help="the form; by the name of OUT, or text, without it")
    parser.add_argument("--theme", choices=list(THEMES), default="light", help="the colours of a picture")


def run(arguments: argparse.Namespace) -> int:
    ending = form(arguments.output, list(FORMATS), "a worked layer") if arguments.output and not arguments.format else ""
    with reading():
        image, kernel = (_matrices(files) for files in (arguments.image, arguments.kernel))
        biases = [number for text in arguments.bias for number in _numbers(text)]
        if image is None:
            raise Failure("expected an image: `--image FILE`")
        try:
            made = work(arguments.step, image, kernel, biases, arguments.s, arguments.p)
        except SpecError as error:  # the step is an argument of the command, not a spec
            tell(error.diagnostics)
            return 2
    _write(made, arguments.format or FORMATS.get(ending, "text"), arguments.theme, arguments.output)
    return 0


def _write(made: Work, written: str, theme: str, output: str | None) -> None:
    screen = out()
    if written == "text" and not output:
        screen.write(made.to_text(screen.unicode))
        return
    text = made.to_svg(theme) if written == "svg" else {"text": made.to_text, "latex": made.to_latex, "html": made.to_html}[written]()
    if not output:
        screen.data(text)
    elif written == "svg":
        write_picture(Path(output), text)
    else:
        write_whole(Path(output), text)


def _matrices(files: Sequence[str]) -> Maps | None:
    """The matrices of all files. Raises Failure, ValueError, OSError."""
    found: list[Maps] = []
    if list(files).count("-") > 1:
        raise Failure("standard input can be read once")
    for file in files:
        found.append(read_matrices(_text(file), "standard input" if file == "-" else file))
        if size_of(found[-1]) != size_of(found[0]):
            sizes = ["x".join(map(str, size_of(maps))) for maps in (found[0], found[-1])]
            raise Failure(f"expected matrices of one size, found {sizes[0]} in {files[0]} and {sizes[1]} in {file}")
    return tuple(matrix for maps in found for matrix in maps) or None


def _text(file: str) -> str:
    """The text of a file. Raises Failure where it is none, OSError."""
    try:
        if file == "-":
            return read_text(sys.stdin.buffer, _MOST)
        with Path(file).open("rb") as opened:
            return read_text(opened, _MOST)
    except ValueError as error:
        raise Failure(f"cannot read {'standard input' if file == '-' else file}: {error}") from None


def _numbers(text: str) -> tuple[Fraction, ...]:
    (row,) = read_matrices(text, "--bias")[0] if "\n" not in text else ((),)
    return row
