"""Names and arguments as lines say them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count as counting

from archspec.backends.arch import as_label
from archspec.ops import op_class
from archspec.ops.base import show

BEGIN = ("conv", "dwconv", "deconv", "fc", "linear", "attn", "pool", "avgpool", "gap")
"""Steps that begin a line."""
HINTS = {"fc": "n", "linear": "n", "dropout": "rate", "scale": "init"}
"""The names of parameters for the positional argument of a step."""

_NUMBER = re.compile(r"(\d+)")


def counting_part(one: str, other: str) -> tuple[str, int, int, str] | None:
    """What stands before and behind the only number in which two names differ, and that number in both; None where they differ otherwise."""
    mine, theirs = _NUMBER.split(one), _NUMBER.split(other)
    unlike = [at for at, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b]
    if len(mine) != len(theirs) or len(unlike) != 1 or unlike[0] % 2 == 0:
        return None
    (at,) = unlike
    return "".join(mine[:at]), int(mine[at]), int(theirs[at]), "".join(mine[at + 1 :])


def variants(name: str) -> Iterator[str]:
    """A name, and others where it is taken, or ends in no number."""
    if not name.endswith("_"):
        yield name
    yield from (f"{name.rstrip('_')}_{count}" for count in counting(1 if name.endswith("_") else 2))


def listed(values: Sequence[str]) -> str:
    """The values of rounds: the last one goes on."""
    end = len(values)
    while end > 1 and values[end - 1] == values[end - 2]:
        end -= 1
    return ",".join(values[:end])


def progression(ranges: Mapping[int, str]) -> int | None:
    """The length of the ranges of rounds, by the numbers of these, that go on one behind the other from 0 on; None for any others."""
    lengths: set[int] = set()
    for number, text in ranges.items():
        begin, _, end = text.partition(":")
        if not (begin.isdecimal() and end.isdecimal()) or int(begin) != number * (int(end) - int(begin)):
            return None
        lengths.add(int(end) - int(begin))
    return lengths.pop() if len(lengths) == 1 else None


def templated(names: Mapping[int, str]) -> str | None:
    """What rounds call something, by their numbers: with the number of the round in braces, where the names differ; None where they do otherwise."""
    first = next(iter(names.values()))
    other = next((name for name in names.values() if name != first), None)
    found = counting_part(first, other) if other is not None else None
    if other is None or found is None:
        return first if other is None else None
    before, behind = found[0], found[3]
    numbers = {at: name.removeprefix(before).removesuffix(behind) for at, name in names.items()}
    begins = {int(number) - at if number.isdecimal() else None for at, number in numbers.items()}
    begin = begins.pop()
    if begins or begin is None:
        return None
    return f"{before}{{i{f'{begin:+}' if begin else ''}}}{behind}"


def ordered(step: str, names: Collection[str | int]) -> list[str | int]:
    """Names of arguments in the order in which they are written; those of tensors of a `custom` stay in theirs."""
    known = op_class(step)
    fields = sorted(known.fields, key=lambda name: (name not in known.positional, not known.fields[name].required))
    ordered: list[str | int] = [name for name in (*range(len(names)), *fields) if name in names]
    return ordered + [name for name in names if isinstance(name, str) and name not in known.fields]


def default(step: str, name: str | int) -> str | None:
    """The text of an argument that is left out; None where there is none."""
    declared = op_class(step).fields.get(name) if isinstance(name, str) else None
    return show(declared.default) if declared is not None and not declared.required and declared.default is not None else None


def word(name: str) -> str:
    """Write a label in a group: a number bare, since it is a position there, any other name as everywhere, in quotes if need be."""
    return name if name.isdecimal() else as_label(name)


def braced(name: str) -> str:
    """Write a label with the number of a round in braces, in quotes where it needs these; any other as it is."""
    one = re.sub(r"\{.*?\}", "0", name)
    return name if one == name or (as_label(one) == one and "{" in name.partition(".")[0]) else f'"{name}"'
