"""Layers by hand, where torch has none or has them otherwise. Tensors are N,C,*S for maps, N,T,C for tokens, N,C for vectors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from tests.fuzzing.draw import demand
from tests.helpers.torch import AVGPOOL, CONV, MAXPOOL

Axes = tuple[int, ...]
Ends = Sequence[tuple[int, int]]
"""Zeros before and after, for each axis."""


def ends_of_windows(size: int, span: int, s: int, before: int, after: int, rounding: str) -> tuple[int, int]:
    """Zeros before and after for windows put down one by one. Raises Refused where none fits, or `exact` ones leave something over.

    With `ceil` windows go on while they begin inside the input or the zeros before it, as torch has it.
    """
    padded = before + size + after
    demand(span <= padded, f"a window of {span} in {padded}")
    start = 0
    while start + s + span <= padded:
        start += s
    over = padded - start - span
    demand(rounding != "exact" or over == 0, f"{over} are left over")
    if rounding == "ceil" and over and start + s < before + size:
        return before, after + start + s + span - padded
    return before, after


def flat(ends: Ends) -> list[int]:
    """Padding as F.pad takes it: the last axis first."""
    return [number for pair in reversed(ends) for number in pair]


def bordered(x: Tensor, ends: Ends, mode: str) -> Tensor:
    """A map with a border, each of whose numbers is looked up. Raises Refused where the map has too few of them."""
    if mode == "zero":
        return F.pad(x, flat(ends))
    for axis, (before, after) in enumerate(ends, 2):
        size = x.shape[axis]
        demand(
            max(before, after) <= {"reflect": size - 1, "wrap": size}.get(mode, before + after),
            f"a border of {before}:{after} around {size}",
        )
        places = [_place(at, size, mode) for at in range(-before, size + after)]
        x = x.index_select(axis, torch.tensor(places))
    return x


def _place(at: int, size: int, mode: str) -> int:
    if mode == "wrap":
        return at % size
    inside = min(max(at, 0), size - 1)
    return inside if mode == "edge" else inside + (inside - at)


class PaddedConv(nn.Module):
    """A convolution whose padding may differ at the two ends, and hold other numbers than zeros."""

    def __init__(self, channels: int, filters: int, k: Axes, s: Axes, ends: Ends, d: Axes, g: int, bias: bool, mode: str = "zero") -> None:
        super().__init__()
        self.ends, self.mode = ends, mode
        self.conv = CONV[len(k)](channels, filters, k, s, 0, d, g, bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(bordered(x, self.ends, self.mode))


class Deformed(nn.Module):
    """A convolution that reads between positions, as an offset says: the four numbers around each place, looked up one by one."""

    def __init__(self, conv: nn.Conv2d, ends: Ends) -> None:
        super().__init__()
        self.conv, self.ends = conv, ends

    def forward(self, x: Tensor, offset: Tensor) -> Tensor:
        (high, wide), (rows, columns), count = self.conv.kernel_size, offset.shape[2:], len(x)
        for axis, taps, steps in ((0, high, rows), (1, wide, columns)):
            reach = x.shape[2 + axis] + sum(self.ends[axis]) - self.conv.dilation[axis] * (taps - 1) - 1
            demand(reach // self.conv.stride[axis] + 1 == steps, "offsets for another size")
        places = []
        for axis, taps, steps in ((0, high, rows), (1, wide, columns)):
            own = torch.arange(steps)[:, None] * self.conv.stride[axis] + torch.arange(taps) * self.conv.dilation[axis] - self.ends[axis][0]
            places.append(own.T.reshape(taps, 1, steps, 1) if axis == 0 else own.T.reshape(1, taps, 1, steps))
        moves = offset.view(count, -1, high, wide, 2, rows, columns)
        i, j = (places[axis] + moves[:, :, :, :, axis] for axis in (0, 1))
        parts = x.reshape(count, moves.shape[1], -1, x.shape[2] * x.shape[3])
        read: Tensor | float = 0.0
        for a in (i.floor(), i.floor() + 1):
            for b in (j.floor(), j.floor() + 1):
                inside = (a >= 0) & (a < x.shape[2]) & (b >= 0) & (b < x.shape[3])
                at = (a.clamp(0, x.shape[2] - 1) * x.shape[3] + b.clamp(0, x.shape[3] - 1)).long().flatten(2)[:, :, None]
                weight = ((1 - (i - a).abs()) * (1 - (j - b).abs()) * inside).flatten(2)[:, :, None]
                read = read + weight * parts.gather(3, at.expand(-1, -1, parts.shape[2], -1))
        assert isinstance(read, Tensor)
        kernels = self.conv.weight.flatten(1)[:, :, None, None]
        return F.conv2d(read.view(count, -1, rows, columns), kernels, self.conv.bias, groups=self.conv.groups)


class LocalNorm(nn.LocalResponseNorm):
    """Local response normalisation; `unsettled` where squares are so large that a sum which slides over the channels, as ONNX Runtime's, rounds."""

    unsettled = False

    def forward(self, x: Tensor) -> Tensor:
        self.unsettled = bool(x.square().max() > 100 * self.k * self.size / self.alpha)
        return super().forward(x.contiguous())


