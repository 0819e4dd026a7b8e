"""The plan of a picture of boxes: their places, the paths of arrows, and frames."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from archspec.views.figures.cards import Cards
from archspec.views.figures.diagram import Arrow, Box, Group
from archspec.views.figures.graphviz_layout import Point

Rect = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def around(middle: Point, size: Point, more: float = 0.0) -> Rect:
    """The rectangle of a size about its middle, wider by `more` on each side."""
    (x, y), (w, h) = middle, size
    return x - w / 2 - more, y - h / 2 - more, x + w / 2 + more, y + h / 2 + more


def short_of(points: list[Point], distance: float) -> Point:
    """The place on the last line through points that is so far before its end: there a line meets its arrowhead."""
    (x, y), (bx, by) = points[-1], points[-2]
    length = ((x - bx) ** 2 + (y - by) ** 2) ** 0.5 or 1.0
    return x - (x - bx) / length * distance, y - (y - by) / length * distance


class Wire(NamedTuple):
    """The path of an arrow, its tip last: a Bezier curve's control points, or corners where it is `straight`."""

    arrow: Arrow
    points: list[Point]
    straight: bool = False

    def samples(self) -> list[Point]:
        """Points along the path, close to each other."""
        found: list[Point] = []
        if self.straight:
            for a, b in itertools.pairwise(self.points):
                steps = _steps(a, b)
                found += [(a[0] + (b[0] - a[0]) * t / steps, a[1] + (b[1] - a[1]) * t / steps) for t in range(steps)]
        else:
            for at in range(0, len(self.points) - 3, 3):
                found += _curve(*self.points[at : at + 4])
        return [*found, self.points[-1]]


def _steps(a: Point, b: Point) -> int:
    """Into how many parts a line is cut: of 3 units, longer ones where there would be hundreds."""
    return min(int(max(abs(b[0] - a[0]), abs(b[1] - a[1])) / 3), 200) + 1


def _curve(a: Point, b: Point, c: Point, d: Point) -> list[Point]:
    steps = _steps(a, d)
    found = []
    for step in range(steps + 1):
        t = step / steps
        s = 1 - t
        w0, w1, w2, w3 = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
        found.append((w0 * a[0] + w1 * b[0] + w2 * c[0] + w3 * d[0], w0 * a[1] + w1 * b[1] + w2 * c[1] + w3 * d[1]))
    return found


class Frame(NamedTuple):
    """A group's frame, or a piece of it in a further column. The title stands at its head, or at its `foot`."""

    group: Group
    box: Rect
    first: bool = True
    foot: bool = False


class Plan(NamedTuple):
    """A picture whose left top corner is at 0, 0; `places` are the middles of its boxes."""

    size: Point
    places: dict[Box, Point]
    wires: list[Wire]
    frames: list[Frame]

    def gaps(self, cards: Cards) -> Iterator[tuple[float, float]]:
        """The heights that no box lies across, from the top: each from the lowest box above it to the highest below."""
        spans = sorted((y - cards[box].outer[1] / 2, y + cards[box].outer[1] / 2) for box, (_, y) in self.places.items())
        reach = spans[0][1]
        for top, bottom in spans:
            if top > reach + 1:
                yield reach, top
            reach = max(reach, bottom)
