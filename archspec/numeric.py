"""Functions that choose a number, and numbers that remember how they were written.

A formula of a layer is plain arithmetic and these functions. What flows through it comes out: integers, spelled numbers, NumPy arrays.
All of them are annotated as `int`: a type checker sees the arithmetic of integers.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial, reduce, wraps
from typing import Any, NamedTuple, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def _spellable(operation: str) -> Callable[[F], F]:
    """Let a function of plain numbers and arrays take spelled numbers too, which remember that it was called."""

    def decorate(function: F) -> F:
        @wraps(function)
        def either(*numbers: Any) -> Any:
            return _spelled(operation, *numbers) if _any_spelled(numbers) else function(*numbers)

        return either  # type: ignore[return-value]

    return decorate


def product(numbers: Iterable[int]) -> int:
    """Multiply numbers; of none it is 1."""
    return math.prod(numbers)


@_spellable("max")
def largest(*numbers: Any) -> int:
    """Choose the largest of numbers; of arrays, the largest at each place."""
    return reduce(lambda a, b: where(b > a, b, a), numbers)  # type: ignore[no-any-return]


@_spellable("min")
def least(*numbers: Any) -> int:
    """Choose the least of numbers; of arrays, the least at each place."""
    return reduce(lambda a, b: where(b < a, b, a), numbers)  # type: ignore[no-any-return]


def where(condition: Any, yes: Any, no: Any) -> Any:
    """Choose one of two numbers; where the condition is an array, at each place."""
    if isinstance(condition, bool):
        return yes if condition else no
    return condition * yes + (1 - condition) * no


def holds(condition: Any) -> bool:
    """Say whether a condition holds; of an array, whether it holds anywhere."""
    return bool(condition.any()) if hasattr(condition, "any") else bool(condition)


@_spellable("ceil_div")
def ceil_div(a: int, b: int) -> int:
    """Divide whole numbers and round up, so that 7 by 2 gives 4."""
    return -(-a // b)


def round_div(a: int, b: int, up: bool) -> int:
    """Divide whole numbers, and round up where `up` holds, down elsewhere. A lecture writes it as a plain quotient."""
    if up is False:
        return a // b
    if isinstance(a, Spelled) or isinstance(b, Spelled):
        return _spelled("round up", a, b)
    return a // b + ((a % b > 0) & up)


@_spellable("gcd")
def gcd(a: int, b: int) -> int:
    """Find the greatest common divisor of whole numbers."""
    if isinstance(a, int) and isinstance(b, int):
        return math.gcd(a, b)
    import numpy as np

    return np.gcd(a, b)


def worked_out(number: int) -> int:
    """Mark a number that a lecture shows by its value, such as the span of a dilated window; others are returned as they are."""
    return _spelled("worked out", number) if isinstance(number, Spelled) else number


@_spellable("divisible")
def divisible(value: float, divisor: int) -> int:
    """Round to the nearest multiple of a number, to at least that and not below 0.9 of the value.

    Source: Sandler et al. 2018, `_make_divisible`.
    """
    half = divisor / 2 if divisor % 2 else divisor // 2  # whole where it can be: a float has no more than 53 bits
    rounded = max(divisor, int(value + half) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


@_spellable("round8")
def round8(value: float) -> int:
    """Round to the nearest multiple of 8 as `divisible` does."""
    return divisible(value, 8)


sqrt = _spellable("sqrt")(math.sqrt)


def decimal(value: float) -> str:
    """Write a number with two decimals at most: `27.5`, `27`."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def binary(count: int) -> str:
    """Write a number of bytes in binary units: `97.7 MiB`."""
    power = min(max(count.bit_length() - 1, 0) // 10, 4)
    size, unit = count / 1024**power, ("B", "KiB", "MiB", "GiB", "TiB")[power]
    return f"{size:.0f} {unit}" if power == 0 or size >= 100 else f"{size:.1f} {unit}"


class Spelling(NamedTuple):
    """How expressions are printed.

    `spaced` puts spaces around the signs of products too. `regrouped` leaves out parentheses of whole numbers that only give an order: a*(b*c).
    `lecture` shows what was worked out or chosen by its value, and a quotient without its rounding. `functions` renames functions.
    """

    spaced: bool = True
    regrouped: bool = True
    lecture: bool = False
    functions: Mapping[str, str] = {}


PYTHON = Spelling()
LECTURE = Spelling(spaced=False, lecture=True)

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
OPERATIONS: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "negative": operator.neg,
    "worked out": operator.pos,
    "ceil_div": ceil_div,
    "round up": ceil_div,
    "gcd": gcd,
    "max": max,
    "min": min,
    "ceil": math.ceil,
    "floor": math.floor,
    "round": round,
    "round8": round8,
    "divisible": divisible,
    "sqrt": sqrt,
    "int": int,
    **COMPARISONS,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": operator.not_,
}
"""The functions of operations on plain numbers; comparisons and arithmetic take spelled ones too."""
_RANKS = {"or": -3, "and": -2, **dict.fromkeys(COMPARISONS, 0), "+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2, "**": 4}
"""How tightly operators bind."""
_NOT, _SIGN, _ATOM = -1, 3, 5
_NEUTRAL = {"+": 0, "*": 1, "and": True, "or": False}


def _operator(sign: str) -> Any:
    return lambda *numbers: _spelled(sign, *numbers)


def _reflected(sign: str) -> Any:
    return lambda right, left: _spelled(sign, left, right)


def _of_value(function: Any) -> Any:
    return lambda number: function(number.value)


def _compared(sign: str) -> Any:
    return lambda left, right: left.compares(sign, right)


class Spelled:
    """A number that carries its value and how it was written: a leaf (`5`, `channels`), or an operation on spelled numbers.

        >>> n = Spelled.leaf(64, "channels")
        >>> 4 * n + 1
        <4 * channels + 1 = 257>

    Arithmetic gives spelled numbers. Comparing, `bool`, `hash` and `__index__` use the value alone: a set, a dict or a `range` loses the
    expression, so that formulas have none of these. As a string it is its value; `text` is the expression.
    """

    __slots__ = ("length", "name", "operation", "parts", "said", "simplest", "value")
    simplest: Any
    """The shortest form, once it was looked for (`archspec/simplify.py`)."""
    said: tuple[Spelling, str]
    """The text that was written last, and how."""

    def __init__(self, value: Any, name: str = "", operation: str = "", parts: tuple[Spelled, ...] = ()) -> None:
        self.value, self.operation, self.parts = value, operation, parts
        self.name = name
        """The text of a leaf; empty for an operation, and for a constant of a formula, such as the 2 of 2*P."""
        self.length: int = 1 + sum([part.length for part in parts]) if parts else 1
        """Leaves and operations of its text. Parts may be shared, so that this grows faster than what is in memory."""

    @staticmethod
    def leaf(value: Any, name: str = "") -> Spelled:
        """Spell a number by a name, or by its digits."""
        return Spelled(value, name or repr(value))

    @classmethod
    def applied(cls, operation: str, numbers: Sequence[Any]) -> Spelled:
        """Apply an operation to numbers, at least one of them spelled. Raises what the operation raises."""
        parts = tuple([number if isinstance(number, Spelled) else Spelled(number) for number in numbers])
        if len(parts) == 1 and operation in ("max", "min"):
            return parts[0]
        neutral = _NEUTRAL.get(operation)
        for part, other in zip(parts, parts[::-1], strict=True) if neutral is not None else ():  # where `sum` and `prod` begin: not written
            if part.is_constant and part.value == neutral and type(part.value) is type(other.value):
                return other
        return Spelled(OPERATIONS[operation](*[part.value for part in parts]), "", operation, parts)

    @property
    def key(self) -> tuple[object, ...]:
        """What distinguishes it from numbers that Python calls equal."""
        return type(self.value), self.value, self.text()

    @property
    def is_constant(self) -> bool:
        """Whether it is a constant of the formula."""
        return not self.operation and not self.name

    @staticmethod
    def of(number: Any) -> Spelled:
        """Take a spelled number as it is, and a plain one as a constant of a formula."""
        return number if isinstance(number, Spelled) else Spelled(number)

    def replaced(self, names: Mapping[str, Any]) -> Any:
        """Put other numbers, plain or spelled, in place of named leaves."""
        if not self.operation:
            return names.get(self.name, self) if self.name else self.value
        return combined(self.operation, *[part.replaced(names) for part in self.parts])

    def as_float(self) -> Spelled:
        """Return the same expression with a float as its value."""
        return Spelled(float(self.value), self.name, self.operation, self.parts)

    def text(self, spelling: Spelling = PYTHON) -> str:
        """Write the expression."""
        if not self.operation:
            return self.name or repr(self.value)
        if getattr(self, "said", (None,))[0] is not spelling:
            self.said = spelling, _written(self, spelling)[0]
        return self.said[1]

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)

    def __repr__(self) -> str:
        return f"<{self.text()} = {self.value}>"

    def compares(self, sign: str, other: Any) -> bool:
        """Whether a comparison with another number holds."""
        return bool(COMPARISONS[sign](self.value, value_of(other)))

    def pinned(self) -> Any:
        """Return the plain number where a decision depends on it."""
        return self.value

    def is_integer(self) -> bool:
        """Whether it has no fraction."""
        return float(self.value).is_integer()

    __str__, __hash__, __bool__, __index__ = map(_of_value, (str, hash, bool, operator.index))
    __eq__, __ne__, __lt__, __le__, __gt__, __ge__ = map(_compared, ("==", "!=", "<", "<=", ">", ">="))
    __add__, __sub__, __mul__, __mod__ = map(_operator, "+-*%")
    __radd__, __rsub__, __rmul__, __rmod__ = map(_reflected, "+-*%")
    __truediv__, __floordiv__, __pow__ = map(_operator, ("/", "//", "**"))
    __rtruediv__, __rfloordiv__, __rpow__ = map(_reflected, ("/", "//", "**"))
    __neg__, __ceil__, __floor__, __round__ = map(_operator, ("negative", "ceil", "floor", "round"))


