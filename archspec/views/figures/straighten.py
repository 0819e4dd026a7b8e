"""Runs of boxes put exactly below each other, and arrows from edge to edge."""

from __future__ import annotations

from archspec.views.figures.diagram import Box
from archspec.views.figures.neighbours import Near
from archspec.views.figures.plan import Plan, Wire
from archspec.views.figures.svg import towards

HEAD = 6.0
"""Length of an arrowhead within which the line ends."""
_SLANTS = (48.0, 38.0, 30.0, 22.0, 14.0)


def straightened(plan: Plan) -> Plan:
    """The plan with runs of boxes that lie nearly below each other exactly so: Graphviz is often off by a few points."""
    for slant in _SLANTS:
        run = _runs(plan, slant)
        moved = {box: sorted(plan.places[b][0] for b in run[box])[len(run[box]) // 2] - x for box, (x, _) in plan.places.items()}
        places = {box: (x + moved[box], y) for box, (x, y) in plan.places.items()}
        made = plan._replace(places=places, wires=[_moved(wire, moved) for wire in plan.wires])
        if not _clash(made):
            return made
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


def _moved(wire: Wire, moved: dict[Box, float]) -> Wire:
    """A wire whose ends move to the right."""
    tail, head = moved[wire.arrow.tail], moved[wire.arrow.head]
    last = len(wire.points) - 1
    return wire._replace(points=[(x + tail * (1 - at / last) + head * at / last, y) for at, (x, y) in enumerate(wire.points)])


def _clash(plan: Plan) -> bool:
    """Whether two boxes touch, or an arrow past boxes goes through one of them."""
    skips = [wire for wire in plan.wires if wire.arrow.skip]
    near = Near(skips)
    for box in plan.places:
        x0, y0, x1, y1 = plan.rect(box)
        room = (x0 - 7, y0, x1 + 7, y1)
        struck = near.struck((x0 - 2, y0 - 2, x1 + 2, y1 + 2))
        if near.covered(room) or any(box not in (skips[at].arrow.tail, skips[at].arrow.head) for _, at in struck):
            return True
        near.add(room)
    return False


def joined(plan: Plan) -> Plan:
    """The plan with wires that begin and end at their boxes: Graphviz stops short of them by the width of its pen.

    A wire between boxes right below each other is a plain line.
    """
    wires = []
    for wire in plan.wires:
        tail, head = wire.arrow.tail, wire.arrow.head
        (x0, _), (x1, _) = plan.places[tail], plan.places[head]
        start, end = (x0, plan.rect(tail)[3]), (x1, plan.rect(head)[1])
        if wire.arrow.main and abs(x0 - x1) < 0.5:
            third = (end[1] - HEAD - start[1]) / 3
            points = [*((x0, start[1] + third * at) for at in range(4)), end]
        else:
            points = list(wire.points)
            if not wire.arrow.skip:
                points[0] = start
            if not wire.arrow.skip and head.form != "merge":
                points[-1] = end
            points[-2] = towards(points[-1], points[-2], HEAD)
        wires.append(wire._replace(points=points))
    return plan._replace(wires=wires)
