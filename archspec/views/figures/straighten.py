"""Runs of boxes put exactly below each other, and arrows from edge to edge."""

from __future__ import annotations

from archspec.views.figures.cards import Cards
from archspec.views.figures.diagram import Box
from archspec.views.figures.graphviz_layout import Point
from archspec.views.figures.neighbours import Near
from archspec.views.figures.plan import Plan, Wire, around, short_of

HEAD = 6.0
"""Length of an arrowhead within which the line ends."""
_SLANTS = (48.0, 38.0, 30.0, 22.0, 14.0)


def straightened(plan: Plan, cards: Cards) -> Plan:
    """The plan with runs of boxes that lie nearly below each other exactly so: Graphviz is often off by a few points."""
    for slant in _SLANTS:
        run = _runs(plan, slant)
        moved = {box: sorted(plan.places[b][0] for b in run[box])[len(run[box]) // 2] - x for box, (x, _) in plan.places.items()}
        places = {box: (x + moved[box], y) for box, (x, y) in plan.places.items()}
        wires = [_moved(wire, moved) for wire in plan.wires]
        if not _collide(places, cards) and not _through(wires, places, cards):
            return plan._replace(places=places, wires=wires)
    return plan


def _runs(plan: Plan, slant: float) -> dict[Box, list[Box]]:
    """For each box those that it shares an upright with: main arrows join them, and they are at most `slant` apart."""
    run: dict[Box, list[Box]] = {box: [box] for box in plan.places}
    for wire in plan.wires:
        tail, head = wire.arrow.tail, wire.arrow.head
        if wire.arrow.main and run[tail] is not run[head]:
            joined = run[tail] + run[head]
            xs = [plan.places[box][0] for box in joined]
            if max(xs) - min(xs) <= slant:
                run.update(dict.fromkeys(joined, joined))
    return run


def _collide(places: dict[Box, Point], cards: Cards) -> bool:
    """Whether two boxes touch."""
    order = sorted(places.items(), key=lambda item: item[1][1])
    for at, (a, (ax, ay)) in enumerate(order):
        for b, (bx, by) in order[at + 1 :]:
            if by - ay > 120:
                break
            (aw, ah), (bw, bh) = cards[a].outer, cards[b].outer
            if by - ay < (ah + bh) / 2 and abs(bx - ax) < (aw + bw) / 2 + 14:
                return True
    return False


def _through(wires: list[Wire], places: dict[Box, Point], cards: Cards) -> bool:
    """Whether an arrow past boxes goes through one of them."""
    skips = [wire for wire in wires if wire.arrow.skip]
    near = Near(skips)
    for box, place in places.items():
        for _, at in near.struck(around(place, cards[box].outer, 2)):
            if box is not skips[at].arrow.tail and box is not skips[at].arrow.head:
                return True
    return False


def _moved(wire: Wire, moved: dict[Box, float]) -> Wire:
    """A wire whose ends move."""
    tail, head = wire.arrow.tail, wire.arrow.head
    last = len(wire.points) - 1
    points = [(x + moved[tail] * (1 - at / last) + moved[head] * at / last, y) for at, (x, y) in enumerate(wire.points)]
    return wire._replace(points=points)


def joined(plan: Plan, cards: Cards) -> Plan:
    """The plan with wires that begin and end at their boxes: Graphviz stops short of them by the width of its pen.

    A wire between boxes right below each other is a plain line.
    """
    wires = []
    for wire in plan.wires:
        tail, head = wire.arrow.tail, wire.arrow.head
        (x0, y0), (x1, y1) = plan.places[tail], plan.places[head]
        start = (x0, y0 + cards[tail].outer[1] / 2)
        end = (x1, y1 - cards[head].outer[1] / 2)
        if wire.arrow.main and abs(x0 - x1) < 0.5:
            third = (end[1] - HEAD - start[1]) / 3
            points = [start, (x0, start[1] + third), (x0, start[1] + 2 * third), (x0, end[1] - HEAD), end]
        else:
            points = list(wire.points)
            if not wire.arrow.skip:
                points[0] = start
            if not wire.arrow.skip and head.form != "merge":
                points[-1] = end
            points[-2] = short_of(points, HEAD)
        wires.append(wire._replace(points=points))
    return plan._replace(wires=wires)
