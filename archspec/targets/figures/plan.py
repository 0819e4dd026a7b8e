"""The plan of a picture of boxes: their places, the paths of arrows, and frames."""

from __future__ import annotations

from typing import NamedTuple

from archspec.targets.figures.diagram import Arrow, Box, Group
from archspec.targets.figures.layout import Point

Rect = tuple[float, float, float, float]
"""Left, top, right, bottom."""


class Wire(NamedTuple):
    """The path of an arrow, its tip last: a Bezier curve's control points, or corners where it is `straight`."""

    arrow: Arrow
    points: list[Point]
    straight: bool = False

    def samples(self) -> list[Point]:
        """Points along the path, close to each other."""
        found: list[Point] = []
        if self.straight:
            for a, b in zip(self.points, self.points[1:], strict=False):
                steps = int(max(abs(b[0] - a[0]), abs(b[1] - a[1])) / 3) + 1
                found += [(a[0] + (b[0] - a[0]) * t / steps, a[1] + (b[1] - a[1]) * t / steps) for t in range(steps)]
            return [*found, self.points[-1]]
        for at in range(0, len(self.points) - 3, 3):
            found += _curve(self.points[at : at + 4])
        return [*found, self.points[-1]]


def _curve(points: list[Point]) -> list[Point]:
    a, _b, _c, d = points
    steps = int(max(abs(d[0] - a[0]), abs(d[1] - a[1])) / 3) + 1
    found = []
    for step in range(steps + 1):
        t = step / steps
        s = 1 - t
        weights = (s**3, 3 * s * s * t, 3 * s * t * t, t**3)
        found.append(
            (sum(w * p[0] for w, p in zip(weights, points, strict=True)), sum(w * p[1] for w, p in zip(weights, points, strict=True)))
        )
    return found


class Frame(NamedTuple):
    """A group's frame, or a piece of it in a further column. The title stands at its head, or at its `foot`."""

    group: Group
    box: Rect
    first: bool = True
    foot: bool = False


class Plan(NamedTuple):
    size: Point
    places: dict[Box, Point]
    wires: list[Wire]
    frames: list[Frame]
