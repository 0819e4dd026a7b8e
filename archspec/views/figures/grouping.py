"""The coarsest pictures: what a label frames, and branches of layers, as one box each that shows its inside in small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archspec.views.figures.diagram import Arrow, Box, Diagram, Group, alike, carried_across, count, outward
from archspec.views.figures.parts import alone
from archspec.views.figures.refine import finish
from archspec.views.figures.wording import MOST_KINDS, box_steps, inside

MOST = 26
"""Boxes that can be told apart in small: what holds more stays open."""
_LEAST = 3
"""Boxes of branches: two, and where they meet."""


class _Unit(NamedTuple):
    """What becomes one box: its name, the frame around it, what it does in a word, and what its weights are those of."""

    name: str
    group: Group | None
    detail: str
    boxes: list[Box]
    owner: str = ""


def grouped(diagram: Diagram) -> Diagram:
    """Each frame that holds no two others as one box, then what lies between places where one value alone goes on, and each level of a U.

    A diagram that would be one box stays as it is.
    """
    made, groups = diagram, diagram.groups()
    several = {outer for group, inner in Counter(group.parent for group in groups).items() if inner > 1 for outer in outward(group)}
    for group in reversed(groups):
        if group not in several:
            made = _closed(made, [_Unit(group.name, group.parent, "", _held(made, group), group.owner)])
    made = _closed(made, _branches(made))
    made = _closed(made, _heads(made))
    if carried_across(made.boxes, made.arrows):
        made = _closed(made, _depths(made))
    return made if made.inner > 1 else Diagram("group", diagram.boxes, diagram.arrows)


def _held(diagram: Diagram, group: Group) -> list[Box]:
    """The boxes of a group, and weights that only these read."""
    outside = {arrow.tail for arrow in diagram.arrows if arrow.head.group is not group}
    outside |= {arrow.head for arrow in diagram.arrows}
    return [box for box in diagram.boxes if box.group is group or (box.form == "layer" and box not in outside)]


def _branches(diagram: Diagram) -> Iterator[_Unit]:
    """Layers that branch and meet, with the norm and the activation that follow."""
    order = {box: at for at, box in enumerate(diagram.boxes)}
    until = {arrow.tail: order[arrow.head] for arrow in diagram.arrows if arrow.head.form != "output"}  # in the order of their heads
    live: set[Box] = set()
    unit: list[Box] = []
    for at, (box, after) in enumerate(zip(diagram.boxes, [*diagram.boxes[1:], None], strict=True)):
        unit.append(box)
        live = {value for value in (*live, box) if until.get(value, -1) > at}
        if len(live) > 1 or (len(unit) > 1 and after is not None and after.form == "minor"):
            continue
        if len(unit) >= _LEAST and all(b.form in ("layer", "minor", "merge") and b.group is box.group and not b.training for b in unit):
            meets = next((b for b in reversed(unit) if b.form == "merge"), box)
            yield _Unit(meets.name, box.group, meets.step, unit)
        unit = []


def _heads(diagram: Diagram) -> Iterator[_Unit]:
    """Layers that follow each other from where a value forks to where they meet others, or to an output."""
    reads, read_by = diagram.sources(), Counter(arrow.tail for arrow in diagram.arrows)
    units: dict[Box, list[Box]] = {}
    for arrow in diagram.arrows:  # in the order of their heads
        before, box = arrow.tail, arrow.head
        if box.form in ("layer", "minor") and len(reads[box]) == 1:
            units[box] = [box] if read_by[before] > 1 else [*units[before], box] if units.get(before) and box.group is before.group else []
        elif box.form in ("merge", "output") and len(units.get(before, ())) > 1 and read_by[before] == 1:
            yield _Unit(before.name, before.group, "", units[before])


def _depths(diagram: Diagram) -> Iterator[_Unit]:
    """What follows each other on maps of about one size, up to where a value is carried across."""
    read_by = Counter(arrow.tail for arrow in diagram.arrows)
    units: list[list[Box]] = [[]]
    for box in diagram.boxes:
        before = units[-1][-1] if units[-1] else box
        if read_by[before] > 1 or box.group is not before.group or not alike(units[-1][0].output if units[-1] else box.output, box.output):
            units.append([])
        if box.form in ("input", "output") or box.training:
            units.append([])
        else:
            units[-1].append(box)
    for unit in units:
        if len(unit) > 1:
            most = max(unit, key=lambda box: box.params)
            yield _Unit(most.name, most.group, most.detail, unit)


def _closed(diagram: Diagram, units: Iterable[_Unit]) -> Diagram:
    """Each unit that follows the text and puts out one value as one box."""
    order = {box: at for at, box in enumerate(diagram.boxes)}
    into: dict[Box, Box] = {}
    for unit in units:
        own = {*unit.boxes}
        leaving = {arrow.tail for arrow in diagram.arrows if arrow.tail in own and arrow.head not in own}
        if len(leaving) == 1 and len(own) <= MOST and order[unit.boxes[-1]] - order[unit.boxes[0]] == len(own) - 1:
            into |= dict.fromkeys(own, _box(diagram, unit, leaving.pop()))
    arrows = []
    seen = set()
    for arrow in diagram.arrows:
        tail, head = (into.get(end, end) for end in (arrow.tail, arrow.head))
        if tail is not head and (head is arrow.head or (tail, head) not in seen):  # a layer may read a value twice
            arrows.append(Arrow(tail, head))
            seen.add((tail, head))
    return Diagram("group", [*dict.fromkeys(into.get(box, box) for box in diagram.boxes)], arrows)


def _box(diagram: Diagram, unit: _Unit, last: Box) -> Box:
    at = {box: n for n, box in enumerate(unit.boxes)}
    reads = [arrow for arrow in diagram.arrows if arrow.head in at]
    kinds = tuple(kind for box in unit.boxes for kind in box.kinds * min(box.times, MOST_KINDS))[:MOST_KINDS]
    made = Box(unit.name, "block", unit.name, unit.detail, "block", last.output, kinds, group=unit.group, volume=last.output)
    made.owner, made.training = unit.owner, all(box.training for box in unit.boxes)
    made.changes = {arrow.tail.output for arrow in reads if arrow.tail not in at} != {last.output}
    made.equal = [(box.equal, box.times) for box in unit.boxes], [(at.get(arrow.tail, -1), at[arrow.head]) for arrow in reads]
    made.inside = inside(box_steps(unit.boxes))
    for box in unit.boxes:
        count(made.parts, box.parts, box.times)
        made.spans += box.spans
        box.group = None
    made.within = alone(diagram, {*at})
    finish(made.within)
    return made
