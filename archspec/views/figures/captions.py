"""Places for words: titles in frames and shapes beside arrows, so that neither covers anything."""

from __future__ import annotations

import itertools
from math import inf
from typing import NamedTuple

from archspec.views.figures.graphviz_layout import Point
from archspec.views.figures.neighbours import Near
from archspec.views.figures.plan import Plan, Rect, Wire
from archspec.views.figures.text_width import fitting, shown, width

TITLE, BAND = 11.0, 20.0
LABEL = 10.0
_COVERING = 10.0
"""What a shape costs that covers an arrow."""


class Words(NamedTuple):
    """A text and the left end of its baseline."""

    text: str
    spot: Point


def titles(plan: Plan, near: Near) -> list[Words]:
    """The frames' titles: at the top left, or in the widest room at the top that no arrow crosses."""
    found = []
    for group, (x0, y0, x1, y1), first, foot in plan.frames:
        top = y1 - BAND if foot else y0
        struck = sorted(x for x, _ in near.struck((x0, top, x1, top + BAND)))
        ends = [x0, *struck, x1]
        rooms = [(a + 8, b - a - 14) for a, b in itertools.pairwise(ends)]
        more = "" if first else " …"
        name = shown(group.title)
        texts = [f"{name} (training){more}", name + more] if group.training else [name + more]
        spot, title = _room(texts, rooms)
        found.append(Words(title, (spot, top + (13 if foot else 15))))
    return found


def _room(texts: list[str], rooms: list[tuple[float, float]]) -> tuple[float, str]:
    """The first text that has room, and where; otherwise the last in the widest room, shortened."""
    for text in texts:
        need = width(text, TITLE, bold=True)
        found = next((left for left, room in rooms if room >= need), None)
        if found is not None:
            return found, text
    left, room = max(rooms, key=lambda r: round(r[1], 3))
    text = fitting(texts[-1], room, TITLE, bold=True)
    return left, "" if text == "…" else text


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
        return [self.label(wire, at) if wire.arrow.label else None for at, wire in enumerate(self.plan.wires)]

    def label(self, wire: Wire, at: int) -> Words | None:
        """The cheapest place for a shape: early places on the arrow and sides near it are preferred."""
        text = wire.arrow.label
        wide = width(text, LABEL)
        places = [
            (order * 0.2 + side * 0.1, (left, y - up - 6, left + wide, y - up + 6))
            for order, (x, y) in enumerate(self.spots(wire, at))
            for side, (left, up) in enumerate(_beside(x, wide))
        ]
        cost, rect = min((self.cost(rect) + least, rect) for least, rect in places)
        if cost >= _COVERING:
            return None
        self.near.add(rect)
        return Words(text, (rect[0], rect[3] - 2.5))

    def spots(self, wire: Wire, at: int) -> list[Point]:
        """Places on an arrow: a little after its tail, in its middle, a little before its head, and in between."""
        points = self.near.samples[at]
        if wire.straight:  # beside its upright ends, above the line at the foot
            (x0, y0), (_, foot), *_, (x1, y1) = wire.points
            return [(x0, foot - 8.5), (x0, y0 + 9), (x1, y1 - 14 if y1 > y0 else y1 + 14)]
        start, end = points[0][1], points[-1][1]
        after = next((p for p in points if abs(p[1] - start) >= 9), points[len(points) // 2])
        before = next((p for p in reversed(points) if abs(p[1] - end) >= 14), points[len(points) // 2])
        close = next((p for p in reversed(points) if abs(p[1] - end) >= 8), points[len(points) // 2])
        return [after, *(points[len(points) * part // 8] for part in (4, 3, 5, 2, 6)), before, close]

    def cost(self, rect: Rect) -> float:
        """What a place covers: boxes and words weigh most, then arrows, then frames. None is off the page."""
        x0, y0, x1, y1 = rect
        if x0 < 0 or x1 > self.page:
            return inf
        wires = {at for _, at in self.near.struck((x0 - 2, y0 - 1, x1 + 2, y1 + 1))}
        return 10 * _COVERING * self.near.covered(rect) + _COVERING * len(wires) + 3.0 * self.edges.covered(rect)
