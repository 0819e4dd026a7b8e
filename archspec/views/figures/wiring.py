"""The paths of arrows through pieces that have their places: straight down, and to the side only in the zones between rows."""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from archspec.views.figures.channel import Track, level, tracks
from archspec.views.figures.diagram import Arrow, Box, Diagram
from archspec.views.figures.pieces import Leaf, Piece, passed, steps
from archspec.views.figures.plan import Rect, Wire
from archspec.views.graphics.svg import Point

Zone = tuple[Piece, int]
"""The room above a part of a chain, above a row of layers, or at the head of branches."""


_ASIDE = (0.0, 3.0, -3.0, 4.5, -4.5)
"""How far from its place an arrow gets into the side of a box, where it would be on another."""


class Bar(NamedTuple):
    """The line on which a value changes sides: its height, and from where to where."""

    y: float
    x: float
    to: float
    value: Box


class Way(NamedTuple):
    """An arrow's way: where it changes sides in which zones, and whether it gets into its head from the side."""

    arrow: Arrow
    turns: list[tuple[Zone, float]]
    side: bool


def wires(diagram: Diagram, leaves: dict[Box, Leaf]) -> list[Wire]:
    """The wires of all arrows."""
    router = _Router([(leaf.x - leaf.left, leaf.y, leaf.x + leaf.right, leaf.y + leaf.height) for leaf in leaves.values()])
    ways = [router.way(arrow, leaves[arrow.tail], leaves[arrow.head]) for arrow in diagram.arrows]
    zones: dict[Zone, list[Track]] = defaultdict(list)
    for way in ways:
        x = leaves[way.arrow.tail].x
        for zone, to in way.turns:
            zones[zone].append((_value(way.arrow, leaves), x, to))
            x = to
    levels = {zone: tracks(found) for zone, found in zones.items()}
    bars = [[*_bars(way, leaves, levels)] for way in ways]
    sides = _sides(ways, leaves, [bar for those in bars for bar in those])
    return [Wire(way.arrow, [*_points(way, leaves, those, sides)]) for way, those in zip(ways, bars, strict=True)]


def _bars(way: Way, leaves: dict[Box, Leaf], levels: dict[Zone, dict[Box, int]]) -> Iterator[Bar]:
    value, x = _value(way.arrow, leaves), leaves[way.arrow.tail].x
    for (piece, at), to in way.turns:
        if abs(to - x) > 0.5:
            yield Bar(piece.ceiling(at) + level(levels[piece, at][value]), x, to, value)
            x = to


def _value(arrow: Arrow, leaves: dict[Box, Leaf]) -> Box:
    return arrow.head if leaves[arrow.head].rider else arrow.tail


def _end(way: Way, leaves: dict[Box, Leaf]) -> float:
    """Where an arrow comes down at last."""
    return way.turns[-1][1] if way.turns else leaves[way.arrow.tail].x


def _sides(ways: list[Way], leaves: dict[Box, Leaf], bars: list[Bar]) -> dict[Arrow, Point]:
    """The points where arrows get into boxes from the side: those from farther out below the others, and not along another value's bar."""
    bars.sort(key=lambda bar: bar.y)
    met: dict[tuple[Box, bool], list[Way]] = defaultdict(list)
    for way in ways:
        if way.side:
            met[way.arrow.head, _end(way, leaves) > leaves[way.arrow.head].x].append(way)
    found: dict[Arrow, Point] = {}
    for (head, right), those in met.items():
        leaf = leaves[head]
        those.sort(key=lambda way: abs(_end(way, leaves) - leaf.x))
        step = min(10.0 if not leaf.sign else 7.0, (leaf.height - 6) / len(those))
        for at, way in enumerate(those):
            off, y = (at - (len(those) - 1) / 2) * step, leaf.y + leaf.height / 2
            off += next((aside for aside in _ASIDE if not _along(bars, way, leaves, y + off + aside)), 0.0)
            reach = (leaf.left**2 - off**2) ** 0.5 if leaf.sign else leaf.left
            found[way.arrow] = leaf.x + (reach if right else -reach), y + off
    return found


def _along(bars: list[Bar], way: Way, leaves: dict[Box, Leaf], y: float) -> bool:
    """Whether an arrow that gets into its head at a height is on the bar of another value."""
    lo, hi = sorted((_end(way, leaves), leaves[way.arrow.head].x))
    first, last = (bisect(bars, height, key=lambda bar: bar.y) for height in (y - 2, y + 2))
    near = (bar for bar in bars[first:last] if bar.value is not _value(way.arrow, leaves))
    return any(min(bar.x, bar.to) < hi and lo < max(bar.x, bar.to) for bar in near)


def _points(way: Way, leaves: dict[Box, Leaf], bars: list[Bar], sides: dict[Arrow, Point]) -> Iterator[Point]:
    tail, head = leaves[way.arrow.tail], leaves[way.arrow.head]
    yield tail.x, tail.y + tail.height
    for bar in bars:
        yield bar.x, bar.y
        yield bar.to, bar.y
    x = bars[-1].to if bars else tail.x
    if way.side:
        tip = sides[way.arrow]
        yield x, tip[1]
        yield tip
    else:
        yield x, head.y


class _Router:
    def __init__(self, rects: list[Rect]) -> None:
        self.rects = rects

    def way(self, arrow: Arrow, tail: Leaf, head: Leaf) -> Way:
        """Find an arrow's way, into its head from the side where it may and nothing is in between."""
        turns: list[tuple[Zone, float]] = []
        x = tail.x
        for piece, at, to in steps(tail, head):
            passing = [*piece.turns(at, to, passed(piece, tail, head))]
            if tail.rider and tail.up is piece:
                del passing[0]
            elif head.rider and head.up is piece:
                del passing[1:]
            for turn in passing:
                if turn.aside and self.free(x, head):
                    return Way(arrow, turns, True)
                turns.append(((piece, turn.zone), turn.x))
                x = turn.x
        return Way(arrow, turns, False)

    def free(self, x: float, head: Leaf) -> bool:
        """Whether nothing lies between a lane and the side of a box."""
        y = head.y + head.height / 2
        lo, hi = min(x, head.x), max(x, head.x)
        own = head.x - head.left, head.y
        return not any(x0 < hi and lo < x1 and y0 - 2 < y < y1 + 2 and (x0, y0) != own for x0, y0, x1, y1 in self.rects)