def combined(operation: str, *numbers: Any) -> Any:
    """Apply an operation of `Spelled` to numbers, plain or spelled."""
    return _spelled(operation, *numbers) if _any_spelled(numbers) else OPERATIONS[operation](*numbers)


def joined(operation: str, numbers: Iterable[Any]) -> Any:
    """Apply an operation of two numbers from the left."""
    return reduce(partial(combined, operation), numbers)


def whole_number(number: Any) -> Any:
    """Make an integer of a number, its fraction cut off."""
    return number if isinstance(value_of(number), int) else combined("int", number)


def value_of(number: Any) -> Any:
    """Return the plain number."""
    return number.value if isinstance(number, Spelled) else number


def pinned(number: Any) -> Any:
    """Return the plain number where a decision depends on it; elsewhere use `value_of`."""
    return number.pinned() if isinstance(number, Spelled) else number


def kind_of(number: Any) -> type:
    """Return the type of a number, plain or spelled: int or float."""
    return type(number.value if isinstance(number, Spelled) else number)


def spell(argument: Any) -> Any:
    """Spell the numbers of an argument or a type by their digits; words and switches stay as they are."""
    if isinstance(argument, tuple):
        items = map(spell, argument)
        return type(argument)(*items) if hasattr(argument, "_fields") else tuple(items)
    return Spelled.leaf(argument) if type(argument) in (int, float) else argument


