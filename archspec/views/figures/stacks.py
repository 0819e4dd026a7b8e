"""Drawing volumes: a map as stacked sheets, a vector as a bar, and the operations between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from archspec.types import Map, Tokens, Type
from archspec.views.figures.svg import Point, arrowhead, element, label, path, stroke
from archspec.views.theme import Theme

MOST_SHEETS = 8
_OFFSETS = 2.5, 5.0
"""Least and largest distance of stacked sheets, to the right and down; in between it grows with the sheets."""
LARGEST = 120.0
"""Length of the longest side, and of the longest vector."""
_LEAST = 7.0
BAR = 11.0
NAME, SHAPE, CAPTION = 9.5, 11.0, 10.0
_CELLS = 16
"""Vectors up to this long show their numbers as cells."""


class Scale(NamedTuple):
    """The largest side of a map and the longest vector, which are LARGEST long; other lengths go by their square roots."""

    side: int
    vector: int


@dataclass(slots=True)
class Volume:
    """A value as it is drawn: sheets of a size for its `layers`, one bar where there are none; and the numbers of positions along its sides.

    Its top left corner is at `x`, `y`.
    """

    words: str
    layers: int
    size: Point
    positions: tuple[int, int]
    x: float = 0.0
    y: float = 0.0

    @property
    def sheets(self) -> int:
        """How many sheets are drawn."""
        return min(self.layers, MOST_SHEETS)

    @property
    def offset(self) -> float:
        """From one sheet to the next, to the right and down."""
        return min(max(0.06 * max(self.size), _OFFSETS[0]), _OFFSETS[1])

    @property
    def extent(self) -> Point:
        """Width and height with all sheets."""
        shift = self.offset * max(self.sheets - 1, 0)
        return self.size[0] + shift, self.size[1] + shift

    @property
    def middle(self) -> float:
        """Where its middle is, to the right."""
        return self.x + self.extent[0] / 2

    @property
    def end(self) -> float:
        """Where its right edge is."""
        return self.x + self.extent[0]

    @property
    def front(self) -> Point:
        """The top left corner of the front sheet."""
        return self.end - self.size[0], self.y + self.extent[1] - self.size[1]


def sides(type_: Type) -> tuple[int, int] | None:
    """Height and width in positions; None for a vector, and for a map without positions left."""
    if isinstance(type_, Tokens):
        return type_.length, type_.channels
    if not isinstance(type_, Map) or set(type_.spatial) == {1}:
        return None
    return (1, type_.spatial[0]) if len(type_.spatial) == 1 else (type_.spatial[-2], type_.spatial[-1])


def scale_of(types: list[Type]) -> Scale:
    """The scale on which the largest of some values are LARGEST long."""
    return Scale(
        max((max(pair) for pair in map(sides, types) if pair), default=1),
        max((type_.channels for type_ in types if not sides(type_)), default=1),
    )


def volume(type_: Type, scale: Scale) -> Volume:
    """How a value is drawn: height to width as they are, the longer side by the scale."""
    pair = sides(type_)
    words = str(type_.channels)
    if isinstance(type_, Map):
        words += f"@{'×'.join(map(str, type_.spatial))}"
    elif isinstance(type_, Tokens):
        words = f"{type_.length}×{words}"
    if pair is None:
        return Volume(words, 0, (BAR, max(2 * _LEAST, LARGEST * sqrt(type_.channels / scale.vector))), (type_.channels, 1))
    long = LARGEST * sqrt(max(pair) / scale.side)
    high, wide = (max(max(_LEAST, long) * side / max(pair), _LEAST) for side in pair)
    return Volume(words, type_.channels if isinstance(type_, Map) else 1, (wide, high), pair)


def paint(made: Volume, kind: str, theme: Theme) -> Iterator[str]:
    """A volume; the front sheet is the last, at the lower right."""
    colours = {"fill": theme.tint[kind], "stroke": theme.accent[kind]}
    x, y, (w, h) = made.x, made.y, made.size
    if made.sheets == 0:
        yield element("rect", x=x, y=y, width=w, height=h, **colours, class_="bar")
        cells = made.positions[0]
        if 1 < cells <= _CELLS:
            d = "".join(path([(x, y + h / cells * at), (x + w, y + h / cells * at)]) for at in range(1, cells))
            yield element("path", d=d, stroke=theme.accent[kind], stroke_width=0.7)
    for at in range(made.sheets):
        yield element("rect", x=x + made.offset * at, y=y + made.offset * at, width=w, height=h, **colours, class_="sheet")
    if made.layers > made.sheets:
        shift = made.offset * made.sheets
        yield label(x + shift / 2 - 6, y + h + shift / 2 + 6, "…", 12.0, theme.muted, text_anchor="middle")


def window(made: Volume, kernel: tuple[int, int], after: Volume, theme: Theme) -> str:
    """The kernel's window on a front sheet, with lines to the position that it gives in the next volume."""
    (w, h), (rows, columns) = made.size, made.positions
    high, wide = max(min(kernel[0] / rows, 1.0) * h, 3.0), max(min(kernel[1] / columns, 1.0) * w, 3.0)
    x = made.front[0] + (w - wide) * 0.62
    y = made.front[1] + (h - high) * 0.38
    target = (after.front[0] + after.size[0] * 0.3, after.front[1] + after.size[1] * 0.5)
    rect = element("rect", x=x, y=y, width=wide, height=high, fill=theme.page, fill_opacity="0.75", stroke=theme.ink, stroke_width=1.1)
    lines = path([(x + wide, y), target]) + path([(x + wide, y + high), target])
    return rect + element("path", d=lines, stroke=theme.ink, stroke_width=0.8, fill="none")


def spread(made: Volume, after: Volume, theme: Theme) -> str:
    """Lines from the whole of a volume to the whole of the next, which reads all of it."""
    right, top = made.end, made.front[1]
    d = path([(right, top), (after.x, after.y)]) + path([(right, top + made.size[1]), (after.x, after.y + after.size[1])])
    return element("path", d=d, stroke=theme.line, stroke_width=0.9, fill="none")


def arrow(start: Point, end: Point, theme: Theme) -> str:
    """A straight arrow."""
    return stroke([start, (end[0] - 5, end[1])], theme.line, 1.3) + arrowhead(end, start, theme.line)
