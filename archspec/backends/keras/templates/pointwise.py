"""Functions of numbers and of channels, reductions, and what is active in training alone."""

from __future__ import annotations

import keras
from keras import ops

from archspec.backends.keras.templates.spec_layers import SpecLayer, length


@keras.saving.register_keras_serializable("archspec")
class Glu(SpecLayer):
    """The first half of the channels, times the sigmoid of the second (Dauphin et al. 2016)."""

    def call(self, x):
        a, b = ops.split(x, 2, axis=-1)
        return a * ops.sigmoid(b)


@keras.saving.register_keras_serializable("archspec")
class Maxout(SpecLayer):
    """The largest of n channels side by side (Goodfellow et al. 2013)."""

    n: int

    def call(self, x):
        return ops.max(ops.reshape(x, (-1, *x.shape[1:-1], x.shape[-1] // self.n, self.n)), axis=-1)


@keras.saving.register_keras_serializable("archspec")
class Squash(SpecLayer):
    """Shortens vectors to a length below 1 (Sabour et al. 2017)."""

    def call(self, x):
        size = length(x)
        return x * (size / (1 + size * size))


@keras.saving.register_keras_serializable("archspec")
class Abs(SpecLayer):
    """Absolute values."""

    def call(self, x):
        return ops.abs(x)


@keras.saving.register_keras_serializable("archspec")
class Add(SpecLayer):
    """A value and a number."""

    number: float

    def call(self, x):
        return x + self.number


@keras.saving.register_keras_serializable("archspec")
class Sub(SpecLayer):
    """A value less a number."""

    number: float

    def call(self, x):
        return x - self.number


@keras.saving.register_keras_serializable("archspec")
class Mul(SpecLayer):
    """A value times a number."""

    number: float

    def call(self, x):
        return x * self.number


@keras.saving.register_keras_serializable("archspec")
class Softmax(SpecLayer):
    """Softmax over the channels, or over the tokens."""

    axis: str = "c"

    def call(self, x):
        return ops.softmax(x, axis=-1 if self.axis == "c" else 1)


@keras.saving.register_keras_serializable("archspec")
class LogSoftmax(SpecLayer):
    """The logarithm of softmax over the channels, or over the tokens."""

    axis: str = "c"

    def call(self, x):
        return ops.log_softmax(x, axis=-1 if self.axis == "c" else 1)


@keras.saving.register_keras_serializable("archspec")
class Prelu(SpecLayer):
    """ReLU with a learned slope below 0: one, or one for each channel (He et al. 2015)."""

    shared: bool = True

    def build(self, shape):
        self.slope = self.learn("weight", (1 if self.shared else shape[-1],), 0.25)

    def call(self, x):
        return ops.relu(x) - self.slope * ops.relu(-x)


@keras.saving.register_keras_serializable("archspec")
class Mean(SpecLayer):
    """The mean of the channels of each position, or of each channel over the tokens."""

    axis: str
    keepdims: bool = False

    def call(self, x):
        return ops.mean(x, -1 if self.axis == "c" else 1, self.keepdims)


@keras.saving.register_keras_serializable("archspec")
class Max(SpecLayer):
    """The maximum of the channels of each position, or of each channel over the tokens."""

    axis: str
    keepdims: bool = False

    def call(self, x):
        return ops.max(x, -1 if self.axis == "c" else 1, self.keepdims)


@keras.saving.register_keras_serializable("archspec")
class DropPath(SpecLayer):
    """Zeroes the whole value of an example with probability p (Huang et al. 2016)."""

    p: float = 0.5

    def build(self, shape):
        self.seed = keras.random.SeedGenerator()

    def call(self, x, training=False):
        return keras.random.dropout(x, self.p, (None,) + (1,) * (len(x.shape) - 1), self.seed) if training and self.p else x


@keras.saving.register_keras_serializable("archspec")
class Dropout2d(SpecLayer):
    """Zeroes whole channels of a map with probability p."""

    p: float = 0.5

    def build(self, shape):
        self.seed = keras.random.SeedGenerator()

    def call(self, x, training=False):
        shape = (None,) + (1,) * (len(x.shape) - 2) + (x.shape[-1],)
        return keras.random.dropout(x, self.p, shape, self.seed) if training and self.p else x
