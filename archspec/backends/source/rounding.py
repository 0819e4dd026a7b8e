"""Functions of the language that Python lacks: they are written into the files whose formulas call them."""

from __future__ import annotations


def divisible(value, divisor):
    """Round to the nearest multiple, at least the divisor and not below 0.9 of the value (Sandler et al. 2018)."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def round8(value):
    """Round to the nearest multiple of 8, to at least 8 and not below 0.9 of the number (Sandler et al. 2018)."""
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded
