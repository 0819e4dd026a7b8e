"""`archspec list`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from archspec.analysis.cost import Costs
from archspec.cli.arguments import count
from archspec.cli.screen import out
from archspec.diagnostics import Diagnostics
from archspec.elaborate.assumptions import Options
from archspec.elaborate.elaborator import elaborate
from archspec.finding import bundled_names, specs_folder
from archspec.source import Source
from archspec.syntax.parser import parse
from archspec.views.comparison.measures import cited

FORMATS = ("text", "json", "csv", "markdown")
EXAMPLES = (
    ("list", "all of them"),
    ("list resnet --sort macs", "those with a word in their name or title"),
    ("list --max-params 5M --sort accuracy", "the most accurate of the small ones"),
    ("list --format json", "for a program"),
)


class Entry(NamedTuple):
    """A bundled spec. `top1` is the accuracy that it cites, in per cent, `source` where that is from."""

    name: str
    title: str
    params: int
    macs: int
    top1: float | None
    source: str
    about: str


_ORDERS: dict[str, Callable[[Entry], Any]] = {
    "name": lambda entry: entry.name,
    "params": lambda entry: (entry.params, entry.name),
    "macs": lambda entry: (entry.macs, entry.name),
    "accuracy": lambda entry: (entry.top1 is None, -(entry.top1 or 0), entry.name),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("word", metavar="WORD", nargs="?", default="", help="only specs with this word in their name or title")
    parser.add_argument("--sort", choices=list(_ORDERS), default="name", help="the order: the smallest first, the most accurate first")
    parser.add_argument("--max-params", metavar="N", type=count, help="only those with no more parameters, such as 25M")
    parser.add_argument("--max-macs", metavar="N", type=count, help="only those with no more MACs, such as 4.1G")
    parser.add_argument("--format", choices=FORMATS, default="text", help="the form of the list; the text has titles on a terminal only")


def run(arguments: argparse.Namespace) -> int:
    word = arguments.word.lower()
    found = [
        entry
        for entry in map(_entry, bundled_names())
        if (word in entry.name.lower() or word in entry.title.lower())
        and (arguments.max_params is None or entry.params <= arguments.max_params)
        and (arguments.max_macs is None or entry.macs <= arguments.max_macs)
    ]
    found.sort(key=_ORDERS[arguments.sort])
    _write(found, arguments.format)
    return 0


def _entry(name: str) -> Entry:
    """A bundled spec, counted; what `check` looks at beside is left out, since tests do."""
    path = specs_folder() / f"{name}.arch"
    text = path.read_text(encoding="utf-8")
    sink = Diagnostics()
    network, _ = elaborate(parse(Source(path.name, text), sink), name, sink, Options(base=path.parent))
    assert network is not None, f"the bundled spec {name} has errors"
    cost, accuracy = Costs().network(network), cited(network.meta)
    about = text.partition("\n")[0].lstrip("# ") if text.startswith("#") else ""
    return Entry(name, network.meta.get("title", name), cost.params, cost.macs, accuracy.top1, accuracy.source, about)


def _write(entries: list[Entry], form: str) -> None:
    from archspec.views.tables.csv_json import separated
    from archspec.views.tables.grid import Grid, markdown, text

    screen = out()
    if form == "json":
        screen.data(json.dumps([entry._asdict() for entry in entries], indent=1) + "\n")
        return
    if form == "csv":
        screen.data("".join(separated(Entry._fields, entries)))
        return
    rows = [
        [e.name, f"{e.params:,}", f"{e.macs:,}", f"{e.top1:g}%" if e.top1 is not None else "", e.about if form == "text" else e.title]
        for e in entries
    ]
    grid = Grid(["name", "parameters", "MACs", "top-1", "about"], [False, True, True, True, False], rows)
    if form == "markdown":
        for line in markdown(grid):
            screen.data(line)
        return
    lines = list(text(grid, screen.width, screen.unicode))
    screen.lines(lines if screen.width is not None else lines[2:])
