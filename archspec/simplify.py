"""Spelled numbers in their shortest form: `channels + 15 * k` for k added fifteen times, `n` for `1 * n`, 6 for `2 * 3`."""

from __future__ import annotations

from typing import Any

from archspec.numeric import Spelled, combined

LONGEST = 200
"""Leaves and operations of an expression that is kept. What blocks in blocks make of a number can double with each of them."""


def simplified(number: Any) -> Any:
    """Shorten a spelled number; one in which no name is left, or that is longer than anyone reads, is plain. Others are returned as they are.

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
    if _is_whole(number):
        return _Sum(number).number()
    return _operation(number)


class _Sum:
    """A whole number as a sum: texts of terms with their factors, and a constant."""

    def __init__(self, number: Spelled) -> None:
        self.constant = 0
        self.terms: dict[str, tuple[int, Spelled]] = {}
        self.add(number, 1)

    def add(self, number: Spelled, factor: int) -> None:
        """Add so many times a number. Sums lean to the left, and may be as long as there are layers: they are followed in a loop."""
        later = []
        while number.operation in ("+", "-") and _is_whole(number):
            left, right = number.parts
            later.append((right, factor if number.operation == "+" else -factor))
            number = left
        self.append(number, factor)
        for term, times in reversed(later):
            self.append(term, times)

    def append(self, number: Spelled, factor: int) -> None:
        if number.operation in ("+", "-"):
            return self.add(number, factor)
        if number.operation == "negative":
            return self.append(number.parts[0], -factor)
        if number.operation == "*":
            a, b = map(simplified, number.parts)
            if not isinstance(a, Spelled) or not isinstance(b, Spelled):
                known, rest = (a, b) if isinstance(b, Spelled) else (b, a)
                return self.append(Spelled.of(rest), factor * known)
            (one, a), (two, b) = _factor(a), _factor(b)
            return self.term(combined("*", a, b), factor * one * two)
        short = _operation(number) if number.operation else simplified(number)
        return self.term(short, factor)

    def term(self, term: Any, factor: int) -> None:
        if not isinstance(term, Spelled):
            self.constant += factor * term
            return
        text = term.text()
        self.terms[text] = (self.terms.get(text, (0, term))[0] + factor, term)

    def number(self) -> Any:
        result: Any = None
        for factor, term in self.terms.values():
            if factor:
                part = term if abs(factor) == 1 else abs(factor) * term
                result = (part if factor > 0 else -part) if result is None else result + part if factor > 0 else result - part
        if result is None or not self.constant:
            return self.constant if result is None else result
        return result + self.constant if self.constant > 0 else result - -self.constant


def _factor(number: Spelled) -> tuple[int, Spelled]:
    """A number as a plain factor and the rest."""
    if number.operation == "*" and number.parts[0].is_constant and _is_whole(number):
        return number.parts[0].value, number.parts[1]
    return 1, number


def _operation(number: Spelled) -> Any:
    """An operation on shortened numbers."""
    parts = [simplified(part) for part in number.parts]
    operation = number.operation
    if operation == "worked out" or (operation in ("//", "/", "**") and parts[1] == 1 and not isinstance(parts[1], Spelled)):
        return parts[0]
    if operation in ("max", "min") and len(parts) == 2 and any(part in (0, 1) and not isinstance(part, Spelled) for part in parts):
        return next((part for part in parts if isinstance(part, Spelled) and part == number), number.value)  # the guard of a count
    return combined(operation, *parts)


def _is_whole(number: Spelled) -> bool:
    return all(isinstance(part.value, int) for part in (number, *number.parts))
