"""A tall picture in columns: it is cut where a single arrow goes on, and the pieces are placed side by side."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from math import log
from typing import NamedTuple

from archspec.views.figures.diagram import Box
from archspec.views.figures.plan import Frame, Plan, Shift, Wire

_CUTS = 150
"""Places to cut that are tried."""
GUTTER = 46.0
DROP = 26.0
"""How far an arrow goes down before it turns to the next column."""
_NEST, _LEDGE = 20.0, 7.0
"""Distance of nested frames' tops and bottoms where a cut goes through them."""
_MOST = 16
_SPLIT = 60.0
"""What it costs to cut a frame in two, in units of height."""
_TALL = 420.0
"""Pictures up to this height stay in one piece."""


class Cut(NamedTuple):
    """A place to cut: between the boxes above and those below, through `frames`, outer first. `wires`, of one box, go on.

    At the top and the bottom of a picture there are none.
    """

    above: float
    below: float
    wires: tuple[Wire, ...] = ()
    frames: tuple[Frame, ...] = ()


class Column(NamedTuple):
    """A piece of the picture between two cuts."""

    before: Cut
    after: Cut

    @property
    def top(self) -> float:
        """Where it begins in the old picture."""
        return self.before.below

    @property
    def bottom(self) -> float:
        """Where it ends in the old picture."""
        return self.after.above

    @property
    def head(self) -> float:
        """Room above the topmost box for the arrow that comes in and for frames that go on."""
        return DROP + _NEST * len(self.before.frames) if self.before.wires else 0.0

    @property
    def foot(self) -> float:
        """Room below the lowest box for the arrow that goes out and for frames that go on."""
        return DROP + _LEDGE * len(self.after.frames) if self.after.wires else 0.0

    @property
    def height(self) -> float:
        """Height with head and foot."""
        return self.head + self.bottom - self.top + self.foot


def columns(plan: Plan, aspect: float) -> tuple[Plan, float]:
    """The plan in as many columns as bring it nearest to an aspect, width over height, with the largest words, and how far from its aims it is; its left top corner is at 0, 0."""
    _, top, _, bottom = plan.extent()
    edge = Cut(bottom, top)
    cuts = [edge, *(_cuts(plan) if bottom - top > _TALL else ()), edge]
    chosen = _chooser(cuts)
    best, least = plan, float("inf")
    for count in range(1, min(_MOST, len(cuts) - 1) + 1):
        _, pieces = chosen(0, count)
        made = _placed(plan, pieces)
        empty = 1 - sum(piece.height for piece in pieces) / count / made.size[1]
        found = misfit(made, aspect, empty) + 0.06 * sum(len(piece.after.frames) for piece in pieces)
        if found < least - 0.03:
            best, least = made, found
    return best, least


def misfit(plan: Plan, aspect: float, empty: float = 0.0) -> float:
    """Measure how far a plan is from its aims: large where it fills a page of an aspect, and columns that are filled to their foot."""
    wide, high = plan.size
    return log(max((wide + 40) / aspect, high + 120)) + 2.0 * empty * empty


def _cuts(plan: Plan) -> list[Cut]:
    found = []
    for above, below in plan.gaps():
        middle = (below + above) / 2
        over = tuple(w for w in plan.wires if (plan.places[w.arrow.tail][1] < middle) != (plan.places[w.arrow.head][1] < middle))
        if len({w.arrow.tail for w in over}) == 1 and all(_open(plan, w, middle) for w in over):
            ends = [f.box[3] for f in plan.frames if above < f.box[3] < below]
            starts = [f.box[1] for f in plan.frames if above < f.box[1] < below]
            through = tuple(f for f in plan.frames if f.box[1] < above and f.box[3] > below)
            found.append(Cut(max([above, *ends]), min([below, *starts]), over, through))
    return found[:: len(found) // _CUTS + 1]


def _open(plan: Plan, wire: Wire, top: float) -> bool:
    """Whether the head of a wire can be reached straight from a line above it."""
    x, y = wire.points[-1]
    others = ((plan.rect(box), by) for box, (_, by) in plan.places.items() if box is not wire.arrow.head)
    return not any(x0 - 4 < x < x1 + 4 and top < by < y - 1 for (x0, _, x1, _), by in others)


def _chooser(cuts: list[Cut]) -> Callable[[int, int], tuple[float, list[Column]]]:
    """What finds the best columns from a cut on: so many, the tallest as low as can be. Cuts through frames count as extra height."""

    @cache
    def solve(start: int, left: int) -> tuple[float, list[Column]]:
        if left == 1:
            column = Column(cuts[start], cuts[-1])
            return column.height, [column]
        found: tuple[float, list[Column]] = (float("inf"), [])
        for at in range(start + 1, len(cuts) - left + 1):
            column = Column(cuts[start], cuts[at])
            rest, more = solve(at, left - 1)
            cost = max(column.height, rest) + _SPLIT * len(cuts[at].frames)
            if cost < found[0]:
                found = (cost, [column, *more])
        return found

    return solve


def _placed(plan: Plan, pieces: list[Column]) -> Plan:
    """The plan with its pieces side by side."""
    shifts: dict[Box, Shift] = {}
    frames = []
    spots = []
    left = 0.0
    for piece in pieces:
        x0, _, x1, _ = plan.extent(piece.top, piece.bottom)
        shift = Shift(left - x0, piece.head - piece.top)
        shifts |= {box: shift for box, (_, y) in plan.places.items() if piece.top <= y <= piece.bottom}
        frames += [_piece(frame, piece, shift) for frame in plan.frames if frame.box[1] < piece.bottom and frame.box[3] > piece.top]
        spots.append((piece, shift, left))
        left += x1 - x0 + GUTTER
    between = [
        _connector(wire, piece, shift, after, x) for (piece, shift, _), (_, after, x) in pairwise(spots) for wire in piece.after.wires
    ]
    return plan.moved(shifts, frames, (left - GUTTER, max(piece.height for piece in pieces))).rewired(between)


def _piece(frame: Frame, piece: Column, shift: Shift) -> Frame:
    """The part of a frame that is in a column. Where it is cut it ends outside the frames within it."""
    x0, y0, x1, y1 = frame.box
    above, below = piece.before.frames, piece.after.frames
    if frame in above:
        y0 = piece.top - 4 - _NEST * (len(above) - above.index(frame))
    if frame in below:
        y1 = piece.bottom + 4 + _LEDGE * (len(below) - below.index(frame))
    return frame._replace(box=shift.rect((x0, y0, x1, y1)), first=frame not in above)


def _connector(wire: Wire, piece: Column, shift: Shift, after: Shift, left: float) -> Wire:
    """The arrow from the foot of a column to the head of the next, whose left end is given, and there as it goes."""
    cut = (piece.after.above + piece.after.below) / 2
    above = [shift.point(point) for point in wire.points if point[1] < cut]
    below = [after.point(point) for point in wire.points if point[1] >= cut]
    foot = piece.bottom + shift.dy + piece.foot - 4
    lane = left - GUTTER / 2
    return wire._replace(points=[*above, (above[-1][0], foot), (lane, foot), (lane, 5.0), (below[0][0], 5.0), *below])
