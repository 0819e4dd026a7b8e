"""Functions of the language that expressions of a block may call."""

from __future__ import annotations


def round8(value):
    """Round to the nearest multiple of 8, to at least 8 and not below 0.9 of the number (Sandler et al. 2018)."""
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded
