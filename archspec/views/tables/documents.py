"""The table for documents: Markdown, LaTeX (booktabs) and HTML."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.analysis.layers import Report, Row
from archspec.diagnostics.visible import visible
from archspec.views.tables import grid as write
from archspec.views.tables.columns import COLUMNS, COUNTED, DOCUMENT, Cell, Style, chosen, footer
from archspec.views.tables.grid import Grid


def _grid(report: Report, style: Style) -> Grid:
    names = chosen(style.columns, DOCUMENT, work=style.work, fold=style.fold)
    columns = [COLUMNS[name] for name in names]

    def cells(row: Row) -> list[str]:
        return [_text(column.value(row, report, style.layout), name) for name, column in zip(names, columns, strict=True)]

    totals = [_text(column.total(report.totals), name) if column.total else "" for name, column in zip(names, columns, strict=True)]
    totals[0] = totals[0] or "total"
    titles = [column.title or name for name, column in zip(names, columns, strict=True)]
    return Grid(titles, [column.number for column in columns], [cells(row) for row in report.rows(fold=style.fold)], totals)


def _text(value: Cell, name: str) -> str:
    if value is None:
        return "" if name.endswith(("work", "%")) else "?"
    if isinstance(value, float):
        return f"{value:.1%}"
    if isinstance(value, int):
        return f"{value:,}" if name != "line" else str(value)
    return visible(value)


def markdown(report: Report, style: Style) -> Iterator[str]:
    """A table of GitHub-flavoured Markdown with the totals in words below."""
    yield from write.markdown(_grid(report, style))
    told = "  \n".join(write.markdown_text(line) for line in footer(report))
    yield f"\n{told}\n\n<sub>{write.markdown_text(COUNTED)}</sub>\n"


def latex(report: Report, style: Style) -> Iterator[str]:
    """A booktabs table, which needs the package; longer ones than a page want longtable in place of tabular."""
    name = visible(report.model) if report.model.isascii() else ""
    yield f"% {name or 'model'}: needs \\usepackage{{booktabs}} and, for names, \\usepackage[T1]{{fontenc}}\n"
    yield from write.latex(_grid(report, style))
    for line in [*footer(report), COUNTED]:
        yield f"% {line}\n"


def html(report: Report, style: Style) -> Iterator[str]:
    """A table element with a caption and a footer; no script, no style but alignment."""
    yield from write.html(_grid(report, style), report.model, [*footer(report), COUNTED])
