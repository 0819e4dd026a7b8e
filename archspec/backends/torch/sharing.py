"""Which numbers of a class differ between its instances, and what its constructor calls them."""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from archspec.backends.torch.constructor import RESERVED, Number
from archspec.backends.torch.templates import source

Column = tuple[Number, ...]
"""A number in each of the instances."""

_LETTERS = {"stride": "s", "padding": "p", "dilation": "d", "groups": "g"}
"""The letters of the language: among several parameters that have a value the one of its letter is meant."""


class Shared(NamedTuple):
    """`texts`: for each number what is written for it, None where it is the same everywhere. `parameters`: of the constructor."""

    texts: list[str | None]
    parameters: dict[str, Column]


def share(numbers: Sequence[tuple[str, Column]], known: Mapping[str, Column]) -> Shared:
    """Give the numbers that differ to parameters: those of the block that have their values, products of them, or new ones.

    The numbers of a module are whole or real as it takes them; those of a block are as they were computed, 32.0 for `64*width`. A
    parameter is of the type in which it is used first; where it is used in the other, too, it is converted there.
    """
    named: dict[str, Column] = {}
    for name, column in known.items():
        if len(set(column)) > 1:
            named[_safe(name, named)] = column
    given = len(named)
    used: set[str] = set()
    texts: list[str | None] = []
    for keyword_, column in numbers:
        if len(set(column)) == 1:
            texts.append(None)
        elif (same := _parameter(keyword_, column, named)) is not None:
            if same not in used:
                named[same] = column
            texts.append(same if _types(named[same]) == _types(column) else f"{annotation(column)}({same})")
            used.add(same)
        elif (
            product := _product(_counts(column, True), {name: _counts(values, name in used) for name, values in named.items()})
        ) is not None:
            text, parts = product
            named.update({name: tuple(_counts(named[name], name in used)) for name in parts})
            texts.append(text)
            used.update(parts)
        else:
            text = _safe(f"width{len(named) - given + 1}", named)
            named[text] = column
            texts.append(text)
            used.add(text)
    return Shared(texts, {name: column for name, column in named.items() if name in used})


def _parameter(keyword_: str, column: Column, named: Mapping[str, Column]) -> str | None:
    """The parameter that has the values of a column: one of its types before others, then the one of the keyword's letter."""
    same = [name for name, values in named.items() if values == column]
    same = [name for name in same if _types(named[name]) == _types(column)] or same
    letter = _LETTERS.get(keyword_)
    return letter if letter in same else same[0] if same else None


def _types(column: Column) -> list[type]:
    return [type(value) for value in column]


def annotation(column: Column) -> str:
    """The type of a parameter."""
    sizes = [value for value in column if isinstance(value, tuple)]
    if sizes:
        size = f"tuple[{', '.join(['int'] * len(sizes[0]))}]"
        return size if len(sizes) == len(column) else f"int | {size}"
    return "float" if any(isinstance(value, float) for value in column) else "int"


def _safe(name: str, taken: Mapping[str, Column]) -> str:
    """A name that a parameter may have, and that none has yet. Names with two underscores mean something in a class."""
    if name.startswith("__"):
        name = name.strip("_") or "value"
    while keyword.iskeyword(name) or name in RESERVED or name in taken or source(name) is not None:
        name += "_"
    return name


def _product(wanted: list[int], known: Mapping[str, list[int]]) -> tuple[str, list[str]] | None:
    """A number as a multiple or a part of a parameter, or as the product of two: `4 * n`, `channels // 2`, `t * channels`."""
    counts = {name: values for name, values in known.items() if values}
    if not wanted:
        return None
    for name, values in counts.items():
        if (factor := _factor(wanted, values)) > 1:
            return f"{factor} * {name}", [name]
        if (factor := _factor(values, wanted)) > 1:
            return f"{name} // {factor}", [name]
    names = list(counts)
    for at, first in enumerate(names):
        for second in names[at + 1 :]:
            if wanted == [a * b for a, b in zip(counts[first], counts[second], strict=True)]:
                return f"{second} * {first}", [first, second]
    return None


def _factor(column: list[int], other: list[int]) -> int:
    """The whole number that one column is of another; 0 where there is none."""
    factor = column[0] // other[0] if other[0] else 0
    return factor if all(a == factor * b for a, b in zip(column, other, strict=True)) else 0


def _counts(column: Column, used: bool) -> list[int]:
    """A column of whole numbers; empty where one is something else. What is not used yet may be a whole number of another type."""
    whole = [int(value) for value in column if isinstance(value, int) or (not used and isinstance(value, float) and value.is_integer())]
    return whole if len(whole) == len(column) else []
