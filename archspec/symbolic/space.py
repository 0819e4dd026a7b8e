"""Spaces of variants: which values params and input sizes take, as people write them."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from archspec.elaborate.settings import value_of
from archspec.symbolic.tracing import Domain, Values

LETTERS = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
"""What the spatial axes of an input are called, by rank."""
_MOST = Decimal(10) ** 30
"""The largest number of a range, and its smallest step turned over."""
MOST_VALUES = 10**12
"""The most values of one axis."""


_MOST_NUMBERED = 2**63 - 1
"""The most variants whose numbers fit an array."""


class Range(Sequence[Any]):
    """Values from `first` on in equal steps, exact where they are written as decimals. They are not held."""

    def __init__(self, first: Decimal | int, step: Decimal | int, count: int) -> None:
        self.first, self.step, self.length = Decimal(first), Decimal(step), count
        self.whole = all(number == number.to_integral_value() for number in (self.first, self.step))

    def __len__(self) -> int:
        return self.length

    def column(self, places: Any) -> Any:
        """The values at an array or a list of places, as such: whole numbers over a power of ten, so that each quotient is the nearest float."""
        digits = max(0, *(-int(number.normalize().as_tuple().exponent) for number in (self.first, self.step)))
        first, step, parts = int(self.first.scaleb(digits)), int(self.step.scaleb(digits)), 10**digits
        if isinstance(places, list):
            return [first + step * at if self.whole else (first + step * at) / parts for at in places]
        scaled = first + step * places
        return scaled if self.whole else scaled / parts

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(self.length))]
        number = self.first + self.step * range(self.length)[at]
        return int(number) if self.whole else float(number)


class Axis(NamedTuple):
    """A variable and its values, all of them numbers of one kind, or words and other values that are taken one by one."""

    name: str
    values: Sequence[Any]

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers, so that formulas in it can be found."""
        values = self.values
        return isinstance(values, Range) or all(type(value) in (int, float) for value in values)

    @property
    def ordered(self) -> bool:
        """Whether its values can be compared: numbers, yes and no."""
        return self.numeric or all(isinstance(value, (int, float)) for value in self.values)


def axis(name: str, given: str | Sequence[Any]) -> Axis:
    """Read the values of a variable: `a:b:step` with both ends, `a..b`, `{1,2,4}`, or one value; or take a list. Raises ValueError."""
    if not isinstance(given, str):
        if not given:
            raise ValueError(f"`{name}`: there are no values")
        return Axis(name, _alike([number.item() if hasattr(number, "item") else number for number in given]))
    text = given.strip()
    if text.startswith("{"):
        if not text.endswith("}") or not text[1:-1].strip():
            raise ValueError(f"`{name}`: alternatives are written `{{1,2,4}}`, not `{text}`")
        return Axis(name, _alike([_alternative(part.strip()) for part in _split(text[1:-1])]))
    parts = re.split(r"\.\.|:", text)
    if len(parts) == 1:
        return Axis(name, (value_of(text),))
    try:
        first, last, *steps = map(Decimal, [part.strip() for part in parts])
        step = steps[0] if steps else Decimal(1)
    except InvalidOperation:
        raise ValueError(f"`{name}`: a range is written `a:b:step` or `a..b`, not `{text}`") from None
    if len(steps) > 1 or not all(number.is_finite() for number in (first, last, step)):
        raise ValueError(f"`{name}`: a range is written `a:b:step` or `a..b`, not `{text}`")
    if step <= 0:
        raise ValueError(f"`{name}`: the step of a range must be above 0, not {step}")
    if last < first:
        raise ValueError(f"`{name}`: the range {text} is empty, since {last} is below {first}")
    if not all(-_MOST <= number <= _MOST for number in (first, last, step)) or step < 1 / _MOST:
        raise ValueError(f"`{name}`: the range {text} has numbers that are too large or too small")
    count = int((last - first) / step) + 1
    if count > MOST_VALUES:
        raise ValueError(f"`{name}`: the range {text} has {count:,} values, more than {MOST_VALUES:,}")
    return Axis(name, Range(first, step, count))


def _split(text: str) -> list[str]:
    """Split a text at its commas, except those within parentheses: `3,(5,7)` is `3` and `(5,7)`."""
    return re.split(r",(?![^(]*\))", text)


def _alternative(text: str) -> Any:
    """One of several values; a list among them is in parentheses."""
    return value_of(text[1:-1].strip() if text.startswith("(") and text.endswith(")") else text)


def _alike(values: Sequence[Any]) -> tuple[Any, ...]:
    """Different values; numbers of which one is a float are all floats."""
    if any(type(value) is float for value in values) and all(type(value) in (int, float) for value in values):
        values = [float(value) for value in values]
    return tuple({(type(value), value): value for value in values}.values())


