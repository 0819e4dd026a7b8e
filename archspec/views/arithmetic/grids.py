"""Draws maps as grids of cells: numbers of an image, its padding, a window on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from archspec.views.graphics.svg import element, label
from archspec.views.graphics.text_width import width
from archspec.views.theme import Theme

TITLE = 16.0
"""Height of the title above a grid."""
_SIZE = 11.0


class Square(NamedTuple):
    """A cell of a grid. `kind` is value, padding, overhang, unread, gap, kernel or output; `mark` are the attributes of its group."""

    text: str = ""
    kind: str = "value"
    mark: tuple[tuple[str, str], ...] = ()


class Grid(NamedTuple):
    """Rows of squares under a title; a square is `wide` by `high`."""

    title: str
    rows: Sequence[Sequence[Square]]
    wide: float
    high: float

    @property
    def size(self) -> tuple[float, float]:
        """Width and height with the title."""
        title = width(self.title, _SIZE) if self.title else 0.0
        return max(len(self.rows[0]) * self.wide, title), len(self.rows) * self.high + (TITLE if self.title else 0)


def of_numbers(title: str, rows: Sequence[Sequence[Square]]) -> Grid:
    """A grid whose squares have room for their numbers."""
    longest = max((width(square.text, _SIZE) for row in rows for square in row), default=0.0)
    return Grid(title, rows, max(24.0, longest + 8), 24.0)


def drawn(grid: Grid, x: float, y: float, theme: Theme) -> Iterator[str]:
    """A grid with its top left corner at a place."""
    if grid.title:
        yield label(x, y + _SIZE, grid.title, _SIZE, theme.muted)
        y += TITLE
    for at, row in enumerate(grid.rows):
        for column, square in enumerate(row):
            yield _square(square, x + column * grid.wide, y + at * grid.high, grid, theme)


def _square(square: Square, x: float, y: float, grid: Grid, theme: Theme) -> str:
    style = styles(theme)[square.kind]
    box = element("rect", x=x, y=y, width=grid.wide, height=grid.high, class_=square.kind, **style)
    words = ""
    if square.text:
        ink = theme.muted if square.kind in ("padding", "overhang", "unread") else theme.ink
        words = label(x + grid.wide / 2, y + grid.high / 2 + 4, square.text, _SIZE, ink, text_anchor="middle")
    marks = dict(square.mark)
    return element("g", box + words, **marks) if marks else box + words


def styles(theme: Theme) -> dict[str, dict[str, object]]:
    """How each kind of square is filled and outlined."""
    blue, green, orange = (theme.accent[kind] for kind in ("convolution", "pooling", "fully connected"))
    line = {"stroke": theme.line, "stroke_width": 0.8}
    return {
        "value": {"fill": theme.tint["convolution"], **line},
        "padding": {"fill": theme.page, **line, "stroke_dasharray": "2 2"},
        "overhang": {"fill": theme.tint["fully connected"], "stroke": orange, "stroke_width": 0.8, "stroke_dasharray": "2 2"},
        "unread": {"fill": theme.panel, **line, "stroke_dasharray": "1 3"},
        "gap": {"fill": theme.page, **line},
        "kernel": {"fill": theme.tint["activation"], **line},
        "output": {"fill": theme.tint["pooling"], **line},
        "window": {"fill": blue, "fill_opacity": 0.35, "stroke": "none"},
        "frame": {"fill": "none", "stroke": blue, "stroke_width": 2.0},
        "made": {"fill": green, "fill_opacity": 0.65, "stroke": green, "stroke_width": 1.5},
    }


def in_rows(grids: Sequence[Grid], x: float, y: float, room: float, theme: Theme) -> tuple[list[str], float, float]:
    """Grids side by side, on as many rows as the room asks for; the markup, the right end and the lower end."""
    made: list[str] = []
    at, low, right = x, y, x
    for grid in grids:
        wide, high = grid.size
        if at > x and at + wide > x + room:
            at, y = x, low + 14
        made += drawn(grid, at, y, theme)
        at += wide + 26
        right, low = max(right, at - 26), max(low, y + high)
    return made, right, low
