"""The table for documents: Markdown, LaTeX (booktabs) and HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archspec.analysis.layers import Report
from archspec.diagnostics.visible import visible
from archspec.views.tables import grid as write
from archspec.views.tables.columns import COLUMNS, DOCUMENT, WORK, Style, cell_text, chosen, counted, footer, spaced
from archspec.views.tables.grid import Grid
from archspec.views.tables.typeset import typeset

_TYPESET = dict.fromkeys(("input", "output", "rf"), typeset) | dict.fromkeys(WORK, lambda text: typeset(spaced(text)))
"""How columns of shapes and formulas are written in LaTeX."""


def _names(style: Style) -> Sequence[str]:
    return chosen(style.columns, DOCUMENT, work=style.work, fold=style.fold)


def grid_of(report: Report, style: Style) -> Grid:
    """The cells of a table as texts, with its totals."""
    columns = [(name, COLUMNS[name]) for name in _names(style)]
    rows = [[cell_text(column.value(row, report, style), name) for name, column in columns] for row in report.rows(fold=style.fold)]
    totals = [cell_text(column.total(report, style), name) if column.total else "" for name, column in columns]
    totals[0] = totals[0] or "total"
    return Grid([column.title or name for name, column in columns], [column.number for _, column in columns], rows, totals)


def markdown(report: Report, style: Style) -> Iterator[str]:
    """A table of GitHub-flavoured Markdown with the totals in words below."""
    yield from write.markdown(grid_of(report, style))
    told = "  \n".join(write.markdown_text(line) for line in footer(report))
    yield f"\n{told}\n\n<sub>{write.markdown_text(' '.join(counted(style)))}</sub>\n"


def latex(report: Report, style: Style) -> Iterator[str]:
    """A booktabs table, which needs the package; longer ones than a page want longtable in place of tabular."""
    name = visible(report.model) if report.model.isascii() else ""
    yield f"% {name or 'model'}: needs \\usepackage{{booktabs}} and, for names, \\usepackage[T1]{{fontenc}}\n"
    yield from write.latex(grid_of(report, style), {at: _TYPESET[name] for at, name in enumerate(_names(style)) if name in _TYPESET})
    for line in [*footer(report), *counted(style)]:
        yield f"% {line}\n"


def html(report: Report, style: Style) -> Iterator[str]:
    """A table element with a caption and a footer; no script, no style but alignment."""
    yield from write.html(grid_of(report, style), report.model, [*footer(report), *counted(style)])
