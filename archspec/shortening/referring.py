"""How lines refer to values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from itertools import pairwise

from archspec.backends.arch import as_label
from archspec.shortening.alignment import Column
from archspec.shortening.items import Exit, From, Group, Item, Layer, Mark
from archspec.shortening.written import Line


def called(item: Item | None) -> str:
    """What lines call the value of an item: its label, or the path of an exit."""
    assert item is not None, "a value that is referred to has an item"
    return as_label(_path(item)) if isinstance(item, Exit) else item.alias or as_label(item.name)


def _path(item: Item) -> str:
    """The names of an item, and of the groups around it whose exit it is."""
    if not isinstance(item, Exit):
        return item.alias or item.name
    assert item.group is not None and item.of is not None, "an exit is one of a group"
    block = item.group.block
    return f"{_path(item.group)}.{_path(item.of) if block is None else item.alias}"


def taken_up(item: Item | None) -> Line:
    """The line `from` with which the next one goes on from a value."""
    return Line(f"from {called(item)}", joins=True, begins=True, opens=True)


def is_namesake(one: Item | None, other: Item | None) -> bool:
    """Whether two items have one name by themselves, by which weights are called."""
    return one is not None and other is not None and one.keyed and other.keyed and one.name == other.name and not one.nameless


def places(column: Column, is_one: Callable[[Item | None, Item | None], bool]) -> list[Column]:
    """A column; lines `from` that take up values of several places as one column for each of these."""
    found: list[dict[int, Item]] = []
    targets: list[Item | None] = []
    for at, item in column.items.items() if min(column.items) >= 0 else ():
        target = item.target if isinstance(item, From) else None
        place = next((place for place, other in enumerate(targets) if target is None or is_one(other, target)), len(found))
        if place == len(found):
            targets.append(target)
            found.append({})
        found[place][at] = item
    return list(map(Column, found)) or [column]


def behind(column: Column, before: Column, instances: Collection[int]) -> list[Item]:
    """The layers of the line before a line `x: skip` that just those instances have which lack this one: `x` is then what they give, too."""
    first = column.first
    own = before.items.keys() | column.items.keys() == {*instances} and before.items.keys().isdisjoint(column.items)
    marks = isinstance(first, Mark) and first.of is None and own
    found = [*before.items.values()] if marks else []
    return found if all(isinstance(item, (Layer, Group)) and item.label and not item.nameless for item in found) else []


def meeting(columns: Sequence[Column], instances: Collection[int], known: dict[int, Column]) -> list[Column]:
    """Columns with a line `x: skip` behind each that only some instances have, where others refer to the line before it and these to it.

    What is referred to is `known` to be that line.
    """
    found = list(columns[:1])
    for before, column in pairwise(columns):
        if min(instances) < 0 or not instances == before.items.keys() > column.items.keys() or not _meet(before, column):
            found.append(column)
            continue
        mark = Column({at: Mark("x", label=True) for at in before.items})
        known |= {id(item): mark for item in {**before.items, **column.items}.values()}
        found[-1:] = [*(Column({at: replace(item, label=False) for at, item in one.items.items()}) for one in (before, column)), mark]
    return found


def _meet(before: Column, column: Column) -> bool:
    """Whether others refer to the last layer that each instance has in two lines, and to none before it; these have no weights."""
    ends = {**before.items, **column.items}.values()
    own = all(isinstance(item, Layer) and item.label and not item.keyed for item in ends)
    return own and not any(before.items[at].label for at in column.items)
