"""A network of two arms, such as a U-Net, as a U: down at the left, up at the right, what is carried across level by level between them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from archspec.views.figures.chains import Series
from archspec.views.figures.channel import level, tracks
from archspec.views.figures.diagram import Box, Diagram
from archspec.views.figures.pieces import Leaf, Piece
from archspec.views.figures.plan import Plan, Shift, Wire
from archspec.views.figures.spacing import APART

_LEAST = 2
"""Values carried across: with fewer a picture in columns reads better."""
_BETWEEN = 100.0
_DROP = 26.0


class Bend(NamedTuple):
    """Where a chain is bent: behind which part, and between which parts values go across, the outermost first."""

    chain: Series
    at: int
    across: list[tuple[int, int]]

    @property
    def foot(self) -> float:
        """Where the left arm ends before it is bent."""
        last = self.chain.parts[self.at]
        return last.y + last.height

    @property
    def start(self) -> float:
        """Where the right arm begins before it is bent."""
        return self.chain.parts[self.at + 1].y - self.chain.extra.get(self.at + 1, 0.0)

    def part(self, leaf: Leaf) -> int:
        """Which part a box is in."""
        return next(at for piece, at in leaf.path() if piece is self.chain)


def bend_of(chain: Piece) -> Bend | None:
    """Where a chain bends: where most values go across, one within the other, and one goes on; among several where the arms are most alike."""
    found: list[tuple[int, float, Bend]] = []
    for at in range(chain.count - 1 if isinstance(chain, Series) else 0):
        assert isinstance(chain, Series)
        over = [(tail, head) for tail, head, _ in chain.joins if tail <= at < head]
        across = sorted(pair for pair in over if pair != (at, at + 1))
        nested = all(a < c and d < b for (a, b), (c, d) in pairwise(across)) and not any(chain.straight(*pair) for pair in across)
        if len(across) == len(over) - 1 >= _LEAST and nested and 0 <= across[0][0] <= across[-1][0] < at and across[0][1] < chain.count:
            bend = Bend(chain, at, across)
            found.append((len(across), -abs(chain.height - bend.start - bend.foot), bend))
    return max(found)[2] if found else None


def widen(bend: Bend, diagram: Diagram, leaves: dict[Box, Leaf], *, aside: bool) -> None:
    """Widen gaps so that what a value leaves, at its foot or `aside`, and what it gets into are on one level once the chain is bent."""
    chain = bend.chain
    heads = {
        bend.part(leaves[arrow.head]): leaves[arrow.head] for arrow in diagram.arrows if _crosses(bend, leaves, arrow.tail, arrow.head)
    }
    room = {tail: rider.height + APART for rider, tail in chain.riders}
    foot, start = bend.foot, bend.start
    left = right = least = 0.0
    for tail, head in reversed(bend.across):
        before = chain.parts[tail]
        value = next(value for *ends, value in chain.joins if ends == [tail, head])
        out = before.height / 2 if aside else before.height + level(tracks(chain.tracks(tail + 1))[value])
        up = foot - before.y - out + left
        down = heads[head].y + heads[head].height / 2 - start + right
        deep = max(up, down, least)
        chain.extra[tail + 1], chain.extra[head] = deep - up, deep - down
        left, right, least = left + deep - up, right + deep - down, deep + room.get(tail, 0.0)


def _crosses(bend: Bend, leaves: dict[Box, Leaf], tail: Box, head: Box) -> bool:
    """Whether an arrow goes from the left arm, or from an arc, into the right one."""
    goes = (leaves[tail].rider and leaves[tail].up is bend.chain) or bend.part(leaves[tail]) <= bend.at
    return goes and not leaves[head].rider and bend.part(leaves[head]) > bend.at


def bent(plan: Plan, bend: Bend, leaves: dict[Box, Leaf], *, aside: bool) -> Plan | None:
    """The plan as a U; None where boxes are in the way of what goes across."""
    riders = [rider for rider, _ in bend.chain.riders]
    right = {box for box, leaf in leaves.items() if bend.part(leaf) > bend.at} - {rider.box for rider in riders}
    (a0, a1), (b0, b1) = _sides(bend, range(bend.at + 1)), _sides(bend, range(bend.at + 1, bend.chain.count))
    between = max([_BETWEEN, *(2 * rider.left + _BETWEEN / 2 for rider in riders)])
    top = bend.chain.y
    base = max(bend.foot - top, top + bend.chain.height - bend.start)
    down, up = Shift(-a0, base - bend.foot), Shift(a1 - a0 + between - b0, base + bend.start, 1, -1)
    frames = [
        frame._replace(box=(down if frame.box[1] < bend.foot else up).rect(frame.box), foot=frame.box[1] > bend.foot)
        for frame in plan.frames
    ]
    made = plan.moved({box: up if box in right else down for box in leaves}, frames, (a1 - a0 + between + b1 - b0, base + _DROP + 2))
    for rider in riders:
        head = next(wire.arrow.head for wire in plan.wires if wire.arrow.tail is rider.box)
        made.places[rider.box] = a1 - a0 + between / 2, made.places[head][1]
    wires = []
    for wire, old in zip(made.wires, plan.wires, strict=True):
        tail, head = wire.arrow.tail, wire.arrow.head
        if leaves[tail].rider:
            wires.append(wire._replace(points=_level((made.rect(tail)[2], made.places[tail][1]), head, made)))
        elif leaves[head].rider or (
            tail not in right and head in right and (bend.part(leaves[tail]), bend.part(leaves[head])) in bend.across
        ):
            part = bend.chain.parts[bend.part(leaves[tail])]
            above = [down.point(point) for point in old.points if point[1] <= part.y + part.height]
            start = (made.rect(tail)[2], made.places[head][1]) if aside else (above[-1][0], made.places[head][1])
            wires.append(wire._replace(points=[*(() if aside else above), *_level(start, head, made)]))
        else:
            wires.append(wire if tail in right or head not in right else _round(old, bend.foot + 1, down, up, base + _DROP))
    made = made._replace(wires=wires, turned=frozenset(right))
    return None if any(made.struck(wire) for wire in wires if wire.arrow.tail not in right and wire.arrow.head in right) else made


def _sides(bend: Bend, parts: Iterable[int]) -> tuple[float, float]:
    """How far the parts of an arm reach to both sides, with the arcs in it."""
    chain, own = bend.chain, {*parts}
    arcs = [value for tail, head, value in chain.joins if {tail, head} <= own and chain.arc(tail, head, value)]
    lanes = [chain.x + chain.lanes[value] for value in arcs]
    pieces = [chain.parts[at] for at in own]
    return min(part.x - part.left for part in pieces), max([*(part.x + part.right for part in pieces), *lanes])


def _level(start: tuple[float, float], head: Box, plan: Plan) -> list[tuple[float, float]]:
    return [start, (plan.rect(head)[0], start[1])]


def _round(wire: Wire, cut: float, down: Shift, up: Shift, foot: float) -> Wire:
    """The wire that goes on round the bend."""
    above = [down.point(point) for point in wire.points if point[1] < cut]
    below = [up.point(point) for point in wire.points if point[1] >= cut]
    return wire._replace(points=[*above, (above[-1][0], foot), (below[0][0], foot), *below])
