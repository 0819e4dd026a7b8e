"""Numbers that are left open: each has an example, by which decisions are taken, and a form, which holds for all that decide alike."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from archspec.numeric import COMPARISONS, OPERATIONS, Spelled, value_of
from archspec.symbolic.forms import Form, Poly, Real, Table, whole


class Untraceable(Exception):
    """Says that an operation has no form, so that the variants have to be elaborated one by one."""


class Guard(NamedTuple):
    """A decision that was taken: `left` compared with `right`, which is 0 for whole numbers. It holds for the example."""

    sign: str
    left: Form
    right: Form


_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
ZERO = whole(0)


class Trace:
    """What is noted while something is computed with open numbers: the forms, and the decisions in their order, each once."""

    def __init__(self) -> None:
        self.table = Table()
        self.guards: dict[Guard, None] = {}

    def open(self, name: str, example: Any, low: float, high: float) -> Open:
        """An open number between two bounds; it is real where the example is a float."""
        return Open(example, self.table.variable(name, low, high, isinstance(example, float)), self)

    def form(self, number: Any) -> Form:
        """The form of a number, open or plain."""
        return number.form if isinstance(number, Open) else self.table.form(number)

    def decide(self, sign: str, a: Any, b: Any) -> bool:
        """Compare numbers by their examples. What does not follow from the bounds alone is noted."""
        found = COMPARISONS[sign](value_of(a), value_of(b))
        left, right = self.form(a), self.form(b)
        if isinstance(left, Poly) and isinstance(right, Poly):
            left, right = left - right, ZERO
            if sign in ("==", "!=") and left.terms and left.key[0][1] < 0:
                left = -left
            known = _known(sign, *self.table.bounds(left), 0, 0)
        else:
            known = _known(sign, *self.table.bounds(left), *self.table.bounds(right)) if left != right else COMPARISONS[sign](0, 0)
        if known is None:
            self.guards[Guard(sign if found else _OPPOSITE[sign], left, right)] = None
        return found


def _known(sign: str, low: float, high: float, least: float, most: float) -> bool | None:
    """Whether numbers from `low` to `high` compare with those from `least` to `most`; None where some do and some do not."""
    if sign in ("==", "!="):
        if high < least or low > most:
            return sign == "!="
        return sign == "==" if low == high == least == most else None
    if sign in ("<", ">="):
        return sign == "<" if high < least else sign == ">=" if low >= most else None
    return sign == ">" if low > most else sign == "<=" if high <= least else None


def _whole_operation(sign: str, compute: Callable[[Any, Any], Any]) -> Any:
    """A sum, difference or product, by a short way where both numbers are whole."""

    def operation(left: Open, right: Any) -> Any:
        form = left.form
        if type(form) is Poly:
            if type(right) is int:
                return left.with_form(compute(left.value, right), compute(form, whole(right)))
            if type(right) is Open and type(right.form) is Poly:
                return left.with_form(compute(left.value, right.value), compute(form, right.form))
        return left.applied(sign, (left, right))

    return operation


class Open(Spelled):
    """A number left open. Arithmetic gives open numbers; comparing, `bool` and `__index__` decide by the example, and note it.

    Nothing becomes plain in silence: `__index__` notes that the number equals its example. It is hashed by its form.
    """

    __slots__ = ("form", "trace")

    def __init__(self, value: Any, form: Form, trace: Trace) -> None:
        self.value, self.form, self.trace = value, form, trace
        self.name = self.operation = ""
        self.parts = ()

    def applied(self, operation: str, numbers: Sequence[Any]) -> Any:  # type: ignore[override]
        trace = self.trace
        if operation in ("max", "min"):
            if len(numbers) == 1:
                return numbers[0]
            if len({type(trace.form(number)) for number in numbers}) > 1:  # whole or real is decided by which it is
                return _chosen(trace, "<" if operation == "min" else ">", numbers)
        try:
            value = OPERATIONS[operation](*map(value_of, numbers))
            form = trace.table.applied(operation, [trace.form(number) for number in numbers])
        except (KeyError, ArithmeticError, ValueError) as error:
            raise Untraceable(f"{operation}: {error}") from None
        if isinstance(form, Real) == isinstance(value, int):
            raise Untraceable(f"{operation} of {numbers} is whole for some values only")
        return value if isinstance(form, Poly) and form.constant is not None else Open(value, form, trace)

    def with_form(self, value: int, form: Poly) -> Any:
        """A whole number of the same trace; a plain one where nothing in it is open."""
        return value if form.constant is not None else Open(value, form, self.trace)

    def as_float(self) -> Spelled:
        form = self.form
        if isinstance(form, Poly):
            bounds = tuple(map(float, self.trace.table.bounds(form)))
            form = Real(self.trace.table.place("real", (form,), bounds))  # type: ignore[arg-type]
        return Open(float(self.value), form, self.trace)

    @property
    def key(self) -> tuple[object, ...]:
        return self.trace, self.form

    def compares(self, sign: str, other: Any) -> bool:
        if not isinstance(value_of(other), (int, float)):
            return sign == "!="
        return self.trace.decide(sign, self, other)

    def pinned(self) -> Any:
        self.trace.decide("==", self, self.value)
        return self.value

    def is_integer(self) -> bool:
        return isinstance(self.value, int) or self.compares("==", self.applied("int", [self]))

    def __bool__(self) -> bool:
        return self.trace.decide("!=", self, 0)

    def __index__(self) -> int:
        return int.__index__(self.pinned())

    def __hash__(self) -> int:
        return hash(self.form)

    def text(self, spelling: Any = None) -> str:
        return str(self.value)

    # defining one of these in a class drops what it inherits of the others
    __eq__, __ne__ = Spelled.__eq__, Spelled.__ne__
    # sums and products of whole numbers are most of a trace
    __add__ = __radd__ = _whole_operation("+", operator.add)
    __mul__ = __rmul__ = _whole_operation("*", operator.mul)
    __sub__ = _whole_operation("-", operator.sub)


def _chosen(trace: Trace, sign: str, numbers: Sequence[Any]) -> Any:
    found = numbers[0]
    for number in numbers[1:]:
        if trace.decide(sign, number, found):
            found = number
    return found
