"""`archspec explain`: the teacher's command."""

from __future__ import annotations

import argparse
from pathlib import Path

from archspec.analysis.layers import Report
from archspec.cli import specs
from archspec.cli.arguments import spec
from archspec.cli.failure import reading
from archspec.cli.screen import out
from archspec.cli.writing import form, write_picture, write_whole
from archspec.views.explanation import explain
from archspec.views.theme import THEMES

EXAMPLES = (
    ("explain lenet5", "all layers"),
    ("explain lenet5 conv1", "one of them"),
    ("explain resnet50 layer1.0", "those of a group"),
    ("explain lenet5 conv1 -o conv1.svg", "one figure of the arithmetic"),
    ("explain lenet5 conv1 --format latex", "formulas for a paper"),
)
FORMATS = {".txt": "text", ".tex": "latex", ".svg": "svg", ".png": "svg", ".pdf": "svg"}
"""The forms by the ending of a file's name; a PNG and a PDF are made of the SVG."""


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser)
    parser.add_argument("layer", metavar="LAYER", nargs="?", help="a layer's name, or the name of a group; all layers without one")
    parser.add_argument("--format", choices=["text", "latex", "svg"], help="the form; by the name of OUT, or text, without it")
    parser.add_argument("-o", "--output", metavar="OUT", help=f"the file to write: {', '.join(FORMATS)}; standard output without it")
    parser.add_argument("--theme", choices=list(THEMES), default="light", help="the colours of a figure")


def run(arguments: argparse.Namespace) -> int:
    network = specs.network(arguments)
    with reading():
        found = explain(Report(network), arguments.layer)
    ending = form(arguments.output, list(FORMATS), "an explanation") if arguments.output and not arguments.format else ""
    written = arguments.format or FORMATS.get(ending, "text")
    if written != "text" or arguments.output:
        text = found.to_latex() if written == "latex" else found.to_svg(arguments.theme) if written == "svg" else f"{found}\n"
        _write(text, written, arguments.output)
        return 0
    screen = out()
    hang = 34 if (screen.width or 100) > 75 else 4  # behind the values, or below their names
    for layer in found:
        for line in layer.lines():
            screen.line(line, hang)
        screen.line()
    return 0


def _write(text: str, written: str, output: str | None) -> None:
    if not output:
        out().data(text)
    elif written == "svg":
        write_picture(Path(output), text)
    else:
        write_whole(Path(output), text)
