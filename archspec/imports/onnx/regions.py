"""Masks of shifted windows: which positions of a window lie in one region of the map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isqrt, prod
from struct import unpack
from typing import Any, NamedTuple

from archspec.imports.flat import Unsaid
from archspec.imports.onnx.numbers import Numbers
from archspec.imports.products import Scores
from archspec.imports.relative import Regions

_HIDDEN = -50.0
"""What is added to scores that count for nothing is this or less: Swin has -100."""


class Parted(NamedTuple):
    """What follows from the regions of positions for each pair of them, window by window.

    The form is `difference`, a number that is 0 for two of one region; `together` or `apart`, whether they are of one region, or not; or
    `added`, what is added to scores: 0 for two of one region, and otherwise a number that hides them.
    """

    sizes: tuple[int, ...]
    regions: Regions
    form: str

    def reshaped(self, shape: Sequence[int]) -> Parted:
        """The same in another shape. Raises Unsaid where windows are taken apart."""
        if tuple(shape[-2:]) != self.sizes[-2:]:
            raise Unsaid("it takes a mask of windows apart")
        return self._replace(sizes=tuple(shape))


def compared(parted: Parted, operator: str, number: float | None) -> Parted:
    """Where a difference is 0, or what is not so. Raises Unsaid."""
    other = {"together": "apart", "apart": "together"}.get(parted.form)
    if operator == "Not" and other is not None:
        return parted._replace(form=other)
    if operator == "Equal" and parted.form == "difference" and number == 0:
        return parted._replace(form="together")
    raise Unsaid("it compares values")


def chosen(condition: Parted, one: Any, other: Any) -> Parted:
    """The numbers that are added to scores, chosen by whether two positions are of one region. Raises Unsaid."""
    together, apart = (one, other) if condition.form == "together" else (other, one)
    zero = together == 0 or (isinstance(together, Parted) and together.form in ("difference", "added"))
    low = (isinstance(apart, (int, float)) and apart <= _HIDDEN) or (isinstance(apart, Parted) and apart.form == "added")
    same = all(each.regions == condition.regions for each in (one, other) if isinstance(each, Parted))
    if condition.form not in ("together", "apart") or not zero or not low or not same:
        raise Unsaid("it chooses between values")
    return condition._replace(form="added")


def differences(numbers: Numbers) -> Parted:
    """The differences of known numbers from one another, window by window."""
    count = max(numbers.shape[-2:])
    rows = range(0, len(numbers.values), count)
    return Parted((*numbers.shape[:-2], count, count), Regions(tuple([numbers.values[at : at + count] for at in rows])), "difference")


def mask_of(shape: Sequence[int], numbers: Sequence[float] | bytes) -> Parted | None:
    """The mask of windows that numbers are, given as such or by 4 bytes each; None for any others."""
    if len(shape) < 3 or shape[-1] != shape[-2] or prod(shape[:-2]) < 2 or not numbers:
        return None
    count = shape[-1] ** 2 * (4 if isinstance(numbers, bytes) else 1)
    found = _regions(numbers[at : at + count] for at in range(0, len(numbers), count))
    return Parted(tuple(shape), found, "added") if found is not None else None


def _regions(windows: Iterable[Any]) -> Regions | None:
    """The regions of the positions of windows, by the numbers that are added to the scores of each pair; None where they part nothing."""
    known: dict[Any, tuple[int, ...] | None] = {}
    found = []
    for window in windows:
        if window not in known:
            known[window] = _parts(unpack(f"<{len(window) // 4}f", window) if isinstance(window, bytes) else window)
        own = known[window]
        if own is None:
            return None
        found.append(own)
    return Regions(tuple(found)) if any(any(own) for own in found) else None


def _parts(numbers: Sequence[float]) -> tuple[int, ...] | None:
    """The region of each position of a window, by the first position of it."""
    if any(number != 0 and not number <= _HIDDEN for number in numbers):
        return None
    count = isqrt(len(numbers))
    rows = [tuple([number == 0 for number in numbers[at : at + count]]) for at in range(0, len(numbers), count)]
    first = tuple([rows.index(row) for row in rows])
    return first if all(sees == (a == b) for row, a in zip(rows, first, strict=True) for sees, b in zip(row, first, strict=True)) else None


def masked(scores: Scores, mask: Parted) -> Scores:
    """Scores of which each window gets its part of a mask. Raises Unsaid."""
    if mask.form != "added" or scores.weighed or scores.mask is not None:
        raise Unsaid("its scores get two masks, or what is no mask")
    lead = scores.sizes[:-2]
    own = (1,) * (len(lead) - len(mask.sizes) + 2) + mask.sizes[:-2]
    if len(lead) != 3 or own != (1, lead[1], 1) or scores.last or mask.sizes[-2:] != scores.sizes[-2:]:
        raise Unsaid("the mask of its windows is of another shape than its scores")
    return scores._replace(mask=mask.regions)
