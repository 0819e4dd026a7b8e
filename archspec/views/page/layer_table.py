"""The table of a page: a row for each layer, its arithmetic in a row below it, and rows for groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from archspec.analysis.layers import Report, Row
from archspec.views.explanation import steps
from archspec.views.page.groups import Group, Layer, Layers
from archspec.views.page.html import sides, tag, text
from archspec.views.tables.columns import COLUMNS, Cell, Style, cell_text


class Column(NamedTuple):
    """`name` is that of the table's column; `number` is right-aligned; `bar` shows the share of the total behind the number."""

    name: str
    title: str
    number: bool = False
    bar: bool = False


SHOWN = (
    Column("name", "name"),
    Column("layer", "layer"),
    Column("output", "output", True),
    Column("params", "parameters", True, True),
    Column("macs", "MACs", True, True),
    Column("activations", "activations", True),
    Column("rf", "receptive field", True),
)
ASKED = ("output", "params", "macs")
"""The columns that a quiz asks for; it has no others but names and layers."""


Blanks = Callable[[int, str, str, str], str | None]
"""What a quiz does to a cell of a row, a column, a value and a layer's name: the markup in its place, or None where it is shown."""


def value(row: Row, column: str, report: Report) -> str:
    """A cell as text."""
    return _sided(COLUMNS[column].value(row, report, Style()), column)


def _sided(found: Cell, column: str) -> str:
    words = cell_text(found, column)
    return sides(words) if column in ("output", "rf") else words


class Table:
    """The table of a network: all columns, or beside a quiz those that it asks for, with `blanks`."""

    def __init__(self, report: Report, layers: Layers, blanks: Blanks | None) -> None:
        self.report = report
        self.layers = layers
        self.blanks = blanks
        self.columns = [column for column in SHOWN if blanks is None or column.name in ("name", "layer", *ASKED)]
        self.known = {row.name: row for row in layers.rows}

    def element(self) -> str:
        """The table element."""
        head = tag("tr", *(tag("th", column.title, scope="col", class_=_class(column)) for column in self.columns))
        caption = tag("caption", f"The layers of {text(self.report.model)}", class_="unseen")
        foot = tag("tfoot", self.totals()) if self.blanks is None else ""
        class_ = "layers" if self.blanks is None else "layers asked"
        return tag("table", caption, tag("thead", head), tag("tbody", *self.rows()), foot, class_=class_)

    def rows(self) -> Iterator[str]:
        """The rows of the layers and their groups."""
        for item in self.layers.items:
            yield "\n"
            if isinstance(item, Group):
                yield self.group(item)
            else:
                yield self.layer(item)
                if self.blanks is None:
                    yield self.work(item)

    def group(self, group: Group) -> str:
        """The row of a group: how many layers it has, and their sums."""
        training = all(row.training for row in group.rows)
        name = _name(group.name, group.prefix, training)
        cells = [tag("th", name, scope="row"), tag("td", f"{len(group.rows):,} layers", class_="layer")]
        for column in self.columns[2:]:
            words, classes = "", _class(column)
            if column.bar and self.blanks is None:
                whole = sum((getattr(row, column.name) or 0) * row.times for row in group.rows)
                words, classes = f"{whole:,}", classes + self.bar(column, whole, training)
            cells.append(tag("td", words, class_=classes))
        class_ = f"group d{group.depth}{' training' * training}"
        return tag("tr", *cells, class_=class_, data_at=f"{group.at}-{group.at + len(group.rows) - 1}")

    def bar(self, column: Column, part: int, training: bool) -> str:
        """The classes of a cell whose share of the total is shown; MACs of training are in no total."""
        whole = getattr(self.report.totals, column.name)
        share = round(100 * part / whole) if whole and not (training and column.name == "macs") else 0
        return f" bar w{share}" if share else ""

    def layer(self, item: Layer) -> str:
        """The row of a layer."""
        cells = [self.name(item), *(self.cell(item, column) for column in self.columns[1:])]
        return tag("tr", *cells, class_=f"layer d{item.depth}" + (" training" if item.row.training else ""), data_at=item.at)

    def name(self, item: Layer) -> str:
        """The name, which opens the row below."""
        words = _name(item.row.name, item.prefix, item.row.training, f" ×{item.row.times:,}" if item.row.times > 1 else "")
        return tag("th", tag("details", tag("summary", words)) if self.blanks is None else words, scope="row")

    def cell(self, item: Layer, column: Column) -> str:
        """A cell of a layer, or a blank in its place."""
        words, classes = value(item.row, column.name, self.report), _class(column)
        if self.blanks is not None:
            blank = self.blanks(item.at, column.name, words, item.row.name)
            return tag("td", text(words) if blank is None else blank, class_=classes, data_column=column.title)
        if column.bar:
            classes += self.bar(column, (getattr(item.row, column.name) or 0) * item.row.times, item.row.training)
        return tag("td", text(words), class_=classes + (" zero" if words == "0" else ""))

    def work(self, item: Layer) -> str:
        """The row below a layer: its numbers with their formulas, as a description list."""
        row = item.row
        items = [(step.name, sides(step.text), step.how) for step in steps(row, self.known, self.report)]
        if row.line is not None:
            items.append(("written", f"line {row.line}", "implied by the layer that follows" if row.node.implied else ""))
        made = []
        for term, words, formula in items:
            how = tag("span", text(formula), class_="how") if formula else ""
            made.append(tag("div", tag("dt", term), tag("dd", tag("b", text(words)), how)))
        return tag("tr", tag("td", tag("dl", *made), colspan=len(self.columns)), class_="work")

    def totals(self) -> str:
        """The row of the totals."""
        count = self.report.totals.layers
        words = f"{count:,} layer{'s' if count != 1 else ''}"
        cells = [tag("th", "total", class_="name", scope="row"), tag("td", words, class_="layer")]
        for column in self.columns[2:]:
            total = COLUMNS[column.name].total
            found = total(self.report, Style()) if total is not None else None
            cells.append(tag("td", "" if found is None else _sided(found, column.name), class_=_class(column)))
        return tag("tr", *cells)


def _name(name: str, prefix: str, training: bool, times: str = "") -> str:
    """A name; what it shares with the group around it is set back."""
    shared = tag("span", text(prefix), "<wbr>", class_="prefix") if prefix and name.startswith(prefix) else ""
    words = tag("span", shared, text(name.removeprefix(prefix)), class_="name")
    return words + times + (" " + tag("small", "training") if training else "")


def _class(column: Column) -> str:
    return f"{column.name} n" if column.number else column.name
