"""From Graphviz's layout to a plan: which boxes share a row, and in which order, is Graphviz's; the distances of rows are ours.

So frames get the room that their titles need, and builds of Graphviz that measure text differently give the same picture.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict

from archspec.views.figures.cards import Cards
from archspec.views.figures.diagram import Arrow, Box, Diagram, Group, outward
from archspec.views.figures.graphviz_layout import Layout, Point
from archspec.views.figures.plan import Frame, Plan, Rect, Wire, union
from archspec.views.figures.straighten import HEAD, joined, straightened

_LABELLED, _PLAIN = 24.0, 16.0
"""Between rows: with room for a shape beside an arrow, and without."""
_SIDE, _HEAD, _FOOT = 10.0, 24.0, 9.0
"""A frame's distance from what it holds; the title is in the head."""


def plan(diagram: Diagram, cards: Cards, found: Layout) -> Plan:
    """The plan of a diagram."""
    old = {box: found.nodes[f"n{at}"] for at, box in enumerate(diagram.boxes)}
    levels = _levels(diagram, cards, old)
    places = {box: (x, _mapped(y, levels)) for box, (x, y) in old.items()}
    paths = [(arrow, found.edges.get(f"e{at}")) for at, arrow in enumerate(diagram.arrows)]
    wires = [Wire(arrow, [(x, _mapped(y, levels)) for x, y in points]) for arrow, points in paths if points is not None]
    made = joined(straightened(Plan(cards, places, wires, [])))
    placed = {wire.arrow: wire for wire in made.wires}
    wires = [placed.get(arrow) or Wire(arrow, _arc(arrow, made)) for arrow in diagram.arrows]
    return Plan(cards, made.places, wires, _frames(diagram, made))


def _arc(arrow: Arrow, plan: Plan) -> list[Point]:
    """From the right side of one box to that of another further down, the farther out the longer it is."""
    x0, x1 = plan.rect(arrow.tail)[2], plan.rect(arrow.head)[2]
    y0, y1 = plan.places[arrow.tail][1], plan.places[arrow.head][1]
    out = max(x0, x1) + min(24 + 0.3 * abs(y1 - y0), 400.0)
    return [(x0, y0), (out, y0), (out, y1), (x1 + HEAD, y1), (x1, y1)]


def _rows(places: dict[Box, Point]) -> list[list[Box]]:
    """Boxes side by side, the upper rows first."""
    rows: list[list[Box]] = []
    for box in sorted(places, key=lambda box: places[box][1]):
        if not rows or places[box][1] - places[rows[-1][0]][1] > 0.5:
            rows.append([])
        rows[-1].append(box)
    return rows


def _levels(diagram: Diagram, cards: Cards, places: dict[Box, Point]) -> list[tuple[float, float]]:
    """Old and new heights of the tops and bottoms of rows; between rows is room for the frames that end and begin there."""
    rows = _rows(places)
    first: dict[Group, int] = {}
    last: dict[Group, int] = {}
    for at, row in enumerate(rows):
        for group in (group for box in row for group in outward(box.group)):
            first.setdefault(group, at)
            last[group] = at
    labelled = {arrow.tail for arrow in diagram.arrows if arrow.label}
    levels = []
    y = 0.0
    for at, row in enumerate(rows):
        begins, ends = (max(sum(edge[group] == at for group in outward(box.group)) for box in row) for edge in (first, last))
        old, half = places[row[0]][1], max(cards[box].outer[1] for box in row) / 2
        y += begins * _HEAD + half
        levels += [(old - half, y - half), (old + half, y + half)]
        y += half + ends * _FOOT + (_PLAIN if labelled.isdisjoint(row) else _LABELLED)
    return levels


def _mapped(y: float, levels: list[tuple[float, float]]) -> float:
    """A height of the old layout in the new one: in proportion between rows, as it is within them and outside."""
    after = bisect_right(levels, (y, float("inf")))
    if after == 0 or after == len(levels):
        old, new = levels[0 if after == 0 else -1]
        return y - old + new
    (old0, new0), (old1, new1) = levels[after - 1], levels[after]
    return new0 + (y - old0) * (new1 - new0) / (old1 - old0) if old1 > old0 else new0


def _frames(diagram: Diagram, plan: Plan) -> list[Frame]:
    """The frames around boxes and around each other, outer ones first."""
    held: defaultdict[Group | None, list[Rect]] = defaultdict(list)
    for box in diagram.boxes:
        held[box.group].append(plan.rect(box))
    found = []
    for group in reversed(diagram.groups()):
        x0, y0, x1, y1 = union(held[group])
        found.append(Frame(group, (x0 - _SIDE, y0 - _HEAD, x1 + _SIDE, y1 + _FOOT)))
        held[group.parent].append(found[-1].box)
    return found[::-1]
