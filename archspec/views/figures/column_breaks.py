"""A tall picture in columns: it is cut where one value goes on, or few, and the pieces are placed side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise, product
from math import fsum, log
from typing import NamedTuple

from archspec.views.figures.captions import title_width
from archspec.views.figures.diagram import Box
from archspec.views.figures.plan import LEGIBLE, Frame, Page, Plan, Rect, Shift, Wire
from archspec.views.graphics.svg import Point

_Extent = Callable[[float, float], Rect]
"""How far a plan reaches between two heights."""
_CUTS = 150
"""Places to cut that are tried."""
GUTTER = 46.0
DROP = 26.0
"""How far an arrow goes down before it turns to the next column."""
_NEST, _LEDGE = 20.0, 7.0
"""Distance of nested frames' tops and bottoms where a cut goes through them."""
_MOST = 16
_SPLIT = 20.0
"""What it costs to cut a frame in two, or to let a further value go on, in units of height."""
_WORTH = 0.0, 1.0
"""What a unit of width is worth in height, where the best columns are looked for."""
_ILLEGIBLE = 3.0
"""How much more it weighs that words are smaller where they are too small already."""
_APART = 7.0
"""Between the arrows of values that go on."""
_VALUES = 4
"""Values that go on at most."""
_TALL = 420.0
"""Pictures up to this height stay in one piece."""


class Cut(NamedTuple):
    """A place to cut: between the boxes above and those below, through `frames`, outer first. `values` go on, the one farthest at the right first.

    At the top and the bottom of a picture there are none.
    """

    above: float
    below: float
    values: tuple[Box, ...] = ()
    frames: tuple[Frame, ...] = ()

    @property
    def middle(self) -> float:
        """Where wires are cut."""
        return (self.above + self.below) / 2

    @property
    def cost(self) -> int:
        """What there is more than the arrow of one value."""
        return len(self.frames) + max(len(self.values) - 1, 0)

    @property
    def room(self) -> float:
        """The height that its arrows ask for."""
        return DROP + _APART * (len(self.values) - 1) if self.values else 0.0


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
        return self.before.room + _NEST * len(self.before.frames)

    @property
    def foot(self) -> float:
        """Room below the lowest box for the arrow that goes out and for frames that go on."""
        return self.after.room + _LEDGE * len(self.after.frames)

    @property
    def height(self) -> float:
        """Height with head and foot."""
        return self.head + self.bottom - self.top + self.foot


def columns(plan: Plan, page: Page, *, fewest: bool = False) -> Plan:
    """The plan in as many columns as give the largest words on a page, or in the `fewest` that are legible; its left top corner is at 0, 0."""
    _, top, _, bottom = plan.extent()
    edge = Cut(bottom, top)
    cuts = [edge, *(_cuts(plan, page) if bottom - top > _TALL else ()), edge]
    extent = cache(plan.extent)
    choosers = [_chooser(cuts, extent, worth) for worth in _WORTH]
    best, least = [Column(edge, edge)], float("inf")
    for count, chosen in product(range(1, min(_MOST, len(cuts) - 1) + 1), choosers):
        pieces = chosen(0, count)[2]
        size, widths = _size(pieces, extent), _widths(pieces, extent)
        filled = fsum(wide * piece.height for wide, piece in zip(widths, pieces, strict=True))
        empty = 1 - filled / fsum(widths) / size[1]
        high = page.height(size)
        found = _misfit(high, empty) + 0.03 * fsum(piece.after.cost for piece in pieces)
        if found < least - 0.03:
            best, least = pieces, found
        if fewest and high <= LEGIBLE:
            best = pieces
            break
    return _placed(plan, best, extent)


def _misfit(high: float, empty: float) -> float:
    """Measure how far columns are from their aims: large words on a page, which is so `high`, and columns that are filled to their foot."""
    return log(high) + _ILLEGIBLE * max(log(high / LEGIBLE), 0.0) + 1.5 * empty * empty


def _size(pieces: list[Column], extent: _Extent) -> Point:
    """The size of pieces that stand side by side."""
    return fsum(_widths(pieces, extent)) + GUTTER * (len(pieces) - 1), max(piece.height for piece in pieces)


def _widths(pieces: list[Column], extent: _Extent) -> list[float]:
    return [x1 - x0 for x0, _, x1, _ in (extent(piece.top, piece.bottom) for piece in pieces)]


