"""Blocks in small: the inside of a block on its card, placed by the same code as the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from archspec.ir.graph import Graph
from archspec.views.figures.build import build_inside
from archspec.views.figures.cards import SIGNS, Card, Miniature, signed
from archspec.views.figures.diagram import Box, Diagram, TooLarge
from archspec.views.figures.grouping import MOST
from archspec.views.figures.placement import column

_SCALES = 0.255, 0.38
"""Least and largest size, of that of the whole."""
_AIM, _MOST = (140.0, 66.0), (140.0, 96.0)
"""The room that is aimed at, and that which is taken by what is at its least size."""
_FULL, _THIN, _END = (62.0, 17.0), (62.0, 11.0), (4.0, 0.0)


def miniatures(diagram: Diagram, *, right: bool = False) -> dict[Box, Miniature]:
    """The inside of each block of a diagram that can be told apart in small."""
    made: dict[int, Miniature | None] = {}
    found: dict[Box, Miniature] = {}
    for box in diagram.boxes:
        if box.form == "block":
            whose = id(box.within or box.equal)
            if whose not in made:
                made[whose] = _miniature(_insides(box), right=right)
            small = made[whose]
            if small is not None:
                found[box] = small
    return found


def _insides(box: Box) -> Iterator[Diagram]:
    """What is in a box, finer first."""
    if box.within is not None:
        yield box.within
    elif isinstance(box.equal, Graph):
        for level in ("part", "stage"):
            with suppress(TooLarge):
                yield build_inside(box.equal, level, MOST)


def _miniature(diagrams: Iterable[Diagram], *, right: bool) -> Miniature | None:
    plans = [column(diagram, {box: _card(box) for box in diagram.boxes}, right=right) for diagram in diagrams if diagram.inner > 1]
    for room, largest in ((_AIM, _SCALES[1]), (_MOST, _SCALES[0])):
        for plan in plans:
            x0, y0, x1, y1 = plan.extent()
            scale = min(room[0] / (x1 - x0), room[1] / (y1 - y0), largest)
            if scale >= _SCALES[0]:
                return Miniature(plan.scaled(scale), below=right)
    return None


def _card(box: Box) -> Card:
    if box.form == "merge" and box.step in SIGNS:
        return signed(box.step)
    size = {"input": _END, "output": _END, "merge": _THIN, "minor": _THIN}.get(box.form, _FULL)
    return Card((), size, size)
