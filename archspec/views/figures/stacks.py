"""Volumes: a map as stacked sheets, or as a box that is as deep as it has channels; a vector as a bar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import sqrt
from typing import NamedTuple

from archspec.types import Map, Tokens, Type
from archspec.views.graphics.svg import Point, element, label, pair, path, stroke
from archspec.views.theme import Theme

STYLES = ("sheets", "boxes")
MOST_SHEETS = 8
_OFFSETS = 2.5, 5.0
"""Least and largest distance of stacked sheets, to the right and down; in between it grows with the sheets."""
_DEEPEST = 40.0
"""Depth of the most channels."""
_LEAST, _THIN, _BAR, _ROD = 7.0, 3.0, 11.0, 8.0
_SLANT = 0.3
"""How far sides that lead away from the reader go to the right and up, of their length."""
_BAND = 0.3
"""The part of a convolution's box that its activation has, of at most as many units as a thin box has."""
_CELLS = 16
"""Vectors up to this long show their numbers as cells."""
_SLICES = 3
"""Slices of a box that represents equal ones, at most."""


class Scale(NamedTuple):
    """The largest side of a map and the longest vector, which are `largest` long, and the most channels; other lengths go by their square roots."""

    style: str
    side: int
    vector: int
    channels: int
    largest: float = 0.0


def sides(type_: Type, style: str) -> tuple[int, int] | None:
    """Height and width in positions; None for a vector, and for a map without positions left. What has one axis lies as a sheet and stands as a box."""
    if isinstance(type_, Tokens):
        return type_.length, type_.channels if style == "sheets" else 1
    if not isinstance(type_, Map) or set(type_.spatial) == {1}:
        return None
    if len(type_.spatial) == 1:
        return (1, type_.spatial[0]) if style == "sheets" else (type_.spatial[0], 1)
    return type_.spatial[-2], type_.spatial[-1]


def scale_of(types: list[Type], style: str) -> Scale:
    """The scale on which the largest of some values are as large as can be."""
    maps = [(pair, type_.channels) for type_ in types if (pair := sides(type_, style))]
    return Scale(
        style,
        max((max(pair) for pair, _ in maps), default=1),
        max((type_.channels for type_ in types if not sides(type_, style)), default=1),
        max((channels for _, channels in maps), default=1),
    )


def positions_of(type_: Type) -> str:
    """The positions of a value as figures write them: `28×28`; empty for a vector."""
    return "×".join(map(str, type_.spatial if isinstance(type_, Map) else type_.shape[:-1]))


def words_of(type_: Type) -> str:
    """A value as textbooks write it: `6@28×28`."""
    return f"{type_.channels}@{positions_of(type_)}" if isinstance(type_, Map) else "×".join(map(str, type_.shape))


class Sheets(NamedTuple):
    """Sheets of a size for `layers`, one bar where there are none; and the numbers of positions along the sides."""

    layers: int
    size: Point
    positions: tuple[int, int]

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
    def front(self) -> Point:
        """The top left corner of the front sheet."""
        return self.extent[0] - self.size[0], self.extent[1] - self.size[1]

    @property
    def back(self) -> float:
        """Where an arrow ends."""
        return 0.0

    @property
    def face(self) -> float:
        """Where an arrow begins."""
        return self.extent[0]

    def paint(self, x: float, y: float, kind: str, theme: Theme) -> Iterator[str]:
        """Draw it with its left top corner at a point; the front sheet is the last, at the lower right."""
        colours = {"fill": theme.tint[kind], "stroke": theme.accent[kind]}
        w, h = self.size
        if self.sheets == 0:
            yield element("rect", x=x, y=y, width=w, height=h, **colours, class_="bar")
            cells = self.positions[0]
            if 1 < cells <= _CELLS:
                d = "".join(path([(x, y + h / cells * at), (x + w, y + h / cells * at)]) for at in range(1, cells))
                yield element("path", d=d, stroke=theme.accent[kind], stroke_width=0.7)
        for at in range(self.sheets):
            yield element("rect", x=x + self.offset * at, y=y + self.offset * at, width=w, height=h, **colours, class_="sheet")
        if self.layers > self.sheets:
            shift = self.offset * self.sheets
            yield label(x + shift / 2 - 6, y + h + shift / 2 + 6, "…", 12.0, theme.muted, text_anchor="middle")


