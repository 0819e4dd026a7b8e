"""Choices, and the numbers of a spec: constants, expressions, conditions, lists; each as text and as a value."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Env = Mapping[str, Any]
"""What names stand for: params, a block's arguments, `cin`, counters of repeats; ROUND is the round of the innermost repeat, of ROUNDS."""
ROUND, ROUNDS = "#round", "#rounds"


class Ref(str):
    """The name of a value, where an argument takes one."""


class Refused(Exception):
    """torch, or the language, does not take this. `item` is the part of the spec where."""

    item: object = None


def demand(holds: bool, told: str) -> None:
    """A rule of the language that torch does not have. Raises Refused."""
    if not holds:
        raise Refused(told)


class Draw(Protocol):
    """Where choices come from: a seed, or Hypothesis."""

    def number(self, low: int, high: int) -> int: ...

    def pick(self, items: Sequence[T]) -> T: ...


class Random:
    """Choices that follow from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def number(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def pick(self, items: Sequence[T]) -> T:
        return items[self.number(0, len(items) - 1)]


@dataclass(frozen=True)
class Arg:
    """An argument as it is written, and what it is worth in an environment. Without a text it is not written: a default gives it."""

    text: str | None
    value: Callable[[Env], Any]
    plain: bool = True
    """Neither names nor lists are in it."""


def const(value: Any) -> Arg:
    return Arg(written(value), lambda env: value)


def written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return str(value)


def make_divisible(value: float, divisor: int = 8) -> int:
    """Sandler et al. 2018, `_make_divisible`: near the value, and not below 0.9 of it."""
    near = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return near + divisor if near < 0.9 * value else near


def _checked_root(value: int) -> float:
    demand(value >= 0, "a root of a negative number")
    return math.sqrt(value)


def _quotient(a: int, b: int) -> int:
    demand(b != 0, "a division by zero")
    return a // b


ONE: list[tuple[str, Callable[[int], int]]] = [
    ("{a}", lambda a: a),
    ("{a}", lambda a: a),
    ("2*{a}", lambda a: 2 * a),
    ("{a}+1", lambda a: a + 1),
    ("{a}-1", lambda a: a - 1),
    ("-{a}+9", lambda a: 9 - a),
    ("({a}+1)*2", lambda a: (a + 1) * 2),
    ("{a}//2+1", lambda a: a // 2 + 1),
    ("{a}%3+1", lambda a: a % 3 + 1),
    ("max({a},3)", lambda a: max(a, 3)),
    ("min({a},4,5)", lambda a: min(a, 4)),
    ("ceil({a}/2)", lambda a: -(-a // 2)),
    ("floor(1.5*{a})", lambda a: 3 * a // 2),
    ("{a}*0.5*2", lambda a: a),
    ("4*{a}/2", lambda a: 2 * a),
    ("round8({a})", make_divisible),
    ("divisible(3*{a},4)", lambda a: make_divisible(3 * a, 4)),
    ("round({a}*0.5)+1", lambda a: round(a / 2) + 1),
    ("round(sqrt({a}))", lambda a: round(_checked_root(a))),
    ("({a} if {a} > 2 else 3)", lambda a: max(a, 3)),
    ("round8(2*{a}+1)", lambda a: make_divisible(2 * a + 1)),
]
TWO: list[tuple[str, Callable[[int, int], int]]] = [
    ("{a}+{b}", lambda a, b: a + b),
    ("{a}*{b}", lambda a, b: a * b),
    ("max({a},{b})", max),
    ("min({a},{b})+1", lambda a, b: min(a, b) + 1),
    ("({a} if {a} < {b} else {b}+1)", lambda a, b: a if a < b else b + 1),
    ("{a}//{b}+1", lambda a, b: _quotient(a, b) + 1),
]
CONDITIONS: list[tuple[str, Callable[[int, int], bool]]] = [
    ("{a} > {k}", lambda a, k: a > k),
    ("{a} <= {k}", lambda a, k: a <= k),
    ("{a} == {k}", lambda a, k: a == k),
    ("{a} != {k}", lambda a, k: a != k),
    ("not {a} == {k}", lambda a, k: a != k),
    ("1 < {a} <= {k}", lambda a, k: 1 < a <= k),
    ("{a} == {k} or {a} > 3", lambda a, k: a == k or a > 3),
    ("{a} >= 2 and not {a} % 2", lambda a, k: a >= 2 and a % 2 == 0),
    ("{a} - {k}", lambda a, k: a != k),
]


def names(env: Env) -> list[str]:
    return [name for name, value in env.items() if type(value) is int and name[0] != "#"]


def expression(draw: Draw, env: Env, low: int, high: int) -> Arg | None:
    """A number from `low` to `high` by way of a name, where there is one; None where what was drawn has another value."""
    known = names(env)
    if not known:
        return None
    a, b = draw.pick(known), draw.pick(known)
    if draw.number(0, 4):
        text, one = draw.pick(ONE)
        found = Arg(text.format(a=a), lambda env: one(env[a]), plain=False)
    else:
        text, two = draw.pick(TWO)
        found = Arg(text.format(a=a, b=b), lambda env: two(env[a], env[b]), plain=False)
    try:
        return found if low <= found.value(env) <= high else None
    except Refused:
        return None


def number(draw: Draw, env: Env, low: int, high: int) -> Arg:
    """A number from `low` to `high`: written out, as an expression, or in a repeat as a list with a value for each round."""
    kind = draw.number(0, 3)
    if kind == 0:
        found = expression(draw, env, low, high)
        if found is not None:
            return found
    if kind == 1 and ROUND in env:
        return rounds(draw, low, high)
    return const(draw.number(low, high))


def rounds(draw: Draw, low: int, high: int) -> Arg:
    """A list of two numbers, for the rounds of a repeat."""
    return listed(draw.number(low, high), draw.number(low, high))


def listed(*values: Any) -> Arg:
    """A list of two: a repeat has two rounds at least. The last value goes on."""

    def value(env: Env) -> Any:
        demand(env[ROUNDS] >= len(values), "a list longer than its repeat")
        return values[min(env[ROUND], 1)]

    return Arg(",".join(map(str, values)), value, plain=False)


def condition(draw: Draw, env: Env, wanted: bool) -> Arg:
    """A condition that holds, or does not, in an environment."""
    known = names(env)
    flags = [name for name, value in env.items() if isinstance(value, bool)]
    if flags and draw.number(0, 1):
        flag = draw.pick(flags)
        return Arg(flag, lambda env: env[flag]) if env[flag] == wanted else Arg(f"not {flag}", lambda env: not env[flag])
    if known:
        a, k = draw.pick(known), draw.number(1, 5)
        text, holds = draw.pick(CONDITIONS)
        if holds(env[a], k) != wanted:
            text, holds = f"not ({text})", lambda a, k, holds=holds: not holds(a, k)
        return Arg(text.format(a=a, k=k), lambda env: holds(env[a], k))
    return Arg(draw.pick(["yes", "1 < 2"]) if wanted else draw.pick(["no", "2 < 1", "0"]), lambda env: wanted)
