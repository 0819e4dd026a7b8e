"""Norms, and distances."""

from __future__ import annotations

import keras
from keras import layers, ops

from archspec.backends.keras.templates.shared_steps import length


@keras.saving.register_keras_serializable("archspec")
class LocalResponseNorm(layers.Layer):
    """x / (k + alpha/n * sum x^2)^beta, the sum over n neighbouring channels (Krizhevsky et al. 2012, section 3.3)."""

    def __init__(self, n=5, alpha=1e-4, beta=0.75, k=1.0, **options):
        super().__init__(**options)
        self.n, self.alpha, self.beta, self.k = n, alpha, beta, k

    def call(self, x):
        channels = x.shape[-1]
        squares = ops.pad(ops.square(x), [(0, 0)] * (len(x.shape) - 1) + [(self.n // 2, (self.n - 1) // 2)])
        near = sum(squares[..., i : i + channels] for i in range(self.n))
        return x / ops.power(self.k + self.alpha / self.n * near, self.beta)


@keras.saving.register_keras_serializable("archspec")
class ResponseNorm(layers.Layer):
    """Each channel of a map times its length by the mean length of all channels (Woo et al. 2023)."""

    def __init__(self, eps=1e-6, **options):
        super().__init__(**options)
        self.eps = eps

    def build(self, shape):
        self.factor = self.add_weight(name="weight", shape=(shape[-1],), initializer="zeros")
        self.offset = self.add_weight(name="bias", shape=(shape[-1],), initializer="zeros")

    def call(self, x):
        lengths = length(x, tuple(range(1, len(x.shape) - 1)))
        even = x * (lengths / (ops.mean(lengths, axis=-1, keepdims=True) + self.eps))
        return x + even * self.factor + self.offset


@keras.saving.register_keras_serializable("archspec")
class EvoNorm(layers.Layer):
    """x*sigmoid(v*x) of a map by the root of the variance of its group of channels (Liu et al. 2020, EvoNorm-S0)."""

    def __init__(self, groups, eps=1e-5, act=True, **options):
        super().__init__(**options)
        self.groups, self.eps, self.act = groups, eps, act

    def build(self, shape):
        self.factor = self.add_weight(name="weight", shape=(shape[-1],), initializer="ones")
        self.offset = self.add_weight(name="bias", shape=(shape[-1],), initializer="zeros")
        self.v = self.add_weight(name="v", shape=(shape[-1],), initializer="ones") if self.act else None

    def call(self, x):
        grouped = (-1, *x.shape[1:-1], self.groups, x.shape[-1] // self.groups)
        axes = (*range(1, len(x.shape) - 1), len(x.shape))
        deviation = ops.sqrt(ops.var(ops.reshape(x, grouped), axis=axes, keepdims=True) + self.eps)
        y = x * ops.sigmoid(x * self.v) if self.act else x
        y = ops.reshape(ops.reshape(y, grouped) / deviation, (-1, *x.shape[1:]))
        return y * self.factor + self.offset


@keras.saving.register_keras_serializable("archspec")
class L2Norm(layers.Layer):
    """Division by the Euclidean length over the channels of each position; a length below eps counts as eps."""

    def __init__(self, eps=1e-12, **options):
        super().__init__(**options)
        self.eps = eps

    def call(self, x):
        return x / ops.maximum(length(x), self.eps)


@keras.saving.register_keras_serializable("archspec")
class Rbf(layers.Layer):
    """Squared distances to n fixed codes of -1 and 1 (LeCun et al. 1998, equation 7)."""

    def __init__(self, n, **options):
        super().__init__(**options)
        self.n = n

    def build(self, shape):
        drawn = ops.sign(keras.random.uniform((self.n, shape[-1]), -1, 1))
        self.codes = self.add_weight(name="weight", shape=drawn.shape, initializer=lambda *_, **__: drawn, trainable=False)

    def call(self, x):
        return ops.sum(ops.square(x[:, None] - self.codes), axis=-1)
