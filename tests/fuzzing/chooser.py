"""How arguments are drawn: for a value at hand, with the names that are known there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from torch import nn

from tests.fuzzing.draw import ROUND, Arg, Draw, Env, Ref, const, demand, expression, names, number, rounds
from tests.fuzzing.modules import Axes
from tests.fuzzing.values import Value

T = TypeVar("T")


class Pair(NamedTuple):
    """What stands before and after each axis."""

    before: int
    after: int


Args = dict[str, Arg]
Values = dict[str, Any]
Made = tuple[nn.Module, str]
"""A module and the kind of value that it gives."""


def crossed(each: Sequence[Arg]) -> Arg:
    """A size, one number an axis."""
    texts = [str(arg.text) if arg.plain else f"({arg.text})" for arg in each]
    return Arg("x".join(texts), lambda env: tuple([arg.value(env) for arg in each]), plain=all(arg.plain for arg in each))


def ends(value: Any, rank: int) -> list[tuple[int, int]]:
    """An argument over both ends of each axis."""
    return [value] * rank if isinstance(value, Pair) else [(one, one) for one in spread(value, rank)]


def spread(value: int | Axes, rank: int) -> Axes:
    """An argument over the axes of a map. Raises Refused where it has another number of axes."""
    values = (value,) * rank if isinstance(value, int) else value
    demand(len(values) == rank, f"{len(values)} numbers for {rank} axes")
    return values


def refer(label: Arg) -> Arg:
    """The name of a value as an argument."""
    return Arg(label.text, lambda env: Ref(label.value(env)), plain=False)


@dataclass(frozen=True)
class Chooser:
    """Draws arguments; `alone` where the layer is neither repeated nor in a block, so that its input is the one at hand."""

    draw: Draw
    env: Env
    alone: bool
    seen: Sequence[tuple[Value, Arg]] = ()
    """Labelled values, and how they are called."""

    def label(self, fits: Callable[[Value], bool]) -> Arg | None:
        """The name of a labelled value that fits; None where there is none."""
        found = [name for value, name in self.seen if fits(value)]
        return refer(self.pick(found)) if found else None

    def pick(self, items: Sequence[T]) -> T:
        return self.draw.pick(items)

    def chance(self, one_in: int) -> bool:
        return self.draw.number(1, one_in) == one_in

    def count(self, low: int, high: int) -> Arg:
        return number(self.draw, self.env, low, high)

    def flag(self) -> Arg:
        return const(bool(self.draw.number(0, 2)))

    def axes(self, low: int, high: int, rank: int) -> Arg:
        """One number, or one an axis."""
        if rank > 1 and self.chance(4):
            named = [expression(self.draw, self.env, low, high) if self.chance(5) else None for _ in range(rank)]
            return crossed([arg or const(self.draw.number(low, high)) for arg in named])
        if ROUND in self.env and self.chance(3):
            return rounds(self.draw, low, high)
        found = expression(self.draw, self.env, low, high) if self.chance(6) else None
        return found or const(self.draw.number(low, high))

    def pair(self, high: int) -> Arg:
        """A range: what stands before, and what stands after."""
        pair = Pair(self.draw.number(0, high), self.draw.number(0, high))
        return Arg(f"{pair.before}:{pair.after}", lambda env: pair)

    def exactly(self, value: int) -> Arg:
        """A number that is this one here; by a name, if one has it, since it may be another elsewhere."""
        same = [name for name in names(self.env) if self.env[name] == value]
        if same and not self.chance(6):
            name = "cin" if "cin" in same else self.pick(same)
            return Arg(name, lambda env: env[name], plain=False)
        return const(value)

    def divisor(self, value: int) -> int:
        return self.pick([n for n in range(1, value + 1) if value % n == 0])
