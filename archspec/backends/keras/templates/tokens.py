"""Layers of tokens, tensors, and learned factors.

A line that ends in `#: word`, with the block that it opens, is in files where an argument is called so.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from archspec.backends.keras.templates.shared_steps import per_axis
from archspec.backends.keras.templates.starts import start


@keras.saving.register_keras_serializable("archspec")
class ClassToken(layers.Layer):
    """Puts n learned tokens before the sequence."""

    def __init__(self, n=1, **options):
        super().__init__(**options)
        self.n = n

    def build(self, shape):
        self.tokens = self.add_weight(name="weight", shape=(1, self.n, shape[-1]), initializer="zeros")

    def call(self, x):
        tokens = ops.broadcast_to(self.tokens, (ops.shape(x)[0], self.n, x.shape[-1]))
        return ops.concatenate([tokens, x], axis=1)


@keras.saving.register_keras_serializable("archspec")
class Position(layers.Layer):
    """Adds to each token what tells its position: a learned vector, or sines and cosines (Vaswani et al. 2017, section 3.5)."""

    def __init__(self, kind="learned", **options):  #: kind
        super().__init__(**options)
        self.kind = kind

    def build(self, shape):
        if self.kind == "sin":  #: kind
            return
        first = keras.initializers.RandomNormal(stddev=0.02)
        self.table = self.add_weight(name="weight", shape=(1, *shape[1:]), initializer=first)

    def call(self, x):
        if self.kind == "sin":  #: kind
            count, channels = x.shape[1:]
            angles = np.arange(count)[:, None] / 10000 ** (np.arange(channels) // 2 * 2 / channels)
            return x + ops.cast(np.where(np.arange(channels) % 2, np.cos(angles), np.sin(angles)), x.dtype)
        return x + ops.cast(self.table, x.dtype)


@keras.saving.register_keras_serializable("archspec")
class Scale(layers.Layer):
    """A learned factor for each channel, or one for all numbers."""

    def __init__(self, init=1.0, shared=False, flat=False, **options):
        super().__init__(**options)
        self.init, self.shared, self.flat = init, shared, flat

    def build(self, shape):
        first, one = keras.initializers.Constant(self.init), (1,) if self.flat else ()
        self.factor = self.add_weight(name="weight", shape=one if self.shared else (shape[-1],), initializer=first)

    def call(self, x):
        return x * self.factor


@keras.saving.register_keras_serializable("archspec")
class Tensor(layers.Layer):
    """A stored tensor as a value: it is given for each example of what it is called with."""

    def __init__(self, shape, init=0.0, std=None, stored=None, map=False, **options):
        super().__init__(**options)
        self.shape, self.init, self.std, self.stored, self.map = shape, init, std, stored, map

    def build(self, shape):
        *axes, channels = per_axis(self.shape, 1)
        self.laid = (channels, *axes) if len(axes) > 1 or self.map else (*axes, channels)
        first = keras.initializers.Constant(self.init)
        first = start(self.init, self.std) if isinstance(self.init, str) else first  #: init_text
        size = self.laid if self.stored is None else per_axis(self.stored, 1)
        self.value = self.add_weight(name="weight", shape=size, initializer=first)

    def call(self, x):
        value = ops.reshape(self.value, self.laid)
        value = ops.moveaxis(value, 0, -1) if self.map or len(self.laid) > 2 else value
        return ops.broadcast_to(value[None], (ops.shape(x)[0], *value.shape))
