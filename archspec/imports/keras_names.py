"""The levels in the names of Keras's layers: `conv2_block1_add` is `add` in `block1` of `conv2`, where others are there too."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

from archspec.foreign.equivalents import key as spelled
from archspec.foreign.equivalents import rows

_NUMBERED = re.compile(r"(.*?)(?:_(\d+))?")
_NAMED = re.compile(r"[a-z]+\d+")
"""A word with its number."""


def snake(kind: str) -> str:
    """The name that Keras gives to layers of a class by itself: `conv2d` of Conv2D, `re_lu` of ReLU."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", re.sub(r"\W+", "", kind))).lower()


def is_automatic(name: str, kind: str) -> bool:
    """Whether a name is one that Keras gives by itself, which says no more than the class and a number."""
    found = _NUMBERED.fullmatch(name)
    return found is not None and (found[1] == snake(kind) or spelled(found[1]) == spelled(kind))


@cache
def _kinds() -> frozenset[str]:
    """The names that Keras gives to layers of its classes by itself."""
    return frozenset(snake(name) for row in rows() if row.tool == "keras" for name in row.names)


def is_counted(name: str) -> bool:
    """Whether a name is one that Keras gives by itself to a layer of some class of its own: `re_lu`, `re_lu_3`."""
    found = _NUMBERED.fullmatch(name)
    return found is not None and found[1] in _kinds()


def levelled(names: Iterable[str]) -> dict[str, str]:
    """Names with dots where levels are: behind a part with a number that several names begin with, and none is.

    A part before numbered ones alone is a level too, if these are of several kinds, or levels themselves. Where names count from 0, as those
    of rounds and of positions do, so is a part before numbers alone, and each of these.
    """
    parted = {name: tuple(re.split(r"[_/]+", name)) for name in names}
    whole = set(parted.values())
    heads = Counter(parts[:count] for parts in whole for count in range(1, len(parts)))
    after: dict[tuple[str, ...], set[str]] = {}
    for parts in whole:
        for at in range(1, len(parts)):
            after.setdefault(parts[:at], set()).add(parts[at])
    deeper = Counter(parts[:at] for parts in whole for at in range(1, len(parts) - 1) if parts[at].isdigit())
    several = {head for head, times in heads.items() if times > 1 and deeper[head] < times}
    rows = {head for head, found in after.items() if all(map(str.isdigit, found))}
    if not any("0" in after[head] for head in rows):
        rows = set()
    levels: set[tuple[str, ...]] = set()
    for head in sorted(after.keys() - whole, key=len):
        numbered = any(map(str.isdigit, head[-1])) if head[-1][:1].isalpha() else head[-1].isdigit() and head[:-1] not in levels
        if (numbered and head in several) or head in rows or head[:-1] in rows or _is_before_numbered(head, after[head], several):
            levels.add(head)
    return {name: ".".join("_".join(level) for level in _parted(parts, levels)) for name, parts in parted.items()}


def _is_before_numbered(head: tuple[str, ...], after: set[str], several: set[tuple[str, ...]]) -> bool:
    """Whether words with numbers alone stand behind a part, of several kinds, or with more than one name in each."""
    if len(after) < 2 or not all(map(_NAMED.fullmatch, after)):
        return False
    return len({part.rstrip("0123456789") for part in after}) > 1 or all((*head, part) in several for part in after)


def _parted(parts: Sequence[str], levels: set[tuple[str, ...]]) -> list[list[str]]:
    """The parts of each level. A number behind a word belongs to the word: `block35_1` is a level where all names in `block35` go on with one."""
    found: list[list[str]] = [[]]
    for at, part in enumerate(parts[:-1]):
        found[-1].append(part)
        if parts[: at + 1] in levels:
            found.append([])
    found[-1].append(parts[-1])
    if len(found) > 1 and len(found[-1]) == 2 and found[-1][0].isdigit() and found[-1][1].isalpha():
        found[-1] = ["".join(reversed(found[-1]))]  # the language counts behind the word: `1_conv` in a block is its `conv1`
    return found
