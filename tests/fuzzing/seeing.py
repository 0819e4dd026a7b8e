"""Layers by hand in torch, for what they see: all weights are 1 and maxima are sums, so that a gradient is 0 only where nothing is seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from tests.helpers.torch import tf_same

Shape = tuple[int, ...]
Run = Callable[[Tensor, float], Tensor]
"""A layer, of a value (N, C, *S) and of what it is padded with: 0, or NaN."""
CHANNELS = 2


def ones(x: Tensor, k: Shape, depthwise: bool = False) -> Tensor:
    return torch.ones(x.shape[1] if depthwise else CHANNELS, 1 if depthwise else x.shape[1], *k, dtype=x.dtype)


def around(x: Tensor, before: Sequence[int], after: Sequence[int], fill: float) -> Tensor:
    return F.pad(x, [n for pair in reversed(list(zip(before, after, strict=True))) for n in pair], value=fill)


def window(k: Shape, s: Shape, d: Shape, p: Shape | str, depthwise: bool = False, ceil: bool = False) -> Run:
    """A convolution or a pool: the sum of a window."""

    def run(x: Tensor, fill: float) -> Tensor:
        size = x.shape[2:]
        if p == "same":
            margins = [tf_same(n, *each)[1:] for n, *each in zip(size, k, s, d, strict=True)]
        else:
            margins = [(int(n), int(n)) for n in p]
        if ceil:
            for at, n in enumerate(size):
                room = n + sum(margins[at]) - d[at] * (k[at] - 1) - 1
                more = -(-room // s[at])
                if more * s[at] < n + margins[at][0]:
                    margins[at] = (margins[at][0], margins[at][1] + more * s[at] - room)
        x = around(x, [a for a, _ in margins], [b for _, b in margins], fill)
        function = F.conv1d if len(size) == 1 else F.conv2d
        return function(x, ones(x, k, depthwise), stride=s, dilation=d, groups=x.shape[1] if depthwise else 1)

    return run


def transposed(k: Shape, s: Shape, d: Shape, p: Shape | str, op: Shape) -> Run:
    def run(x: Tensor, fill: float) -> Tensor:
        size = x.shape[2:]
        more = [d_ * (k_ - 1) // s_ + d_ + 2 for k_, s_, d_ in zip(k, s, d, strict=True)]
        function = F.conv_transpose1d if len(size) == 1 else F.conv_transpose2d
        y = function(around(x, more, more, fill), torch.ones(x.shape[1], CHANNELS, *k, dtype=x.dtype), stride=s, dilation=d)
        for at, n in enumerate(size):
            reach = d[at] * (k[at] - 1) + 1
            if p == "same":
                out, before = n * s[at], max(reach - s[at], 0) // 2
            else:
                out, before = (n - 1) * s[at] - 2 * int(p[at]) + reach + op[at], int(p[at])
            y = y.narrow(2 + at, before + more[at] * s[at], out)
        return y

    return run


def bilinear(n: int) -> Run:
    def run(x: Tensor, fill: float) -> Tensor:
        for axis in range(2, x.dim()):
            size, index = x.shape[axis], torch.arange(n * x.shape[axis])
            low, rest = (2 * index + 1 - n) // (2 * n), (2 * index + 1 - n) % (2 * n)
            edge = (low < 0) | ((low + 1 >= size) & (rest > 0))
            weight = (rest.double() / (2 * n)).reshape([-1 if at == axis else 1 for at in range(x.dim())])
            first, second = x.index_select(axis, low.clamp(0)), x.index_select(axis, (low + 1).clamp(0, size - 1))
            x = torch.where(weight == 0, first, first * (1 - weight) + second * weight)
            x = x + torch.where(edge, fill, 0.0).reshape(weight.shape)
        return x

    return run


def nearest(x: Tensor, n: int) -> Tensor:
    for axis in range(2, x.dim()):
        x = x.repeat_interleave(n, axis)
    return x


def attended(w: Shape, shift: Shape) -> Run:
    """Every position with those of its window that were not rolled around."""

    def run(x: Tensor, fill: float) -> Tensor:
        for axis, (w_, shift_) in enumerate(zip(w, shift, strict=True), 2):
            size = x.shape[axis]
            shift_ = shift_ if w_ < size else 0
            rolled = (torch.arange(size) - shift_) % size
            group = rolled // w_ * 2 + (rolled >= size - shift_)
            together = (group[:, None] == group[None, :]).double()
            edge = torch.where(together.sum(1) < w_, fill, 0.0)
            x = torch.movedim(torch.movedim(x, axis, -1) @ together + edge, -1, axis)
        return x

    return run


def shuffled(x: Tensor, n: int) -> Tensor:
    if x.dim() == 4:
        return F.pixel_shuffle(x, n)
    size, channels, length = x.shape
    return x.reshape(size, channels // n, n, length).transpose(2, 3).reshape(size, channels // n, length * n)


def cropped(x: Tensor, target: Shape) -> Tensor:
    for axis, size in enumerate(target, 2):
        x = x.narrow(axis, (x.shape[axis] - size) // 2, size)
    return x
