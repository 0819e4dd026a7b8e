"""What several layers compute.

A line that ends in `#: word`, with the block that it opens, is in files where an argument is called so; `word_text` is one that is no number.
"""

from __future__ import annotations

import numpy as np
from keras import ops


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
        if p == "same":  #: p
            zeros = max(0, (-(-size // s) - 1) * s + span - size)
            before, after = zeros // 2, zeros - zeros // 2
        elif p == "causal":  #: p
            before = span - 1
        free = size + before + after - span  #: round
        if p not in ("same", "causal") and rounding == "ceil" and free % s and (free // s + 1) * s < size + before:  #: round
            over = s - free % s
        found.append((k, s, d, before, after, over))
    return found
