"""Forms as programs: Python for one variant, NumPy for many at once, JavaScript for a page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

from archspec.numeric import divisible
from archspec.symbolic.forms import Form, Monomial, Poly, Real, Table
from archspec.symbolic.traced import Guard


class Notation(NamedTuple):
    """How a programming language writes numbers: operations by their names with places for the parts, other ones as functions."""

    operations: Mapping[str, str]
    equal: str
    unequal: str
    assign: str


_ROUND8 = "divisible({0}, 8)"
PYTHON = Notation({"//": "{0} // {1}", "negative": "-{0}", "real": "float({0})", "round8": _ROUND8}, "==", "!=", "{} = {}")
JAVASCRIPT = Notation(
    {
        "//": "Math.floor({0} / {1})",
        "negative": "-{0}",
        "real": "{0}",
        "int": "Math.trunc({0})",
        "ceil": "Math.ceil({0})",
        "floor": "Math.floor({0})",
        "sqrt": "Math.sqrt({0})",
        "round8": _ROUND8,
        "max": "Math.max({0})",
        "min": "Math.min({0})",
        "%": "(({0} % {1}) + {1}) % {1}",
    },
    "===",
    "!==",
    "const {} = {};",
)
_FUNCTIONS = {"divisible": divisible, "gcd": math.gcd, "ceil": math.ceil, "floor": math.floor, "sqrt": math.sqrt}
Held = tuple[list[int], list[int], list[tuple[int, ...]]]
"""The places of rows for which all guards hold, those of the others, and the forms of the former."""
_SIGNS = ("+", "-", "*", "/", "%", "**")


class Writer:
    """Writes forms of a table, each item that they need once, as a line of its own."""

    def __init__(self, table: Table, names: Mapping[str, str], notation: Notation = PYTHON) -> None:
        self.table = table
        self.names = names
        """What variables are called."""
        self.notation = notation
        self.written: dict[int, str] = {}
        self.lines: list[str] = []

    def form(self, form: Form) -> str:
        """A form as an expression; the lines that it needs are in `lines`."""
        if isinstance(form, Real):
            return self.item(form.place)
        for monomial in form.terms:
            for place in monomial:
                self.item(place)
        return " + ".join([self._term(monomial, factor) for monomial, factor in form.terms.items()]) or "0"

    def _term(self, monomial: Monomial, factor: int) -> str:
        places = [self.written[place] for place in monomial]
        return " * ".join(places if factor == 1 and places else [str(factor), *places])

    def item(self, place: int) -> str:
        """The name of an item, or its text where that is a name already."""
        if place not in self.written:
            item = self.table.items[place]
            if item.operation == "name":
                self.written[place] = self.names[item.parts[0]]
            elif item.operation == "float":
                self.written[place] = repr(item.parts[0])
            else:
                text = self._operation(item.operation, [self._part(part) for part in item.parts])
                name = self.written[place] = f"t{place}"
                self.lines.append(self.notation.assign.format(name, text))
        return self.written[place]

    def _part(self, part: Form) -> str:
        text = self.form(part)
        return f"({text})" if " " in text or text.startswith("-") else text

    def _operation(self, operation: str, parts: list[str]) -> str:
        if operation in ("max", "min"):
            parts = [", ".join(parts)]
        if operation in self.notation.operations:
            return self.notation.operations[operation].format(*parts)
        return f" {operation} ".join(parts) if operation in _SIGNS else f"{operation}({', '.join(parts)})"

    def guard(self, guard: Guard) -> str:
        """A guard as a condition."""
        sign = {"==": self.notation.equal, "!=": self.notation.unequal}.get(guard.sign, guard.sign)
        return f"({self.form(guard.left)}) {sign} ({self.form(guard.right)})"


def scalar(table: Table, variables: Sequence[str], guards: Iterable[Guard], forms: Sequence[Form]) -> Callable[..., tuple[Any, ...] | None]:
    """Compile forms to a function of the variables, in their order; it returns None where a guard does not hold."""
    writer = _writer(table, variables)
    lines, results = _guarded(writer, guards, forms, "return None")
    program: Callable[..., tuple[Any, ...] | None] = _function(writer.names.values(), [*lines, f"return {results}"], _FUNCTIONS)
    return program


def one_by_one(table: Table, variables: Sequence[str], guards: Iterable[Guard], forms: Sequence[Form]) -> Callable[..., Held]:
    """Compile guards and forms to a function of rows, each with the values of the variables. A loop in the program is what a call per row would cost."""
    writer = _writer(table, variables)
    lines, results = _guarded(writer, guards, forms, "left.append(at); continue")
    loop = f"for at, ({''.join(f'{name}, ' for name in writer.names.values())}) in enumerate(rows):"
    body = [f"    {line}" for line in [*lines, "held.append(at)", f"found.append({results})"]]
    program: Callable[..., Held] = _function(
        ["rows"], ["held, left, found = [], [], []", loop, *body, "return held, left, found"], _FUNCTIONS
    )
    return program


def _guarded(writer: Writer, guards: Iterable[Guard], forms: Sequence[Form], otherwise: str) -> tuple[list[str], str]:
    """The lines of guards and forms, with what is done where a guard does not hold, and the tuple of the forms."""
    lines: list[str] = []
    for guard in guards:
        condition = writer.guard(guard)
        lines += [*writer.lines, f"if not ({condition}): {otherwise}"]
        writer.lines.clear()
    results = "".join([f"{writer.form(form)}, " for form in forms])
    return [*lines, *writer.lines], f"({results})"


def vector(table: Table, variables: Sequence[str], guards: Iterable[Guard], forms: Sequence[Form]) -> Callable[..., tuple[Any, ...]] | None:
    """Compile guards and forms to a function of NumPy arrays, that returns the guards' conditions, then the forms; None where int64 could overflow."""
    import numpy as np

    guards = list(guards)
    met = [*forms, *[form for guard in guards for form in guard[1:]]]
    if not all(_fits(table, form) for form in met):
        return None
    writer = _writer(table, variables)
    results = [*[writer.guard(guard) for guard in guards], *[writer.form(form) for form in forms]]
    if not all(_item_fits(table, place) for place in writer.written):
        return None
    functions = {
        "max": lambda *numbers: reduce(np.maximum, numbers),
        "min": lambda *numbers: reduce(np.minimum, numbers),
        "gcd": np.gcd,
        "float": lambda number: number * 1.0,
        **{name: _whole(rounded) for name, rounded in (("int", np.trunc), ("ceil", np.ceil), ("floor", np.floor), ("round", np.rint))},
        "divisible": _divisible,
        "sqrt": np.sqrt,
    }
    program: Callable[..., tuple[Any, ...]] = _function(
        writer.names.values(), [*writer.lines, f"return ({', '.join(results)}{',' if results else ''})"], functions
    )
    return program


