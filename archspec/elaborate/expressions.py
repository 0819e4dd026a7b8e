"""Values of expressions, and the names that are seen from a place. Nothing here is Python's eval: the language has only what is below."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from archspec.diagnostics import did_you_mean, nearest
from archspec.diagnostics.fix import Fix, respelled, written
from archspec.ir.builder import GraphBuilder
from archspec.numeric import COMPARISONS, OPERATIONS, Spelled, divisible, kind_of, largest, least, round8, sqrt, whole_number
from archspec.ops.declare import Range
from archspec.source import Span
from archspec.syntax import ast
from archspec.types import LIMIT, Type

ROUNDED = "round it: `round8(x)`, `floor(x)`, or divide with `//`"
"""The help where a whole number is needed."""


class Rounds(tuple[object, ...]):
    """A list of the language: one value per round. A size such as 5x3 is a plain tuple."""


Value = bool | int | float | str | tuple[object, ...]
"""What an expression evaluates to."""


def of_round(values: Rounds, at: int) -> Value:
    """The value of a round; a shorter list repeats its last one."""
    picked: Value = values[min(at, len(values) - 1)]  # type: ignore[assignment]
    return picked


class Refused(Exception):
    """An expression has no value."""

    def __init__(
        self,
        code: str,
        message: str,
        span: Span,
        help_: str | None = None,
        notes: Iterable[str] = (),
        others: Iterable[tuple[Span, str]] = (),
        fixes: Iterable[Fix] = (),
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.span, self.help, self.notes, self.others = code, message, span, help_, tuple(notes), tuple(others)
        self.fixes = tuple(fixes)


class Silent(Refused):
    """What has no value because of a mistake that was already reported."""

    def __init__(self, span: Span) -> None:
        super().__init__("", "", span)


class Missing:
    """The value of a name whose declaration could not be read."""


MISSING = Missing()


class Frame:
    """The round of a repeat that is being elaborated. Where the number of rounds is not `known`, one represents all.

    `reads_index` and `longest` record what a round's meaning depended on: with neither the index read nor a list still to
    be followed, all further rounds are the same.
    """

    __slots__ = ("count", "known", "longest", "reads_index", "round", "rounds")

    def __init__(self, count: int, known: bool = True, rounds: Span | None = None) -> None:
        self.count = count
        self.rounds = rounds
        """Where the number is written."""
        self.known = known
        self.round = 0
        self.longest = 0
        self.reads_index = False


Types = Callable[[ast.Expr | None, Span, "Scope"], Type | None]
"""Finds the type of the value that an expression names, or of the current one; None after a mistake. Raises Refused."""


class Scope:
    """Names and labels that are seen from a place. Blocks start a scope without a parent; suites extend the one around them.

    `types` is None where there are no values: in declarations. Weights of layers in a `frozen` scope are fixed.
    """

    __slots__ = ("climbing", "frame", "frozen", "index", "labels", "lost", "names", "parent", "read", "types")

    def __init__(
        self,
        names: dict[str, Value | Missing],
        parent: Scope | None = None,
        frame: Frame | None = None,
        index: str | None = None,
        read: set[str] | None = None,
        types: Types | None = None,
    ) -> None:
        self.names = names
        self.parent = parent
        self.frame = frame
        self.index = index
        self.labels: dict[str, tuple[GraphBuilder, int]] = {}
        self.lost: list[re.Pattern[str]] = []
        """The labels of lines that a mistake kept from being elaborated."""
        self.climbing: dict[str, list[Scope]] = {}
        """Labels of a round that are seen behind it, with the scopes around it that see them, the inner before the outer."""
        self.read = set() if read is None else read
        self.types = types
        self.frozen: bool = parent is not None and parent.frozen

    def inner(self, frame: Frame | None = None, index: str | None = None) -> Scope:
        """A suite inside this one; with a frame, the body of a repeat."""
        return Scope({}, self, frame or self.frame, index, self.read, self.types)

    def outwards(self) -> Iterator[Scope]:
        """The scope, and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def labels_a_value(self, name: str) -> bool:
        """Whether a value of this name is in sight."""
        return any(name in scope.labels for scope in self.outwards())

    def seen(self) -> Seen:
        """What is seen from here now: labels that come later, and rounds to come, change nothing of it."""
        frame = self.frame
        return Seen(
            self, len(self.labels), frame.round if frame is not None else 0, self.parent.seen() if self.parent is not None else None
        )

    def value_of(self, name: str) -> Value | Missing | None:
        """Find the value of a name that is seen from here; None where it is not defined."""
        for scope in self.outwards():
            if name == scope.index and scope.frame is not None:
                scope.frame.reads_index = True
                return scope.frame.round
            if name in scope.names:
                self.read.add(name)
                return scope.names[name]
        return None

    def known(self) -> Iterator[str]:
        """List the names that may be used here, the nearest first."""
        for scope in self.outwards():
            yield from scope.names
            if scope.index is not None:
                yield scope.index


