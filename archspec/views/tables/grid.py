"""Tables of any texts, written as Markdown, LaTeX, HTML and for a screen. Each form escapes by its own rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from archspec.diagnostics.folding import StyledLine, folded
from archspec.diagnostics.markup import LEFT, RIGHT, html_text

_LEAST = 10
"""The fewest characters that a shortened cell keeps."""
ASCII = str.maketrans({"×": "x", "→": ">", "–": "-", "…": "."})


class Grid(NamedTuple):
    """Titles, which columns hold numbers, rows, and totals (or none), all as unescaped text.

    `spare` are the columns that a narrow screen does without, in this order; `styles` are the rows' there, where they have any.
    """

    titles: list[str]
    numbers: list[bool]
    rows: list[list[str]]
    totals: Sequence[str] = ()
    spare: Sequence[int] = ()
    styles: Sequence[str] = ()

    @property
    def lines(self) -> list[list[str]]:
        """All rows, the titles first."""
        return [self.titles, *self.rows, *([list(self.totals)] if self.totals else [])]

    @property
    def least(self) -> int:
        """The least width on a screen, without what can be spared."""
        return breadth({at: room for at, room in self.widths.items() if at not in self.spare})

    @property
    def widths(self) -> dict[int, int]:
        """The longest cell of each column."""
        return {at: max(map(len, column)) for at, column in enumerate(zip(*self.lines, strict=True))}


def markdown(grid: Grid) -> Iterator[str]:
    """Write GitHub-flavoured Markdown, aligned so that its source is readable too."""
    escaped = [[markdown_text(cell) for cell in row] for row in grid.lines]
    if grid.totals:
        escaped[-1] = [f"**{cell}**" if cell else "" for cell in escaped[-1]]
    widths = [max(3, *(len(row[i]) for row in escaped)) for i in range(len(grid.titles))]
    for at, row in enumerate(escaped):
        cells = [cell.rjust(width) if number else cell.ljust(width) for cell, width, number in zip(row, widths, grid.numbers, strict=True)]
        yield "| " + " | ".join(cells) + " |\n"
        if at == 0:
            rule = ["-" * (width - 1) + ":" if number else "-" * width for width, number in zip(widths, grid.numbers, strict=True)]
            yield "| " + " | ".join(rule) + " |\n"


def markdown_text(text: str) -> str:
    """A text with its Markdown escaped."""
    for char in "\\`*_{}[]<>#|~&":
        text = text.replace(char, "\\" + char)
    return text


_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "×": r"$\times$", "→": r"$\to$", "–": "--", "…": r"\dots{}", "·": r"$\cdot$",
}  # fmt: skip
"""Characters with a meaning in LaTeX, and their escapes."""


def latex_text(text: str) -> str:
    """A text with its LaTeX escaped; `?` for a letter that LaTeX's first fonts lack."""
    return "".join(_LATEX.get(char, char if char.isascii() else "?") for char in text)


def latex(grid: Grid, cells: Mapping[int, Callable[[str], str]] | None = None) -> Iterator[str]:
    """Write a tabular with the rules of booktabs; `cells` write those of some columns, whose texts are escaped otherwise."""
    yield "\\begin{tabular}{@{}" + "".join("r" if number else "l" for number in grid.numbers) + "@{}}\n\\toprule\n"
    yield _latex_row(grid.titles, {}) + "\\midrule\n"
    for row in grid.rows:
        yield _latex_row(row, cells or {})
    yield ("\\midrule\n" + _latex_row(grid.totals, {}) if grid.totals else "") + "\\bottomrule\n\\end{tabular}\n"


def _latex_row(texts: Sequence[str], cells: Mapping[int, Callable[[str], str]]) -> str:
    row = " & ".join(cells.get(at, latex_text)(text) for at, text in enumerate(texts))
    return ("{}" if row.startswith(("[", "*")) else "") + row + " \\\\\n"  # or LaTeX takes it for an argument of the row before


