"""Convolutions and matrix products, whose weights may have a form; pools.

A line that ends in `#: word`, with the block that it opens, is in files where an argument is called so.
"""

from __future__ import annotations

import math

import keras
import numpy as np
from keras import layers, ops

from archspec.backends.keras.templates.shared_steps import length, linear, padded, per_axis, slides
from archspec.backends.keras.templates.starts import start, turned


class Formed(layers.Layer):
    """A layer with a weight and biases; with `norm`, the weight is made anew in each pass."""

    def __init__(
        self,
        bias=True,
        init=None,  #: init
        std=None,  #: init
        norm=False,  #: norm
        gain=True,  #: norm
        eps=1e-6,  #: norm
        **options,
    ):
        super().__init__(**options)
        self.bias, self.first = bias, turned(keras.initializers.GlorotUniform())
        self.init, self.std = init, std  #: init
        self.first = self.first if init is None else start(init, std)  #: init
        self.norm, self.gain, self.eps = norm, gain, eps  #: norm

    def store(self, shape, count, axis=0):
        """The weights: the weight has a shape, of which an axis has the `count` outputs."""
        if self.norm in ("weight", "spectral"):  #: norm
            self.biases = self.add_weight(name="bias", shape=(count,), initializer="zeros") if self.bias else None
            self.store_form(shape, axis)
            return
        self.matrix = self.add_weight(name="weight", shape=shape, initializer=self.first)
        self.biases = self.add_weight(name="bias", shape=(count,), initializer="zeros") if self.bias else None
        if self.norm == "std" and self.gain:  #: norm
            self.gains = self.add_weight(name="gain", shape=(shape[0],) + (1,) * (len(shape) - 1), initializer="ones")

    def store_form(self, shape, axis):  #: norm
        """What is stored in the place of the weight."""
        own = "parametrizations_weight_"
        if self.norm == "weight":
            lengths = (shape[0],) + (1,) * (len(shape) - 1)
            self.lengths = self.add_weight(name=f"{own}original0", shape=lengths, initializer="ones")
            self.matrix = self.add_weight(name=f"{own}original1", shape=shape, initializer=self.first)
            self.lengths.assign(length(self.matrix, tuple(range(1, len(self.matrix.shape)))))
        else:
            sizes = shape[axis], math.prod(shape) // shape[axis]
            self.matrix = self.add_weight(name=f"{own}original", shape=shape, initializer=self.first)
            vectors = zip("uv", sizes)
            self.left, self.right = (
                self.add_weight(name=f"{own}0__{letter}", shape=(size,), initializer="random_normal", trainable=False)
                for letter, size in vectors
            )
            self.rows = axis
            for _ in range(15):
                self.improve()

    def flat(self):  #: norm
        """The weight as a matrix of outputs."""
        return ops.reshape(ops.moveaxis(self.matrix, self.rows, 0), (self.matrix.shape[self.rows], -1))

    def improve(self):  #: norm
        """One step towards the vectors of the largest singular value (Miyato et al. 2018)."""
        matrix = ops.stop_gradient(self.flat())
        left = ops.matmul(matrix, self.right)
        self.left.assign(left / ops.maximum(ops.norm(left), 1e-12))
        right = ops.matmul(self.left, matrix)
        self.right.assign(right / ops.maximum(ops.norm(right), 1e-12))

    def weight(self, training):
        """The weight of a pass."""
        if self.norm == "weight":  #: norm
            return self.matrix * (self.lengths / length(self.matrix, tuple(range(1, len(self.matrix.shape)))))
        if self.norm == "spectral":  #: norm
            if training and self.trainable:
                self.improve()
            return self.matrix / ops.sum(self.left * ops.matmul(self.flat(), self.right))
        if self.norm == "std":  #: norm
            axes = tuple(range(1, len(self.matrix.shape)))
            centred = self.matrix - ops.mean(self.matrix, axis=axes, keepdims=True)
            found = centred / ops.sqrt(ops.mean(ops.square(centred), axis=axes, keepdims=True) + self.eps)
            return found * (self.gains * math.prod(self.matrix.shape[1:]) ** -0.5) if self.gain else found
        return self.matrix

    def offset_by(self, y):
        """A result with its biases."""
        return y if self.biases is None else y + self.biases