class Seen(NamedTuple):
    """What was seen from a place: the scope, how many of its labels, the round of its frame, and what was seen around."""

    scope: Scope
    labels: int
    round: int
    around: Seen | None

    def restored(self) -> Scope:
        """The scope as it was."""
        frame = self.scope.frame
        if frame is not None:
            frame = Frame(frame.count, frame.known)
            frame.round = self.round
        parent = self.around.restored() if self.around is not None else None
        scope = Scope(self.scope.names, parent, frame, self.scope.index, self.scope.read, self.scope.types)
        labels = islice(self.scope.labels.items(), self.labels)
        scope.labels = {name: builder.whereabouts(value) for name, (builder, value) in labels}
        scope.frozen = self.scope.frozen
        return scope


def evaluate(expr: ast.Expr, scope: Scope) -> Value:
    """The value of an expression. Raises Refused."""
    match expr:
        case ast.Number(value) | ast.Text(value) | ast.Dims(value):
            return value
        case ast.Unreadable(span):
            raise Silent(span)
        case ast.Name(name, span):
            return _name(name, span, scope)
        case ast.Chained("arithmetic", operands, operators):
            return _arithmetic(operands, operators, scope)
        case ast.Chained("compare", operands, operators):
            return _compare(operands, operators, scope)
        case ast.Chained(kind, operands):
            found = (truth(operand, scope) for operand in operands)
            return any(found) if kind == "or" else all(found)
        case ast.Prefixed("not", times, operand):
            return truth(operand, scope) ^ (times % 2 == 1)
        case ast.Prefixed(_, times, operand, span):
            number = _number(evaluate(operand, scope), span)
            return -number if times % 2 else number
        case ast.Call():
            return _call(expr, scope)
        case ast.Items(items):
            return Rounds(item(each, scope) for each in items)
        case ast.Slice(start, stop):
            return Range((whole(start, scope), whole(stop, scope)))
        case ast.Crossed(sizes):
            return tuple([whole(size, scope) for size in sizes])
        case ast.Choice(value, condition, otherwise):
            return evaluate(value if truth(condition, scope) else otherwise, scope)
        case ast.Interpolated(_, span):
            raise Refused("A113", "a label is not a value", span)


def truth(expr: ast.Expr, scope: Scope) -> bool:
    """A condition's value: a boolean, or a number that is not 0. Raises Refused."""
    value = evaluate(expr, scope)
    if not isinstance(value, (bool, int, float, Spelled)):
        raise Refused("A113", f"a condition is yes or no, not {shown(value)}", expr.span)
    return bool(value)


def whole(expr: ast.Expr, scope: Scope) -> int:
    """A whole number; a whole-valued float is one. Raises Refused."""
    value = evaluate(expr, scope)
    if kind_of(value) is float:
        if not value.is_integer():  # type: ignore[union-attr]
            raise Refused("A114", f"{value:g} is not a whole number", expr.span, ROUNDED)
        value = _bounded(whole_number, (value,), expr.span)  # type: ignore[arg-type]
    if kind_of(value) is not int:
        raise Refused("A113", f"a whole number is needed here, not {shown(value)}", expr.span)
    return value  # type: ignore[return-value]


