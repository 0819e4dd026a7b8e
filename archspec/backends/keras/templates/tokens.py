"""Layers of tokens, tensors, and learned factors."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from archspec.backends.keras.templates.spec_layers import SpecLayer, Start, per_axis


@keras.saving.register_keras_serializable("archspec")
class ClassToken(SpecLayer):
    """Puts n learned tokens before the sequence."""

    n: int = 1

    def build(self, shape):
        self.tokens = self.learn("weight", (1, self.n, shape[-1]))

    def call(self, x):
        tokens = ops.broadcast_to(self.tokens, (ops.shape(x)[0], self.n, x.shape[-1]))
        return ops.concatenate([tokens, x], axis=1)


@keras.saving.register_keras_serializable("archspec")
class Position(SpecLayer):
    """Adds to each token what tells its position: a learned vector, or sines and cosines (Vaswani et al. 2017, section 3.5)."""

    kind: str = "learned"

    def build(self, shape):
        _, length, channels = shape
        if self.kind == "learned":
            self.table = self.learn("weight", (1, length, channels), keras.initializers.RandomNormal(stddev=0.02))
        else:
            even = np.arange(channels) // 2 * 2
            angles = np.arange(length)[:, None] / 10000 ** (even / channels)
            self.table = np.where(np.arange(channels) % 2, np.cos(angles), np.sin(angles))[None].astype("float32")

    def call(self, x):
        return x + ops.cast(self.table, x.dtype)


@keras.saving.register_keras_serializable("archspec")
class Scale(SpecLayer):
    """A learned factor for each channel, or one for all numbers."""

    init: float = 1.0
    shared: bool = False

    def build(self, shape):
        self.factor = self.learn("weight", () if self.shared else (shape[-1],), self.init)

    def call(self, x):
        return x * self.factor


@keras.saving.register_keras_serializable("archspec")
class Tensor(SpecLayer):
    """A stored tensor as a value: it is given for each example of what it is called with."""

    shape: tuple
    init: float | str = 0.0
    std: float | None = None
    stored: tuple | None = None
    map: bool = False

    def build(self, shape):
        *axes, channels = self.shape if isinstance(self.shape, (tuple, list)) else [self.shape]
        self.laid = (channels, *axes) if len(axes) > 1 or self.map else (*axes, channels)
        first = Start(self.init, self.std) if isinstance(self.init, str) else self.init
        self.value = self.learn("weight", self.laid if self.stored is None else per_axis(self.stored, 1), first)

    def call(self, x):
        value = ops.reshape(self.value, self.laid)
        value = ops.moveaxis(value, 0, -1) if self.map or len(self.laid) > 2 else value
        return ops.broadcast_to(value[None], (ops.shape(x)[0], *value.shape))
