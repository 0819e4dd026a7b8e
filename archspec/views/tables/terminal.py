"""The table for a terminal: aligned, with shares as small bars, groups as headings, fitted to the width, never a wrapped row.

Rows are walked twice, once for the widths and once to be written, so that a long table is streamed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from archspec.analysis.layers import Report, Row
from archspec.diagnostics.folding import StyledLine, folded
from archspec.diagnostics.visible import visible
from archspec.ops.base import Op
from archspec.views.tables.columns import COLUMNS, DEFAULT, WORK, Cell, Style, cell_text, chosen, counted, footer, shape
from archspec.views.tables.grid import breadth, padded

_BLOCKS = ["", *"▏▎▍▌▋▊▉"]
"""Eighths of a column."""
_BAR = 8
_FIT = (
    ("drop", "params%", "macs%"), ("cut", "layer"), ("drop", "macs"), ("drop", "layer"), ("drop", "params"),
    ("cut", "config"), ("cut", "from"), ("cut", "input"), ("cut", "name"), ("cut", "output"),
)  # fmt: skip
"""What a narrow terminal does without, in this order. Columns that were asked for are cut, not dropped."""
_LEAST = 12
"""Characters that a cut leaves."""
_NAMES = {"params%": "the shares", "macs%": "", "macs": "MACs"}
"""What columns are called that have no title, or another one."""


def text(report: Report, style: Style, *, width: int | None, unicode: bool) -> Iterator[StyledLine]:
    """The lines of the table."""
    yield from _Text(report, style, width, unicode).lines()


class _Text:
    def __init__(self, report: Report, style: Style, width: int | None, unicode: bool) -> None:
        self.report = report
        self.style = style
        self.width = width
        self.unicode = unicode
        self.grouped = style.columns is None
        self.sums: dict[str, dict[str, int]] = {}
        """Groups of layers to their parameters and MACs."""
        self.widths = dict.fromkeys(chosen(style.columns, DEFAULT, work=False, fold=style.fold), 0)
        """Columns, with the places that each takes."""
        self.measure()
        self.whole = breadth(self.widths)
        self.missing: list[str] = []
        """Columns that there is no room for."""
        if width is not None:
            self.fit(width)

    def measure(self) -> None:
        """Make each column as wide as its widest cell; sum the groups on the way."""
        self.widen([COLUMNS[name].title for name in self.widths])
        self.widen(self.totals())
        for row in self.report.rows(fold=self.style.fold):
            self.widen(self.cells(row))
            if group := self.group(row):
                sums = self.sums.setdefault(group, {"params": 0, "macs": 0})
                sums["params"] += row.params * row.times
                sums["macs"] += (row.macs or 0) * row.times
        for group in self.sums:
            self.widen([group])

    def group(self, row: Row) -> str:
        """The first part of a name, under which the table shows the layer; empty where it has one part."""
        return row.name.partition(".")[0] if self.grouped and "." in row.name else ""

    def widen(self, cells: list[str]) -> None:
        for name, cell in zip(self.widths, cells, strict=False):
            if len(cell) > self.widths[name]:
                self.widths[name] = len(cell)

    def cells(self, row: Row) -> list[str]:
        made = [self.cell(COLUMNS[name].value(row, self.report, self.style), name) for name in self.widths]
        if self.grouped and "." in row.name:
            made[0] = "  " + row.name.partition(".")[2]
        return made

    def cell(self, value: Cell, name: str) -> str:
        if name.endswith("%"):
            return self.bar(value) if isinstance(value, float) and value else ""
        return cell_text(value, name) if value != 0 or name not in ("params", "macs") else ""

    def bar(self, share: float) -> str:
        """A share as a bar of up to eight columns, and as a percentage."""
        full, rest = divmod(round(share * _BAR * 8), 8)
        drawn = "█" * full + _BLOCKS[rest] if self.unicode else "#" * round(share * _BAR)
        return f"{drawn:<{_BAR}} {share:>5.1%}"

    def totals(self) -> list[str]:
        """The cells of the last row, whose first says what it is where it has no sum."""
        columns = [(name, COLUMNS[name].total) for name in self.widths]
        first, *others = [self.cell(total(self.report, self.style), name) if total is not None else "" for name, total in columns]
        return [first or "total", *others]

    def fit(self, width: int) -> None:
        """Drop columns and shorten others until a row fits."""
        full = self.widths.copy()
        ways = [way for way in _FIT if way[0] == "cut" or self.style.columns is None]
        for way, *names in (*ways, *(("drop", name) for name in [*full][:0:-1])):
            excess = breadth(self.widths) - width
            if excess <= 0 or names[0] not in self.widths:
                continue
            if way == "cut":
                self.widths[names[0]] = max(min(_LEAST, self.widths[names[0]]), self.widths[names[0]] - excess)
                continue
            for name in names:
                del self.widths[name]
            self.missing += names
        for name, room in self.widths.items():  # what was cut before something was dropped grows again
            self.widths[name] = max(1, min(full[name], room + width - breadth(self.widths)))

    def joined(self, cells: list[str], style: str = "", op: Op | None = None) -> StyledLine:
        """A line of the table; what says the kind of a layer is in the colour that pictures have for it."""
        line: StyledLine = []
        kind = f"kind {op.kind}" if op is not None and not style else style
        for (name, width), cell in zip(self.widths.items(), cells, strict=True):
            number = COLUMNS[name].number and not name.endswith("%")
            shown = padded(cell, width, number, "…" if self.unicode else "..", end=name == "name")
            if name.endswith("%"):
                line.append((shown, kind or "bar"))
            elif name in ("layer", "op"):
                word, space, rest = shown.partition(" ")
                line += [(word, kind), (space + rest, style)]
            else:
                line.append((shown, style))
            line.append(("  ", ""))
        return line[:-1]

    def lines(self) -> Iterator[StyledLine]:
        rule = ("─" if self.unicode else "-") * min(breadth(self.widths), self.width or 10_000)
        heads = " + ".join(f"{name} {shape(size)}" for name, size in self.report.inputs.items())
        yield from folded([(visible(self.report.model), "head"), (f"   {heads}", "dim")], self.width, 2)
        yield []
        yield self.joined([COLUMNS[name].title for name in self.widths], "head")
        yield [(rule, "dim")]
        for group, rows in groupby(self.report.rows(fold=self.style.fold), key=self.group):
            if group:
                yield self.heading(group)
            for row in rows:
                yield self.joined(self.cells(row), "dim" if row.training else "", row.node.op)
                if self.style.work:
                    yield from self.work(row)
        yield [(rule, "dim")]
        yield self.joined(self.totals(), "head")
        yield []
        below = [
            *((line, "") for line in footer(self.report)),
            *([] if self.style.brief else [(line, "dim") for line in counted(self.style)]),
        ]
        if self.missing:
            names = ", ".join(filter(None, (_NAMES.get(name, COLUMNS[name].title) for name in self.missing)))
            below.insert(0, (f"Left out here: {names}. {self.whole} columns show all; `--columns` chooses.", "dim"))
        for piece in below:
            yield from folded([piece], self.width or 120, 2)

    def heading(self, group: str) -> StyledLine:
        """A group's name and sums."""
        sums = (self.sums[group].get(name) for name in [*self.widths][1:])
        return self.joined([group, *(f"{count:,}" if count else "" for count in sums)], "dim")

    def work(self, row: Row) -> Iterator[StyledLine]:
        for name in WORK:
            formula = COLUMNS[name].value(row, self.report, self.style)
            if formula:
                yield from folded([(f"    {COLUMNS[name].title}: {formula}", "dim")], self.width, 8)
