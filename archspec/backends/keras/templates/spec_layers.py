"""What all layers share: their arguments, and their weights."""

from __future__ import annotations

import math
import re

import keras
import numpy as np
from keras import layers, ops


class SpecLayer(layers.Layer):
    """A layer whose arguments are the annotated names of its class, in order; a saved model has them."""

    fields = ()

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        cls.fields = tuple(dict.fromkeys((*cls.__annotations__, *cls.fields)))

    def __init__(self, *values, **options):
        given = dict(zip(self.fields, values)) | {name: options.pop(name) for name in self.fields if name in options}
        super().__init__(**options)
        for name, value in given.items():
            setattr(self, name, value)

    def get_config(self):
        return super().get_config() | {name: getattr(self, name) for name in self.fields}

    def learn(self, name, shape, first="zeros", trainable=True):
        """A weight, as PyTorch lays it out; it begins with a number, or with what an initializer gives."""
        first = keras.initializers.Constant(first) if isinstance(first, (int, float)) else first
        return self.add_weight(name=re.sub(r"\W", "_", name), shape=shape, initializer=first, trainable=trainable)


class Start(keras.initializers.Initializer):
    """What a weight begins with that is laid out as PyTorch has it: outputs, inputs, and the axes of a kernel."""

    def __init__(self, word="xavier", std=None):
        self.word, self.std = word, std

    def __call__(self, shape, dtype=None):
        if self.word in ("zeros", "eye"):
            return ops.zeros(shape, dtype) if self.word == "zeros" else ops.eye(*shape, dtype=dtype)
        if self.word == "orthogonal":
            columns = math.prod(shape[1:])
            return ops.reshape(keras.initializers.Orthogonal()((shape[0], columns), dtype), shape)
        if self.word in ("normal", "truncated"):
            std = self.std or {"normal": 0.01, "truncated": 0.02}[self.word]
            found = keras.initializers.RandomNormal(stddev=std)(shape, dtype)
            return found if self.word == "normal" else ops.clip(found, -2, 2)
        size = math.prod(shape[2:])
        fans = shape[1] * size, shape[0] * size
        if self.word in ("xavier", "xavier_normal"):
            std = math.sqrt(2 / sum(fans))
        else:
            std = math.sqrt((1 if self.word == "lecun" else 2) / fans[self.word == "kaiming_out"])
        if self.word in ("xavier", "kaiming_uniform"):
            limit = math.sqrt(3) * std
            return keras.initializers.RandomUniform(-limit, limit)(shape, dtype)
        return keras.initializers.RandomNormal(stddev=std)(shape, dtype)


def linear(x, weight, bias=None):
    """The product of the last axis with a matrix of outputs by inputs."""
    x = ops.matmul(x, ops.transpose(weight))
    return x if bias is None else x + bias


def length(x, axis=-1):
    """The Euclidean length along axes, whose gradient is 0 where it is 0."""
    return ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), 1e-30))


def per_axis(value, rank):
    """A number for each axis."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank


def ends(value, rank):
    """What stands before and after each axis, from a number for all, one for each axis, or a pair in a tuple."""
    values = per_axis(value, rank)
    if isinstance(values[0], (tuple, list)):
        return [tuple(values[0])] * rank
    return [(n, n) for n in values]


def padded(x, pairs, mode="zero", value=0.0):
    """A map with a border: numbers, or what `reflect`, `edge` and `wrap` of numpy.pad repeat."""
    if not any(map(any, pairs)):
        return x
    if mode == "zero":
        return ops.pad(x, [(0, 0), *pairs, (0, 0)], constant_values=value)
    for axis, pair in enumerate(pairs, 1):
        x = ops.take(x, np.pad(np.arange(x.shape[axis]), pair, mode), axis=axis)
    return x


def slides(sizes, k, s, p, d, rounding):
    """Kernel, stride, dilation, zeros before and after, and what the last window overhangs, for each axis."""
    rank = len(sizes)
    axes = zip(sizes, *(per_axis(value, rank) for value in (k, s, d)), ends(0 if isinstance(p, str) else p, rank))
    found = []
    for size, k, s, d, (before, after) in axes:
        span, over = d * (k - 1) + 1, 0
        if p == "same":
            zeros = max(0, (-(-size // s) - 1) * s + span - size)
            before, after = zeros // 2, zeros - zeros // 2
        elif p == "causal":
            before = span - 1
        free = size + before + after - span
        if rounding == "ceil" and free % s and (free // s + 1) * s < size + before:
            over = s - free % s
        found.append((k, s, d, before, after, over))
    return found