class Standard(nn.Module):
    """A convolution or a matrix product whose rows of weights are standardised first, with a gain by the root of their size if any."""

    def __init__(self, inner: nn.Module, gain: bool, eps: float) -> None:
        super().__init__()
        self.inner, self.eps = inner, eps
        gains = torch.ones(len(inner.weight), *[1] * (inner.weight.dim() - 1))
        self.gain = nn.ParameterList([gains] * gain)  # behind the layer's own, as a list

    def forward(self, x: Tensor) -> Tensor:
        weight = self.inner.weight
        axes = tuple(range(1, weight.dim()))
        centred = weight - weight.mean(axes, keepdim=True)
        even = centred / (centred.square().mean(axes, keepdim=True) + self.eps).sqrt()
        for gain in self.gain:
            even = even * gain / weight[0].numel() ** 0.5
        if isinstance(self.inner, nn.Linear):
            return F.linear(x, even, self.inner.bias)
        return self.inner._conv_forward(x, even, self.inner.bias)


def formed(module: nn.Module, a: dict[str, Any]) -> nn.Module:
    """A layer with its weights in the form that its arguments say."""
    if a["norm"] == "std":
        weight = module.weight
        demand(isinstance(weight, Tensor) and weight[0].numel() > 1, "filters of one number, which cannot be standardised")
        return Standard(module, a["gain"], a["eps"])
    makers = {"weight": weight_norm, "spectral": spectral_norm}
    return makers[a["norm"]](module) if a["norm"] else module


class TableConv(nn.Module):
    """One small convolution per filter, over the maps that a table names; their kernels stand one after another."""

    def __init__(self, table: Sequence[Axes], k: Axes, s: Axes, ends: Ends, d: Axes, bias: bool) -> None:
        super().__init__()
        self.table, self.options, self.pads = table, {"stride": s, "dilation": d}, flat(ends)
        self.convolve = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[len(k)]
        self.weight = nn.Parameter(torch.zeros(sum(map(len, table)), *k))
        self.bias = nn.Parameter(torch.zeros(len(table))) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        x, at, found = F.pad(x, self.pads), 0, []
        for filter_, row in enumerate(self.table):
            bias = self.bias[filter_ : filter_ + 1] if self.bias is not None else None
            found.append(self.convolve(x[:, list(row)], self.weight[None, at : at + len(row)], bias, **self.options))
            at += len(row)
        return torch.cat(found, 1)


class CutDeconv(nn.Module):
    """A transposed convolution that is cut at its ends; a cut below 0 adds zeros, on which the bias stands too."""

    def __init__(self, deconv: nn.Module, cuts: Ends) -> None:
        super().__init__()
        self.deconv, self.pads = deconv, flat([(-before, -after) for before, after in cuts])

    def forward(self, x: Tensor) -> Tensor:
        bias, self.deconv.bias = self.deconv.bias, None
        y = F.pad(self.deconv(x), self.pads)
        self.deconv.bias = bias
        return y if bias is None else y + bias.view(-1, *[1] * (x.dim() - 2))


