"""Numbers of small maps: read from text exactly, as fractions, and written as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any

Matrix = tuple[tuple[Fraction, ...], ...]
"""Rows of numbers."""
Maps = tuple[Matrix, ...]
"""A matrix per channel."""

MOST = 4096
"""The most numbers in a file."""
_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})([eE][+-]?\d{1,2})?")
_BETWEEN = re.compile(r"\s*[,;\t]\s*|\s+")


def read_matrices(text: str, name: str) -> Maps:
    """Read matrices of equal size: a row per line, numbers between commas, semicolons or spaces, an empty line between matrices.

    Raises ValueError with the line that is wrong.
    """
    found: list[list[tuple[Fraction, ...]]] = [[]]
    count = 0
    for at, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        row = line.strip().strip("[]")
        if not row.strip(",;"):
            if found[-1]:
                found.append([])
            continue
        found[-1].append(tuple(_number(word, name, at) for word in _BETWEEN.split(row.strip(" \t,;"))))
        _same_width(found, name, at)
        count += len(found[-1][-1])
        if count > MOST:
            raise ValueError(f"{name} has more than {MOST:,} numbers, too many to write their sums out")
    maps = [rows for rows in found if rows]
    if not maps:
        raise ValueError(f"{name} has no numbers; expected a row of numbers per line, such as `1, 0, -1`")
    return of_rows(maps, name)


def _number(word: str, name: str, line: int) -> Fraction:
    plain = word.replace("\N{MINUS SIGN}", "-")
    if not _NUMBER.fullmatch(plain):
        raise ValueError(f"{name}, line {line}: expected a number, found `{word[:40]}`")
    return Fraction(plain)


def _same_width(found: Sequence[Sequence[Sequence[Fraction]]], name: str, line: int) -> None:
    first, row = found[0][0], found[-1][-1]
    if len(row) != len(first):
        raise ValueError(f"{name}, line {line}: expected {len(first)} numbers as in the first row, found {len(row)}")


def of_rows(maps: Any, name: str) -> Maps:
    """Matrices of a sequence of rows, or of matrices. Raises ValueError where they are empty or of different sizes, or hold no numbers."""
    try:
        listed = [[list(row) for row in matrix] for matrix in _nested(maps)]
        found = tuple(tuple(tuple(Fraction(str(value)) for value in row) for row in matrix) for matrix in listed)
    except (TypeError, ValueError, ZeroDivisionError, StopIteration):
        raise ValueError(f"{name} is no matrix of numbers: expected rows, such as [[1, 0], [0, 1]], or a list of such matrices") from None
    sizes = {(len(matrix), *map(len, matrix)) for matrix in found}
    if not found or len(sizes) > 1 or not found[0] or not found[0][0] or len({len(row) for row in found[0]}) > 1:
        first = next((len(matrix) for matrix in found if len(matrix) != len(found[0])), None) if found else None
        more = f": one has {len(found[0])} rows, another {first}" if first is not None else ""
        raise ValueError(f"{name} has rows or matrices of different sizes{more}")
    return found


def _nested(maps: Any) -> Any:
    """A list of matrices, also for a single one."""
    first = next(iter(next(iter(maps))))
    return maps if isinstance(first, Iterable) and not isinstance(first, str) else [maps]


def size_of(maps: Maps) -> tuple[int, int]:
    """Height and width."""
    return len(maps[0]), len(maps[0][0])


def shown(value: Fraction) -> str:
    """A number in decimals; one that has no end to two of them, after a sign that it is rounded."""
    if value.denominator == 1:
        return str(value.numerator)
    rest = value.denominator
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    if rest > 1:
        return f"≈{float(value):.4g}"
    digits = next(count for count in range(1, 64) if (value * 10**count).denominator == 1)
    whole = f"{abs(value.numerator) * 10**digits // value.denominator:0{digits + 1}d}"
    return f"{'-' if value < 0 else ''}{whole[:-digits]}.{whole[-digits:]}"


def rows_of(maps: Maps) -> Iterator[list[list[str]]]:
    """The matrices with their numbers as text."""
    for matrix in maps:
        yield [[shown(value) for value in row] for row in matrix]
