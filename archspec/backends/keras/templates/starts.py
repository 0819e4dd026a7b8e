"""What weights begin with."""

from __future__ import annotations

import keras
from keras import ops


def turned(draw):
    """An initializer of Keras for a weight that is laid out as PyTorch has it: outputs, inputs, and the axes of a kernel."""

    def begin(shape, dtype=None):
        outputs, *inner = shape
        found = draw((*inner[1:], inner[0], outputs), dtype)
        return ops.transpose(found, (len(inner), len(inner) - 1, *range(len(inner) - 1)))

    return begin


def start(word, std=None):
    """The initializer for a word of `init=`."""
    if word in ("normal", "truncated"):
        draw = keras.initializers.RandomNormal(stddev=std or {"normal": 0.01, "truncated": 0.02}[word])
        return draw if word == "normal" else lambda shape, dtype=None: ops.clip(draw(shape, dtype), -2, 2)
    if word in ("zeros", "eye", "orthogonal"):
        draw = {"zeros": keras.initializers.Zeros, "eye": keras.initializers.Identity, "orthogonal": keras.initializers.Orthogonal}[word]()
        return turned(draw) if word == "orthogonal" else draw
    mode = {"kaiming_out": "fan_out", "xavier": "fan_avg", "xavier_normal": "fan_avg"}.get(word, "fan_in")
    form = "uniform" if word in ("xavier", "kaiming_uniform") else "untruncated_normal"
    return turned(keras.initializers.VarianceScaling(2.0 if word.startswith("kaiming") else 1.0, mode, form))