class MaxPool(nn.Module):
    """Max pooling with zeros' place taken by -inf."""

    def __init__(self, w: Axes, s: Axes, ends: Ends, d: Axes) -> None:
        super().__init__()
        self.pads, self.pool = flat(ends), MAXPOOL[len(w)](w, s, 0, d)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(F.pad(x, self.pads, value=float("-inf")))


class SameAvgPool(nn.Module):
    """Mean over windows of a padded map; the `counted` ones of the zeros around it count, and those behind them do not."""

    def __init__(self, w: Axes, s: Axes, ends: Ends, counted: Ends) -> None:
        super().__init__()
        self.pads, self.pool, self.counted = flat(ends), AVGPOOL[len(w)](w, s), flat(counted)
        self.rest = tuple(end - count for end, count in zip(self.pads, self.counted, strict=True))

    def forward(self, x: Tensor) -> Tensor:
        counts = F.pad(F.pad(torch.ones_like(x), self.counted, value=1), self.rest)
        return self.pool(F.pad(x, self.pads)) / self.pool(counts)


class AvgPool3d(nn.Module):
    """Mean over boxes, as the mean of means along one axis and over two: torch's own refuses a window that fits with its padding only."""

    def __init__(self, w: Axes, s: Axes, p: Axes, ceil: bool, counted: bool) -> None:
        super().__init__()
        self.one = nn.AvgPool1d(w[0], s[0], p[0], ceil, counted)
        self.two = nn.AvgPool2d(w[1:], s[1:], p[1:], ceil, counted)

    def forward(self, x: Tensor) -> Tensor:
        n, c = x.shape[:2]
        planes = self.two(x.flatten(1, 2))
        height, width = planes.shape[2:]
        columns = planes.unflatten(1, (c, -1)).permute(0, 3, 4, 1, 2).reshape(n * height * width, c, -1)
        return self.one(columns).unflatten(0, (n, height, width)).permute(0, 3, 4, 1, 2)


class Subsample(nn.Module):
    """The sum over a window, times a coefficient, plus a bias."""

    def __init__(self, channels: int, w: Axes, s: Axes, ends: Ends) -> None:
        super().__init__()
        self.pads, self.pool = flat(ends), AVGPOOL[len(w)](w, s)
        self.count = torch.Size(w).numel()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1, *[1] * (x.dim() - 2))
        return self.pool(F.pad(x, self.pads)) * self.count * self.weight.view(shape) + self.bias.view(shape)


class OverChannels(nn.Module):
    """A module that wants channels last (`first` False) or second (`first` True), given them the other way."""

    def __init__(self, inner: nn.Module, *, first: bool) -> None:
        super().__init__()
        self.inner, self.first = inner, first

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.movedim(-1, 1)).movedim(1, -1) if self.first else self.inner(x.movedim(1, -1)).movedim(-1, 1)


class PixelShuffle(nn.Module):
    """Channels into space: the pixel at i*n + a comes from position i of the channel whose number ends in a, in base n."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n

    def forward(self, x: Tensor) -> Tensor:
        rank = x.dim() - 2
        block = self.n**rank
        y = x.new_zeros(x.shape[0], x.shape[1] // block, *(size * self.n for size in x.shape[2:]))
        for at, offsets in enumerate(itertools.product(range(self.n), repeat=rank)):
            y[(slice(None), slice(None), *(slice(a, None, self.n) for a in offsets))] = x[:, at::block]
        return y


class PatchMerge(nn.Module):
    """The pixels of a patch side by side in the channels, those along the first axis being neighbours."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n

    def forward(self, x: Tensor) -> Tensor:
        patches = itertools.product(range(self.n), repeat=x.dim() - 2)
        return torch.cat([x[(slice(None), slice(None), *(slice(a, None, self.n) for a in reversed(at)))] for at in patches], 1)


class Parameter(nn.Module):
    """A layer that is one tensor: a factor, a token put first, or positions added."""

    def __init__(self, kind: str, shape: Axes, spread: Axes = ()) -> None:
        super().__init__()
        self.kind = kind
        self.value = nn.Parameter(torch.ones(shape))
        self.spread = spread or shape

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "cls":
            return torch.cat([self.value.expand(len(x), -1, -1), x], 1)
        return x * self.value.view(self.spread) if self.kind == "scale" else x + self.value


