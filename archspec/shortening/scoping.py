"""The names that are given in a body."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from archspec.ir.graph import Hole
from archspec.ir.walk import Names
from archspec.shortening.alignment import Column
from archspec.shortening.items import Group, Head, Item, Layer, Repeat
from archspec.shortening.parameters import Unsayable
from archspec.shortening.saying import templated


@dataclass(slots=True)
class Scope:
    """The names that are given in a body, by instance, and all labels."""

    names: dict[int, Names]
    used: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, instances: Iterable[int], naming: str) -> Scope:
        """Begin a body in which nothing is named yet, for instances that name by `index` or `ordinal`, as `Graph.naming` has it."""
        return cls({at: Names("", naming) for at in instances})


def own_names(body: Sequence[Item], names: Names) -> dict[int, str]:
    """The names that items have by themselves; they count on in `names`."""
    found: dict[int, str] = {}
    for item in body:
        match item:
            case Layer():
                found[id(item)] = names.local(Hole(None, item.step, None, None, item.numbered))
            case Group():
                found[id(item)] = names.local(Hole(None, item.block.name if item.block is not None else "_", None, None))
            case Head():
                for branch in item.branches:
                    found |= own_names(branch, names)
                found[id(item)] = names.local(Hole(None, item.step, None, None, False))
            case Repeat():
                found[id(item)] = ""
                for round_ in item.rounds:
                    found |= own_names(round_, names)
    return found


def common_name(column: Column, rounds: Mapping[int, tuple[int, int]]) -> str:
    """What all instances call an item; in rounds with the number of the round in braces."""
    names = {at: item.name for at, item in column.items.items()}
    if len(set(names.values())) == 1 or not column.first.keyed:
        return column.first.name
    turns: dict[int, str] = {}
    for at, name in names.items():
        if turns.setdefault(rounds[at][1] if at < 0 else 0, name) != name:
            raise Unsayable(f"names {', '.join(sorted(set(names.values())))}")
    found = templated(turns)
    if found is None:
        raise Unsayable(f"names of rounds {', '.join(sorted(set(names.values())))}")
    return found


def placed(body: Sequence[Item]) -> Sequence[Item]:
    """The layers of a shortcut without a label, which have positions there; a single one has none. Raises Unsayable."""
    only = body[0]
    if isinstance(only, Group) and only.block is None and (len(only.body) > 1 or not only.body[0].name.isdecimal()):
        return only.body
    if not all(isinstance(item, Layer) for item in body):
        raise Unsayable("a shortcut that is no chain")
    return [replace(only, name="0"), *body[1:]]
