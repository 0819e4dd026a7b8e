"""Attention in heads, over tokens and over the positions of maps.

A line that ends in `#: word`, with the block that it opens, is in files where an argument or a layer is called so.
"""

from __future__ import annotations

import math

import keras
import numpy as np
from keras import layers, ops

from archspec.backends.keras.templates.shared_steps import length, linear, per_axis


class Heads(layers.Layer):
    """softmax(q k^T / sqrt(d)) v in heads (Vaswani et al. 2017, equation 1)."""

    def __init__(
        self,
        heads,
        kvheads=None,  #: kvheads
        causal=False,  #: causal
        rope=None,  #: rope
        prefix=0,  #: prefix
        pair=None,  #: pair
        rel=None,  #: rel WindowAttention
        w=None,  #: w WindowAttention
        shift=0,  #: shift
        grid=None,  #: grid
        sim="dot",  #: sim
        talk=False,  #: talk
        scale=None,  #: scale
        **options,
    ):
        super().__init__(**options)
        self.heads = heads
        self.kvheads = kvheads  #: kvheads
        self.causal = causal  #: causal
        self.rope = rope  #: rope
        self.prefix = prefix  #: prefix
        self.pair = pair  #: pair
        self.rel = rel  #: rel WindowAttention
        self.w = w  #: w WindowAttention
        self.grid = grid  #: grid
        self.shift = shift  #: shift
        self.sim = sim  #: sim
        self.talk = talk  #: talk
        self.scale = scale  #: scale

    def fit(self, size):  #: rel w grid sim WindowAttention
        """Find what follows from the size of the value."""
        self.size = self.span = tuple(size)
        if self.w is not None:  #: w WindowAttention
            self.span = per_axis(self.w, len(self.size))
        if self.grid is not None:  #: grid
            self.span = per_axis(self.grid, len(self.size))
        shifts = per_axis(self.shift, len(self.size))  #: shift
        self.moved = [s if n < size else 0 for s, n, size in zip(shifts, self.span, self.size)]  #: shift

    def begin(self, size):  #: rel w grid sim WindowAttention
        """The weights before those of the projections."""
        self.fit(size)
        if self.rel == "table":  #: rel WindowAttention
            table, first = (math.prod(2 * n - 1 for n in self.span), self.heads), keras.initializers.RandomNormal(stddev=0.02)
            self.table = self.add_weight(name="relative_position_bias_table", shape=table, initializer=first)
        if self.sim == "cos":  #: sim
            first = keras.initializers.Constant(math.log(10))
            self.logit_scale = self.add_weight(name="logit_scale", shape=(self.heads, 1, 1), initializer=first)

    def finish(self):  #: rel talk
        """The weights after those of the projections."""
        if self.rel == "mlp":  #: rel
            self.hidden = self.matrix("cpb_mlp_0_", 512, len(self.span))
            self.shown = self.matrix("cpb_mlp_2_", self.heads, 512, bias=False)
        if self.rel == "buckets":  #: rel
            first = keras.initializers.RandomNormal(stddev=1.0)
            self.near = self.add_weight(name="relative_attention_bias_weight", shape=(32, self.heads), initializer=first)
        if self.talk:  #: talk
            self.mixes = [self.matrix(name, self.heads, self.heads) for name in ("proj_l_", "proj_w_")]

    def matrix(self, name, rows, columns, bias=True):
        """A weight and, if there are biases, its bias."""
        weight = self.add_weight(name=f"{name}weight", shape=(rows, columns))
        return (weight, self.add_weight(name=f"{name}bias", shape=(rows,), initializer="zeros")) if bias else (weight,)

    def attend(self, q, k, v, added=None, angle=None):
        """(batch, ..., channels) each, to the heads side by side; `added` is (batch, queries, keys, heads), `angle` (batch, ..., n)."""
        size, d = q.shape[1:-1], q.shape[-1] // self.heads
        self.fit(size)  #: rel w grid sim WindowAttention
        q, k, v = (self.windows(x) for x in (q, k, v))  #: w grid WindowAttention
        kvheads = k.shape[-1] // d
        parts = zip((q, k, v), (self.heads, kvheads, kvheads))
        q, k, v = (ops.reshape(x, (-1, math.prod(x.shape[1:-1]), n, x.shape[-1] // n)) for x, n in parts)
        if self.rope is not None:  #: rope
            q, k = self.turned(q, angle), self.turned(k, angle)
        scale = d**-0.5
        scale = scale if self.scale is None else self.scale  #: scale
        if self.sim == "cos":  #: sim
            factor = ops.exp(ops.minimum(self.logit_scale[..., 0], math.log(100)))
            q, k = (x / ops.maximum(length(x), 1e-12) for x in (q, k))
            q, scale = q * factor, 1.0
        q, k, v = (ops.transpose(x, (0, 2, 1, 3)) for x in (q, k, v))
        k, v = (ops.repeat(x, self.heads // x.shape[1], axis=1) for x in (k, v))  #: kvheads
        score = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))) * scale
        score = self.biased(score, added)  #: rel shift causal WindowAttention
        score = self.mixed(score, 0) if self.talk else score  #: talk
        weight = ops.softmax(score, axis=-1)
        weight = self.mixed(weight, 1) if self.talk else weight  #: talk
        y = ops.transpose(ops.matmul(weight, v), (0, 2, 1, 3))
        y = ops.reshape(y, (-1, y.shape[1], y.shape[2] * y.shape[3]))
        y = self.joined(y)  #: w grid WindowAttention
        return ops.reshape(y, (-1, *size, y.shape[-1]))

    def turned(self, x, angle):  #: rope
        """Turn pairs of channels (Su et al. 2021): (batch, positions, heads, d)."""
        prefix, t, heads, d = 0, *x.shape[1:]
        prefix = self.prefix  #: prefix
        if angle is None:
            angle = np.arange(t - prefix)[:, None] * float(self.rope) ** (-np.arange(0, d, 2) / d)
            turns = np.cos(angle), np.sin(angle)
        else:
            turns = ops.cos(angle), ops.sin(angle)
        n = min(angle.shape[-1], d // 2)
        pair = n
        pair = self.pair or n  #: pair
        shape = (-1, t - prefix, angle.shape[-1] // n, n // pair, pair)
        cos, sin = (ops.reshape(ops.cast(turn, x.dtype), shape) for turn in turns)
        y = ops.reshape(x[:, prefix:, :, : 2 * n], (-1, t - prefix, heads, n // pair, 2, pair))
        a, b = y[..., 0, :], y[..., 1, :]
        y = ops.reshape(ops.stack([a * cos - b * sin, b * cos + a * sin], axis=-2), (-1, t - prefix, heads, 2 * n))
        y = ops.concatenate([y, x[:, prefix:, :, 2 * n :]], axis=-1)
        return ops.concatenate([x[:, :prefix], y], axis=1)

    def biased(self, score, added):  #: rel shift causal WindowAttention
        """Scores (batch or windows, heads, queries, keys) with all that is added to them."""
        t, u = score.shape[2:]  #: rel shift causal
        if self.rel == "table":  #: rel WindowAttention
            score = score + relative_bias(self.table, self.span)
        if self.rel == "mlp":  #: rel
            hidden = ops.relu(linear(relative_coordinates(self.span), *self.hidden))
            score = score + relative_bias(16 * ops.sigmoid(linear(hidden, *self.shown)), self.span)
        if self.rel == "buckets":  #: rel
            causal = False
            causal = self.causal  #: causal
            score = score + ops.transpose(ops.take(self.near, distance_buckets(t, causal), axis=0), (2, 0, 1))
        if added is not None:  #: rel
            score = score + ops.transpose(added, (0, 3, 1, 2))
        if any(self.moved):  #: shift
            mask = shift_mask(self.size, self.span, self.moved)
            score = ops.reshape(score, (-1, len(mask), self.heads, t, u)) + ops.cast(mask, score.dtype)[:, None]
            score = ops.reshape(score, (-1, self.heads, t, u))
        if self.causal:  #: causal
            score = score + ops.cast(np.triu(np.full((t, u), -np.inf), 1), score.dtype)
        return score

    def mixed(self, score, at):  #: talk
        """The heads mixed by a matrix."""
        return ops.transpose(linear(ops.transpose(score, (0, 2, 3, 1)), *self.mixes[at]), (0, 3, 1, 2))

    def windows(self, x):  #: w grid WindowAttention
        """A map as (batch * windows, *window, channels)."""
        if self.span == self.size:
            return x
        rank = len(self.span)
        x = ops.roll(x, [-s for s in self.moved], list(range(1, rank + 1)))  #: shift
        pairs = [(size // n, n) for size, n in zip(self.size, self.span)]
        outer, inner = range(1, 2 * rank, 2), range(2, 2 * rank + 1, 2)
        if self.grid is not None:  #: grid
            pairs, outer, inner = [pair[::-1] for pair in pairs], inner, outer
        x = ops.reshape(x, (-1, *(n for pair in pairs for n in pair), x.shape[-1]))
        x = ops.transpose(x, (0, *outer, *inner, 2 * rank + 1))
        return ops.reshape(x, (-1, *self.span, x.shape[-1]))

    def joined(self, y):  #: w grid WindowAttention
        """The inverse of `windows`."""
        if self.span == self.size:
            return y
        rank = len(self.span)
        y = ops.reshape(y, (-1, *(size // n for size, n in zip(self.size, self.span)), *self.span, y.shape[-1]))
        pairs = [(at, rank + at) for at in range(1, rank + 1)]
        pairs = pairs if self.grid is None else [pair[::-1] for pair in pairs]  #: grid
        y = ops.transpose(y, (0, *(axis for pair in pairs for axis in pair), 2 * rank + 1))
        y = ops.reshape(y, (-1, *self.size, y.shape[-1]))
        y = ops.roll(y, self.moved, list(range(1, rank + 1)))  #: shift
        return y


class Projected(Heads):
    """Attention with its projections."""

    def __init__(
        self,
        heads,
        bias=True,
        proj=None,
        kv=False,  #: kv
        f=None,  #: f
        d=None,  #: d
        **options,
    ):
        super().__init__(heads, **options)
        self.bias, self.proj = bias, proj
        self.kv = kv  #: kv
        self.f = f  #: f
        self.d = d  #: d

    def build(self, shape):
        first = second = shape
        if isinstance(shape[0], (tuple, list)):  #: kv rel rope
            first = second = shape[0]
            second = shape[1] if self.kv else second  #: kv
        channels, source = first[-1], second[-1]
        width = outputs = channels
        width = width if self.d is None else self.heads * self.d  #: d
        outputs = outputs if self.f is None else self.f  #: f
        narrow = width
        narrow = width if self.kvheads is None else width // self.heads * self.kvheads  #: kvheads
        self.form = self.proj or ("in" if narrow == width and source == channels else "apart")
        self.widths = (width, narrow, narrow)
        self.begin(first[1:-1])  #: rel w grid sim WindowAttention
        sizes = [("in_proj_" if self.form == "in" else "qkv_", sum(self.widths), channels)]
        if self.form == "apart":  #: kvheads kv proj
            sizes = zip(("q_proj_", "k_proj_", "v_proj_"), self.widths, (channels, source, source))
        self.into = [self.matrix(name, rows, columns, self.bias) for name, rows, columns in sizes]
        self.out_of = self.matrix("proj_" if self.form == "qkv" else "out_proj_", outputs, width, self.bias)
        self.finish()  #: rel talk

    def call(self, inputs):
        values = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        added = None
        added = values.pop() if self.rel is True else None  #: rel
        angle = None
        angle = values.pop() if self.rope is True else None  #: rope
        x, u, into = values[0], values[-1], self.into
        if self.form != "apart":
            width, narrow, _ = self.widths
            parts = [ops.split(weight, (width, width + narrow)) for weight in into[0]]
            if self.sim == "cos" and self.form == "qkv" and self.bias:  #: sim
                parts[1][1] = ops.zeros_like(parts[1][1])  # keys have none in Swin V2
            into = list(zip(*parts))
        q, k, v = (linear(value, *part) for value, part in zip((x, u, u), into))
        return linear(self.attend(q, k, v, added, angle), *self.out_of)


@keras.saving.register_keras_serializable("archspec")
class Attention(Projected):
    """Multi-head attention, with its projections."""


@keras.saving.register_keras_serializable("archspec")
class WindowAttention(Projected):
    """Self-attention in shifted windows of a map, with a bias for each relative position (Liu et al. 2021)."""

    def __init__(self, heads, w=7, shift=0, **options):
        super().__init__(heads, proj="qkv", **options)
        self.w, self.shift, self.rel = w, shift, "table"


@keras.saving.register_keras_serializable("archspec")
class Attend(Heads):
    """Attention without projections: of one value whose channels are queries, keys and values, or of three."""

    def __init__(self, heads, k=False, v=False, **options):
        super().__init__(heads, **options)
        self.k, self.v = k, v

    def build(self, shape):
        first = shape[0] if isinstance(shape[0], (tuple, list)) else shape
        self.begin(first[1:-1])  #: rel w grid sim WindowAttention
        self.finish()  #: rel talk

    def call(self, inputs):
        values = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        added, angle, kvheads = None, None, self.heads
        added = values.pop() if self.rel is True else None  #: rel
        angle = values.pop() if self.rope is True else None  #: rope
        if not self.k:
            kvheads = self.kvheads or self.heads  #: kvheads
            d = values[0].shape[-1] // (self.heads + 2 * kvheads)
            values = ops.split(values[0], (self.heads * d, (self.heads + kvheads) * d), axis=-1)
        return self.attend(*values, added, angle)


@keras.saving.register_keras_serializable("archspec")
class Buckets(layers.Layer):
    """A number per head for each two of T tokens, by their distance (Raffel et al. 2020): (T, T, heads)."""

    def __init__(self, heads, causal=False, **options):
        super().__init__(**options)
        self.heads, self.causal = heads, causal

    def build(self, shape):
        first = keras.initializers.RandomNormal(stddev=1.0)
        self.near = self.add_weight(name="weight", shape=(32, self.heads), initializer=first)

    def call(self, x):
        near = ops.take(self.near, distance_buckets(x.shape[1], self.causal), axis=0)
        return ops.broadcast_to(near[None], (ops.shape(x)[0], *near.shape))


def distance_buckets(t, causal):
    """The bucket, of 32, of each key for each query (Raffel et al. 2020, section 2.1)."""
    far = np.arange(t) - np.arange(t)[:, None]
    count = 32 if causal else 16
    after = np.zeros_like(far) if causal else 16 * (far > 0)
    far = np.maximum(-far, 0) if causal else np.abs(far)
    near = count // 2
    logs = np.log(np.maximum(far, 1).astype("float32") / np.float32(near)) / np.float32(math.log(128 / near))
    shared = near + (logs * np.float32(count - near)).astype(int)
    return after + np.where(far < near, far, np.minimum(shared, count - 1))


def relative_bias(table, size):
    """The rows of a table for each pair of positions of a window (Liu et al. 2021, section 3.2): (heads, positions, positions)."""
    index = 0
    for n, at in zip(size, np.indices(size)):
        at = at.ravel()
        index = index * (2 * n - 1) + at[:, None] - at + n - 1
    return ops.transpose(ops.take(table, index, axis=0), (2, 0, 1))


def relative_coordinates(size):
    """All relative positions of a window, spaced by logarithms (Liu et al. 2022, section 3.3): (positions, axes)."""
    axes = [8 * np.arange(1 - n, n) / max(n - 1, 1) for n in size]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(size))
    return ops.convert_to_tensor(np.sign(grid) * np.log2(np.abs(grid) + 1) / 3, "float32")


def shift_mask(size, span, shift):
    """-100 where two positions of a window were apart before the shift: (windows, positions, positions)."""
    region = np.zeros(size, int)
    for axis, (n, s) in enumerate(zip(size, shift)):
        region = 2 * region + (np.arange(n) >= n - s).reshape(-1, *[1] * (len(size) - axis - 1))
    region = region.reshape([n for of, n in zip(size, span) for n in (of // n, n)])
    order = [*range(0, 2 * len(size), 2), *range(1, 2 * len(size), 2)]
    region = region.transpose(order).reshape(-1, math.prod(span))
    return np.where(region[:, None] == region[:, :, None], 0.0, -100.0)