def _cuts(plan: Plan, page: Page) -> list[Cut]:
    """Places to cut. To the right no piece of a frame may be shorter than the frame's title, which stands along it."""
    titles = {frame: title_width(frame.group.title) if page.right else 0.0 for frame in plan.frames}
    found = []
    for above, below in plan.gaps():
        middle = (below + above) / 2
        over: dict[Box, float] = {}
        for wire in plan.wires:
            if plan.places[wire.arrow.tail][1] < middle < plan.places[wire.arrow.head][1]:
                over[wire.arrow.tail] = max(_crossing(wire, middle), over.get(wire.arrow.tail, float("-inf")))
        if 1 <= len(over) <= _VALUES:
            ends = [f.box[3] for f in plan.frames if above < f.box[3] < below]
            starts = [f.box[1] for f in plan.frames if above < f.box[1] < below]
            through = tuple(f for f in plan.frames if f.box[1] < above and f.box[3] > below)
            if any(min(above - f.box[1], f.box[3] - below) < titles[f] for f in through):
                continue
            values = tuple(sorted(over, key=lambda value: -over[value]))
            high, low = max([above, *ends]), min([below, *starts])
            if any(high < a[1] == b[1] < low for wire in plan.wires for a, b in pairwise(wire.points)):
                low = high + 1  # what forks here does so in the next column
            found.append(Cut(high, low, values, through))
    return found[:: len(found) // _CUTS + 1]


def _crossing(wire: Wire, y: float) -> float:
    """How far at the right a wire crosses a height."""
    return next((a[0] for a, b in pairwise(wire.points) if a[1] < y <= b[1]), wire.points[0][0])


def _chooser(cuts: list[Cut], extent: _Extent, worth: float) -> Callable[[int, int], tuple[float, float, list[Column]]]:
    """What finds the best columns from a cut on: so many, the tallest as low as can be, where all widths are `worth` some height.

    Cuts through frames count as extra height.
    """
    rects = [extent(before.below, after.above) for before, after in pairwise(cuts)]

    @cache
    def solve(start: int, left: int) -> tuple[float, float, list[Column]]:
        found: tuple[float, float, list[Column]] = (float("inf"), 0.0, [])
        x0, x1 = float("inf"), float("-inf")
        for at in range(start + 1, len(cuts) - left + 1):
            x0, x1 = min(x0, rects[at - 1][0]), max(x1, rects[at - 1][2])
            column, wide = Column(cuts[start], cuts[at]), worth * (x1 - x0)
            if column.bottom - column.top + wide >= found[0] + found[1]:
                break  # further ones are taller
            tall, more, rest = solve(at, left - 1) if left > 1 else (0.0, 0.0 if at == len(cuts) - 1 else float("inf"), [])
            tall = max(column.height, tall) + _SPLIT * cuts[at].cost
            if tall + wide + more < found[0] + found[1]:
                found = (tall, wide + more, [column, *rest])
        return found

    return solve


def _placed(plan: Plan, pieces: list[Column], extent: _Extent) -> Plan:
    """The plan with its pieces side by side."""
    shifts: dict[Box, Shift] = {}
    frames = []
    spots = []
    left = 0.0
    for piece in pieces:
        x0, _, x1, _ = extent(piece.top, piece.bottom)
        shift = Shift(left - x0, piece.head - piece.top)
        shifts |= {box: shift for box, (_, y) in plan.places.items() if piece.top <= y <= piece.bottom}
        frames += [_piece(frame, piece, shift) for frame in plan.frames if frame.box[1] < piece.bottom and frame.box[3] > piece.top]
        spots.append((piece, shift, left))
        left += x1 - x0 + GUTTER
    made = plan.moved(shifts, frames, _size(pieces, extent))
    return made.rewired(wire._replace(points=[*_points(plan, wire, spots)]) for wire in plan.wires)


def _piece(frame: Frame, piece: Column, shift: Shift) -> Frame:
    """The part of a frame that is in a column. Where it is cut it ends outside the frames within it."""
    x0, y0, x1, y1 = frame.box
    above, below = piece.before.frames, piece.after.frames
    if frame in above:
        y0 = piece.top - 4 - _NEST * (len(above) - above.index(frame))
    if frame in below:
        y1 = piece.bottom + 4 + _LEDGE * (len(below) - below.index(frame))
    return frame._replace(box=shift.rect((x0, y0, x1, y1)), first=frame not in above)


def _points(plan: Plan, wire: Wire, spots: list[tuple[Column, Shift, float]]) -> Iterator[Point]:
    """The corners of a wire: from the foot of each column on to the head of the next, whose left end is given."""
    start, end = (plan.places[box][1] for box in (wire.arrow.tail, wire.arrow.head))
    for (piece, shift, _), after in zip(spots, [*spots[1:], None], strict=True):
        top = piece.before.middle if piece.before.values else float("-inf")
        foot = piece.after.middle if piece.after.values else float("inf")
        if top < end and start < foot:
            yield from (shift.point(point) for point in wire.points if top <= point[1] < foot)
            if after is not None and end > foot:
                at = piece.after.values.index(wire.arrow.tail)
                x, y = _crossing(wire, foot), piece.height - 4 - _APART * (len(piece.after.values) - 1 - at)
                lane = after[2] - GUTTER / 2 + _APART * (at - (len(piece.after.values) - 1) / 2)
                yield from ((x + shift.dx, y), (lane, y), (lane, 5 + _APART * at), (x + after[1].dx, 5 + _APART * at))
