"""The picture of textbooks: feature maps as stacked sheets or as boxes, vectors as bars, placed as the spec is nested."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from archspec.views.figures.blocks import sign
from archspec.views.figures.cells import Cell, Placed, cell_of
from archspec.views.figures.column_breaks import columns
from archspec.views.figures.diagram import Box, Diagram
from archspec.views.figures.legible import most_legible
from archspec.views.figures.look import Look
from archspec.views.figures.nesting import nested
from archspec.views.figures.pieces import Leaf
from archspec.views.figures.placement import as_u, column
from archspec.views.figures.plan import Page, Plan, Wire
from archspec.views.figures.runs import gathered, shape_of, singly
from archspec.views.figures.spacing import Sizes
from archspec.views.figures.stacks import Sheets, scale_of, spread, window
from archspec.views.figures.wording import kernel, story
from archspec.views.graphics.svg import (
    MARGIN,
    Heading,
    Point,
    Sample,
    arrowhead,
    document,
    element,
    footer,
    heading_width,
    kinds_of,
    label,
    legend,
    stroke,
    tooltip,
)  # fmt: skip
from archspec.views.graphics.svg import arrow as arrow_of
from archspec.views.graphics.text_width import shown
from archspec.views.theme import Theme

_RUN = 14
"""Boxes beside each other, at most."""
_LARGEST = 120.0, 72.0
"""The largest side, and that where height is what counts, as in a U."""
BENT = 1.2
"""How much smaller than legible the words of a U may be: it shows what the maps are."""
_LONG = 220.0
"""Room for words in a U."""
_NOTES = {
    "sheets": "Sides of maps and lengths of vectors on a square-root scale; height to width as they are; at most 8 sheets of a map are drawn.",
    "boxes": "Heights and widths of maps, depths for their channels (pooling: thin slabs), and lengths of vectors on square-root scales; height to width as they are.",
}


class Volumes(NamedTuple):
    """The volumes of a diagram in their places."""

    diagram: Diagram
    cells: dict[Box, Cell]
    plan: Plan
    style: str


def arranged(diagram: Diagram, look: Look) -> Volumes:
    """Place the volumes of a diagram: as a U, or in rows or columns; lower ones where their words are not legible."""
    style, aspect = look.style, look.page.aspect
    found, runs = gathered(diagram, _RUN)
    scale = scale_of([shape_of(box) for run in runs.values() for box in run], style)
    cells = {box: cell_of(run, scale._replace(largest=_LARGEST[1]), _LONG) for box, run in runs.items()}
    plan = _u(found, cells)
    if plan is not None:
        return Volumes(found, cells, plan, style)
    if style == "sheets":
        found, runs = singly(found, runs)
    sized = ({box: cell_of(run, scale._replace(largest=largest)) for box, run in runs.items()} for largest in _LARGEST)
    pictures = (Volumes(found, cells, (_columns if look.down else _rows)(found, cells, aspect), style) for cells in sized)
    made = most_legible(((picture, picture.plan) for picture in pictures), aspect)
    assert made is not None
    return made


def _u(diagram: Diagram, cells: dict[Box, Cell]) -> Plan | None:
    whole, cards = nested(diagram), {box: cell.card for box, cell in cells.items()}
    sizes = Sizes({box: card.outer for box, card in cards.items()}, {})
    whole.measure(sizes)
    whole.place(0.0, 0.0)
    return as_u(whole, diagram, cards, sizes, aside=True)


def _rows(diagram: Diagram, cells: dict[Box, Cell], aspect: float) -> Plan:
    _level(diagram, cells)
    turned = {box: cell.card.transposed() for box, cell in cells.items()}
    return columns(column(diagram, turned), Page(aspect, right=True), fewest=True).transposed()


def _columns(diagram: Diagram, cells: dict[Box, Cell], aspect: float) -> Plan:
    return columns(column(diagram, {box: cell.card for box, cell in cells.items()}), Page(aspect), fewest=True)


def _level(diagram: Diagram, cells: dict[Box, Cell]) -> None:
    """Let volumes that follow each other reach equally far, so that words at their feet are on one line."""
    for piece in nested(diagram).inner():
        those = [cells[part.box] for part in piece.parts if isinstance(part, Leaf) and any(text.foot for text in cells[part.box].words)]
        half = max((cell.half for cell in those), default=0.0)
        for cell in those:
            cell.half = half


def volumes(made: Volumes, look: Look, heading: Heading) -> str:
    """The SVG."""
    theme, plan = look.palette, made.plan
    wide, high = plan.size
    room = max(wide, heading_width(heading), 380.0)
    body, top = legend(_legend(made, theme) if heading.legend else [], theme, room)
    painter = _Painter(made, look, (MARGIN + (room - wide) / 2, top + 10))
    arrows, leads = painter.wires()
    body += [*arrows, *map(painter.cell, made.cells), *leads]
    foot = top + high + 30
    words, tall = footer(_NOTES[made.style], theme, foot, room) if heading.legend else ([], 0.0)
    size = room + 2 * MARGIN, foot + tall + (MARGIN - 10 if words else -8)
    return document(heading, theme, size, body + words, data_as="volumes", data_level=made.diagram.level, data_style=made.style)


def _legend(made: Volumes, theme: Theme) -> list[Sample]:
    drawn = [placed.box for cell in made.cells.values() for placed in cell.volumes]
    rims = {"activation" for box, cell in made.cells.items() if cell.sign and "activation" in box.kinds}
    entries = kinds_of({kind_of(box) for box in drawn if box.form != "input"} | rims, theme)
    if any(arrow.past for arrow in made.diagram.arrows):
        entries.append(Sample("line", theme.accent["convolution"], "skip connection"))
    return entries


def kind_of(box: Box) -> str:
    """The kind that a volume is coloured by: of a block, that of what tells most about it."""
    if box.op is not None:
        return box.op.kind
    telling = ("attention", "convolution", "recurrent", "fully connected", "pooling")
    return next((kind for kind in telling if kind in box.kinds), "other")


class _Painter:
    def __init__(self, made: Volumes, look: Look, origin: Point) -> None:
        self.made, self.theme, self.down = made, look.palette, look.down
        self.left, self.top = origin
        self.reads = made.diagram.sources()

    def corner(self, box: Box) -> tuple[Cell, float, float]:
        """A cell, its left end, and its axis."""
        cell, (x, y) = self.made.cells[box], self.made.plan.places[box]
        return cell, self.left + x - cell.wide / 2, self.top + y

    def cell(self, box: Box) -> str:
        cell, left, axis = self.corner(box)
        if cell.sign:
            rim = self.theme.accent["activation"] if "activation" in box.kinds else ""
            return self.named(box, sign(cell.sign, (left + cell.half, axis), cell.half, self.theme, rim=rim))
        made = "".join(self.volume(placed, left, axis) for placed in cell.volumes)
        for text in cell.words:
            fill = self.theme.muted if text.muted else self.theme.ink
            y = axis + text.y + (cell.half if text.foot else 0.0)
            bold = "bold" if text.bold else None
            made += label(left + text.x, y, text.words, text.size, fill, text_anchor="middle", font_weight=bold)
        return element("g", made, class_="cell")

    def volume(self, placed: Placed, left: float, axis: float) -> str:
        box, made = placed.box, placed.volume
        shape = shape_of(box)
        painted = "".join(made.paint(left + placed.x, axis - made.extent[1] / 2, kind_of(box), self.theme))
        more = {"data_sheets": made.sheets} if isinstance(made, Sheets) else {"data_channels": shape.channels}
        return self.named(box, painted, data_shape="×".join(map(str, shape.shape)), **more)

    def named(self, box: Box, inner: str, **data: object) -> str:
        class_ = "volume" if data else "sign"
        return element("g", tooltip(story(box)) + inner, class_=class_, data_name=shown(box.name), **data, data_rows=box.rows)

    def wires(self) -> tuple[list[str], list[str]]:
        """Arrows, and what leads straight from sheets to sheets, which is drawn over both."""
        arrows, leads = [], []
        for wire in sorted(self.made.plan.wires, key=lambda wire: not wire.arrow.past):
            (before, x0, y0), (after, x1, y1) = self.corner(wire.arrow.tail), self.corner(wire.arrow.head)
            ends = {"data_from": shown(wire.arrow.tail.name), "data_to": shown(wire.arrow.head.name)}
            alone = y0 == y1 and len(self.reads[wire.arrow.head]) == 1
            if self.made.style == "sheets" and not self.down and alone and before.volumes and after.volumes:
                inner = self.leading(before.volumes[-1].moved(x0), after.volumes[0].moved(x1), y0)
                leads.append(element("g", inner, class_="edge", **ends))
            else:
                arrows.append(element("g", self.arrow(wire), class_="edge", **ends))
        return arrows, leads + [line for box in self.made.cells for line in self.between(box)]

    def leading(self, before: Placed, after: Placed, axis: float) -> str:
        """What leads from sheets to those at their right: a window where a kernel moves, lines where all is read, an arrow otherwise."""
        (_, tail, x0), (box, head, x1) = before, after
        assert isinstance(tail, Sheets) and isinstance(head, Sheets)
        place, spot = (x0, axis - tail.extent[1] / 2), (x1, axis - head.extent[1] / 2)
        size = kernel(box.op, 2) if box.op is not None and head.sheets else ()
        if size and tail.sheets:
            *_, high, wide = (1, 1, *size)
            return window(tail, place, (high, wide), head, spot, self.theme)
        if head.sheets == 0 and box.op is not None:
            return spread(tail, place, head, spot, self.theme)
        start, tip = (x0 + tail.face, axis), (x1 - 1, axis)
        return stroke([start, (tip[0] - 5, axis)], self.theme.line, 1.3) + arrowhead(tip, start, self.theme.line)

    def between(self, box: Box) -> Iterator[str]:
        """What leads from the sheets of a cell to the next in it."""
        cell, left, axis = self.corner(box)
        if self.made.style == "sheets":
            yield from (self.leading(before.moved(left), after.moved(left), axis) for before, after in pairwise(cell.volumes))

    def arrow(self, wire: Wire) -> str:
        """An arrow from the right side of a volume, or from the foot of what is below it, to where another begins."""
        arrow, theme = wire.arrow, self.theme
        points = [(x + self.left, y + self.top) for x, y in wire.points]
        if abs(points[0][1] - points[1][1]) < 0.5:
            cell, left, axis = self.corner(arrow.tail)
            points[0] = points[0] if cell.sign else (left + cell.ends()[1], axis)
        if abs(points[-1][1] - points[-2][1]) < 0.5:
            cell, left, axis = self.corner(arrow.head)
            if not cell.sign and points[-1][0] < points[-2][0]:
                points[-1] = left + cell.ends()[1] + 1, points[-1][1]
            elif not cell.sign:
                reach = cell.volumes[0].volume.extent[1] / 2 - 2
                y = points[-1][1]
                points[-1:] = [points[-1], (left + cell.ends()[0] - 1, min(max(y, axis - reach), axis + reach))]
        colour = theme.accent["convolution"] if arrow.past else theme.line
        return arrow_of(points, colour)
