"""Searching a picture by place."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.views.figures.plan import Rect, Wire


class Near:
    """Points and rectangles by the square of a grid that they lie in: a picture of a thousand boxes is searched square by square."""

    CELL = 64.0

    def __init__(self, wires: list[Wire]) -> None:
        self.points: dict[tuple[int, int], list[tuple[float, float, int]]] = {}
        self.rects: dict[tuple[int, int], list[Rect]] = {}
        for at, wire in enumerate(wires):
            for x, y in wire.samples():
                self.points.setdefault((int(x // self.CELL), int(y // self.CELL)), []).append((x, y, at))

    def add(self, rect: Rect) -> None:
        """Enter a rectangle."""
        for cell in self.cells(rect):
            self.rects.setdefault(cell, []).append(rect)

    def cells(self, rect: Rect) -> Iterator[tuple[int, int]]:
        """The squares that a rectangle touches."""
        x0, y0, x1, y1 = (int(v // self.CELL) for v in rect)
        return ((x, y) for x in range(x0, x1 + 1) for y in range(y0, y1 + 1))

    def struck(self, rect: Rect) -> list[tuple[float, int]]:
        """Find the points of wires in a rectangle: how far right each is, and of which wire."""
        x0, y0, x1, y1 = rect
        cells = (self.points.get(cell, ()) for cell in self.cells(rect))
        return [(x, at) for points in cells for x, y, at in points if x0 < x < x1 and y0 < y < y1]

    def covered(self, rect: Rect) -> int:
        """Count the rectangles that a rectangle covers in part."""
        x0, y0, x1, y1 = rect
        found = {other for cell in self.cells(rect) for other in self.rects.get(cell, ())}
        return sum(x0 < b[2] and b[0] < x1 and y0 < b[3] and b[1] < y1 for b in found)
