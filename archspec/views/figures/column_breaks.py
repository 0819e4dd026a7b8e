"""A tall picture in columns: cut where one arrow alone goes on, the pieces side by side."""

from __future__ import annotations

from math import log
from typing import NamedTuple

from archspec.views.figures.cards import Cards
from archspec.views.figures.graphviz_layout import Point
from archspec.views.figures.plan import Frame, Plan, Rect, Wire
from archspec.views.figures.u_shape import bent

SHAPE = 1.5
"""Width over height that is aimed at: that of a slide."""
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
    """A place to cut: between the boxes above and those below, through `frames`, outer first. `wires`, of one box, go on."""

    above: float
    below: float
    wires: tuple[Wire, ...]
    frames: tuple[Frame, ...]


class Column(NamedTuple):
    """A piece of the picture: from `top` to `bottom` in the old, with the cuts above and below it."""

    top: float
    bottom: float
    before: Cut | None
    after: Cut | None

    @property
    def head(self) -> float:
        """Room above the topmost box for the arrow that comes in and for frames that go on."""
        return 0.0 if self.before is None else DROP + _NEST * len(self.before.frames)

    @property
    def foot(self) -> float:
        """Room below the lowest box for the arrow that goes out and for frames that go on."""
        return 0.0 if self.after is None else DROP + _LEDGE * len(self.after.frames)

    @property
    def height(self) -> float:
        """Height with head and foot."""
        return self.head + self.bottom - self.top + self.foot


def columns(plan: Plan, cards: Cards) -> Plan:
    """The plan in as many columns as bring it nearest to the SHAPE, or bent to a U where that does."""
    if plan.size[1] <= _TALL:
        return plan
    cuts = _cuts(plan, cards)
    best, least = plan, _misfit(plan, 0.0)
    for count in range(2, min(_MOST, len(cuts) + 1) + 1):
        pieces = _chosen(cuts, count, plan.size[1])
        made = _placed(plan, pieces, cards)
        empty = 1 - sum(piece.height for piece in pieces) / count / made.size[1]
        misfit = _misfit(made, empty) + 0.3 * sum(len(piece.after.frames) for piece in pieces if piece.after)
        if misfit < least - 0.05:
            best, least = made, misfit
    made_bent = bent(plan, cards)
    return made_bent if made_bent is not None and _misfit(made_bent, 0.0) < least else best


def _misfit(plan: Plan, empty: float) -> float:
    """How far a plan is from what is aimed at: its shape, and columns that are filled to their foot."""
    return abs(log(plan.size[0] / plan.size[1] / SHAPE)) + 4.0 * empty * empty


