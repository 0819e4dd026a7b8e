"""Layers at work as a picture: maps, kernels and results as grids, the sums below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archspec.views.arithmetic.grids import Grid, Square, in_rows, of_numbers
from archspec.views.arithmetic.matrices import Maps, rows_of, shown
from archspec.views.arithmetic.sums import head, number, place, sum_of
from archspec.views.arithmetic.working import Worked
from archspec.views.graphics.svg import HEADING, MARGIN, Heading, document, heading_width, label
from archspec.views.graphics.text_width import fitting, width, wrapped
from archspec.views.theme import Theme

_ROOM = 860.0
_SIZE, _LINE = 10.5, 15.0


def worksheet(layers: Sequence[Worked], theme: Theme) -> str:
    """The SVG of layers at work."""
    title = " | ".join(layer.step for layer in layers)
    facts = "every number of the output with the sum that gives it"
    heading = Heading(fitting(title, _ROOM, 18, bold=True), facts, f"{title}: {facts}")
    body: list[str] = []
    y, right = MARGIN + HEADING, MARGIN + heading_width(heading)
    for layer in layers:
        if len(layers) > 1:
            body.append(label(MARGIN, y + 12, head(layer), 12.0, theme.ink, font_weight="bold"))
            y += 22
        made, end, y = in_rows(grids_of(layer, 0), MARGIN, y, _ROOM, theme)
        lines, wide, y = _sums(layer, y + 22, theme)
        body += made + lines
        right = max(right, end, MARGIN + wide, MARGIN + width(head(layer), 12, bold=True) if len(layers) > 1 else 0)
    return document(heading, theme, (right + MARGIN, y + MARGIN), body, data_as="work")


def _sums(layer: Worked, y: float, theme: Theme) -> tuple[list[str], float, float]:
    """The sums in lines, how wide they are, and where they end."""
    made, wide = [], 0.0
    for cell in layer.cells:
        value = number(cell.value)
        equation = f"{sum_of(layer.kind, cell)} {value if value.startswith('≈') else '= ' + value}"
        for at, line in enumerate(wrapped(f"{place(cell, layer)}: {equation}", _ROOM - 30, _SIZE)):
            left = MARGIN + (24 if at else 0)
            made.append(label(left, y, line, _SIZE, theme.ink if not at else theme.muted))
            wide = max(wide, left - MARGIN + width(line, _SIZE))
            y += _LINE
    return made, wide, y


def grids_of(layer: Worked, first: int) -> list[Grid]:
    """The grids of a layer. Squares are marked with the numbers of the cells that read them or are them, from `first` on."""
    readers: dict[tuple[int, int, int], list[int]] = {}
    for at, cell in enumerate(layer.cells, first):
        for spot in cell.places:
            readers.setdefault(spot, []).append(at)
    found = [*_inputs(layer, readers)]
    for at, kernel in enumerate(layer.kernels, 1):
        name = f"kernel {at}" if len(layer.kernels) > 1 else "kernel"
        found += [of_numbers(title, rows) for title, rows in _plain(name, kernel, "kernel")]
    if layer.biases and layer.kind in ("sum", "bias"):
        found.append(of_numbers("bias", [[Square(_signed(shown(bias)), "kernel") for bias in layer.biases]]))
    cells = iter(range(first, first + len(layer.cells)))
    for title, rows in _plain("output", layer.output, "output"):
        marked = [[square._replace(mark=(("data_frame", str(at := next(cells))), ("data_on", str(at)))) for square in row] for row in rows]
        found.append(of_numbers(title, marked))
    return found


def _inputs(layer: Worked, readers: dict[tuple[int, int, int], list[int]]) -> Iterator[Grid]:
    """The maps that are read, with the padding around them that windows reach."""
    slides = layer.slides
    for channel, (title, rows) in enumerate(_plain("input", layer.input, "value")):
        if slides is None:
            yield of_numbers(title, _marked(rows, (channel, 0, 0), readers))
            continue
        tall, wide = slides
        zero = "0" if layer.kind != "max" else ""
        made = []
        for y in range(-tall.before, tall.size + tall.after + tall.overhang):
            line = []
            for x in range(-wide.before, wide.size + wide.after + wide.overhang):
                inside = 0 <= y < tall.size and 0 <= x < wide.size
                over = y >= tall.size + tall.after or x >= wide.size + wide.after
                line.append(
                    rows[y][x] if inside else Square("" if over and layer.kind == "mean" else zero, "overhang" if over else "padding")
                )
            made.append(line)
        yield of_numbers(title, _marked(made, (channel, -tall.before, -wide.before), readers))


def _marked(
    rows: Sequence[Sequence[Square]], start: tuple[int, int, int], readers: dict[tuple[int, int, int], list[int]]
) -> list[list[Square]]:
    """Squares of a channel from a row and a column on, with the cells that read them."""
    channel, up, left = start
    return [
        [square._replace(mark=(("data_on", " ".join(map(str, readers.get((channel, y, x), ())))),)) for x, square in enumerate(row, left)]
        for y, row in enumerate(rows, up)
    ]


def _plain(title: str, maps: Maps, kind: str) -> Iterator[tuple[str, list[list[Square]]]]:
    for at, rows in enumerate(rows_of(maps), 1):
        name = f"{title} {at}" if len(maps) > 1 else title
        yield name, [[Square(_signed(value), kind) for value in row] for row in rows]


def _signed(value: str) -> str:
    return value.replace("-", "\N{MINUS SIGN}")
