"""A network of two arms, such as a U-Net, as a U: down at the left, up at the right, what is carried across between them."""

from __future__ import annotations

from typing import NamedTuple

from archspec.views.figures.cards import Cards
from archspec.views.figures.diagram import Box
from archspec.views.figures.graphviz_layout import Point
from archspec.views.figures.plan import Frame, Plan, Wire

_LEAST, _MOST = 2, 12
"""Values carried past the bend: with fewer a picture in columns reads better, and more cannot be told apart."""
_BETWEEN = 90.0
_DROP = 26.0
_HEAD = 7.0


class Bend(NamedTuple):
    """Where to bend: below `above` and above `below`. One wire goes round, the others across."""

    above: float
    below: float
    round: Wire
    across: tuple[Wire, ...]


def bent(plan: Plan, cards: Cards) -> Plan | None:
    """The plan as a U, or None where it is none."""
    # It bends at the gap that most values are carried past; of several at the one that leaves the arms most alike.
    found: list[tuple[int, float, Bend]] = []
    for above, below in plan.gaps(cards):
        middle = (below + above) / 2
        over = [w for w in plan.wires if plan.places[w.arrow.tail][1] < middle < plan.places[w.arrow.head][1]]
        main = [w for w in over if w.arrow.main]
        across = tuple(w for w in over if w.arrow.skip)
        if len(main) == 1 and len(across) == len(over) - 1 and _LEAST <= len(across) <= _MOST and _upright(plan, middle):
            found.append((len(across), -abs(middle - plan.size[1] / 2), Bend(above, below, main[0], across)))
    return _made(plan, max(found, key=lambda item: item[:2])[2], cards) if found else None


def _upright(plan: Plan, middle: float) -> bool:
    """Whether the boxes below can be read upwards: an arc past a block cannot. No frame may be cut."""
    frames = any(f.box[1] < middle < f.box[3] for f in plan.frames)
    return not frames and not any(box.residual for box, (_, y) in plan.places.items() if y > middle)


def _made(plan: Plan, bend: Bend, cards: Cards) -> Plan:
    middle = (bend.above + bend.below) / 2
    left = {box for box, (_, y) in plan.places.items() if y < middle}
    right = set(plan.places) - left
    tall_left, tall_right = bend.above, plan.size[1] - bend.below
    foot = max(tall_left, tall_right)
    (a0, a1), (b0, _) = _extent(plan, left, cards), _extent(plan, right, cards)
    shift = a1 - a0 + _BETWEEN - b0

    def down(point: Point) -> Point:
        return point[0] - a0, point[1] + foot - tall_left

    def up(point: Point) -> Point:
        return point[0] + shift, foot - (point[1] - bend.below)

    places = {box: down(at) if box in left else up(at) for box, at in plan.places.items()}
    frames = []
    for frame in plan.frames:
        x0, y0, x1, y1 = frame.box
        if y0 < middle:
            frames.append(frame._replace(box=(*down((x0, y0)), *down((x1, y1)))))
        else:
            (p, q), (r, s) = up((x0, y1)), up((x1, y0))
            frames.append(Frame(frame.group, (p, q, r, s), foot=True))
    crossing = {id(wire) for wire in bend.across}
    wires = []
    for wire in plan.wires:
        if wire is bend.round:
            start, end = down(wire.points[0]), up(wire.points[-1])
            wires.append(Wire(wire.arrow, [start, (start[0], foot + _DROP), (end[0], foot + _DROP), end], True))
        elif id(wire) in crossing:
            wires.append(Wire(wire.arrow, _over(wire, places, cards)))
        else:
            move = down if wire.arrow.tail in left else up
            wires.append(wire._replace(points=[move(point) for point in wire.points]))
    wide = max([x for wire in wires for x, _ in wire.samples()] + [places[b][0] + cards[b].outer[0] / 2 for b in places])
    wide = max([wide, *(frame.box[2] for frame in frames)])
    return Plan((wide, foot + _DROP + 2), places, wires, frames)


def _over(wire: Wire, places: dict[Box, Point], cards: Cards) -> list[Point]:
    """From the right side of one box to the left side of another."""
    (x0, y0), (x1, y1) = places[wire.arrow.tail], places[wire.arrow.head]
    x0 += cards[wire.arrow.tail].outer[0] / 2
    x1 -= cards[wire.arrow.head].outer[0] / 2
    half = (x1 - x0) / 2
    return [(x0, y0), (x0 + half, y0), (x1 - half, y1), (x1 - _HEAD, y1), (x1, y1)]


def _extent(plan: Plan, boxes: set[Box], cards: Cards) -> tuple[float, float]:
    """How far boxes, the wires among them and their frames reach."""
    xs = [plan.places[box][0] + side * cards[box].outer[0] / 2 for box in boxes for side in (-1, 1)]
    xs += [x for wire in plan.wires if wire.arrow.tail in boxes and wire.arrow.head in boxes for x, _ in wire.samples()]
    ys = [plan.places[box][1] for box in boxes]
    xs += [x for f in plan.frames if f.box[1] < max(ys) and f.box[3] > min(ys) for x in (f.box[0], f.box[2])]
    return min(xs), max(xs)
