"""From Graphviz's layout to a plan: which boxes share a row, and in which order, is Graphviz's; the distances of rows are ours.

So frames get the room that their titles need, and builds of Graphviz that measure text differently give the same picture.
"""

from __future__ import annotations

from archspec.views.figures.cards import Cards
from archspec.views.figures.diagram import Arrow, Box, Diagram, Group, outward
from archspec.views.figures.graphviz_layout import Layout, Point
from archspec.views.figures.plan import Frame, Plan, Rect, Wire, around
from archspec.views.figures.straighten import HEAD, joined, straightened

_LABELLED, _PLAIN = 24.0, 16.0
"""Between rows: with room for a shape beside an arrow, and without."""
_SIDE, _HEAD, _FOOT = 10.0, 24.0, 9.0
"""A frame's distance from what it holds; the title stands in the head."""


class _Rank:
    """A row of boxes side by side: where Graphviz has their middle, where ours is, and half of the tallest's height."""

    def __init__(self, old: float) -> None:
        self.old = old
        self.new = 0.0
        self.half = 0.0


def plan(diagram: Diagram, cards: Cards, found: Layout) -> Plan:
    """The plan of a diagram, its left top corner at 0, 0."""
    places = {box: found.nodes[f"n{at}"] for at, box in enumerate(diagram.boxes)}
    rows = _rows(places, cards)
    _space(diagram, rows, places)
    levels = _levels(rows)
    wires = []
    for at, arrow in enumerate(diagram.arrows):
        points = found.edges.get(f"e{at}")
        if points is not None:
            wires.append(Wire(arrow, [(x, _mapped(y, levels)) for x, y in points]))
    moved = {box: (x, _mapped(y, levels)) for box, (x, y) in places.items()}
    made = joined(straightened(Plan((0.0, 0.0), moved, wires, []), cards), cards)
    placed = {id(wire.arrow): wire for wire in made.wires}
    wires = [placed.get(id(arrow)) or Wire(arrow, _arc(arrow, made.places, cards)) for arrow in diagram.arrows]
    made = made._replace(wires=wires)
    return _cornered(made._replace(frames=frames(diagram, made.places, cards)), cards)


def _arc(arrow: Arrow, places: dict[Box, Point], cards: Cards) -> list[Point]:
    """From the right side of one box to that of another further down, the farther out the longer it is."""
    (x0, y0), (x1, y1) = places[arrow.tail], places[arrow.head]
    x0 += cards[arrow.tail].outer[0] / 2
    x1 += cards[arrow.head].outer[0] / 2
    out = max(x0, x1) + min(24 + 0.3 * abs(y1 - y0), 400.0)
    return [(x0, y0), (out, y0), (out, y1), (x1 + HEAD, y1), (x1, y1)]


def _rows(places: dict[Box, Point], cards: Cards) -> list[_Rank]:
    rows: list[_Rank] = []
    for box, (_, y) in sorted(places.items(), key=lambda item: item[1][1]):
        if not rows or y - rows[-1].old > 0.5:
            rows.append(_Rank(y))
        rows[-1].half = max(rows[-1].half, cards[box].outer[1] / 2)
    return rows


def _space(diagram: Diagram, rows: list[_Rank], places: dict[Box, Point]) -> None:
    """Gives each row its place: below the one before, with room for the frames that end and begin between them."""
    at = {box: next(i for i, row in enumerate(rows) if abs(row.old - y) <= 0.5) for box, (_, y) in places.items()}
    first: dict[Group, int] = {}
    last: dict[Group, int] = {}
    for box, number in at.items():
        for group in outward(box.group):
            first[group] = min(first.get(group, number), number)
            last[group] = max(last.get(group, number), number)
    begins = [0] * len(rows)
    ends = [0] * len(rows)
    for group in first:
        begins[first[group]] = max(begins[first[group]], _nested(group, first))
        ends[last[group]] = max(ends[last[group]], _nested(group, last))
    labelled = {at[arrow.tail] for arrow in diagram.arrows if arrow.label}
    y = 0.0
    for i, row in enumerate(rows):
        if i:
            y += (_LABELLED if i - 1 in labelled else _PLAIN) + ends[i - 1] * _FOOT
        y += begins[i] * _HEAD + row.half
        row.new = y
        y += row.half


def _nested(group: Group, edge: dict[Group, int]) -> int:
    """How many frames, this and those around it, begin (or end) at one row."""
    return sum(edge[frame] == edge[group] for frame in outward(group))


def _levels(rows: list[_Rank]) -> list[tuple[float, float]]:
    """Old and new heights between which the others are mapped: the tops and bottoms of rows."""
    return [(row.old + side * row.half, row.new + side * row.half) for row in rows for side in (-1, 1)]


def _mapped(y: float, levels: list[tuple[float, float]]) -> float:
    """A height of the old layout in the new one: in proportion between rows, as it is within them and outside."""
    from bisect import bisect_right

    after = bisect_right(levels, (y, float("inf")))
    if after == 0 or after == len(levels):
        old, new = levels[0 if after == 0 else -1]
        return y - old + new
    (old0, new0), (old1, new1) = levels[after - 1], levels[after]
    return new0 + (y - old0) * (new1 - new0) / (old1 - old0) if old1 > old0 else new0


def frames(diagram: Diagram, places: dict[Box, Point], cards: Cards) -> list[Frame]:
    """The frames around boxes and around each other, outer ones first."""
    held: dict[Group, Rect] = {}
    for box, place in places.items():
        if box.group is not None:
            held[box.group] = _union(held.get(box.group), around(place, cards[box].outer))
    groups = diagram.groups()
    for group in reversed(groups):
        x0, y0, x1, y1 = held[group]
        held[group] = (x0 - _SIDE, y0 - _HEAD, x1 + _SIDE, y1 + _FOOT)
        if group.parent is not None:
            held[group.parent] = _union(held.get(group.parent), held[group])
    return [Frame(group, held[group]) for group in groups]


def _union(a: Rect | None, b: Rect) -> Rect:
    return b if a is None else (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))


def _cornered(plan: Plan, cards: Cards) -> Plan:
    """The plan moved to 0, 0, with its size."""
    extent: Rect | None = None
    rects = [around(place, cards[box].outer) for box, place in plan.places.items()] + [frame.box for frame in plan.frames]
    for rect in [*rects, *((x, y, x, y) for wire in plan.wires for x, y in wire.samples())]:
        extent = _union(extent, rect)
    assert extent is not None
    dx, dy = -extent[0], -extent[1]
    return Plan(
        (extent[2] + dx, extent[3] + dy),
        {box: (x + dx, y + dy) for box, (x, y) in plan.places.items()},
        [wire._replace(points=[(x + dx, y + dy) for x, y in wire.points]) for wire in plan.wires],
        [Frame(group, (x0 + dx, y0 + dy, x1 + dx, y1 + dy)) for group, (x0, y0, x1, y1), *_ in plan.frames],
    )
