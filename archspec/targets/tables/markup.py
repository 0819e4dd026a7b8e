"""The table for documents: Markdown, LaTeX (booktabs) and HTML. Each escapes by its own rule."""

from __future__ import annotations

import html as html_
from collections.abc import Iterator
from typing import NamedTuple

from archspec.diagnostics.visible import visible
from archspec.report import Report, Row
from archspec.targets.tables.columns import COLUMNS, COUNTED, DOCUMENT, Cell, Style, chosen, footer


class _Grid(NamedTuple):
    """Titles, which columns are numbers, rows and totals, all as unescaped text."""

    titles: list[str]
    numbers: list[bool]
    rows: list[list[str]]
    totals: list[str]


def _grid(report: Report, style: Style) -> _Grid:
    names = chosen(style.columns, DOCUMENT, work=style.work, fold=style.fold)
    columns = [COLUMNS[name] for name in names]

    def cells(row: Row) -> list[str]:
        return [_text(column.value(row, report, style.layout), name) for name, column in zip(names, columns, strict=True)]

    totals = [_text(column.total(report.totals), name) if column.total else "" for name, column in zip(names, columns, strict=True)]
    totals[0] = totals[0] or "total"
    titles = [column.title or name for name, column in zip(names, columns, strict=True)]
    return _Grid(titles, [column.number for column in columns], [cells(row) for row in report.rows(fold=style.fold)], totals)


def _text(value: Cell, name: str) -> str:
    if value is None:
        return "" if name.endswith(("work", "%")) else "?"
    if isinstance(value, float):
        return f"{value:.1%}"
    if isinstance(value, int):
        return f"{value:,}" if name != "line" else str(value)
    return visible(value)


def markdown(report: Report, style: Style) -> Iterator[str]:
    """A table of GitHub-flavoured Markdown, aligned to be read as it is too."""
    grid = _grid(report, style)
    rows = [grid.titles, *grid.rows, grid.totals]
    escaped = [[_markdown(cell) for cell in row] for row in rows]
    escaped[-1] = [f"**{cell}**" if cell else "" for cell in escaped[-1]]
    widths = [max(3, *(len(row[i]) for row in escaped)) for i in range(len(grid.titles))]
    for at, row in enumerate(escaped):
        cells = [cell.rjust(width) if number else cell.ljust(width) for cell, width, number in zip(row, widths, grid.numbers, strict=True)]
        yield "| " + " | ".join(cells) + " |\n"
        if at == 0:
            rule = ["-" * (width - 1) + ":" if number else "-" * width for width, number in zip(widths, grid.numbers, strict=True)]
            yield "| " + " | ".join(rule) + " |\n"
    yield "\n" + "  \n".join(_markdown(line) for line in footer(report)) + f"\n\n<sub>{_markdown(COUNTED)}</sub>\n"


def _markdown(text: str) -> str:
    for char in "\\`*_{}[]<>#|~&":
        text = text.replace(char, "\\" + char)
    return text


_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "×": r"$\times$",
}  # fmt: skip


def latex(report: Report, style: Style) -> Iterator[str]:
    """A booktabs table, which needs the package; longer ones than a page want longtable in place of tabular."""
    grid = _grid(report, style)
    yield f"% {(report.model.isascii() and report.model.replace(chr(10), ' ')) or 'model'}: needs \\usepackage{{booktabs}} and, for names, \\usepackage[T1]{{fontenc}}\n"
    yield "\\begin{tabular}{@{}" + "".join("r" if number else "l" for number in grid.numbers) + "@{}}\n\\toprule\n"
    yield _latex_row(grid.titles) + "\\midrule\n"
    for row in grid.rows:
        yield _latex_row(row)
    yield "\\midrule\n" + _latex_row(grid.totals) + "\\bottomrule\n\\end{tabular}\n"
    for line in [*footer(report), COUNTED]:
        yield f"% {line}\n"


def _latex_row(cells: list[str]) -> str:
    return " & ".join("".join(_LATEX.get(char, char if char.isascii() else "?") for char in cell) for cell in cells) + " \\\\\n"


def html(report: Report, style: Style) -> Iterator[str]:
    """A table element with a caption and a footer; no script, no style but alignment."""
    grid = _grid(report, style)
    yield f"<table>\n<caption>{_html(report.model)}</caption>\n<thead>\n{_html_row(grid.titles, grid.numbers, 'th')}</thead>\n<tbody>\n"
    for row in grid.rows:
        yield _html_row(row, grid.numbers, "td")
    yield f"</tbody>\n<tfoot>\n{_html_row(grid.totals, grid.numbers, 'td')}"
    notes = "<br>".join(_html(line) for line in [*footer(report), COUNTED])
    yield f'<tr><td colspan="{len(grid.titles)}"><small>{notes}</small></td></tr>\n</tfoot>\n</table>\n'


def _html(text: str) -> str:
    return html_.escape(visible(text))


def _html_row(cells: list[str], numbers: list[bool], tag: str) -> str:
    made = [
        f"<{tag}{' style=' + chr(34) + 'text-align:right' + chr(34) if number else ''}>{_html(cell)}</{tag}>"
        for cell, number in zip(cells, numbers, strict=True)
    ]
    return f"<tr>{''.join(made)}</tr>\n"
