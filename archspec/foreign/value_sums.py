"""Assignments, and sums of values as formulas write them: `out += identity`, `a + b`, `1 - t`."""

from __future__ import annotations

import re

from archspec.foreign.equivalents import key
from archspec.foreign.rewriting import DATA
from archspec.ops import STEPS
from archspec.syntax.lines import KEYWORDS

_WORD = r"[A-Za-z_]\w*"
_NUMBER = r"\d+(?:\.\d+)?"
_ASSIGNED = re.compile(r"(?:self\.)?([A-Za-z_]\w*)\s*(\+?=)\s*(?=[A-Za-z_\d(\[])(?!=)")
_ADDED = re.compile(rf"({_WORD})\s*([-+*])=\s*({_WORD})\s*;?\s*")
_SUMMED = re.compile(rf"({_WORD}|{_NUMBER})\s*([-+*/])\s*({_WORD}|{_NUMBER})\s*;?\s*")
_MERGED = {"+": "add", "*": "mul", "-": "sub"}


def assigned(body: str) -> tuple[str, str]:
    """Give the label that `self.conv1 = ...` is, none for `x = ...`, and what is assigned."""
    body = re.sub(r"^return\s+", "", body)
    found = _ASSIGNED.match(body)
    if found is None or found[2] != "=":
        return "", body
    name = found[1]
    keep = name not in DATA and name not in KEYWORDS and name not in ("model", "layer", "e", "t", "p", "block", "branch", "nn")
    return (name if keep else ""), body[found.end() :]


def sum_of(body: str) -> str | None:
    """Write `x += shortcut`, `a + b` or `1 - t` as steps: the value that flows, or a named one, and what is done to it."""
    if found := _ADDED.fullmatch(body):
        return f"{_MERGED[found[2]]} {found[3]}"
    label, rest = assigned(body)
    found = _SUMMED.fullmatch(rest)
    if found is None:
        return None
    first, sign, second = found.groups()
    if (key(first) in STEPS and (rest == body or key(second) in STEPS)) or (rest == body and key(second) in STEPS):
        return None
    values = [word for word in (first, second) if not word[0].isdigit()]
    steps = _of_values(first, sign, second) if len(values) == 2 else _with_number(first, sign, second) if values else None
    return f"{label}: {steps}" if label and steps else steps


def _of_values(first: str, sign: str, second: str) -> str | None:
    """The steps for two values; None for a difference from the value that flows, and for a quotient."""
    if sign not in _MERGED:
        return None
    if first in DATA:
        return f"{_MERGED[sign]} {second}"
    if second in DATA:
        return f"{_MERGED[sign]} {first}" if sign != "-" else None
    return f"from {first} | {_MERGED[sign]} {second}"


def _with_number(first: str, sign: str, second: str) -> str | None:
    """The steps for a value and a number; None for a number divided by a value."""
    turned = first[0].isdigit()
    value, number = (second, first) if turned else (first, second)
    if sign == "/":
        steps = None if turned else f"mul 1/{number}"
    else:
        steps = f"mul -1 | add {number}" if turned and sign == "-" else f"{_MERGED[sign]} {number}"
    return f"from {value} | {steps}" if steps and value not in DATA else steps