class Shape(NamedTuple):
    """The sizes of an input: numbers, or names of variables."""

    input: str
    sizes: tuple[int | str, ...]


def shape(text: str, own: tuple[int, ...], input_: str = "") -> tuple[Shape, list[Axis]]:
    """Read the sizes of an input, as `224x224x3` with ranges in place of numbers, and the axes that they are.

    One size stands for all sides of a square, and without channels they are those of the spec, whose shape is `own`. Raises ValueError.
    """
    parts = [part.strip() for part in re.split(r"x(?![^{]*})", text.strip())]
    letters = LETTERS.get(len(own) - 1, ())
    if len(parts) == 1 and letters:
        sizes: list[Any] = [parts[0]] * len(letters)
    elif len(parts) in (len(own), len(own) - 1):
        sizes = list(parts)
    else:
        raise ValueError(f"--input: {text} has {len(parts)} sizes, but the spec's input is {'x'.join(map(str, own))}")
    names = ("H",) * len(letters) if len(parts) == 1 and len(letters) > 1 else letters
    prefix = f"{input_}." if input_ else ""
    axes: dict[str, Axis] = {}
    shape_: list[int | str] = []
    for name, part in zip((*names, "C"), [*sizes, str(own[-1])][: len(own)], strict=True):
        found = axis(prefix + name, part)
        if any(type(value) is not int for value in (found.values[0], found.values[-1])):
            raise ValueError(f"--input: `{part}` is no size: sizes are whole numbers")
        shape_.append(found.values[0] if len(found.values) == 1 else found.name)
        if len(found.values) > 1:
            axes[found.name] = found
    return Shape(input_, tuple(shape_)), list(axes.values())


class Space(NamedTuple):
    """All combinations of the values of `axes`. Those of one group, a tuple of axes, go together: their first values, their second, ..."""

    groups: tuple[tuple[Axis, ...], ...]
    shapes: tuple[Shape, ...] = ()

    @property
    def axes(self) -> tuple[Axis, ...]:
        """All axes, in the order in which they were written."""
        return tuple([each for group in self.groups for each in group])

    @property
    def size(self) -> int:
        """How many variants there are."""
        return math.prod(len(group[0].values) for group in self.groups)

    def stride(self, name: str) -> int:
        """How far apart the numbers of variants are that differ by one value of an axis, or of all that go together with it."""
        at = next(at for at, group in enumerate(self.groups) if any(each.name == name for each in group))
        return math.prod(len(group[0].values) for group in self.groups[at + 1 :])

    def variant(self, number: int) -> dict[str, Any]:
        """The values of a variant, by the names of its axes; the last axis changes fastest."""
        found: dict[str, Any] = {}
        for group in reversed(self.groups):
            number, at = divmod(number, len(group[0].values))
            found.update({each.name: each.values[at] for each in reversed(group)})
        return {each.name: found[each.name] for each in self.axes}

    def meaning(self, values: Mapping[str, Any]) -> Values:
        """What values of the axes set of a spec."""
        inputs = {each.input: tuple(values[size] if isinstance(size, str) else size for size in each.sizes) for each in self.shapes}
        sizes = {size for each in self.shapes for size in each.sizes}
        return Values({name: value for name, value in values.items() if name not in sizes}, inputs)

    def domains(self) -> tuple[Domain, ...]:
        """The variables that can be left open, with their bounds."""
        found = []
        for each in self.axes:
            if each.numeric:
                ends = (each.values[0], each.values[-1]) if isinstance(each.values, Range) else (min(each.values), max(each.values))
                found.append(Domain(each.name, *ends))
        return tuple(found)


def together(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Axes that go together. Raises ValueError where they have not as many values."""
    counts = {each.name: len(each.values) for each in axes}
    if len(set(counts.values())) > 1:
        raise ValueError(f"--together takes ranges of one length, not {', '.join(f'{n} values of `{name}`' for name, n in counts.items())}")
    return tuple(axes)


def drawn(space: Space, count: int, seed: int) -> list[int]:
    """Draw different variants at random, in ascending order; all of them where there are not more. Raises ValueError."""
    if count < 1:
        raise ValueError(f"variants are drawn from 1 on, not {count}")
    if count >= space.size:
        return list(range(space.size))
    if space.size > _MOST_NUMBERED:
        raise ValueError(f"the space has {space.size:,} variants, more than {_MOST_NUMBERED:,} that can be drawn from")
    return sorted(random.Random(seed).sample(range(space.size), count))


def pieces(text: str) -> list[str]:
    """Split a text at its commas, except those within braces."""
    return [piece.strip() for piece in re.split(r",(?![^{]*})", text) if piece.strip()]
