"""Small specs of one layer or a few: those of a network, and others like them with numbers that still fit."""

from __future__ import annotations

import re
from random import Random
from typing import NamedTuple

from archspec.analysis.layers import Report, Row
from archspec.diagnostics import Diagnostic
from archspec.types import Map, Tokens, Type
from archspec.views.small import small_report

_TRIES = 80
"""How often numbers are drawn before those of the network stay."""
_WINDOW = {"k": (1, 2, 3, 3, 4, 5, 5, 7), "w": (2, 2, 3, 4), "s": (1, 2, 2, 3), "p": (0, 1, 1, 2, 3), "d": (1, 2, 3)}
"""What a window is drawn from; what lectures use most comes twice."""
_NUMBER = re.compile(r"(?<=[ =(])\d+(?![\dx:.,)e])")
_LETTER = re.compile(r"\b([kwspd])=$")
_ROUNDED = re.compile(r" round=\w+")
_LARGEST = 512
NAMES = "abcdefgh"
"""Of the inputs of a layer that reads several."""


class Few(NamedTuple):
    """A spec of one layer or a few: the type of its input, and the layers as written. The last, or all, are asked about.

    A layer that reads several values reads the inputs `a`, `b`, ..., of which `more` are those after the first.
    """

    input: Type
    steps: tuple[str, ...]
    more: tuple[Type, ...] = ()

    @property
    def inputs(self) -> tuple[Type, ...]:
        """All that it reads."""
        return self.input, *self.more

    @property
    def text(self) -> str:
        """The spec."""
        if self.more:
            inputs = [f"{name}: input {type_}" for name, type_ in zip(NAMES, self.inputs, strict=False)]
            return "\n".join([*inputs, f"from {NAMES[0]} | {self.steps[0]}", ""])
        tokens = ["tokens"] if isinstance(self.input, Tokens) else []
        return "\n".join([f"input {self.input}", *tokens, *self.steps, ""])


def compiled(few: Few) -> tuple[Report | None, list[Diagnostic]]:
    """The report of a small spec, or None where it does not fit, and its messages."""
    return small_report(few.text, "question")


def alone(row: Row) -> Few | None:
    """A layer as a spec of its own, or None where it reads several values or gives another result without its network."""
    several = len(row.types) > 1
    if not row.types or len(row.types) > len(NAMES) or row.owner is not None or row.tied is not None:
        return None
    if several and not all(isinstance(type_, Map) for type_ in row.types):
        return None
    step = _reading(row) if several else row.written
    return _same(Few(row.types[0], (step,), row.types[1:]), row)


def _reading(row: Row) -> str:
    """A layer as it is written where it reads the inputs `a`, `b`, ..."""
    others, op = tuple(NAMES[1 : len(row.types)]), row.node.op
    if op.reads_values():
        return f"{row.op} {op.config(*row.types, operands=others)}"
    return " ".join([row.op, *others, *op.config(*row.types).split()])


def run(row: Row, known: dict[str, Row], most: int) -> Few | None:
    """A layer and those of its block that follow it one after the other, up to the last with parameters; None where fewer than two have some."""
    names, block = [*known], row.name.rpartition(".")[0]
    found = [row]
    for name in names[names.index(row.name) + 1 :][: most - 1]:
        if known[name].sources != (found[-1].name,) or name.rpartition(".")[0] != block:
            break
        found.append(known[name])
    while found and not found[-1].params:
        del found[-1]
    shared = any(each.owner is not None or each.tied is not None for each in found)
    if len(row.types) != 1 or shared or sum(each.params > 0 for each in found) < 2:
        return None
    return _same(Few(row.types[0], tuple(each.written for each in found)), found[-1])


def chain(row: Row, known: dict[str, Row], most: int) -> Few | None:
    """The windows through which a layer sees the input of its network, or None where there are more of them, or several ways."""
    found: list[str] = []
    at = row
    while len(found) < most:
        if len(at.types) != 1 or at.owner is not None or at.tied is not None:
            return None
        if at is row or at.node.op.window(*at.types):
            found.insert(0, at.written)
        before = known.get(at.sources[0])
        if before is None:
            return _same(Few(at.types[0], tuple(found)), row)
        at = before
    return None


def _same(few: Few, row: Row) -> Few | None:
    """The spec, if its last layer gives what that layer gives in its network."""
    report, _ = compiled(few)
    if report is None or not report.layers:
        return None
    mine = report.layers[-1]
    return few if (mine.output, mine.params, mine.macs) == (row.output, row.params, row.macs) else None


def varied(few: Few, random: Random) -> Few:
    """A spec like another with other numbers, which fit exactly; the spec itself where none are found."""
    for _ in range(_TRIES):
        drawn = _other_types(few.inputs, random)
        steps = few.steps if few.more else tuple(_other_step(step, random) for step in few.steps)
        other = Few(drawn[0], steps, drawn[1:])
        if other == few:
            continue
        report, found = compiled(other)
        if report is not None and not found and max(report.layers[-1].output) <= 4096:
            return other
    return few


def _other_step(step: str, random: Random) -> str:
    """A layer with other numbers, those of a window within what lectures use."""
    plain = _ROUNDED.sub("", step)

    def other(found: re.Match[str]) -> str:
        letter = _LETTER.search(plain[: found.start()])
        return str(random.choice(_WINDOW[letter[1]]) if letter else _near(int(found[0]), random))

    return _NUMBER.sub(other, plain)


def other_window(step: str, random: Random) -> str:
    """A layer with another window, stride and padding, which may not fit."""
    word, *rest = step.split()
    letter = "w" if any(part.startswith("w=") for part in rest) else "k"
    size = random.choice((2, 3, 4, 5, 6, 7))
    window = [f"{letter}={size}", f"s={random.choice((1, 2, 3, 4))}", f"p={random.choice(range(size // 2 + 1))}"]
    return " ".join([word, *window, *(part for part in rest if part.partition("=")[0] not in (letter, "s", "p", "d", "round"))])


def _other_types(types: tuple[Type, ...], random: Random) -> tuple[Type, ...]:
    """Types like others; maps that are read together keep their sizes, and those of as many channels as many."""
    first = _other_type(types[0], random)
    if not isinstance(first, Map):
        return (first, *types[1:])
    channels = {type_.channels: _near(type_.channels, random) for type_ in types[1:]} | {types[0].channels: first.channels}
    return (first, *(Map(first.spatial, channels[type_.channels]) for type_ in types[1:]))


def _other_type(type_: Type, random: Random) -> Type:
    if isinstance(type_, Map):
        sides = dict.fromkeys(type_.spatial)
        drawn = {side: _near(min(side, _LARGEST), random, 3) for side in sides}
        channels = random.choice((1, 3)) if type_.channels in (1, 3) else _near(type_.channels, random)
        return Map(tuple(drawn[side] for side in type_.spatial), channels)
    if isinstance(type_, Tokens):
        return Tokens(_near(type_.length, random), _near(type_.channels, random))
    return type_._replace(channels=_near(type_.channels, random))


def _near(value: int, random: Random, least: int = 2) -> int:
    """A number of the same magnitude: any of a small one, a round one of a large one."""
    if value <= 40:
        return random.randint(max(least, value // 2), max(least + 4, value * 3 // 2))
    step = 8 if value < 1024 else 128
    return max(step, round(value * random.choice((0.5, 0.75, 1, 1.25, 1.5, 2)) / step) * step + random.choice((0, 0, 0, 4)) * (step == 8))
