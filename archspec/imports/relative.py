"""Windows of attention as numbers: which offset each pair of positions has, and which of them a shift brings together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple


class Regions(NamedTuple):
    """A mask of windows by the region of each position of each window: a position attends to those of its own region."""

    of: tuple[tuple[int, ...], ...]


def offsets(span: Sequence[int]) -> list[int]:
    """The offset of each pair of positions of a window, as Swin numbers them (Liu et al. 2021, arXiv:2103.14030)."""
    places = list(product(*map(range, span)))
    strides = [prod(2 * n - 1 for n in span[at + 1 :]) for at in range(len(span))]
    return [
        sum([(a - b + n - 1) * stride for a, b, n, stride in zip(one, other, span, strides, strict=True)])
        for one in places
        for other in places
    ]


def looks_around(index: Any, span: Sequence[int]) -> bool:
    """Whether an index of biases is that of the relative positions in a window, where its numbers are known."""
    if index is None:
        return True
    return list(index if isinstance(index, tuple) else index.reshape(-1).tolist()) == offsets(span)


def parts_windows(mask: Any, axes: Sequence[int], span: Sequence[int], shift: Sequence[int]) -> bool:
    """Whether a mask (windows, positions, positions) parts what a roll brought together in a window, where its numbers are known."""
    if mask is True:
        return True

    def region(axis: int, window: int, inner: int) -> int:
        at = window * span[axis] + inner
        return (at >= axes[axis] - span[axis]) + (at >= axes[axis] - shift[axis]) if shift[axis] else 0

    windows = product(*[range(size // n) for size, n in zip(axes, span, strict=True)])
    places = list(product(*map(range, span)))
    ids = [[tuple([region(axis, window[axis], at) for axis, at in enumerate(place)]) for place in places] for window in windows]
    if isinstance(mask, Regions):
        return [[own.index(one) for one in own] for own in ids] == [[own.index(one) for one in own] for own in mask.of]
    wanted = [one != other for own in ids for one in own for other in own]
    found = mask.reshape(-1).tolist()
    return len(found) == len(wanted) and all(
        (number < -50) == parted and (parted or number == 0) for number, parted in zip(found, wanted, strict=True)
    )