@keras.saving.register_keras_serializable("archspec")
class Linear(Formed):
    """A matrix product over the last axis."""

    def __init__(self, n, **options):
        super().__init__(**options)
        self.n = n

    def build(self, shape):
        self.store((self.n, shape[-1]), self.n)

    def call(self, x, training=False):
        return linear(x, self.weight(training), self.biases)


@keras.saving.register_keras_serializable("archspec")
class Fc(Linear):
    """A fully connected layer."""


class Convolution(Formed):
    """Convolutions; a subclass says which kernels it has."""

    def __init__(self, k, s=1, p=0, d=1, round="exact", mode="zero", **options):
        super().__init__(**options)
        self.k, self.s, self.p, self.d, self.round, self.mode = k, s, p, d, round, mode

    def convolved(self, x, weight):
        """The convolution with a weight; Keras does not take strides and dilation together."""
        windows = slides(x.shape[1:-1], self.k, self.s, self.p, self.d, self.round)
        _, strides, dilation, before, after, over = zip(*windows)
        kernel = ops.transpose(weight, (*range(2, len(weight.shape)), 1, 0))
        if max(strides) > 1 and max(dilation) > 1:  #: d
            kernel, dilation = spread(kernel, dilation), 1
        x = padded(x, [(a, b + c) for a, b, c in zip(before, after, over)], self.mode)  #: p round
        return ops.conv(x, kernel, strides, "valid", "channels_last", dilation)


def spread(x, steps, first=0):
    """Zeros between the numbers along axes from a first one on."""
    for axis, step in enumerate(steps, first):
        shape = [*x.shape]
        x = ops.pad(ops.expand_dims(x, axis + 1), [(0, step - 1) if at == axis + 1 else (0, 0) for at in range(len(shape) + 1)])
        x = ops.reshape(x, [-1 if at == 0 < first else n * step if at == axis else n for at, n in enumerate(shape)])
        x = x[(slice(None),) * axis + (slice(0, (shape[axis] - 1) * step + 1),)]
    return x