def _writer(table: Table, variables: Sequence[str]) -> Writer:
    return Writer(table, {name: f"v{at}" for at, name in enumerate(variables)})


def _function(parameters: Iterable[str], lines: list[str], functions: Mapping[str, Any]) -> Any:
    text = "\n    ".join([f"def program({', '.join(parameters)}):", *lines])
    scope: dict[str, Any] = dict(functions)
    exec(text, scope)
    return scope["program"]


def _whole(rounded: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda number: rounded(number).astype("int64")


def _divisible(value: Any, divisor: Any) -> Any:
    """`numeric.divisible` of an array."""
    import numpy as np

    rounded = np.maximum(divisor, np.trunc(value + divisor / 2).astype("int64") // divisor * divisor)
    return rounded + divisor * (rounded < 0.9 * value)


def _fits(table: Table, form: Form) -> bool:
    return isinstance(form, Real) or table.largest_term(form) < 2**63


def _item_fits(table: Table, place: int) -> bool:
    """Whether an item is computed from numbers that int64 holds, and real ones from whole numbers that a float holds."""
    item = table.items[place]
    whole_parts = [part for part in item.parts if isinstance(part, Poly)]
    if item.operation in ("//", "max", "min", "gcd", "name"):
        return all(_fits(table, part) for part in whole_parts) and max(map(abs, item.bounds)) < 2**63
    return all(table.largest_term(part) <= 2**53 for part in whole_parts) and (
        isinstance(item.bounds[0], float) or max(map(abs, item.bounds)) < 2**53
    )
