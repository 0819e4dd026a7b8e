"""Spelled numbers in their shortest form: `channels + 15 * k` for k added fifteen times, `n` for `1 * n`, 6 for `2 * 3`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archspec.numeric import Spelled, combined

LONGEST = 200
"""Leaves and operations of the largest expression that is kept: nested blocks can double an expression at each level."""


def simplified(number: Any) -> Any:
    """Shorten a spelled number; it becomes plain if no name is left in it, or if it is too long to read. Others are returned unchanged.

    >>> n = Spelled.leaf(4, "n")
    >>> simplified(n + 2 * n - 1 + 1 * n)
    <4 * n - 1 = 15>
    """
    if not isinstance(number, Spelled):
        return number
    if number.length > LONGEST:
        return number.value
    if not number.operation:
        return number if number.name else number.value
    try:
        return number.simplest
    except AttributeError:
        number.simplest = _sum(number) if _is_whole(number) else _operation(number)
    return number.simplest


def _sum(number: Spelled) -> Any:
    """Write a whole number as a sum of terms, each once with its factor, and a constant."""
    constant = 0
    terms: dict[str, tuple[int, Spelled]] = {}
    for factor, term in _terms(number):
        if isinstance(term, Spelled):
            text = term.text()
            terms[text] = terms.get(text, (0, term))[0] + factor, term
        else:
            constant += factor * term
    result: Any = None
    for factor, term in terms.values():
        if factor:
            part = term if abs(factor) == 1 else abs(factor) * term
            result = (part if factor > 0 else -part) if result is None else result + part if factor > 0 else result - part
    if result is None or not constant:
        return constant if result is None else result
    return result + constant if constant > 0 else result - -constant


def _terms(number: Spelled) -> Iterator[tuple[int, Any]]:
    """Yield the terms of a whole number, plain or simplified, each after its factor."""
    pending = [(1, number)]  # a sum nests to the left, as deep as there are layers: a loop, since recursion would overflow
    while pending:
        factor, number = pending.pop()
        parts = number.parts
        match number.operation:
            case "+" | "-" as sign:
                pending += [(factor if sign == "+" else -factor, parts[1]), (factor, parts[0])]
            case "negative":
                pending.append((-factor, parts[0]))
            case "*":
                a, b = map(simplified, parts)
                if isinstance(a, Spelled) and isinstance(b, Spelled):
                    (one, a), (two, b) = _factor(a), _factor(b)
                    yield factor * one * two, combined("*", a, b)
                else:
                    known, rest = (a, b) if isinstance(b, Spelled) else (b, a)
                    pending.append((factor * known, Spelled.of(rest)))
            case "":
                yield factor, simplified(number)
            case _:
                yield factor, _operation(number)


def _factor(number: Spelled) -> tuple[int, Spelled]:
    """Split a number into a plain factor and the rest."""
    if number.operation == "*" and number.parts[0].is_constant and _is_whole(number):
        return number.parts[0].value, number.parts[1]
    return 1, number


def _operation(number: Spelled) -> Any:
    """Apply an operation to shortened numbers."""
    parts = [simplified(part) for part in number.parts]
    operation = number.operation
    if operation == "worked out" or (operation in ("//", "/", "**") and parts[1] == 1 and not isinstance(parts[1], Spelled)):
        return parts[0]
    if operation in ("max", "min") and len(parts) == 2 and any(part in (0, 1) and not isinstance(part, Spelled) for part in parts):
        return next((part for part in parts if isinstance(part, Spelled) and part == number), number.value)  # the guard of a count
    return combined(operation, *parts)


def _is_whole(number: Spelled) -> bool:
    return all(isinstance(part.value, int) for part in (number, *number.parts))


def leaves_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """List what is given for each leaf: for a size or a list, and for each of its items."""
    return {**given, **{f"{n}[{at}]": item for n, v in given.items() if isinstance(v, tuple) for at, item in enumerate(v)}}
