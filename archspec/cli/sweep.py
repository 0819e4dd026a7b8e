"""`archspec sweep`."""

from __future__ import annotations

import argparse
from pathlib import Path

from archspec.cli import spaces
from archspec.cli.failure import Failure, reading
from archspec.cli.screen import Screen, out
from archspec.cli.writing import write_whole
from archspec.symbolic.sweeps import Plateau, Sweep
from archspec.views import variants

EXAMPLES = (
    ("sweep mobilenet_v2 --set width=0.25:2:0.25", "counts for each value of a param"),
    ("sweep mobilenet_v2 --set width=0.25:2:0.05 --input 128:320:32 --format csv", "and for each size of the input"),
    ("sweep resnet20_cifar --set n=1..9 --pareto params,macs -o front.svg", "as a chart"),
)
_ROWS = 200
"""Rows of a table on a screen."""


def arguments(parser: argparse.ArgumentParser) -> None:
    spaces.arguments(parser)
    parser.add_argument(
        "--pareto", metavar="A,B", help="only variants that no other beats in these counts; `+` before a name: more is better"
    )
    parser.add_argument(
        "--format", choices=[*variants.FORMATS, "svg"], help="the form of the answer (default: text, or by the name of OUT)"
    )
    parser.add_argument("-o", "--output", metavar="OUT", help="write a file: .csv, .json, .md, .tex, or .svg for a chart")


def run(arguments: argparse.Namespace) -> int:
    form = arguments.format or _form(arguments.output)
    asked = spaces.asked(arguments)
    if not asked.space.groups:
        raise Failure("nothing varies: give a range, such as `--set width=0.25:2:0.05` or `--input 128:320:32`")
    found = spaces.swept(arguments, asked)
    names = [name.strip() for name in arguments.pareto.split(",")] if arguments.pareto is not None else []
    with reading():
        rows = variants.single(found.front(*names) if names else found.variants())
    if form == "text":
        show(found, rows, out())
        return 0
    if form == "svg":
        from archspec.views.variants.chart import chart

        axes = [name.lstrip("+-") for name in names[:2]] or ["params", "macs"]
        if len(axes) < 2:
            raise Failure("a chart has two axes: `--pareto params,macs`")
        pieces = [chart(found, axes[1], axes[0], [row.first for row in rows] if names else [])]
    else:
        pieces = list(variants.document(found.names, rows, form, found))
    _write(arguments.output, "".join(pieces))
    return 0


def show(found: Sweep, rows: list[Plateau], screen: Screen) -> None:
    """The table on a screen, and what is to be said about it."""
    from archspec.views.tables.grid import text

    if rows:
        screen.lines(text(variants.grid(found.names, rows[:_ROWS]), screen.width, screen.unicode))
        screen.line("")
    if len(rows) > _ROWS:
        screen.line(f"The first {_ROWS} of {len(rows):,} rows; `--format csv` has all.")
    for note in variants.notes(found):
        screen.line(note)


def _write(output: str | None, text: str) -> None:
    if output is None:
        out().data(text)
        return
    write_whole(Path(output), text)


def _form(output: str | None) -> str:
    """The form that the name of a file asks for."""
    if output is None:
        return "text"
    forms = {".csv": "csv", ".json": "json", ".md": "markdown", ".tex": "latex", ".svg": "svg", ".txt": "text"}
    suffix = Path(output).suffix.lower()
    if suffix not in forms:
        raise Failure(f"a sweep is written as {', '.join(forms)}, not `{suffix or output}`")
    return forms[suffix]
