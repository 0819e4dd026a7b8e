"""Tensors as views of values: which axes of a value, or parts of them, each dimension runs over.

A dimension is a list of digits, the slowest first; a digit is a part of an axis, as in a number of mixed radix: with 116 channels
`view(2, 58)` has the digits (c, 2, 58) and (c, 58, 1) of axis, size and stride. Views, permutations and flattening only regroup digits.
The axes are `n`, the batch; `d`, `h`, `w` of maps, one or two of them from the right; `t`, tokens; and `c`, channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import NamedTuple

from archspec.types import Map, Tokens, Type


class Digit(NamedTuple):
    """A part of an axis of a value: `size` positions, each `stride` numbers of that axis after the one before."""

    axis: str
    size: int
    stride: int


COPIES = "*"
"""What stands in place of an axis in a digit that counts copies of what is before it."""

Dim = tuple[Digit, ...]
Dims = tuple[Dim, ...]


def axes_of(type_: Type) -> str:
    """The axes of a value in the order in which PyTorch and ONNX store it, without the batch."""
    if isinstance(type_, Map):
        return "c" + "dhw"[-len(type_.spatial) :]
    return "tc" if isinstance(type_, Tokens) else "c"


def sizes_of(type_: Type) -> tuple[int, ...]:
    """The sizes of these axes."""
    return (type_.channels, *type_.spatial) if isinstance(type_, Map) else type_.shape


def plain(axes: str, sizes: Iterable[int]) -> Dims:
    """The dimensions of what is stored in this order."""
    return tuple([(Digit(axis, size, 1),) if size != 1 else () for axis, size in zip(axes, sizes, strict=True)])


def merged(digits: Iterable[Digit]) -> Dim:
    """Neighbouring parts of an axis as one, and none of size 1."""
    found: list[Digit] = []
    for digit in digits:
        if digit.size == 1:
            continue
        if found and found[-1].axis == digit.axis and found[-1].stride == digit.stride * digit.size:
            found[-1] = Digit(digit.axis, found[-1].size * digit.size, digit.stride)
        else:
            found.append(digit)
    return tuple(found)


def size(dim: Dim) -> int:
    """The size of a dimension."""
    return prod([digit.size for digit in dim])


def joined(dims: Iterable[Dim]) -> Dim:
    """Several dimensions as one."""
    return merged([digit for dim in dims for digit in dim])


def numbered(dims: Iterable[Dim], axis: str) -> Dims:
    """Dimensions in which all parts, except those of the batch, are parts of one axis, of which they count the indices in order."""
    dims = tuple(dims)
    left = prod([digit.size for dim in dims for digit in dim if digit.axis != "n"])
    found: list[Dim] = []
    for dim in dims:
        own = []
        for digit in dim:
            left //= 1 if digit.axis == "n" else digit.size
            own.append(digit if digit.axis == "n" else Digit(axis, digit.size, left))
        found.append(merged(own))
    return tuple(found)


def viewed(dims: Dims, sizes: Sequence[int]) -> Dims | None:
    """The dimensions after `view`; None where one would end within a digit that does not divide."""
    flat = [*joined(dims)[::-1]]
    found: list[Dim] = []
    for wanted in sizes:
        own: list[Digit] = []
        left = wanted
        while left > 1:
            if not flat:
                return None
            axis, here, stride = flat.pop()
            if left % here == 0:
                own.append(Digit(axis, here, stride))
                left //= here
            elif here % left == 0:
                rest = here // left
                own.append(Digit(axis, left, stride * rest))
                flat.append(Digit(axis, rest, stride))
                left = 1
            else:
                return None
        found.append(merged(own))
    return tuple(found) if not flat else None


def rearrangement(before: str, after: Iterable[Dim]) -> tuple[str, dict[str, int]]:
    """The pattern of einops that makes dimensions `after` out of axes `before`, and the sizes that it needs."""
    after = tuple(after)
    parts: dict[str, list[Digit]] = {axis: [] for axis in before}
    for digit in (digit for dim in after for digit in dim):
        parts[digit.axis].append(digit)
    names: dict[Digit, str] = {}
    free = (letter for letter in "abefgijklmopqrsuvxyz" if letter not in before)
    for axis, digits in parts.items():
        digits.sort(key=lambda digit: -digit.stride)
        for digit in digits:
            names[digit] = axis if len(digits) == 1 else next(free)

    def side(dims: Iterable[Sequence[Digit]]) -> str:
        groups = [[names[digit] for digit in dim] for dim in dims]
        return " ".join(group[0] if len(group) == 1 else f"({' '.join(group)})" if group else "1" for group in groups)

    sizes = {names[digit]: digit.size for digits in parts.values() for digit in digits[1:]}
    return f"{side(parts.values())} -> {side(after)}", sizes
