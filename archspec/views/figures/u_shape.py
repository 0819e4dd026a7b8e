"""A network of two arms, such as a U-Net, as a U: down at the left, up at the right, what is carried across between them."""

from __future__ import annotations

from archspec.views.figures.diagram import Arrow
from archspec.views.figures.graphviz_layout import Point
from archspec.views.figures.plan import Plan, Shift, Wire

_LEAST, _MOST = 2, 12
"""Values carried past the bend: with fewer a picture in columns reads better, and more cannot be told apart."""
_BETWEEN = 90.0
_DROP = 26.0
_HEAD = 7.0


def bent(plan: Plan) -> Plan | None:
    """The plan as a U, or None where it is none."""
    # It bends at the gap that most values are carried past; among several, the one that leaves the arms most alike.
    _, top, _, bottom = plan.extent()
    found: list[tuple[float, float, Wire, list[Arrow]]] = []
    for above, below in plan.gaps():
        middle = (below + above) / 2
        over = [w for w in plan.wires if plan.places[w.arrow.tail][1] < middle < plan.places[w.arrow.head][1]]
        main = [w for w in over if w.arrow.main]
        across = [w.arrow for w in over if w.arrow.skip]
        if len(main) == 1 and len(across) == len(over) - 1 and _LEAST <= len(across) <= _MOST and _upright(plan, middle):
            found.append((above, below, main[0], across))
    if not found:
        return None
    return _made(plan, *max(found, key=lambda bend: (len(bend[3]), -abs(bend[0] + bend[1] - top - bottom))))


def _upright(plan: Plan, middle: float) -> bool:
    """Whether the boxes below can be read upwards: an arc past a block cannot. No frame may be cut."""
    frames = any(f.box[1] < middle < f.box[3] for f in plan.frames)
    return not frames and not any(box.residual for box, (_, y) in plan.places.items() if y > middle)


def _made(plan: Plan, above: float, below: float, round_: Wire, across: list[Arrow]) -> Plan:
    """The plan bent below `above` and above `below`: one wire goes round, other arrows across."""
    (a0, top, a1, _), (b0, _, _, bottom) = plan.extent(bottom=above), plan.extent(top=below)
    foot = max(above - top, bottom - below)
    down = Shift(-a0, foot - above)
    up = Shift(a1 - a0 + _BETWEEN - b0, foot + below, -1)
    shifts = {box: down if y < above else up for box, (_, y) in plan.places.items()}
    frames = [
        frame._replace(box=(down if left else up).rect(frame.box), foot=not left)
        for frame, left in ((frame, frame.box[1] < above) for frame in plan.frames)
    ]
    base = foot + _DROP
    (x0, y0), (x1, y1) = down.point(round_.points[0]), up.point(round_.points[-1])
    made = plan.moved(shifts, frames)
    bow = Wire(round_.arrow, [(x0, y0), (x0, base), (x1, base), (x1, y1)], True)
    made = made.rewired([bow, *(Wire(arrow, _over(arrow, made)) for arrow in across)])
    return made._replace(size=(made.extent()[2], base + 2))


def _over(arrow: Arrow, plan: Plan) -> list[Point]:
    """From the right side of one box to the left side of another."""
    x0, x1 = plan.rect(arrow.tail)[2], plan.rect(arrow.head)[0]
    y0, y1 = plan.places[arrow.tail][1], plan.places[arrow.head][1]
    half = (x1 - x0) / 2
    return [(x0, y0), (x0 + half, y0), (x1 - half, y1), (x1 - _HEAD, y1), (x1, y1)]
