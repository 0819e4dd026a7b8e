"""Functions of numbers and of channels, and what is active in training alone."""

from __future__ import annotations

import keras
from keras import layers, ops

from archspec.backends.keras.templates.shared_steps import length


@keras.saving.register_keras_serializable("archspec")
class Maxout(layers.Layer):
    """The largest of n channels side by side (Goodfellow et al. 2013)."""

    def __init__(self, n, **options):
        super().__init__(**options)
        self.n = n

    def call(self, x):
        return ops.max(ops.reshape(x, (-1, *x.shape[1:-1], x.shape[-1] // self.n, self.n)), axis=-1)


@keras.saving.register_keras_serializable("archspec")
class Squash(layers.Layer):
    """Shortens vectors to a length below 1 (Sabour et al. 2017)."""

    def call(self, x):
        size = length(x)
        return x * (size / (1 + size * size))


@keras.saving.register_keras_serializable("archspec")
class MatMul(layers.Layer):
    """A product of matrices for each index of the axes before these."""

    def call(self, values):
        x, other = values
        return ops.matmul(x, other)


@keras.saving.register_keras_serializable("archspec")
class Prelu(layers.Layer):
    """ReLU with a learned slope below 0: one, or one for each channel (He et al. 2015)."""

    def __init__(self, shared=True, **options):
        super().__init__(**options)
        self.shared = shared

    def build(self, shape):
        first = keras.initializers.Constant(0.25)
        self.slope = self.add_weight(name="weight", shape=(1 if self.shared else shape[-1],), initializer=first)

    def call(self, x):
        return ops.relu(x) - self.slope * ops.relu(-x)


@keras.saving.register_keras_serializable("archspec")
class DropPath(layers.Layer):
    """Zeroes the whole value of an example with probability p (Huang et al. 2016)."""

    def __init__(self, p=0.5, **options):
        super().__init__(**options)
        self.p, self.seed = p, keras.random.SeedGenerator()

    def call(self, x, training=False):
        return keras.random.dropout(x, self.p, (None,) + (1,) * (len(x.shape) - 1), self.seed) if training and self.p else x


@keras.saving.register_keras_serializable("archspec")
class Dropout2d(layers.Layer):
    """Zeroes whole channels of a map with probability p."""

    def __init__(self, p=0.5, **options):
        super().__init__(**options)
        self.p, self.seed = p, keras.random.SeedGenerator()

    def call(self, x, training=False):
        shape = (None,) + (1,) * (len(x.shape) - 2) + (x.shape[-1],)
        return keras.random.dropout(x, self.p, shape, self.seed) if training and self.p else x
