"""Norms, and distances."""

from __future__ import annotations

import keras
from keras import ops

from archspec.backends.keras.templates.spec_layers import SpecLayer, length


@keras.saving.register_keras_serializable("archspec")
class LocalResponseNorm(SpecLayer):
    """x / (k + alpha/n * sum x^2)^beta, the sum over n neighbouring channels (Krizhevsky et al. 2012, section 3.3)."""

    n: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    def call(self, x):
        channels = x.shape[-1]
        squares = ops.pad(ops.square(x), [(0, 0)] * (len(x.shape) - 1) + [(self.n // 2, (self.n - 1) // 2)])
        near = sum(squares[..., i : i + channels] for i in range(self.n))
        return x / ops.power(self.k + self.alpha / self.n * near, self.beta)


@keras.saving.register_keras_serializable("archspec")
class ResponseNorm(SpecLayer):
    """Each channel of a map times its length by the mean length of all channels (Woo et al. 2023)."""

    eps: float = 1e-6

    def build(self, shape):
        self.factor = self.learn("weight", (shape[-1],))
        self.offset = self.learn("bias", (shape[-1],))

    def call(self, x):
        lengths = length(x, tuple(range(1, len(x.shape) - 1)))
        even = x * (lengths / (ops.mean(lengths, axis=-1, keepdims=True) + self.eps))
        return x + even * self.factor + self.offset


@keras.saving.register_keras_serializable("archspec")
class L2Norm(SpecLayer):
    """Division by the Euclidean length over the channels of each position; a length below eps counts as eps."""

    eps: float = 1e-12

    def call(self, x):
        return x / ops.maximum(length(x), self.eps)


@keras.saving.register_keras_serializable("archspec")
class Rbf(SpecLayer):
    """Squared distances to n fixed codes of -1 and 1 (LeCun et al. 1998, equation 7)."""

    n: int

    def build(self, shape):
        drawn = keras.random.uniform((self.n, shape[-1]), -1, 1)
        self.codes = self.learn("weight", drawn.shape, lambda *_, **__: ops.sign(drawn), trainable=False)

    def call(self, x):
        return ops.sum(ops.square(x[:, None] - self.codes), axis=-1)
