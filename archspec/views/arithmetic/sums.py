"""Sums written out as the lectures do: (5·−1) + (1·0) + …, as text and LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain, zip_longest
from typing import NamedTuple

from archspec.views.arithmetic.matrices import Maps, rows_of, shown
from archspec.views.arithmetic.working import Cell, Worked
from archspec.views.tables.grid import latex_text

_ASCII = str.maketrans({"\N{MINUS SIGN}": "-", "·": "*", "≈": "~"})


class Spelling(NamedTuple):
    """How products, minus signs and names of functions are written."""

    times: str
    minus: str
    rounded: str
    function: str
    open: str = "["
    close: str = "]"


PLAIN = Spelling("·", "\N{MINUS SIGN}", "≈", "{}")
LATEX = Spelling(r"\cdot ", "-", r"\approx ", r"\{}", r"\bigl[", r"\bigr]")


def number(value: Fraction, spelling: Spelling = PLAIN) -> str:
    """A number with its sign."""
    return shown(value).replace("-", spelling.minus).replace("≈", spelling.rounded if spelling is PLAIN else "")


def sum_of(kind: str, cell: Cell, spelling: Spelling = PLAIN) -> str:
    """What a number of the output is computed from, without the number."""
    groups = [[_term(*term, spelling) for term in channel] for channel in cell.terms]
    if kind == "max":
        return f"{spelling.function.format('max')}({', '.join(groups[0])})"
    if kind == "mean":
        return f"({' + '.join(groups[0])})/{cell.divisor}"
    if kind in ("relu", "bias"):
        own = number(cell.terms[0][0][0], spelling)
        return f"{spelling.function.format('max')}(0, {own})" if kind == "relu" else f"{own}{_added(cell.bias, spelling)}"
    if kind in ("relu6", "leaky", "abs"):
        own = number(cell.terms[0][0][0], spelling)
        return f"|{own}|" if kind == "abs" else f"{kind}({own})" if spelling is PLAIN else f"\\mathrm{{{kind}}}({own})"
    sums = [" + ".join(group) for group in groups]
    whole = sums[0] if len(sums) == 1 else " + ".join(f"{spelling.open}{each}{spelling.close}" for each in sums)
    return whole + _added(cell.bias, spelling)


def _term(value: Fraction, weight: Fraction | None, spelling: Spelling) -> str:
    return number(value, spelling) if weight is None else f"({number(value, spelling)}{spelling.times}{number(weight, spelling)})"


def _added(bias: Fraction | None, spelling: Spelling) -> str:
    if bias is None:
        return ""
    return f" + {number(bias, spelling)}" if bias >= 0 else f" {spelling.minus} {number(-bias, spelling)}"


def place(cell: Cell, worked: Worked) -> str:
    """Where a number stands in the output: its row and column, and its channel where there are several."""
    channel = f"channel {cell.channel + 1}, " if len(worked.output) > 1 else ""
    return f"{channel}row {cell.row + 1}, column {cell.column + 1}"


def head(worked: Worked) -> str:
    """The layer, and how the size of its output comes about."""
    sizes = [f"{len(maps[0])}x{len(maps[0][0])}" + (f"x{len(maps)}" if len(maps) > 1 else "") for maps in (worked.input, worked.output)]
    how = f", {worked.size}" if worked.size else ""
    return f"{worked.step}: {sizes[0]} -> {sizes[1]}{how}"


def text(layers: Sequence[Worked], unicode: bool) -> Iterator[str]:
    """The layers one after the other: maps and kernels side by side, then each number with its sum."""
    for at, worked in enumerate(layers):
        if at:
            yield ""
        for line in _text(worked):
            yield line if unicode else line.translate(_ASCII)


def _text(worked: Worked) -> Iterator[str]:
    yield head(worked)
    yield ""
    yield from _beside([*_titled("input", worked.input), *_kernels(worked), *_titled("output", worked.output)])
    yield ""
    places = [place(cell, worked) for cell in worked.cells]
    room = max(map(len, places))
    for where, cell in zip(places, worked.cells, strict=True):
        sign = number(cell.value) if shown(cell.value).startswith("≈") else f"= {number(cell.value)}"
        yield f"{where:<{room}}  {sum_of(worked.kind, cell)} {sign}"


def _titled(title: str, maps: Maps) -> list[tuple[str, list[list[str]]]]:
    several = len(maps) > 1
    return [(f"{title} {at}" if several else title, rows) for at, rows in enumerate(rows_of(maps), 1)]


def _kernels(worked: Worked) -> list[tuple[str, list[list[str]]]]:
    found = []
    for at, kernel in enumerate(worked.kernels, 1):
        found += _titled(f"kernel {at}" if len(worked.kernels) > 1 else "kernel", kernel)
    if worked.biases and worked.kind == "sum":
        found.append(("bias", [[shown(bias)] for bias in worked.biases]))
    return found


def _beside(matrices: Sequence[tuple[str, list[list[str]]]]) -> Iterator[str]:
    """Matrices side by side under their titles, on as many bands as 100 columns ask for."""
    bands: list[list[list[str]]] = [[]]
    for title, rows in matrices:
        room = max(len(value) for row in rows for value in row)
        lines = [" ".join(f"{value.replace('-', PLAIN.minus):>{room}}" for value in row) for row in rows]
        wide = max(len(title), len(lines[0]))
        block = [title.ljust(wide), *(line.ljust(wide) for line in lines)]
        if bands[-1] and sum(len(other[0]) + 3 for other in bands[-1]) + wide > 100:
            bands.append([])
        bands[-1].append(block)
    for at, band in enumerate(bands):
        if at:
            yield ""
        for line in zip_longest(*band):
            yield "   ".join(part if part is not None else " " * len(block[0]) for part, block in zip(line, band, strict=True)).rstrip()


def latex(layers: Sequence[Worked]) -> Iterator[str]:
    """Formulas for LaTeX, which need no package."""
    for worked in layers:
        yield f"\\paragraph{{{latex_text(head(worked))}}}"
        given, kernels, made = (
            " \\; ".join(map(_array, rows))
            for rows in (rows_of(worked.input), chain(*map(rows_of, worked.kernels)), rows_of(worked.output))
        )
        yield f"\\[ {given}{' * ' + kernels if kernels else ''} \\to {made} \\]"
        for cell in worked.cells:
            at = (cell.channel, cell.row, cell.column)[len(worked.output) == 1 :]
            index = ",".join(str(each + 1) for each in at)
            equals = r"\approx" if shown(cell.value).startswith("≈") else "="
            yield f"\\noindent$y_{{{index}}} = {sum_of(worked.kind, cell, LATEX)} {equals} {number(cell.value, LATEX)}$\\par"


def _array(rows: list[list[str]]) -> str:
    lines = r" \\ ".join(" & ".join(value.replace("≈", "") for value in row) for row in rows)
    return f"\\left(\\begin{{array}}{{{len(rows[0]) * 'r'}}} {lines} \\end{{array}}\\right)"
