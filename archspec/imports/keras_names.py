"""The levels in the names of Keras's layers: `conv2_block1_add` is `add` in `block1` of `conv2`, where others are there too."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from archspec.foreign.equivalents import key as spelled

_NUMBERED = re.compile(r"(.*?)(?:_(\d+))?")
_SNAKE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake(kind: str) -> str:
    """The name that Keras gives to layers of a class by itself: `conv2d` of Conv2D, `re_lu` of ReLU."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", re.sub(r"\W+", "", kind))).lower()


def is_automatic(name: str, kind: str) -> bool:
    """Whether a name is one that Keras gives by itself, which says no more than the class and a number."""
    found = _NUMBERED.fullmatch(name)
    return found is not None and (found[1] == snake(kind) or spelled(found[1]) == spelled(kind))


def levelled(names: Iterable[str]) -> dict[str, str]:
    """Names with dots where levels are: behind a part with a number that several names begin with, and none is."""
    parted = {name: re.split(r"[_/]+", name) for name in names}
    heads = Counter(tuple(parts[:count]) for parts in parted.values() for count in range(1, len(parts)))
    counted = Counter(tuple(parts[:at]) for parts in parted.values() for at in range(1, len(parts) - 1) if parts[at].isdigit())
    levels = {head for head, times in heads.items() if times > 1 and counted[head] < times}
    levels -= {tuple(parts) for parts in parted.values()}
    return {name: ".".join("_".join(level) for level in _parted(parts, levels)) for name, parts in parted.items()}


def _parted(parts: Sequence[str], levels: set[tuple[str, ...]]) -> list[list[str]]:
    """The parts of each level. A number behind a word belongs to the word: `block35_1` is a level where all names in `block35` go on with one."""
    found: list[list[str]] = [[]]
    for at, part in enumerate(parts[:-1]):
        found[-1].append(part)
        numbered = any(map(str.isdigit, part)) if part[:1].isalpha() else part.isdigit() and len(found[-1]) > 1
        if numbered and tuple(parts[: at + 1]) in levels:
            found.append([])
    found[-1].append(parts[-1])
    if len(found) > 1 and len(found[-1]) == 2 and found[-1][0].isdigit() and found[-1][1].isalpha():
        found[-1] = ["".join(reversed(found[-1]))]  # the language counts behind the word: `1_conv` in a block is its `conv1`
    return found
