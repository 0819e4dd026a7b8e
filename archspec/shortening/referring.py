"""How lines refer to values."""

from __future__ import annotations

from archspec.backends.arch import as_label
from archspec.shortening.items import Exit, Item
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
