"""The table as data: CSV and JSON, streamed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from archspec.analysis.layers import COUNTS, Report, Row
from archspec.diagnostics.visible import visible
from archspec.views.tables.columns import COLUMNS, ROOFLINE, Style, chosen

_CSV = ("name", "op", "config", "from", "line", "input", "output", *COUNTS, "rf", "jump")


def csv_(report: Report, style: Style) -> Iterator[str]:
    """Comma-separated values, RFC 4180, a header first, unknown cells empty, no row of totals."""
    names = chosen(style.columns, _CSV, work=style.work, fold=style.fold)
    rows = report.rows(fold=style.fold)
    yield from separated(names, ([COLUMNS[name].value(row, report, style) for name in names] for row in rows))


def separated(titles: Iterable[Any], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Rows as comma-separated values, RFC 4180, the titles first."""
    for row in chain([titles], rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow(map(_inert, row))
        yield line.getvalue()


def _inert(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    if not isinstance(value, str):
        return value
    value = visible(value)
    return "'" + value if value[:1] in ("=", "+", "-", "@") else value


def json_(report: Report, style: Style) -> Iterator[str]:
    """The JSON document of cli.md; bytes, intensity and least time where these columns are asked for."""
    more = [name for name in style.columns or () if name in ROOFLINE]
    head = {"archspec": 1, "model": report.model, "inputs": report.inputs, "outputs": report.outputs}
    yield json.dumps(head)[:-1] + ', "layers": ['
    for at, row in enumerate(report.rows(fold=style.fold)):
        yield (",\n " if at else "\n ") + json.dumps(layer(row) | {name: COLUMNS[name].value(row, report, style) for name in more})
    yield (
        '\n], "totals": '
        + json.dumps(report.totals.counts() | {name: total(report, style) for name in more if (total := COLUMNS[name].total)})
        + "}\n"
    )


def layer(row: Row) -> dict[str, Any]:
    """A layer of the JSON table."""
    found: dict[str, Any] = {
        "name": row.name, "op": row.op, "config": row.config, "from": row.sources, "line": row.line, "input": row.inputs, "output": row.output,
        **{name: getattr(row, name) for name in (*COUNTS, "connections")},
        **{name: getattr(row, name) for name in ("receptive_field", "smallest_field", "jump", "training", "work")},
    }  # fmt: skip
    if row.owner is not None:
        found["owner"] = row.owner
    if row.times > 1:
        found["times"] = row.times
    return found
