"""Places for words: titles in frames and shapes beside arrows, so that neither covers anything."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from archspec.views.figures.neighbours import Near
from archspec.views.figures.plan import Plan, Rect, Wire
from archspec.views.graphics.svg import Point
from archspec.views.graphics.text_width import shown, width

TITLE, BAND, LEDGE = 11.0, 20.0, 7.0
LABEL = 10.0
_EDGE = 4.0
_COVERING = 10.0
"""What a shape costs that covers an arrow."""


class Words(NamedTuple):
    """A text and the left end of its baseline."""

    text: str
    spot: Point


def title_width(title: str) -> float:
    """The width of the frame that has room for a title, also where the frame goes on."""
    return width(f"{title} …", TITLE, bold=True) + 2 * LEDGE + 1


def titles(plan: Plan, near: Near) -> list[Words]:
    """The frames' titles: at the top left, or in the widest room at the top that no arrow crosses."""
    found = []
    for group, (x0, y0, x1, y1), first, foot in plan.frames:
        top = y1 - BAND if foot else y0
        struck = sorted(x for x, _ in near.struck((x0, top, x1, top + BAND)))
        ends = [x0, *struck, x1]
        rooms = [(a + 8, b - a - 2 * LEDGE) for a, b in itertools.pairwise(ends)]
        more = "" if first else " …"
        name = shown(group.title)
        inner = [name[at + 1 :] for at, letter in enumerate(name) if letter == "."]
        texts = [f"{name} (training){more}"] * group.training + [name + more, name, *inner]
        spot, title = _room(texts, rooms)
        found.append(Words(title, (spot, top + (13 if foot else 15))))
    return found


def _room(texts: list[str], rooms: list[tuple[float, float]]) -> tuple[float, str]:
    """The first text that has room, and where; none where there is none, since part of a name is another."""
    for text in texts:
        need = width(text, TITLE, bold=True)
        found = next((left for left, room in rooms if room >= need), None)
        if found is not None:
            return found, text
    return rooms[0][0], ""


def _beside(x: float, wide: float) -> list[Point]:
    """Left ends of a label about a point, and how far it stands above it: at the right, the left, over it, and farther off."""
    near, *far = ([(x + off, 0.0), (x - off - wide, 0.0)] for off in (5, 14, 26))
    return [*near, (x - wide / 2, 10.0), *itertools.chain(*far)]


class Labels:
    """Finds for each shape a place beside its arrow where it covers nothing, on a page of the given width."""

    def __init__(self, plan: Plan, heads: list[Words], near: Near, page: float) -> None:
        self.plan = plan
        self.page = page
        self.near = near
        self.edges = Near([])
        for box in plan.places:
            near.add(plan.rect(box))
        for text, (x, y) in heads:
            near.add((x, y - 10, x + width(text, TITLE, bold=True), y + 3))
        for _, (x0, y0, x1, y1), *_ in plan.frames:
            for side in ((x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)):
                self.edges.add(side)

    def find(self) -> list[Words | None]:
        """Return the label beside each arrow, or None where it has none or no place is free."""
        return [self.label(wire) if wire.arrow.label else None for wire in self.plan.wires]

    def label(self, wire: Wire) -> Words | None:
        """The cheapest place for a shape: early places on the arrow and sides near it are preferred."""
        text = wire.arrow.label
        wide = width(text, LABEL)
        places = [
            (order * 0.2 + side * 0.1, (left, y - up - 6, left + wide, y - up + 6))
            for order, (x, y) in enumerate(self.spots(wire))
            for side, (left, up) in enumerate(_beside(x, wide))
        ]
        cost, rect = min(((self.cost(rect) + least, rect) for least, rect in places), default=(inf, (0.0, 0.0, 0.0, 0.0)))
        if cost >= _COVERING:
            return None
        self.near.add(rect)
        return Words(text, (rect[0], rect[3] - 2.5))

    def spots(self, wire: Wire) -> Iterator[Point]:
        """Places on an arrow: on what goes down or up, after where it begins, in its middle, and before its head; above what goes aside."""
        for (x0, y0), (x1, y1) in itertools.pairwise(wire.points):
            if abs(y1 - y0) >= 12:
                sense = 1 if y1 > y0 else -1
                near = [y0 + 9 * sense, (y0 + y1) / 2, y1 - 14 * sense] if abs(y1 - y0) > 24 else [(y0 + y1 - 6 * sense) / 2]
                yield from ((x0, y) for y in near)
            elif abs(x1 - x0) > 24:
                yield (x0 + x1) / 2, y0 - 8.5

    def cost(self, rect: Rect) -> float:
        """What a place covers: boxes and words weigh most, then arrows, then frames. None is off the page or at its very edge."""
        x0, y0, x1, y1 = rect
        if x0 < _EDGE or x1 > self.page - _EDGE:
            return inf
        wires = {at for _, at in self.near.struck((x0 - 2, y0 - 1, x1 + 2, y1 + 1))}
        return 10 * _COVERING * self.near.covered(rect) + _COVERING * len(wires) + 3.0 * self.edges.covered(rect)
