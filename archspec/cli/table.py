"""`archspec table`."""

from __future__ import annotations

import argparse
from math import inf

from archspec.analysis.layers import Report
from archspec.cli import specs
from archspec.cli.arguments import proposal, spec
from archspec.cli.failure import Failure
from archspec.cli.screen import out
from archspec.views.tables import COLUMNS, FORMATS, LAYOUTS, Style, pieces

EXAMPLES = (
    ("table lenet5", "the layers of a bundled spec"),
    ("table resnet50 --collapse", "equal blocks as one row"),
    ("table net.arch --columns name,output,rf", "chosen columns"),
    ("table lenet5 --columns name,bytes,intensity,least-time --roofline 71e9,20e9", "a lower bound of the time"),
    ("table net.arch --format csv", "for a spreadsheet"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser)
    parser.add_argument("--format", choices=["text", *FORMATS], default="text", help="the form of the table")
    parser.add_argument("--columns", metavar="A,B", help="the columns to show; `--columns help` lists them")
    parser.add_argument("--roofline", metavar="PEAK,BANDWIDTH", help="a machine's FLOP/s and bytes/s, for the column least-time")
    parser.add_argument("--work", action="store_true", help="show the formulas with numbers filled in")
    parser.add_argument("--layout", choices=LAYOUTS, default=LAYOUTS[0], help="how shapes are written")
    parser.add_argument("--brief", action="store_true", help="leave out the notes on what is counted")
    parser.add_argument("--collapse", action="store_true", help="fold equal rounds of a repeat into one")


def run(arguments: argparse.Namespace) -> int:
    if arguments.columns == "help":
        screen = out()
        for name, column in COLUMNS.items():
            screen.line([(f"{name:<12}", "label"), (f" {column.about}", "")], 13)
        return 0
    columns = _columns(arguments.columns) if arguments.columns else None
    roofline = _roofline(arguments.roofline) if arguments.roofline is not None else None
    if roofline is None and "least-time" in (columns or ()):
        raise Failure("the column `least-time` needs a machine: `--roofline 71e9,20e9` is one of 71e9 FLOP/s and 20e9 bytes/s")
    network = specs.network(arguments)
    specs.tell(network.diagnostics)
    style = Style(columns, arguments.work, arguments.layout, arguments.collapse, arguments.brief, roofline)
    screen = out()
    if arguments.format == "text":
        from archspec.views.tables.terminal import text

        screen.lines(text(Report(network), style, width=screen.width, unicode=screen.unicode))
    else:
        for piece in pieces(Report(network), arguments.format, style):
            screen.data(piece)
    return 0


def _roofline(written: str) -> tuple[float, float]:
    try:
        peak, bandwidth = map(float, written.split(","))
    except ValueError:
        peak = bandwidth = 0
    if not (0 < peak < inf and 0 < bandwidth < inf):
        raise Failure(f"--roofline takes two positive numbers, FLOP/s and bytes/s, such as 71e9,20e9, not `{written}`")
    return peak, bandwidth


def _columns(written: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in written.split(",")))
    for name in names:
        if name not in COLUMNS:
            raise Failure(f"there is no column `{name}`" + proposal(name, COLUMNS, f"; there are {', '.join(COLUMNS)}"))
    return names