class Cuboid(NamedTuple):
    """A box in parallel projection: `depth` to the right for each of its `slices`, sides that lead away go `slant` to the right and up.

    `band` of its depth is the activation's.
    """

    depth: float
    high: float
    slant: float
    slices: int = 1
    band: float = 0.0

    @property
    def extent(self) -> Point:
        """Width and height."""
        return self.depth * self.slices + self.slant, self.high + self.slant

    @property
    def back(self) -> float:
        """Where an arrow ends: in the middle of the left end, which is farther right where it is long and thin."""
        return max((self.slant - self.high) / 2, 0.0)

    @property
    def face(self) -> float:
        """Where an arrow begins: in the middle of the right side."""
        return self.depth * self.slices + self.slant / 2

    def paint(self, x: float, y: float, kind: str, theme: Theme) -> Iterator[str]:
        """Draw it with its left top corner at a point."""
        accent, s, h, end = theme.accent[kind], self.slant, self.high, x + self.depth * self.slices
        top, lines = y + s, {"stroke": accent, "stroke_width": 0.7, "stroke_linejoin": "round"}
        outline = [(x, top), (x + s, y), (end + s, y), (end + s, y + h), (end, top + h), (x, top + h)]
        yield _polygon(outline, fill=theme.card)
        faces = (
            ([(x, top), (end, top), (end, top + h), (x, top + h)], "0.42"),
            ([(x, top), (x + s, y), (end + s, y), (end, top)], "0.2"),
            ([(end, top), (end + s, y), (end + s, y + h), (end, top + h)], "0.66"),
        )
        yield from (_polygon(corners, fill=accent, fill_opacity=share, **lines) for corners, share in faces)
        if self.band:
            begin = end - self.band
            corners = [(begin, top + h), (begin, top), (begin + s, y), (end + s, y), (end, top), (end, top + h)]
            yield _polygon(corners, fill=accent, fill_opacity="0.5")
        for at in range(1, self.slices):
            here = x + self.depth * at
            yield stroke([(here, top + h), (here, top), (here + s, y)], accent, 0.7, fill="none")


Volume = Sheets | Cuboid


def _polygon(corners: Iterable[Point], **attributes: object) -> str:
    return element("polygon", points=" ".join(map(pair, corners)), **attributes)


def volume(type_: Type, scale: Scale, *, times: int = 1, active: bool = False, thin: bool = False) -> Volume:
    """How a value is drawn: height to width as they are, the longer side by the scale. A box is `thin`, or `active` where an activation is its end."""
    found = sides(type_, scale.style)
    if found is None:
        long = scale.largest * sqrt(type_.channels / scale.vector)
        if scale.style == "boxes":
            return Cuboid(_ROD, _ROD, max(_LEAST, _SLANT * 1.6 * long))
        return Sheets(0, (_BAR, max(2 * _LEAST, long)), (type_.channels, 1))
    long = max(_LEAST, scale.largest * sqrt(max(found) / scale.side))
    high, wide = (max(long * side / max(found), _LEAST if scale.style == "sheets" else _THIN) for side in found)
    if scale.style == "sheets":
        return Sheets(type_.channels if isinstance(type_, Map) else 1, (wide, high), found)
    depth = 2 * _THIN if thin else max(_THIN, _DEEPEST * sqrt(type_.channels / scale.channels))
    return Cuboid(depth, high, _SLANT * wide, min(times, _SLICES), min(_BAND * depth, 2 * _THIN) if active else 0.0)


def window(made: Sheets, place: Point, kernel: tuple[int, int], after: Sheets, spot: Point, theme: Theme) -> str:
    """The kernel's window on a front sheet, with lines to the position that it gives in the next volume; the volumes are at the two points."""
    (w, h), (rows, columns) = made.size, made.positions
    high, wide = max(min(kernel[0] / rows, 1.0) * h, 3.0), max(min(kernel[1] / columns, 1.0) * w, 3.0)
    x = place[0] + made.front[0] + (w - wide) * 0.62
    y = place[1] + made.front[1] + (h - high) * 0.38
    target = (spot[0] + after.front[0] + after.size[0] * 0.3, spot[1] + after.front[1] + after.size[1] * 0.5)
    rect = element("rect", x=x, y=y, width=wide, height=high, fill=theme.page, fill_opacity="0.75", stroke=theme.ink, stroke_width=1.1)
    lines = path([(x + wide, y), target]) + path([(x + wide, y + high), target])
    return rect + element("path", d=lines, stroke=theme.ink, stroke_width=0.8, fill="none")


def spread(made: Sheets, place: Point, after: Sheets, spot: Point, theme: Theme) -> str:
    """Lines from the whole of a volume to the whole of the next, which reads all of it."""
    right, top = place[0] + made.extent[0], place[1] + made.front[1]
    d = path([(right, top), spot]) + path([(right, top + made.size[1]), (spot[0], spot[1] + after.size[1])])
    return element("path", d=d, stroke=theme.line, stroke_width=0.9, fill="none")
