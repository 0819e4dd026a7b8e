"""Labels: their text, their rules, what they refer to."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Sequence

from archspec.diagnostics import did_you_mean
from archspec.elaborate.expressions import Refused, evaluate
from archspec.elaborate.scopes import Scope
from archspec.ir.builder import GraphBuilder
from archspec.ir.graph import Call, Part
from archspec.ir.walk import Names
from archspec.numeric import pinned
from archspec.syntax import ast
from archspec.syntax.to_ast import MAX_DIGITS, is_digits
from archspec.types import LIMIT

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RESERVED: set[str] = set()
"""Names that mean something on every model class of a backend, which fills them in; a layer called so would hide it."""


_MAX_GAP = 64
"""Positions that a number as a label may leave empty: a mistyped number should not make a thousand empty places."""


def position_text(name: ast.Name, position: int | None) -> str:
    """A number as a label: the position of its layer in a group. Raises Refused."""
    if position is None:
        help_ = "a number as a label is a position in a group: `features:` with `2: relu` indented below it"
        raise Refused("A109", f"`{name.id}` is not a name: use letters, digits and `_`, and do not begin with a digit", name.span, help_)
    number = int(name.id) if len(name.id) <= MAX_DIGITS else LIMIT
    if not position <= number <= position + _MAX_GAP:
        how, use = "is already taken or skipped", f"use {position} or higher"
        if number > position:
            how, use = f"would leave more than {_MAX_GAP} places empty", f"use {position} to {position + _MAX_GAP}"
        raise Refused("A109", f"position {name.id} {how}", name.span, use)
    return str(number)


def label_text(expr: ast.Expr, scope: Scope, *, top: bool, position: int | None = None) -> str:
    """A label's text, its expressions resolved; `position` is the next one where layers are called so. Raises Refused."""
    if isinstance(expr, ast.Name) and expr.id.isdecimal():
        return position_text(expr, position)
    text = spelled(expr, scope)
    parts = text.split(".")
    if text == "output":
        help_ = "choose another, or write `output NAME:` for an auxiliary head"
        raise Refused("A109", "`output` is the name of the main output", expr.span, help_)
    if len(parts) > 1 and not top:
        help_ = "it is a full name, as `archspec expand` writes it"
        raise Refused("A109", f"`{text}`: a label with dots is allowed only at the top level", expr.span, help_)
    for at, part in enumerate(parts):
        if keyword.iskeyword(part) or part in RESERVED or part.startswith("__"):
            whose = "Python" if keyword.iskeyword(part) else "PyTorch modules"
            message = f"`{part}` is a reserved word of {whose} and cannot name a layer"
            raise Refused("A109", message, expr.span, f"choose another, such as `{part.strip('_')}_1`")
        if not _IDENTIFIER.fullmatch(part) and not (at > 0 and is_digits(part)):
            raise Refused("A109", f"`{part}` is not a name: use letters, digits and `_`, and do not begin with a digit", expr.span)
    if len(text) > 200:
        raise Refused("A109", "a label has at most 200 characters", expr.span)
    return text


def spelled(expr: ast.Expr, scope: Scope) -> str:
    """The text of a name, interpolated. Raises Refused."""
    if isinstance(expr, ast.Name):
        return expr.id
    if not isinstance(expr, ast.Interpolated):
        raise Refused("A107", f"`{expr.span.text}` is not the name of a value", expr.span, "give the label of a line above")
    pieces = []
    for part in expr.parts:
        value = part if isinstance(part, str) else pinned(evaluate(part, scope))
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise Refused("A109", f"a label takes whole numbers, not {value}", expr.span)
        pieces.append(str(value))
    return "".join(pieces)


def lookup(expr: ast.Expr, scope: Scope) -> tuple[GraphBuilder, int]:
    """The value that a label names. Raises Refused."""
    name = spelled(expr, scope)
    found = next((around.labels[name] for around in scope.outwards() if name in around.labels), None)
    if found is None:
        known = [label for around in scope.outwards() for label in around.labels]
        help_ = did_you_mean(name, known, f"label a line above: `{name}: conv k=3 f=8`")
        raise Refused("A107", f"no value is called `{name}` here", expr.span, help_)
    return found


def clashes(elements: Sequence[Part], naming: str) -> Iterator[tuple[Part, Part, str]]:
    """Elements whose name an earlier one has or is a part of, with that one and what to say.

    Without labels names differ by construction, unless a block's name ends in a digit (`conv1` + 1 is `conv` + 11).
    """
    if not any(element.label is not None or element.stem[-1].isdigit() for element in _local(elements, rounds=1)):
        return
    names = Names("", naming)
    seen: dict[str, Part] = {}
    for element in _local(elements, rounds=2):
        name = names.local(element)
        if name in seen:
            yield element, seen[name], f"two layers would be called `{name}`"
        seen[name] = element
    for name, element in seen.items():
        parts = name.split(".")
        for end in range(1, len(parts)):
            if (prefix := ".".join(parts[:end])) in seen:
                yield element, seen[prefix], f"`{prefix}` is a layer or a group, so `{name}` cannot be put inside it from here"


def _local(elements: Sequence[Part], *, rounds: int) -> Iterator[Part]:
    """The elements that are named within a graph: its own, and those of inline calls, of which at most `rounds` are entered."""
    for element in elements:
        if isinstance(element, Call) and element.inline:
            for _ in range(min(rounds, element.times)):
                yield from _local(element.graph.elements, rounds=rounds)
        elif isinstance(element, Call) and element.times > 1:
            yield from [element] * min(rounds, element.times)
        else:
            yield element