class OfAll(nn.Module):
    """A tensor that is the same for all images of a batch."""

    def __init__(self, stored: Axes, shape: Axes, frozen: bool) -> None:
        super().__init__()
        self.shape = shape
        if frozen:
            self.register_buffer("value", torch.ones(stored))
        else:
            self.value = nn.Parameter(torch.ones(stored))

    def forward(self, x: Tensor) -> Tensor:
        return self.value.reshape(self.shape).expand(len(x), *self.shape)


def sinusoids(x: Tensor) -> Tensor:
    """Add sines to even channels and cosines to odd ones, number by number (Vaswani et al. 2017)."""
    _, length, channels = x.shape
    rows = [[(math.cos if c % 2 else math.sin)(t / 10000 ** (c // 2 * 2 / channels)) for c in range(channels)] for t in range(length)]
    return x + torch.tensor(rows, dtype=torch.float32).to(x.dtype)  # a model holds them in single precision


class Embedding(nn.Module):
    def __init__(self, words: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(words, size))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight[x.long()]


class Attention(nn.Module):
    """Multi-head self-attention, written with plain matrix products."""

    def __init__(self, channels: int, heads: int, bias: bool) -> None:
        super().__init__()
        demand(channels % heads == 0, f"{channels} channels, {heads} heads")
        self.heads = heads
        self.into, self.out = nn.Linear(channels, 3 * channels, bias), nn.Linear(channels, channels, bias)

    def mix(self, tokens: Tensor, added: Tensor | None = None) -> Tensor:
        """(..., T, C) to the same; `added` is added to the scores (..., heads, T, T)."""
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(-2, -3) for part in self.into(tokens).chunk(3, -1))
        scores = torch.matmul(q, k.transpose(-1, -2)) / q.shape[-1] ** 0.5
        scores = torch.softmax(scores if added is None else scores + added, -1)
        return self.out(torch.matmul(scores, v).transpose(-2, -3).flatten(-2))

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(x)


class WindowAttention(nn.Module):
    """Attention among the positions that a table of windows lists, position by position (Liu et al. 2021, section 3.2)."""

    def __init__(self, channels: int, size: Axes, heads: int, w: Axes, shift: Axes, bias: bool) -> None:
        super().__init__()
        demand(len(size) == 2, "windows of a map with another rank")
        demand(all(a % b == 0 and c < b for a, b, c in zip(size, w, shift, strict=True)), f"windows {w} shifted by {shift} in {size}")
        self.table = nn.Parameter(torch.zeros((2 * w[0] - 1) * (2 * w[1] - 1), heads))
        self.attention = Attention(channels, heads, bias)
        shift = tuple(c if b < a else 0 for a, b, c in zip(size, w, shift, strict=True))
        rolled = list(itertools.product(*(range(n) for n in w)))
        self.places: list[list[int]] = []
        apart = []
        for corner in itertools.product(*(range(0, a, b) for a, b in zip(size, w, strict=True))):
            at = [tuple(c + i for c, i in zip(corner, inside, strict=True)) for inside in rolled]
            true = [tuple((i + s) % n for i, s, n in zip(position, shift, size, strict=True)) for position in at]
            wrapped = [tuple(i + s >= n for i, s, n in zip(position, shift, size, strict=True)) for position in at]
            self.places.append([row * size[1] + column for row, column in true])
            apart.append([[0.0 if a == b else -100.0 for b in wrapped] for a in wrapped])
        self.apart = torch.tensor(apart)[:, None]
        self.relative = [[(a[0] - b[0] + w[0] - 1) * (2 * w[1] - 1) + a[1] - b[1] + w[1] - 1 for b in rolled] for a in rolled]

    def forward(self, x: Tensor) -> Tensor:
        windows = x.flatten(2).transpose(1, 2)[:, self.places]
        mixed = self.attention.mix(windows, self.table[torch.tensor(self.relative)].permute(2, 0, 1) + self.apart.to(x.dtype))
        y = torch.zeros_like(x).flatten(2)
        y[:, :, list(itertools.chain(*self.places))] = mixed.flatten(1, 2).transpose(1, 2)
        return y.view(x.shape)


class Do(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *values: torch.Tensor) -> torch.Tensor:
        return self.function(*values)
