"""`archspec table`."""

from __future__ import annotations

import argparse

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
    ("table net.arch --format csv", "for a spreadsheet"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser)
    parser.add_argument("--format", choices=["text", *FORMATS], default="text", help="the form of the table")
    parser.add_argument("--columns", metavar="A,B", help="the columns to show; `--columns help` lists them")
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
    network = specs.network(arguments)
    specs.tell(network.diagnostics)
    style = Style(columns, arguments.work, arguments.layout, arguments.collapse, arguments.brief)
    screen = out()
    if arguments.format == "text":
        from archspec.views.tables.terminal import text

        screen.lines(text(Report(network), style, width=screen.width, unicode=screen.unicode))
    else:
        for piece in pieces(Report(network), arguments.format, style):
            screen.data(piece)
    return 0


def _columns(written: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in written.split(",")))
    for name in names:
        if name not in COLUMNS:
            raise Failure(f"there is no column `{name}`" + proposal(name, COLUMNS, f"; there are {', '.join(COLUMNS)}"))
    return names
