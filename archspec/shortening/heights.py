"""How deep groups are: those of one height are compared with one another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archspec.shortening.items import Group, Item, Layer, bodies

_NUMBER = re.compile(r"\d+")


def heights(groups: Sequence[Group]) -> dict[int, int]:
    """The depths of the groups inside of groups, which come after these; chains without names of their own do not count, and what has numbers
    side by side has one height.
    """
    found: dict[int, int] = {}
    for group in groups:
        inside = list(_inner(group.body))
        numbered = [id(other) for other in inside if other.name.isdecimal() and found[id(other)]]
        found |= dict.fromkeys(numbered, max(map(found.__getitem__, numbered), default=0))
        found[id(group)] = 0 if _is_chain(group) else 1 + max((found[id(other)] for other in inside), default=0)
    return found


def even(groups: Sequence[Group]) -> dict[int, int]:
    """The heights where groups are alike, or variants, whose full names differ in numbers alone: each is as high as the highest of them."""
    inside = {id(group): [id(other) for other in _inner(group.body)] for group in groups}
    places = {id(group): _NUMBER.sub("0", group.path) if group.name else f"{id(group)}" for group in groups}
    least: dict[str, int] = {}
    found: dict[int, int] = {}
    while True:
        for group in groups:
            height = 0 if _is_chain(group) else 1 + max((found[other] for other in inside[id(group)]), default=0)
            found[id(group)] = height and max(height, least.get(places[id(group)], 0))
        highest: dict[str, int] = {}
        for group in groups:
            place = places[id(group)]
            highest[place] = max(found[id(group)], highest.get(place, 0))
        if highest == least:
            return found
        least = highest


def _is_chain(group: Group) -> bool:
    """Whether a group is named, and its layers are not."""
    return bool(group.name) and all(isinstance(item, Layer) and (item.name.isdecimal() or not item.keyed) for item in group.body)


def _inner(body: Sequence[Item]) -> Iterator[Group]:
    """The groups of a body, and not those in them."""
    for item in body:
        if isinstance(item, Group):
            yield item
        else:
            for inner in bodies(item):
                yield from _inner(inner)
