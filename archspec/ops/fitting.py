"""Finds the nearest arguments with which a window fits, for all axes together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from archspec.numeric import ceil_div, worked_out
from archspec.ops.declare import Around

_TRIES = 64
"""The most sizes of a window, or paddings, that are tried."""


def span(k: int, d: int) -> int:
    """Count the positions that a window of k elements, d apart, covers: F = D*(K - 1) + 1."""
    return worked_out(d * (k - 1) + 1)


def room(size: int, k: int, p: Around, d: int) -> int:
    """Count the positions by which a window can move over a padded axis: W - F + 2P; below 0 where it is too large.

    Padding that differs at the two ends is a pair: W - F + P_before + P_after.
    """
    return size - span(k, d) + p[0] + p[1] if isinstance(p, tuple) else size - span(k, d) + 2 * p


class Axis(NamedTuple):
    """A window on one axis: its size, kernel, stride, padding (of both ends, or a pair), dilation.

    `tied` strides are as large as the kernel; where `exact`, a remainder is an error; `allowed` says whether the layer takes a padding
    for a kernel.
    """

    name: str
    size: int
    k: int
    s: int
    p: Around
    d: int
    tied: bool = False
    exact: bool = False
    allowed: Callable[[Around, int], bool] = lambda *_: True

    @property
    def span(self) -> int:
        """The positions that the window covers."""
        return span(self.k, self.d)

    @property
    def room(self) -> int:
        """The positions by which the window can move."""
        return room(self.size, self.k, self.p, self.d)

    @property
    def fits(self) -> bool:
        """Whether the layer takes the window with its padding."""
        return (room := self.room) >= 0 and not (self.exact and room % self.s) and self.allowed(self.p, self.k)

    def window(self, k: int) -> Axis:
        """Return the axis with another kernel."""
        return self._replace(k=k, s=k if self.tied else self.s)

    @property
    def whole(self) -> str:
        """The size with its padding, as a sum: `5 + 2*1 = 7`."""
        before, after = self.p if isinstance(self.p, tuple) else (self.p, self.p)
        zeros = f"{before} + {after}" if isinstance(self.p, tuple) else f"2*{self.p}"
        return f"{self.size} + {zeros} = {self.size + before + after}" if before or after else f"{self.size}"

    def padded(self, p: Around) -> Axis:
        """Return the axis with another padding."""
        return self._replace(p=p)


def more_padding(axes: Sequence[Axis]) -> str | None:
    """Find the least padding, from the present one on, with which a window fits on all axes.

    >>> more_padding([Axis("width", 3, 7, 1, 0, 1)])
    'p=2'
    """
    return _written("p", [axis.p if axis.fits else _padding(axis) for axis in axes])


def less_padding(axes: Sequence[Axis]) -> str | None:
    """Find the largest padding that the layer takes and with which the window fits."""
    return _written("p", [_less(axis) for axis in axes])


def smaller_window(letter: str, axes: Sequence[Axis]) -> str | None:
    """Find the largest window that fits on all axes, and whether every smaller one does: `k=5 or less`."""
    most = [axis.k if axis.room >= 0 else (axis.room + axis.span - 1) // axis.d + 1 for axis in axes]
    found = [_largest(1, k, axis.window) for k, axis in zip(most, axes, strict=True)]
    any_less = len(set(found)) == 1 and found[0] != 1
    any_less &= all((axis.s == 1 or not axis.exact) and axis.allowed(axis.p, 1) and not axis.tied for axis in axes)
    written = _written(letter, found)
    return f"{written} or less" if written and any_less else written


def _largest(least: int, most: int, change: Callable[[int], Axis]) -> int | None:
    """Find the largest number with which an axis fits."""
    return next((number for number in range(most, max(least - 1, most - _TRIES), -1) if change(number).fits), None)


def _less(axis: Axis) -> Around | None:
    """Find the largest padding up to the present one that the layer takes and with which the window fits."""
    if not isinstance(axis.p, tuple):
        return _largest(0, min(axis.p, axis.k // 2), axis.padded)
    before, after = axis.p
    less = axis.padded((min(before, axis.k - 1), min(after, axis.k - 1)))
    return less.p if less.fits else None


def _padding(axis: Axis) -> Around | None:
    """Find the least padding above the present one with which the window of an axis fits; None where there is none.

    Where it differs at the two ends, more stands after.
    """
    s = axis.s if axis.exact else 1
    if isinstance(axis.p, tuple):
        before, after = axis.p
        more = (before, after + (-axis.room % s if axis.room >= 0 else -axis.room))
        return more if axis.allowed(more, axis.k) else None
    least = max(axis.p + 1, -(axis.room // 2) + axis.p)
    need = axis.span - axis.size
    if s % 2 == 0 and need % 2:
        return None
    # 2p = need modulo s, where (s + 1)/2 is the inverse of 2
    step, first = (s, need * ((s + 1) // 2) % s) if s % 2 else (s // 2, need // 2 % (s // 2))
    p = first + ceil_div(least - first, step) * step
    return p if axis.allowed(p, axis.k) else None


def _written(letter: str, values: Sequence[Any]) -> str | None:
    """An argument with a value per axis; None where an axis has none, or where ends differ from axis to axis."""
    alike, pairs = len(set(values)) == 1, any(isinstance(value, tuple) for value in values)
    if None in values or (pairs and not alike):
        return None
    return f"{letter}={':'.join(map(str, values[0])) if pairs else 'x'.join(map(str, values[:1] if alike else values))}"
