"""The plan of a picture of boxes: their places, the paths of arrows, and frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from archspec.views.figures.cards import Card
from archspec.views.figures.diagram import Arrow, Box, Group
from archspec.views.graphics.svg import Point

ASPECT = 16 / 9
"""Width over height of a slide."""
Rect = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def union(rects: Iterable[Rect]) -> Rect:
    """The smallest rectangle around some."""
    x0, y0, x1, y1 = zip(*rects, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


class Page(NamedTuple):
    """The page that a picture is to fill: its width over its height, and whether arrows go to the right on it, not down."""

    aspect: float = ASPECT
    right: bool = False

    def height(self, size: Point) -> float:
        """How high the page is that holds a plan of a size, with margins, heading and legend; one to the right is not yet turned."""
        wide, high = size[::-1] if self.right else size
        return max((wide + 40) / self.aspect, high + 120)


SLIDE = Page()
LEGIBLE = 810.0
"""The height of a page whose words of 10.5 units are 7 pt, where it is shown 720 pixels high: they are read at a distance."""


class Wire(NamedTuple):
    """The path of an arrow: corners, its tip last."""

    arrow: Arrow
    points: list[Point]

    def samples(self) -> Iterator[Point]:
        """Points along the path, about 3 units from each other, farther where there would be hundreds."""
        for (x0, y0), (x1, y1) in pairwise(self.points):
            steps = min(int(max(abs(x1 - x0), abs(y1 - y0)) / 3), 200) + 1
            yield from ((x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps) for step in range(steps))
        yield self.points[-1]


class Frame(NamedTuple):
    """A group's frame, or a piece of it in a further column. The title is at its head, or at its `foot`."""

    group: Group
    box: Rect
    first: bool = True
    foot: bool = False


class Shift(NamedTuple):
    """A move to the right and down; a sense of -1 also mirrors: left and right, or above and below."""

    dx: float
    dy: float
    across: float = 1.0
    down: float = 1.0

    def point(self, point: Point) -> Point:
        """Where a point goes."""
        return self.across * point[0] + self.dx, self.down * point[1] + self.dy

    def rect(self, rect: Rect) -> Rect:
        """Where a rectangle goes."""
        return union([(*self.point(corner), *self.point(corner)) for corner in (rect[:2], rect[2:])])


class Plan(NamedTuple):
    """A picture; `places` are the middles of its boxes, whose sizes are those of `cards`. Those that are `turned` are read upwards."""

    cards: Mapping[Box, Card]
    places: dict[Box, Point]
    wires: list[Wire]
    frames: list[Frame]
    size: Point = (0.0, 0.0)
    turned: frozenset[Box] = frozenset()

    def rect(self, box: Box) -> Rect:
        """The room that a box takes."""
        (x, y), (w, h) = self.places[box], self.cards[box].outer
        return x - w / 2, y - h / 2, x + w / 2, y + h / 2

    def extent(self, top: float = float("-inf"), bottom: float = float("inf")) -> Rect:
        """Measure how far boxes whose middles lie from `top` to `bottom` reach, with their wires and frames."""
        boxes = {box for box, (_, y) in self.places.items() if top <= y <= bottom}
        rects = [self.rect(box) for box in boxes] + [f.box for f in self.frames if f.box[1] < bottom and f.box[3] > top]
        lines = [line for wire in self.wires for line in pairwise(wire.points) if line[0][1] < bottom and line[1][1] > top]
        return union(rects + [(x, y, x, y) for line in lines for x, y in ((x, min(max(y, top), bottom)) for x, y in line)])

    def struck(self, wire: Wire) -> bool:
        """Whether a wire goes through a box at which it does not end."""
        rects = [self.rect(box) for box in self.places if box not in (wire.arrow.tail, wire.arrow.head)]
        lines = [union([(*a, *a), (*b, *b)]) for a, b in pairwise(wire.points)]
        return any(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for a in lines for b in rects)

    def mapped(self, where: Callable[[Box, Point], Point], **changed: Any) -> Plan:
        """The plan with each place, and each corner of the wires from a box, elsewhere."""
        places = {box: where(box, place) for box, place in self.places.items()}
        wires = [wire._replace(points=[where(wire.arrow.tail, point) for point in wire.points]) for wire in self.wires]
        return self._replace(places=places, wires=wires, **changed)

    def moved(self, shifts: dict[Box, Shift], frames: list[Frame], size: Point = (0.0, 0.0)) -> Plan:
        """The plan with its boxes moved, and each wire with the box that it begins at."""
        return self.mapped(lambda box, point: shifts[box].point(point), frames=frames, size=size)

    def scaled(self, scale: float) -> Plan:
        """The plan at another size, without frames, with its left top corner at 0, 0."""
        x0, y0, x1, y1 = self.extent()
        cards = {box: card.scaled(scale) for box, card in self.cards.items()}
        size = (x1 - x0) * scale, (y1 - y0) * scale
        return self.mapped(lambda _, point: ((point[0] - x0) * scale, (point[1] - y0) * scale), cards=cards, frames=[], size=size)

    def transposed(self) -> Plan:
        """The plan with down in place of right and right in place of down; titles of frames stay at their heads."""
        cards = {box: card.transposed() for box, card in self.cards.items()}
        frames = [frame._replace(box=(y0, x0, y1, x1), foot=False) for frame in self.frames for x0, y0, x1, y1 in [frame.box]]
        return self.mapped(lambda _, point: point[::-1], cards=cards, frames=frames, size=self.size[::-1])

    def rewired(self, wires: Iterable[Wire]) -> Plan:
        """The plan with some wires in place of those of the same arrows."""
        new = {wire.arrow: wire for wire in wires}
        return self._replace(wires=[new.get(wire.arrow, wire) for wire in self.wires])

    def gaps(self) -> Iterator[tuple[float, float]]:
        """The heights that no box lies across, from the top: each from the lowest box above it to the highest below."""
        spans = sorted((rect[1], rect[3]) for rect in map(self.rect, self.places))
        reach = spans[0][1]
        for top, bottom in spans:
            if top > reach + 1:
                yield reach, top
            reach = max(reach, bottom)
