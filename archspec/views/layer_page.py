"""A layer's page for a terminal: what it does, its arguments and formulas, what others call it, the messages about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from archspec.diagnostics.catalogue import codes, page
from archspec.diagnostics.folding import StyledLine
from archspec.foreign.equivalents import names_of
from archspec.ops import op_class
from archspec.ops.base import Op
from archspec.views.reference import LABELS, about, arguments, signature, takes

_TOOLS = {"torch": "PyTorch", "keras": "Keras", "caffe": "Caffe", "onnx": "ONNX"}
_TITLES = dict(zip(LABELS, ("output", "parameters", "MACs", "FLOPs", "source"), strict=True))
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"A\d{3}")
HANG = 12


def lines(op: type[Op]) -> Iterator[StyledLine]:
    """The lines of the page, unfolded; where they are folded the text stands behind `HANG` columns."""
    text, told = about(op)
    yield [(f"{op.step} ", "head"), (signature(op), "label")]
    yield [(text, "")]
    yield []
    for name, default, value in arguments(op):
        bare = "; may be written bare" if name in op.positional else ""
        given = "required" if default == "required" else f"default {default if ' ' in default else default.strip('`')}"
        yield [(f"  {name:<10}", "label"), (f"{value}{bare} ({given})", "")]
    if op.fields:
        yield []
    facts = [("takes", takes(op)), *((title, told.get(label, "")) for label, title in _TITLES.items())]
    facts += [(_TOOLS[tool], ", ".join(names)) for tool, names in names_of(op.step).items() if tool in _TOOLS]
    for title, words in (*facts, ("messages", ", ".join(codes_about(op.step)))):
        if words:
            yield [(f"{title:<{HANG}}", "head"), (words, "")]


def codes_about(step: str) -> list[str]:
    """The codes that concern a layer: those that its class raises, those whose pages name it, and lints that show it."""
    named = {code for code in codes() if re.search(rf"`{step}\b[^`\n]*`", _FENCE.sub("", page(code).text)) or step in _blamed(code)}
    return sorted((named | _raised(op_class(step))) & set(codes()))


def _blamed(code: str) -> set[str]:
    """The layers that the first example of a lint is about; those of errors have others by accident."""
    wrong = next((example.text for example in page(code).examples if example.kind == "wrong"), "") if code.startswith("A4") else ""
    return set(re.findall(r"(?:^|[|:])[ \t]*(\w+)", wrong, re.MULTILINE)) - {"fc"}


def _raised(op: type[Op]) -> set[str]:
    """The codes in the methods of a class of layers, and in the functions of its floor that they call."""
    pending: list[Any] = [member for base in op.__mro__ if _is_ours(base) for member in vars(base).values()]
    seen: set[int] = set()
    found: set[str] = set()
    while pending:
        member = pending.pop()
        if id(member) in seen:
            continue
        seen.add(id(member))
        if isinstance(member, type) and not issubclass(member, Op):
            pending += vars(member).values()
        function = getattr(member, "__func__", getattr(member, "fget", member))
        if isinstance(function, FunctionType):
            found.update(const for const in function.__code__.co_consts if isinstance(const, str) and _CODE.fullmatch(const))
            called = (function.__globals__.get(name) for name in function.__code__.co_names)
            pending += [other for other in called if _is_ours(other)]
    return found


def _is_ours(member: Any) -> bool:
    return str(getattr(member, "__module__", "")).startswith("archspec.ops")
