"""The names that are given in a body."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from archspec.ir.graph import Hole
from archspec.ir.walk import Names
from archspec.shortening.items import Group, Head, Item, Layer, Repeat


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
