"""Parts whose weights are used more than once."""

from __future__ import annotations

import keras


def part(block, *values, name, **arguments):
    """A block as a model of its own, which can be called again."""
    inputs = [keras.Input(value.shape[1:], dtype=value.dtype) for value in values]
    return keras.Model(inputs, block(*inputs, name=name, **arguments), name=name)