def _any_spelled(numbers: Iterable[Any]) -> bool:
    return any(isinstance(number, Spelled) for number in numbers)


def _spelled(operation: str, *numbers: Any) -> Any:
    """Apply an operation to numbers, at least one of them spelled. Raises what the operation raises."""
    first: Spelled = next(number for number in numbers if isinstance(number, Spelled))
    return first.applied(operation, numbers)


def _written(number: Spelled, spelling: Spelling) -> tuple[str, int]:
    """Write an expression; returns its text and how tightly it binds."""
    if spelling.lecture:
        while number.operation in ("max", "min"):
            number = next(part for part in number.parts if part.value == number.value)
    rank = _RANKS.get(number.operation, _ATOM)
    if rank == _ATOM:
        return _atom(number, spelling)
    if number.operation == "**":
        base, power = number.parts
        return f"{_within(base, _ATOM, spelling)}**{_within(power, _SIGN, spelling)}", rank
    chain = []  # operators nest to the left, as deep as there are layers: a loop, since recursion would overflow
    while _RANKS.get(number.operation) == rank:
        left, right = number.parts
        loose = spelling.regrouped and type(number.value) is int and _joins(number.operation, right)
        sign = "/" if number.operation == "//" and spelling.lecture else number.operation
        chain += [_within(right, rank if loose else rank + 1, spelling), f" {sign} " if rank == 1 or spelling.spaced else sign]
        number = left
    return "".join([_within(number, rank, spelling), *reversed(chain)]), rank


def _joins(sign: str, right: Spelled) -> bool:
    """Whether the parentheses may go, as in a*(b*c) and a + (b - c), which give the same from the left; a*(b//c*d) does not."""
    while sign == right.operation == "*":
        right = right.parts[0]
        if _RANKS.get(right.operation) != _RANKS["*"]:
            return True
    return sign == "+" and right.operation in ("+", "-")


def _within(part: Spelled, rank: int, spelling: Spelling) -> str:
    """Write an expression inside another, in parentheses if it binds less tightly than the rank."""
    text, own = _written(part, spelling)
    return text if own >= rank else f"({text})"


def _atom(number: Spelled, spelling: Spelling) -> tuple[str, int]:
    """Write anything except an operator between two numbers: a leaf, a sign, a call, a quotient rounded up."""
    operation, parts = number.operation, number.parts
    if not operation or (operation == "worked out" and spelling.lecture):
        text = number.name or repr(number.value)
        return text, _SIGN if text.startswith("-") else _ATOM
    if operation == "worked out":
        return _written(parts[0], spelling)
    if operation == "not":
        return f"not {_within(parts[0], _NOT, spelling)}", _NOT
    if operation == "negative":
        return f"-{_within(parts[0], _SIGN, spelling)}", _SIGN
    if operation in ("round up", "ceil_div"):
        if not spelling.lecture:
            return _written(-(-parts[0] // parts[1]), spelling)
        quotient, rank = _written(parts[0] / parts[1], spelling)
        return (quotient, rank) if operation == "round up" else (f"ceil({quotient})", _ATOM)
    arguments = ", ".join(_written(part, spelling)[0] for part in parts)
    return f"{spelling.functions.get(operation, operation)}({arguments})", _ATOM
