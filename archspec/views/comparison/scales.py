"""Scales of an axis: from values to places, with ticks at round values."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp, floor, log, log10
from typing import NamedTuple

_WIDE = 20
"""Counts that differ by more than this factor stand on a logarithmic scale."""


class Scale(NamedTuple):
    """Maps `low` to `start` and `high` to `end`; lengths are ratios where it is logarithmic."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool

    def __call__(self, value: float) -> float:
        low, high, at = (log(v) if self.logarithmic else v for v in (self.low, self.high, value))
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def value(self, place: float) -> float:
        """The value at a place."""
        low, high = (log(v) if self.logarithmic else v for v in (self.low, self.high))
        found = low + (place - self.start) / (self.end - self.start) * (high - low)
        return exp(found) if self.logarithmic else found

    def ticks(self, first: float, last: float) -> list[float]:
        """About five round values between two places, none below 0."""
        low, high = sorted((self.value(first), self.value(last)))
        if self.logarithmic:
            powers = range(floor(log10(low)), ceil(log10(high)) + 1)
            many = [factor * 10.0**power for power in powers for factor in ((1, 2, 5) if high / low < 2000 else (1,))]
            return [value for value in many if low <= value <= high]
        step = round_step((high - low) / 5)
        return [round(step * at, 10) for at in range(max(0, ceil(low / step)), floor(high / step) + 1)]


def scale(values: Sequence[float], start: float, end: float) -> Scale:
    """A scale on which the values lie from start to end."""
    low, high = min(values), max(values)
    logarithmic = low > 0 and high / low > _WIDE
    if low == high:
        low, high = (low * 0.8, high * 1.2) if low else (-1.0, 1.0)
    return Scale(low, high, start, end, logarithmic)


def round_step(value: float) -> float:
    """The least of 1, 2 and 5 times a power of ten that is not below a value."""
    power = 10.0 ** floor(log10(value))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * (1 - 1e-9)))
