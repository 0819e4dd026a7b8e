"""Variants of a spec as tables: for a screen, as Markdown, LaTeX, CSV and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archspec.symbolic.sweeps import Plateau, Sweep, Variant, plain
from archspec.symbolic.tracing import COUNTS
from archspec.views.tables.grid import Grid, latex, markdown

FORMATS = ("text", "markdown", "latex", "csv", "json")
"""The forms of a table of variants."""
_MISTAKES = 4
"""Mistakes that a note names."""


def grid(names: Sequence[str], rows: Sequence[Plateau]) -> Grid:
    """The table: a column for each value that varies, one for each count that does not stay 0."""
    counts = [name for name in COUNTS if any(row.first.counts.get(name) for row in rows)]
    cells = [[*(row.shown(name) for name in names), *(f"{row.first.counts[name]:,}" for name in counts)] for row in rows]
    return Grid([*names, *counts], [True] * (len(names) + len(counts)), cells)


def single(variants: Sequence[Variant]) -> list[Plateau]:
    """Variants as rows of their own."""
    return [Plateau(variant, variant) for variant in variants]


def notes(found: Sweep) -> Iterator[str]:
    """How many variants are networks, and why the others are none."""
    wrong = found.mistakes
    yield f"{found.legal:,} of {found.done:,} variants" + (" are networks" if wrong and not found.condition else "") + "."
    places = {mistake: f" at {mistake.place(found.file)}" if mistake.line else "" for mistake in wrong}
    told = [f"{count:,} fail{places[mistake]} ({mistake.code})" for mistake, count in list(wrong.items())[:_MISTAKES]]
    more = sum(list(wrong.values())[_MISTAKES:])
    if told:
        yield "; ".join([*told, *([f"{more:,} elsewhere"] if more else [])]) + "."


def document(names: Sequence[str], rows: Sequence[Plateau], form: str, found: Sweep) -> Iterator[str]:
    """The table as a file of a form."""
    if form == "json":
        yield from _json(names, rows, found)
    elif form == "csv":
        yield from _csv(names, rows, found.counts)
    else:
        yield from markdown(grid(names, rows)) if form == "markdown" else latex(grid(names, rows))


def _json(names: Sequence[str], rows: Sequence[Plateau], found: Sweep) -> Iterator[str]:
    import json

    variants = []
    for row in rows:
        values = {name: _data(row.first.values[name]) for name in names}
        to = {name: _data(row.last.values[name]) for name in names if row.last.values[name] != row.first.values[name]}
        variants.append({**values, **row.first.counts, **({"to": to} if to else {})})
    wrong = [{"code": mistake.code, "line": mistake.line, "variants": count} for mistake, count in found.mistakes.items()]
    yield json.dumps({"archspec": 1, "model": found.model, "variants": variants, "count": found.done, "mistakes": wrong}, indent=1) + "\n"


def _csv(names: Sequence[str], rows: Sequence[Plateau], counts: Sequence[str]) -> Iterator[str]:
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    ranges = [name for name in names if any(row.first.values[name] != row.last.values[name] for row in rows)]
    writer.writerow([*(heading for name in names for heading in ([name, f"{name}_to"] if name in ranges else [name])), *counts])
    for row in rows:
        values = [plain(end.values[name]) for name in names for end in (row if name in ranges else row[:1])]
        writer.writerow([*values, *(row.first.counts[name] for name in counts)])
    yield text.getvalue()


def _data(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