def _cuts(plan: Plan, cards: Cards) -> list[Cut]:
    found = []
    for above, below in plan.gaps(cards):
        middle = (below + above) / 2
        over = tuple(w for w in plan.wires if (plan.places[w.arrow.tail][1] < middle) != (plan.places[w.arrow.head][1] < middle))
        if len({w.arrow.tail for w in over}) == 1 and all(_open(plan, cards, w, middle) for w in over):
            ends = [f.box[3] for f in plan.frames if above < f.box[3] < below]
            starts = [f.box[1] for f in plan.frames if above < f.box[1] < below]
            through = tuple(f for f in plan.frames if f.box[1] < above and f.box[3] > below)
            found.append(Cut(max([above, *ends]), min([below, *starts]), over, through))
    return found[:: len(found) // _CUTS + 1]


def _open(plan: Plan, cards: Cards, wire: Wire, top: float) -> bool:
    """Whether the head of a wire can be reached straight from a line above it."""
    x, y = wire.points[-1]
    return not any(
        abs(bx - x) < cards[box].outer[0] / 2 + 4 and top < by < y - 1
        for box, (bx, by) in plan.places.items()
        if box is not wire.arrow.head
    )


def _chosen(cuts: list[Cut], count: int, height: float) -> list[Column]:
    """`count` columns, the tallest as low as can be; cuts through frames count as extra height."""
    best: dict[tuple[int, int], tuple[float, list[Column]]] = {}

    def solve(start: int, left: int) -> tuple[float, list[Column]]:
        """The best columns after cut number `start` (-1: the top)."""
        if (start, left) in best:
            return best[start, left]
        before = cuts[start] if start >= 0 else None
        top = before.below if before else 0.0
        if left == 1:
            column = Column(top, height, before, None)
            found = (column.height, [column])
        else:
            found = (float("inf"), [])
            for at in range(start + 1, len(cuts) - left + 2):
                column = Column(top, cuts[at].above, before, cuts[at])
                rest, more = solve(at, left - 1)
                cost = max(column.height, rest) + _SPLIT * len(cuts[at].frames)
                if cost < found[0]:
                    found = (cost, [column, *more])
        best[start, left] = found
        return found

    return solve(-1, count)[1]


def _placed(plan: Plan, pieces: list[Column], cards: Cards) -> Plan:
    """The plan with its pieces side by side."""
    places = {}
    wires: list[Wire] = []
    frames: list[Frame] = []
    left = 0.0
    shifts = []
    for piece in pieces:
        inside = [box for box, (_, y) in plan.places.items() if piece.top <= y <= piece.bottom]
        x0, x1 = _extent(plan, piece, {id(box) for box in inside}, cards)
        shift = (left - x0, piece.head - piece.top)
        shifts.append((shift, left, left + x1 - x0))
        for box in inside:
            x, y = plan.places[box]
            places[box] = (x + shift[0], y + shift[1])
        frames += [_piece(frame, piece, shift) for frame in plan.frames if frame.box[1] < piece.bottom and frame.box[3] > piece.top]
        left += x1 - x0 + GUTTER
    over = {id(wire): at for at, piece in enumerate(pieces) if piece.after for wire in piece.after.wires}
    for wire in plan.wires:
        at = over.get(id(wire))
        if at is not None:
            wires.append(_connector(wire, pieces, shifts, at))
            continue
        home = next(i for i, piece in enumerate(pieces) if piece.top <= plan.places[wire.arrow.tail][1] <= piece.bottom)
        dx, dy = shifts[home][0]
        wires.append(wire._replace(points=[(x + dx, y + dy) for x, y in wire.points]))
    return Plan((left - GUTTER, max(piece.height for piece in pieces)), places, wires, frames)


def _extent(plan: Plan, piece: Column, inside: set[int], cards: Cards) -> tuple[float, float]:
    """How far a piece reaches to the left and to the right."""
    xs = [x + side * cards[box].outer[0] / 2 for box, (x, _) in plan.places.items() if id(box) in inside for side in (-1, 1)]
    xs += [x for w in plan.wires if id(w.arrow.tail) in inside and id(w.arrow.head) in inside for x, _ in w.points]
    xs += [x for f in plan.frames if f.box[1] < piece.bottom and f.box[3] > piece.top for x in (f.box[0], f.box[2])]
    return min(xs), max(xs)


def _piece(frame: Frame, piece: Column, shift: Point) -> Frame:
    """The part of a frame that is in a column. Where it is cut it ends outside the frames within it."""
    x0, y0, x1, y1 = frame.box
    first = piece.before is None or frame not in piece.before.frames
    if piece.before is not None and not first:
        outer = piece.before.frames
        y0 = piece.top - 4 - _NEST * (len(outer) - outer.index(frame))
    if piece.after is not None and frame in piece.after.frames:
        outer = piece.after.frames
        y1 = piece.bottom + 4 + _LEDGE * (len(outer) - outer.index(frame))
    box: Rect = (x0 + shift[0], y0 + shift[1], x1 + shift[0], y1 + shift[1])
    return frame._replace(box=box, first=first)


def _connector(wire: Wire, pieces: list[Column], shifts: list[tuple[Point, float, float]], at: int) -> Wire:
    """The arrow from the foot of a column to the head of the next."""
    (dx, dy), _, right = shifts[at]
    (ex, ey), _, _ = shifts[at + 1]
    x0, y0 = wire.points[0][0] + dx, wire.points[0][1] + dy
    x1, y1 = wire.points[-1][0] + ex, wire.points[-1][1] + ey
    foot = pieces[at].bottom + dy + pieces[at].foot - 4
    lane = right + GUTTER / 2
    corners = [(x0, y0), (x0, foot), (lane, foot), (lane, 5.0), (x1, 5.0), (x1, y1)]
    return wire._replace(points=corners, straight=True)
