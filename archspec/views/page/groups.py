"""The layers of a table, and the groups that their names make of them."""

from __future__ import annotations

import re
from itertools import groupby, islice
from typing import NamedTuple

from archspec.analysis.layers import Report, Row

MANY = 3000
"""Above this many layers equal rounds of a repeat are one row."""
MOST = 6000
"""Rows of a table at most."""
_DOT = re.compile(r"(?<!\.)\.(?!\.)")
"""Between the parts of a name; two dots stand between the first and the last of equal rounds."""
_DEEPEST = 8


class Layer(NamedTuple):
    """A row of the table: the layer at a position, within so many groups. `prefix` is what its name shares with the group it is in."""

    row: Row
    at: int
    depth: int
    prefix: str


class Group(NamedTuple):
    """Layers whose names begin alike, the first of them at a position."""

    name: str
    rows: list[Row]
    at: int
    depth: int
    prefix: str


class Layers(NamedTuple):
    """`items` are layers and groups in order, a group before what is in it. `notes` say that equal rounds share a row, where they do."""

    items: list[Layer | Group]
    rows: list[Row]
    notes: tuple[str, ...]


def layers(report: Report) -> Layers:
    """The rows of a network."""
    count = report.totals.layers
    if count <= MANY:
        return Layers(grouped(report.layers), report.layers, ())
    rows = list(islice(report.rows(fold=True), MOST + 1))
    notes = [
        f"{count:,} layers are more than this page shows one by one: equal rounds of a repeat are one row, its numbers are for all of them"
    ]
    if len(rows) > MOST:
        rows.pop()
        notes.append(f"the table ends after {MOST:,} rows; `archspec table` has all of them")
    return Layers(grouped(rows), rows, tuple(notes))


def grouped(rows: list[Row]) -> list[Layer | Group]:
    """Rows, with a group before each run of two or more that share the start of their names."""
    parts = [_DOT.split(row.name)[:-1][:_DEEPEST] for row in rows]
    found: list[Layer | Group] = []

    def add(start: int, end: int, level: int, depth: int, prefix: str) -> None:
        for shared, run in groupby(range(start, end), lambda at: parts[at][level] if len(parts[at]) > level else None):
            inner = list(run)
            first, last = inner[0], inner[-1] + 1
            if shared is None or len(inner) == 1:
                found.extend(Layer(rows[at], at, depth, prefix) for at in inner)
            elif level and (first, last) == (start, end):  # the group around it holds nothing else
                add(first, last, level + 1, depth, prefix)
            else:
                name = ".".join(parts[first][: level + 1])
                found.append(Group(name, rows[first:last], first, depth, prefix))
                add(first, last, level + 1, depth + 1, name + ".")

    add(0, len(rows), 0, 0, "")
    return found