@keras.saving.register_keras_serializable("archspec")
class Conv(Convolution):
    """Convolution, which may have a connection table `maps` or an `offset` (LeCun et al. 1998; Dai et al. 2017)."""

    def __init__(
        self,
        f,
        g=1,
        maps=None,  #: maps
        offset=False,  #: offset
        **options,
    ):
        super().__init__(**options)
        self.f, self.g = f, g
        self.maps = maps  #: maps
        self.offset = offset  #: offset

    def build(self, shape):
        shape = shape[0] if self.offset else shape  #: offset
        *sizes, channels = shape[1:]
        stack, kernel = (self.f, channels // self.g), per_axis(self.k, len(sizes))
        if self.maps is not None:  #: maps
            self.places = np.zeros((self.f, channels), int)
            pairs = [(f, i) for f, row in enumerate(self.maps) for i in row]
            self.places[tuple(zip(*pairs))] = np.arange(len(pairs)) + 1
            stack = (len(pairs),)
        self.store((*stack, *kernel), self.f)

    def call(self, inputs, training=False):
        weight = self.weight(training)
        if self.offset:  #: offset
            return self.offset_by(self.deformed(*inputs, weight))
        if self.maps is not None:  #: maps
            weight = ops.take(ops.pad(weight, [(1, 0)] + [(0, 0)] * (len(weight.shape) - 1)), self.places, axis=0)
        return self.offset_by(self.convolved(inputs, weight))

    def deformed(self, x, moves, weight):  #: offset
        """Each number of the kernel reads the place that it is moved to, down and right, with zeros outside."""
        _, height, width, channels = x.shape
        rows, columns = moves.shape[1:3]
        (high, down, near, top, _, _), (wide, right, far, left, _, _) = slides((height, width), self.k, self.s, self.p, self.d, self.round)
        moves = ops.reshape(moves, (-1, rows, columns, moves.shape[-1] // (2 * high * wide), high * wide, 2))
        i = np.arange(rows)[:, None, None, None] * down - top + np.repeat(np.arange(high), wide) * near
        j = np.arange(columns)[:, None, None] * right - left + np.tile(np.arange(wide), high) * far
        read = self.sampled(x, moves[..., 0] + ops.cast(i, x.dtype), moves[..., 1] + ops.cast(j, x.dtype))
        read = ops.reshape(ops.moveaxis(read, 4, 5), (-1, rows, columns, channels * high * wide))
        kernel = ops.transpose(ops.reshape(weight, (1, 1, self.f, -1)), (0, 1, 3, 2))
        return ops.conv(read, kernel, 1, "valid", "channels_last")

    def sampled(self, x, i, j):  #: offset
        """Numbers between positions; i and j are (batch, rows, columns, groups of channels, places): those, and the channels of a group."""
        _, height, width, channels = x.shape
        groups = i.shape[3]
        flat = ops.reshape(x, (-1, height * width, groups, channels // groups))
        found = 0
        for up, left in np.ndindex(2, 2):
            row, column = ops.floor(i) + up, ops.floor(j) + left
            share = (1 - ops.abs(i - row)) * (1 - ops.abs(j - column))
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            at = ops.clip(row, 0, height - 1) * width + ops.clip(column, 0, width - 1)
            at = ops.reshape(ops.moveaxis(ops.cast(at, "int32"), 3, 4), (-1, math.prod(i.shape[1:3]) * i.shape[4], groups, 1))
            read = ops.take_along_axis(flat, at, axis=1)
            read = ops.moveaxis(ops.reshape(read, (-1, *i.shape[1:3], i.shape[4], groups, channels // groups)), 3, 4)
            found = found + read * (share * ops.cast(inside, x.dtype))[..., None]
        return found


@keras.saving.register_keras_serializable("archspec")
class DwConv(Convolution):
    """Depthwise convolution: each channel has m filters of its own."""

    def __init__(self, m=1, **options):
        super().__init__(**options)
        self.m = m

    def build(self, shape):
        self.store((shape[-1] * self.m, 1, *per_axis(self.k, len(shape) - 2)), shape[-1] * self.m)

    def call(self, x, training=False):
        return self.offset_by(self.convolved(x, self.weight(training)))


@keras.saving.register_keras_serializable("archspec")
class Deconv(Formed):
    """Transposed convolution, as a convolution over the map with zeros between its numbers (Dumoulin, Visin 2016, relationship 13)."""

    def __init__(self, k, f, s=1, p=0, op=0, g=1, d=1, **options):
        super().__init__(**options)
        self.k, self.f, self.s, self.p, self.op, self.g, self.d = k, f, s, p, op, g, d

    def build(self, shape):
        self.store((shape[-1], self.f // self.g, *per_axis(self.k, len(shape) - 2)), self.f, axis=1)

    def call(self, x, training=False):
        weight = self.weight(training)
        rank = len(weight.shape) - 2
        sizes = [per_axis(value, rank) for value in (self.k, self.s, self.d, self.op, 0 if isinstance(self.p, str) else self.p)]
        around = []
        for k, s, d, op, p in zip(*sizes):
            reach = d * (k - 1)
            low = max(reach + 1 - s, 0) // 2
            cut = (low, reach + 1 - s - low) if self.p == "same" else (p, p - op)
            around.append([reach - n for n in cut])
        x = spread(x, sizes[1], 1)
        x = padded(x, [[max(n, 0) for n in pair] for pair in around])
        for axis, (low, high) in enumerate(around, 1):
            x = x[(slice(None),) * axis + (slice(max(-low, 0), x.shape[axis] - max(-high, 0)),)]
        kernel = ops.reshape(ops.flip(weight, list(range(2, rank + 2))), (self.g, -1, *weight.shape[1:]))
        kernel = ops.transpose(kernel, (*range(3, rank + 3), 1, 0, 2))
        kernel = ops.reshape(kernel, (*kernel.shape[:-2], self.f))
        return self.offset_by(ops.conv(x, kernel, 1, "valid", "channels_last", sizes[2]))


class Pooling(layers.Layer):
    """Pools over windows that lie anywhere in what is padded."""

    def __init__(self, w, s=None, p=0, d=1, round="exact", **options):
        super().__init__(**options)
        self.w, self.s, self.p, self.d, self.round = w, s, p, d, round

    def windows(self, x):
        """The windows along each axis of a map."""
        return slides(x.shape[1:-1], self.w, self.w if self.s is None else self.s, self.p, self.d, self.round)


@keras.saving.register_keras_serializable("archspec")
class Pool(Pooling):
    """The maximum over a window; what is padded never is one."""

    def call(self, x):
        windows = self.windows(x)
        w, s, d, *_ = zip(*windows)
        x = padded(x, [(before, after + over) for *_, before, after, over in windows], value=-math.inf)
        if max(d) > 1:  #: d
            return ops.max(ops.stack(taps(x, windows)), axis=0)
        return ops.max_pool(x, w, s, "valid", "channels_last")


def taps(x, windows):
    """What the windows over a padded map read, one number of the window after another."""
    found = []
    for places in np.ndindex(*(w for w, *_ in windows)):
        axes = zip(places, windows, x.shape[1:-1])
        found.append(
            x[(slice(None), *(slice(at * d, at * d + (size - d * (w - 1) - 1) // s * s + 1, s) for at, (w, s, d, *_), size in axes))]
        )
    return found


@keras.saving.register_keras_serializable("archspec")
class AvgPool(Pooling):
    """The mean over a window; `count_pad` counts what is padded, but never what the last window overhangs."""

    def __init__(self, w, count_pad=True, **options):
        super().__init__(w, **options)
        self.count_pad = count_pad

    def call(self, x):
        windows = self.windows(x)
        w, s, *_ = zip(*windows)
        y = ops.average_pool(padded(x, [(before, after + over) for *_, before, after, over in windows]), w, s, "valid", "channels_last")
        for axis, (w, s, _, before, after, over) in enumerate(windows, 1):
            if over or (not self.count_pad and before + after):
                counted = np.pad(np.ones(x.shape[axis]), (before, after), constant_values=float(self.count_pad))
                counted = np.pad(counted, (0, over))
                shares = [w / max(counted[at * s : at * s + w].sum(), 1) for at in range(y.shape[axis])]
                y = y * ops.cast(np.reshape(shares, [-1] + [1] * (len(x.shape) - axis - 1)), x.dtype)
        return y


@keras.saving.register_keras_serializable("archspec")
class Subsample(Pooling):
    """The sum over a window, times a coefficient, plus a bias, learned for each map (LeCun et al. 1998, S2)."""

    def build(self, shape):
        self.size = math.prod(per_axis(self.w, len(shape) - 2))
        first = keras.initializers.Constant(1 / self.size)
        self.factor = self.add_weight(name="weight", shape=(shape[-1],), initializer=first)
        self.offset = self.add_weight(name="bias", shape=(shape[-1],), initializer="zeros")

    def call(self, x):
        windows = self.windows(x)
        w, s, *_ = zip(*windows)
        x = padded(x, [(before, after + over) for *_, before, after, over in windows])  #: p round
        return ops.average_pool(x, w, s, "valid", "channels_last") * self.size * self.factor + self.offset


@keras.saving.register_keras_serializable("archspec")
class Unpool(Pooling):
    """Puts numbers where max pooling of another map has its maxima, the first of equal ones."""

    def call(self, inputs):
        y, x = inputs
        windows = self.windows(x)
        whole = padded(ops.stop_gradient(x), [(before, after + over) for *_, before, after, over in windows], value=-math.inf)
        read = ops.stack(taps(whole, windows), axis=-1)
        marks = ops.one_hot(ops.argmax(read, axis=-1), read.shape[-1], dtype=y.dtype)
        numbers = [marks[..., at] * y for at in range(read.shape[-1])]
        at = {
            tuple(t * d for t, (_, _, d, *_) in zip(places, windows)): n
            for places, n in zip(np.ndindex(*(w for w, *_ in windows)), numbers)
        }
        strides = [s for _, s, *_ in windows]
        cells = ops.stack([at.get(cell, ops.zeros_like(y)) for cell in np.ndindex(*strides)], axis=-1)
        rank = len(strides)
        cells = ops.reshape(cells, (-1, *y.shape[1:], *strides))
        cells = ops.transpose(cells, (0, *(n for axis in range(1, rank + 1) for n in (axis, axis + rank + 1)), rank + 1))
        found = ops.reshape(cells, (-1, *(size * s for size, s in zip(y.shape[1:-1], strides)), y.shape[-1]))
        found = padded(found, [(0, max(0, b + n - have)) for (*_, b, _, _), n, have in zip(windows, x.shape[1:-1], found.shape[1:-1])])
        return found[(slice(None), *(slice(before, before + n) for (*_, before, _, _), n in zip(windows, x.shape[1:-1])))]
