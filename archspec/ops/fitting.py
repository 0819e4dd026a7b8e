"""Finds the nearest arguments with which a window fits, for all axes together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from archspec.numeric import worked_out

_TRIES = 64
"""The most sizes of a window, or paddings, that are tried."""


def span(k: int, d: int) -> int:
    """Count the positions that a window of k elements, d apart, covers: F = D*(K - 1) + 1."""
    return worked_out(d * (k - 1) + 1)


def room(size: int, k: int, p: int, d: int) -> int:
    """Count the positions by which a window can move over a padded axis: W - F + 2P; below 0 where it is too large."""
    return size - span(k, d) + 2 * p


class Axis(NamedTuple):
    """A window on one axis: its size, kernel, stride, padding, dilation; `tied` strides are as large as the kernel."""

    name: str
    size: int
    k: int
    s: int
    p: int
    d: int
    tied: bool = False

    @property
    def span(self) -> int:
        """The positions that the window covers."""
        return span(self.k, self.d)

    @property
    def room(self) -> int:
        """The positions by which the window can move."""
        return room(self.size, self.k, self.p, self.d)

    def window(self, k: int) -> Axis:
        """Return the axis with another kernel."""
        return self._replace(k=k, s=k if self.tied else self.s)

    def fits(self, exact: bool) -> bool:
        """Whether the window fits and, where `exact`, leaves no remainder."""
        return self.room >= 0 and not (exact and self.room % self.s)


Allowed = Callable[[int, int], bool]
"""Whether a layer takes a padding for a kernel."""


def more_padding(axes: Sequence[Axis], exact: bool, allowed: Allowed) -> str | None:
    """Find the least padding, from the present one on, with which a window fits on all axes.

    >>> more_padding([Axis("width", 3, 7, 1, 0, 1)], False, lambda p, k: True)
    'p=2'
    """
    found = [axis.p if axis.fits(exact) else _padding(axis, exact) for axis in axes]
    return _written("p", [p if p is not None and allowed(p, axis.k) else None for p, axis in zip(found, axes, strict=True)])


def less_padding(axes: Sequence[Axis], exact: bool, allowed: Allowed) -> str | None:
    """Find the largest padding that the layer takes and with which the window fits."""
    found: list[int | None] = []
    for axis in axes:
        most = min(axis.p, axis.k // 2)
        tries = range(most, max(-1, most - _TRIES), -1)
        found.append(next((p for p in tries if allowed(p, axis.k) and axis._replace(p=p).fits(exact)), None))
    return _written("p", found)


def smaller_window(letter: str, axes: Sequence[Axis], exact: bool, allowed: Allowed) -> str | None:
    """Find the largest window that fits on all axes, and whether every smaller one does: `k=5 or less`."""
    found: list[int | None] = []
    for axis in axes:
        most = axis.k if axis.room >= 0 else (axis.size + 2 * axis.p - 1) // axis.d + 1
        tries = range(most, max(0, most - _TRIES), -1)
        found.append(next((k for k in tries if allowed(axis.p, k) and axis.window(k).fits(exact)), None))
    any_less = len(set(found)) == 1 and found[0] != 1
    any_less &= all((axis.s == 1 or not exact) and allowed(axis.p, 1) and not axis.tied for axis in axes)
    written = _written(letter, found)
    return f"{written} or less" if written and any_less else written


def _padding(axis: Axis, exact: bool) -> int | None:
    """Find the least padding above the present one with which the window of an axis fits; None where there is none."""
    least = max(axis.p + 1, -(axis.room // 2) + axis.p)
    if not exact:
        return least
    need, s = axis.span - axis.size, axis.s
    if s % 2 == 0:
        if need % 2:
            return None
        step, first = s // 2, need // 2 % (s // 2)
    else:
        step, first = s, need * ((s + 1) // 2) % s  # (s + 1)/2 is the inverse of 2
    return first + -(-(least - first) // step) * step


def _written(letter: str, values: Sequence[int | None]) -> str | None:
    """An argument with a value per axis; None where an axis has none."""
    return None if None in values else f"{letter}={'x'.join(map(str, values if len(set(values)) > 1 else values[:1]))}"
