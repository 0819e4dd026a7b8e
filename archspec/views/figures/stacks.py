"""Drawing volumes: a map as stacked sheets, a vector as a bar, and what leads from one to the next."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import NamedTuple

from archspec.types import Map, Tokens, Type
from archspec.views.figures.svg import Point, arrowhead, element, label, path, stroke
from archspec.views.figures.text_width import width
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
    """Lengths are square roots: the largest side of a map, and the longest vector, are LARGEST long."""

    side: int
    vector: int

    def of_side(self, length: int) -> float:
        """How long a side of so many positions is drawn."""
        return max(_LEAST, LARGEST * sqrt(length / self.side))

    def of_vector(self, length: int) -> float:
        """How long a vector of so many numbers is drawn."""
        return max(2 * _LEAST, LARGEST * sqrt(length / self.vector))


class Volume(NamedTuple):
    """A value as it is drawn: `sheets` of a size, or one bar where `sheets` is 0; and the numbers of positions along its sides."""

    words: str
    sheets: int
    size: Point
    positions: tuple[int, int]
    more: bool

    @property
    def offset(self) -> float:
        """From one sheet to the next, to the right and down."""
        return min(max(0.06 * max(self.size), _OFFSETS[0]), _OFFSETS[1])

    @property
    def extent(self) -> Point:
        """Width and height with all sheets."""
        shift = self.offset * max(self.sheets - 1, 0)
        return self.size[0] + shift, self.size[1] + shift


def sides(type_: Type) -> tuple[int, int] | None:
    """Height and width in positions; None for a vector, and for a map without positions left."""
    if isinstance(type_, Tokens):
        return type_.length, type_.channels
    if not isinstance(type_, Map) or set(type_.spatial) == {1}:
        return None
    return (1, type_.spatial[0]) if len(type_.spatial) == 1 else (type_.spatial[-2], type_.spatial[-1])


def scale_of(types: list[Type]) -> Scale:
    """The scale on which the largest of some values are LARGEST long."""
    both = [sides(type_) for type_ in types]
    return Scale(
        max((max(pair) for pair in both if pair), default=1),
        max((type_.channels for type_, pair in zip(types, both, strict=True) if not pair), default=1),
    )


def volume(type_: Type, scale: Scale) -> Volume:
    """How a value is drawn: height to width as they are, the longer side by the scale."""
    pair = sides(type_)
    if pair is None:
        words = str(type_.channels) if not isinstance(type_, Map) else f"{type_.channels}@{'×'.join(map(str, type_.spatial))}"
        return Volume(words, 0, (BAR, scale.of_vector(type_.channels)), (type_.channels, 1), False)
    long = scale.of_side(max(pair))
    size = (max(long * pair[1] / max(pair), _LEAST), max(long * pair[0] / max(pair), _LEAST))
    if isinstance(type_, Tokens):
        return Volume(f"{type_.length}×{type_.channels}", 1, size, pair, False)
    assert isinstance(type_, Map)
    words = f"{type_.channels}@{'×'.join(map(str, type_.spatial))}"
    return Volume(words, min(type_.channels, MOST_SHEETS), size, pair, type_.channels > MOST_SHEETS)


def paint(made: Volume, x: float, y: float, kind: str, theme: Theme) -> Iterator[str]:
    """A volume with its top left corner at x, y; the front sheet is the last, at the lower right."""
    colours = {"fill": theme.tint[kind], "stroke": theme.accent[kind]}
    w, h = made.size
    if made.sheets == 0:
        yield element("rect", x=x, y=y, width=w, height=h, **colours, class_="bar")
        if made.positions[0] <= _CELLS:
            cell = h / made.positions[0]
            d = "".join(path([(x, y + cell * at), (x + w, y + cell * at)]) for at in range(1, made.positions[0]))
            if d:
                yield element("path", d=d, stroke=theme.accent[kind], stroke_width=0.7)
        return
    for at in range(made.sheets):
        yield element("rect", x=x + made.offset * at, y=y + made.offset * at, width=w, height=h, **colours, class_="sheet")
    if made.more:
        shift = made.offset * made.sheets
        yield label(x + shift / 2 - 6, y + h + shift / 2 + 6, "…", 12.0, theme.muted, text_anchor="middle")


def front(made: Volume, x: float, y: float) -> Point:
    """The top left corner of the front sheet of a volume at x, y."""
    shift = made.offset * max(made.sheets - 1, 0)
    return x + shift, y + shift


def window(made: Volume, corner: Point, kernel: tuple[int, int], target: Point, theme: Theme) -> str:
    """The kernel's window on a front sheet, with lines to the position that it gives in the next volume."""
    (w, h), (rows, columns) = made.size, made.positions
    high, wide = max(min(kernel[0] / rows, 1.0) * h, 3.0), max(min(kernel[1] / columns, 1.0) * w, 3.0)
    x = corner[0] + (w - wide) * 0.62
    y = corner[1] + (h - high) * 0.38
    rect = element("rect", x=x, y=y, width=wide, height=high, fill=theme.page, fill_opacity="0.75", stroke=theme.ink, stroke_width=1.1)
    lines = path([(x + wide, y), target]) + path([(x + wide, y + high), target])
    return rect + element("path", d=lines, stroke=theme.ink, stroke_width=0.8, fill="none")


def spread(made: Volume, corner: Point, after: Volume, to: Point, theme: Theme) -> str:
    """Lines from the whole of a volume to the whole of the next, which reads all of it."""
    right = corner[0] + made.size[0]
    d = path([(right, corner[1]), to]) + path([(right, corner[1] + made.size[1]), (to[0], to[1] + after.size[1])])
    return element("path", d=d, stroke=theme.line, stroke_width=0.9, fill="none")


def arrow(start: Point, end: Point, theme: Theme) -> str:
    """A straight arrow."""
    return stroke([start, (end[0] - 5, end[1])], theme.line, 1.3) + arrowhead(end, start, theme.line)


def words_width(lines: list[str], size: float) -> float:
    """The width of the widest line."""
    return max((width(line, size) for line in lines), default=0.0)