def html(grid: Grid, caption: str, notes: Sequence[str]) -> Iterator[str]:
    """Write a table element with a caption and a footer; no script, and no style except alignment."""
    yield f"<table>\n<caption {LEFT}>{html_text(caption)}</caption>\n<thead>\n{_html_row(grid.titles, grid.numbers, 'th')}</thead>\n<tbody>\n"
    for row in grid.rows:
        yield _html_row(row, grid.numbers, "td")
    yield "</tbody>\n<tfoot>\n" + (_html_row(grid.totals, grid.numbers, "td") if grid.totals else "")
    told = "<br>".join(html_text(line) for line in notes)
    yield f'<tr><td colspan="{len(grid.titles)}" {LEFT}><small>{told}</small></td></tr>\n</tfoot>\n</table>\n'


def _html_row(cells: Sequence[str], numbers: list[bool], tag: str) -> str:
    made = [f"<{tag} {RIGHT if number else LEFT}>{html_text(cell)}</{tag}>" for cell, number in zip(cells, numbers, strict=True)]
    return f"<tr>{''.join(made)}</tr>\n"


def text(grid: Grid, width: int | None, unicode: bool) -> Iterator[StyledLine]:
    """Write aligned lines for a screen. Columns are left out and cells shortened to fit its width; a row is never wrapped."""
    rows = [[cell if unicode else cell.translate(ASCII) for cell in row] for row in grid.lines]
    widths = grid.widths
    whole = breadth(widths)
    if width is not None:
        _fit(widths, grid, width)
    rule: StyledLine = [(("─" if unicode else "-") * breadth(widths), "dim")]
    mark = "…" if unicode else "..."
    for at, row in enumerate(rows):
        total = bool(grid.totals) and at == len(rows) - 1
        if total or at == 1:
            yield rule
        style = "head" if total or at == 0 else grid.styles[at - 1] if grid.styles else ""
        cells = [padded(row[column], room, grid.numbers[column], mark) for column, room in widths.items()]
        yield [("  ".join(cells), style)]
    missing = dict.fromkeys(title or "ratios" for at, title in enumerate(grid.titles) if at not in widths)
    if missing:
        yield []
        yield from folded([(f"Left out here: {', '.join(missing)}. {whole} columns show all.", "dim")], width, 2)


def padded(cell: str, room: int, number: bool, mark: str, *, end: bool = False) -> str:
    """A cell as wide as its column, as `shortened` shortens it; numbers are right-aligned."""
    cell = shortened(cell, room, mark, end=end)
    return cell.rjust(room) if number else cell.ljust(room)


def shortened(cell: str, width: int, mark: str, *, end: bool = False) -> str:
    """Shorten a cell to its first whole words, or to its last whole parts between dots; a single word that is too long is cut."""
    if len(cell) <= width:
        return cell
    room = width - len(mark)
    if end:
        parts = cell.split(".")
        tails = [mark + ".".join(parts[at:]) for at in range(1, len(parts))]
        return next((tail for tail in tails if len(tail) <= width), mark + cell[max(0, len(cell) - room) :])
    words = cell[: room + 1].rpartition(" ")[0].rstrip()
    return f"{words} {mark}" if words and len(words) + 1 <= room else (words or cell[:room]) + mark


def breadth(widths: Mapping[Any, int]) -> int:
    """Compute the length of a row with columns of these widths."""
    return sum(widths.values()) + 2 * (len(widths) - 1)


def _fit(widths: dict[int, int], grid: Grid, width: int) -> None:
    """Leave out and shorten columns, those that can be spared first, until a row fits."""
    for at in grid.spare:
        if breadth(widths) > width:
            del widths[at]
    while breadth(widths) > width and (words := [at for at in widths if not grid.numbers[at] and widths[at] > _LEAST]):
        widths[max(words, key=widths.__getitem__)] -= 1
    while breadth(widths) > width and len(widths) > 1:
        widths.popitem()
    if breadth(widths) > width:
        widths[next(iter(widths))] = max(width, 1)
