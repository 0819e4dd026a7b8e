"""The plan of a picture of boxes: their places, the paths of arrows, and frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archspec.views.figures.cards import Cards
from archspec.views.figures.diagram import Arrow, Box, Group
from archspec.views.figures.graphviz_layout import Point

Rect = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def union(rects: Iterable[Rect]) -> Rect:
    """The smallest rectangle around some."""
    x0, y0, x1, y1 = zip(*rects, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


class Wire(NamedTuple):
    """The path of an arrow, its tip last: a Bezier curve's control points, or corners where it is `straight`."""

    arrow: Arrow
    points: list[Point]
    straight: bool = False

    def samples(self) -> list[Point]:
        """Points along the path, close to each other."""
        step = 1 if self.straight else 3
        parts = (self.points[at : at + step + 1] for at in range(0, len(self.points) - step, step))
        return [*(point for part in parts for point in _along(part[0], part[step // 2], part[(step + 1) // 2], part[-1])), self.points[-1]]


def _along(a: Point, b: Point, c: Point, d: Point) -> list[Point]:
    """Points on a cubic Bezier curve, about 3 units from each other, farther where there would be hundreds.

    It is a line where the inner control points are its ends.
    """
    steps = min(int(max(abs(d[0] - a[0]), abs(d[1] - a[1])) / 3), 200) + 1
    found = []
    for step in range(steps + 1):
        t = step / steps
        s = 1 - t
        w0, w1, w2, w3 = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
        found.append((w0 * a[0] + w1 * b[0] + w2 * c[0] + w3 * d[0], w0 * a[1] + w1 * b[1] + w2 * c[1] + w3 * d[1]))
    return found


class Frame(NamedTuple):
    """A group's frame, or a piece of it in a further column. The title is at its head, or at its `foot`."""

    group: Group
    box: Rect
    first: bool = True
    foot: bool = False


class Shift(NamedTuple):
    """A move to the right and down; `turn` is -1 where it also turns upside down."""

    dx: float
    dy: float
    turn: float = 1.0

    def point(self, point: Point) -> Point:
        """Where a point goes."""
        return point[0] + self.dx, self.turn * point[1] + self.dy

    def rect(self, rect: Rect) -> Rect:
        """Where a rectangle goes."""
        return union([(*self.point(corner), *self.point(corner)) for corner in (rect[:2], rect[2:])])


class Plan(NamedTuple):
    """A picture; `places` are the middles of its boxes, whose sizes are those of `cards`."""

    cards: Cards
    places: dict[Box, Point]
    wires: list[Wire]
    frames: list[Frame]
    size: Point = (0.0, 0.0)

    def rect(self, box: Box) -> Rect:
        """The room that a box takes."""
        (x, y), (w, h) = self.places[box], self.cards[box].outer
        return x - w / 2, y - h / 2, x + w / 2, y + h / 2

    def extent(self, top: float = float("-inf"), bottom: float = float("inf")) -> Rect:
        """Measure how far boxes whose middles lie from `top` to `bottom` reach, with their wires and frames."""
        boxes = {box for box, (_, y) in self.places.items() if top <= y <= bottom}
        rects = [self.rect(box) for box in boxes] + [f.box for f in self.frames if f.box[1] < bottom and f.box[3] > top]
        inner = [wire for wire in self.wires if wire.arrow.tail in boxes and wire.arrow.head in boxes]
        return union(rects + [(x, y, x, y) for wire in inner for x, y in wire.samples()])

    def moved(self, shifts: dict[Box, Shift], frames: list[Frame], size: Point = (0.0, 0.0)) -> Plan:
        """The plan with its boxes moved, and each wire with the box that it begins at."""
        places = {box: shifts[box].point(place) for box, place in self.places.items()}
        wires = [wire._replace(points=[shifts[wire.arrow.tail].point(point) for point in wire.points]) for wire in self.wires]
        return Plan(self.cards, places, wires, frames, size)

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