def shown(value: object) -> str:
    """A value as it would be written."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Rounds):
        items = [shown(item) for item in value[:8]]
        return f"the list {','.join(items)}{',...' if len(value) > 8 else ''}"
    if isinstance(value, tuple):
        return (":" if isinstance(value, Range) else "x").join(map(shown, value))
    if isinstance(value, int) and abs(value) >= 10**24:  # a whole-valued float, whose digits nobody wrote
        return f"{value:.4g}"
    return f'"{value}"' if isinstance(value, str) else f"{value}"


_CHANNELS = frozenset(("in_channels", "in_ch", "in_planes", "inplanes", "in_features", "input_channels", "channels_in", "c_in", "nin"))
"""What others call the channels of what enters."""


def item(expr: ast.Expr, scope: Scope) -> Value:
    """An item of a list; lists in lists are literal (a connection table), so that none grows by being named."""
    value = evaluate(expr, scope)
    if isinstance(value, Rounds) and not isinstance(expr, ast.Items):
        raise Refused("A113", f"`{expr.span.text}` is a list, and a list cannot contain a list by name", expr.span, "write its values out")
    return value


def _name(name: str, span: Span, scope: Scope) -> Value:
    if "." in name:
        raise Refused("A106", f"`{name}`: a name in an expression cannot contain `.`", span)
    value = scope.value_of(name)
    if isinstance(value, Missing):
        raise Silent(span)
    if value is None:
        from archspec.ops import STEPS

        if name in STEPS or name in ("True", "False", "true", "false", "None"):
            help_ = f"steps are joined by `|`: `| {name}`" if name in STEPS else "write `yes` or `no`"
            fix = f"| {name}" if name in STEPS else "yes" if name in ("True", "true") else "no"
            before = span.source.text[: span.start].rstrip(" ")
            joint = len(before) - 1 if name in STEPS and before.endswith(("+", ">", "-", "*", "/", "<")) else span.start
            raise Refused("A106", f"`{name}` is not defined", span, help_, fixes=[written(span._replace(start=joint), fix, safe=True)])
        if scope.labels_a_value(name):
            help_ = f"`c({name})` is the number of its channels; layers compute with values: `add {name}`, `from {name} | mul -1 | add 1`"
            raise Refused("A106", f"`{name}` is a value, and a number is needed here", span, help_)
        if name == "cin":
            raise Refused("A106", "`cin` is defined only inside a block", span, "`c()` is the number of channels of the current value")
        if name in _CHANNELS and scope.value_of("cin") is not None:
            raise Refused("A106", f"`{name}` is not defined", span, "inside a block, the number of its input channels is called `cin`")
        longer = next((known for known in scope.known() if len(name) > 2 and known.startswith(name)), "")
        close = nearest(name, scope.known()) or longer
        help_ = f"did you mean `{close}`?" if close else f"define it: `param {name} = 1`"
        raise Refused("A106", f"`{name}` is not defined", span, help_, fixes=respelled(span, name, close))
    return value


def _arithmetic(operands: tuple[ast.Expr, ...], operators: tuple[str, ...], scope: Scope) -> Value:
    result = _number(evaluate(operands[0], scope), operands[0].span)
    for sign, operand in zip(operators, operands[1:], strict=True):
        right = _number(evaluate(operand, scope), operand.span)
        if sign in ("/", "//", "%") and right == 0:
            raise Refused("A113", "division by zero", operand.span)
        result = _bounded(OPERATIONS[sign], (result, right), operands[0].span.to(operand.span))
    return result


def _bounded(function: Callable[..., float], arguments: tuple[float, ...], span: Span) -> int | float:
    try:
        result = function(*arguments)
    except (OverflowError, ValueError):
        result = math.inf
    most = LIMIT if kind_of(result) is int else sys.float_info.max
    if not -most <= result <= most:
        raise Refused("A113", f"`{span.text}` is outside of -(2^63 - 1) to 2^63 - 1", span)
    return result


def _compare(operands: tuple[ast.Expr, ...], operators: tuple[str, ...], scope: Scope) -> bool:
    values = [evaluate(operand, scope) for operand in operands]
    for at, sign in enumerate(operators):
        left, right = values[at], values[at + 1]
        if sign not in ("==", "!="):
            left, right = _number(left, operands[at].span), _number(right, operands[at + 1].span)
        if not COMPARISONS[sign](left, right):
            return False
    return True


def _number(value: Value, span: Span) -> int | float:
    if isinstance(value, bool):
        return int(value)
    if not isinstance(value, (int, float, Spelled)):
        raise Refused("A113", f"a number is needed here, not {shown(value)}", span)
    return value


_FUNCTIONS: dict[str, tuple[int | None, Callable[..., float]]] = {
    "min": (None, least),
    "max": (None, largest),
    "ceil": (1, math.ceil),
    "floor": (1, math.floor),
    "round": (1, round),
    "round8": (1, round8),
    "divisible": (2, divisible),
    "sqrt": (1, sqrt),
}


def _call(call: ast.Call, scope: Scope) -> Value:
    from archspec.elaborate.value_sizes import MEASURES, measured

    name = call.function.id
    if name in MEASURES:
        return measured(call, scope)
    if name not in _FUNCTIONS:
        help_ = did_you_mean(name, _FUNCTIONS, f"the functions are {', '.join((*_FUNCTIONS, *MEASURES))}")
        fixes = respelled(call.function.span, name, nearest(name, _FUNCTIONS))
        raise Refused("A106", f"there is no function `{name}`", call.function.span, help_, fixes=fixes)
    arity, function = _FUNCTIONS[name]
    if len(call.arguments) != arity if arity is not None else not call.arguments:
        wanted = f"{arity} numbers" if arity is not None and arity > 1 else "one number" if arity else "one number or more"
        raise Refused("A113", f"`{name}` takes {wanted}, not {len(call.arguments)}", call.span)
    numbers = tuple(_number(evaluate(argument, scope), argument.span) for argument in call.arguments)
    if name == "divisible" and not (kind_of(numbers[1]) is int and numbers[1] >= 1):
        raise Refused("A113", f"`divisible` needs a whole number of at least 1, not {shown(numbers[1])}", call.arguments[1].span)
    if name == "sqrt" and numbers[0] < 0:
        raise Refused("A113", f"there is no square root of {shown(numbers[0])}", call.arguments[0].span)
    return _bounded(function, numbers, call.span)
