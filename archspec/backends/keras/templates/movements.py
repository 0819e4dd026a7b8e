"""Layers that move, cut, fill or repeat numbers."""

from __future__ import annotations

import math
import re

import keras
import numpy as np
from keras import layers, ops

from archspec.backends.keras.templates.shared_steps import ends, padded, per_axis


@keras.saving.register_keras_serializable("archspec")
class Rearrange(layers.Layer):
    """Splits, reorders and joins axes as a pattern says (Rogozhnikov 2022), without the batch; `sizes` are those of parts of axes."""

    def __init__(self, pattern, sizes=(), **options):
        super().__init__(**options)
        self.pattern, self.sizes = pattern, sizes

    def call(self, x):
        left, right = (
            [(one or several).replace("1", "").split() for several, one in re.findall(r"\(([^)]*)\)|(\w+)", side)]
            for side in self.pattern.split("->")
        )
        known = dict(self.sizes)
        for group, size in zip(left, x.shape[1:]):
            rest = size // math.prod(known.get(name, 1) for name in group)
            known |= {name: rest for name in group if name not in known}
        names = [name for group in left for name in group]
        x = ops.reshape(x, (-1, *(known[name] for name in names)))
        x = ops.transpose(x, (0, *(names.index(name) + 1 for group in right for name in group)))
        return ops.reshape(x, (-1, *(math.prod(known[name] for name in group) for group in right)))


@keras.saving.register_keras_serializable("archspec")
class Pad(layers.Layer):
    """Numbers around a map, and channels of zeros: a number for both ends, or a pair in a tuple."""

    def __init__(self, p=0, c=0, h=None, w=None, d=None, mode="zero", **options):
        super().__init__(**options)
        self.p, self.c, self.h, self.w, self.d, self.mode = p, c, h, w, d, mode

    def call(self, x):
        rank = len(x.shape) - 2
        own = [getattr(self, letter) for letter in "dhw"[-rank:]]
        pairs = ends(self.p, rank) if own == [None] * rank else [ends(n or 0, 1)[0] for n in own]
        return ops.pad(padded(x, pairs, self.mode), [(0, 0)] * (rank + 1) + ends(self.c, 1))


@keras.saving.register_keras_serializable("archspec")
class Upsample(layers.Layer):
    """A map of another size, by interpolation as torch.nn.functional.interpolate does it."""

    def __init__(self, n=None, to=None, mode="nearest", corners=False, round="exact", **options):
        super().__init__(**options)
        self.n, self.to, self.mode, self.corners, self.round = n, to, mode, corners, round

    def call(self, x):
        for axis, size in enumerate(x.shape[1:-1], 1):
            if self.to is not None:
                out = per_axis(self.to, len(x.shape) - 2)[axis - 1]
            else:
                out = math.ceil(size * self.n - 1e-6) if self.round == "ceil" else math.floor(size * self.n + 1e-6)
            shape = [-1] + [1] * (len(x.shape) - axis - 1)
            parts = interpolation(size, out, self.mode, self.corners)
            x = sum(ops.take(x, at, axis=axis) * ops.cast(np.reshape(share, shape), x.dtype) for at, share in parts)
        return x


def interpolation(size, out, mode, corners):
    """What the positions of one axis read, and how it is weighed."""
    i = np.arange(out)
    if mode == "nearest":
        return [(i * size // out, np.ones(out))]
    at = i * (size - 1) / max(out - 1, 1) if corners else (i + 0.5) * size / out - 0.5
    at = np.maximum(at, 0) if mode == "bilinear" else at
    low, far = np.floor(at).astype(int), at - np.floor(at)
    if mode == "bilinear":
        shares = {0: 1 - far, 1: far}
    else:  # Keys 1981, with a = -3/4
        inner = {n: abs(far - n) for n in (0, 1)}
        outer = {n: abs(far - n) for n in (-1, 2)}
        shares = {n: 1.25 * t**3 - 2.25 * t**2 + 1 for n, t in inner.items()}
        shares |= {n: -0.75 * (t**3 - 5 * t**2 + 8 * t - 4) for n, t in outer.items()}
    return [(np.clip(low + n, 0, size - 1), share) for n, share in shares.items()]


@keras.saving.register_keras_serializable("archspec")
class PixelShuffle(layers.Layer):
    """Moves channels into space (Shi et al. 2016)."""

    def __init__(self, n, **options):
        super().__init__(**options)
        self.n = n

    def call(self, x):
        _, *sizes, channels = x.shape
        rank = len(sizes)
        x = ops.reshape(x, (-1, *sizes, channels // self.n**rank, *[self.n] * rank))
        x = ops.transpose(x, (0, *(at for axis in range(1, rank + 1) for at in (axis, axis + rank + 1)), rank + 1))
        return ops.reshape(x, (-1, *(size * self.n for size in sizes), x.shape[-1]))


@keras.saving.register_keras_serializable("archspec")
class Shuffle(layers.Layer):
    """Interleaves the channels of g groups (Zhang et al. 2018)."""

    def __init__(self, g, **options):
        super().__init__(**options)
        self.g = g

    def call(self, x):
        _, *sizes, channels = x.shape
        x = ops.reshape(x, (-1, *sizes, self.g, channels // self.g))
        return ops.reshape(ops.swapaxes(x, -1, -2), (-1, *sizes, channels))


@keras.saving.register_keras_serializable("archspec")
class PatchMerge(layers.Layer):
    """The channels of each patch of n side by side, the patch read column by column (Liu et al. 2021)."""

    def __init__(self, n=2, **options):
        super().__init__(**options)
        self.n = n

    def call(self, x):
        for axis in range(1, len(x.shape) - 1):
            x = ops.concatenate([x[(slice(None),) * axis + (slice(start, None, self.n),)] for start in range(self.n)], axis=-1)
        return x
