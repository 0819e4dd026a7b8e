"""Layers of PyTorch over other axes, and layers that move, cut or fill axes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TokenPReLU(nn.PReLU):
    """PReLU with a slope for each channel of tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class TokenBatchNorm1d(nn.BatchNorm1d):
    """Batch normalisation of the channels of tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class TokenGroupNorm(nn.GroupNorm):
    """Group normalisation of the channels of tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each position of a map."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class ChannelRMSNorm(nn.RMSNorm):
    """Division by the root of the mean square over the channels of each position of a map."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class LocalResponseNorm3d(nn.LocalResponseNorm):
    """Local response normalisation of a 3-D map whose axes may have been put into another order: PyTorch's views it as it lies in memory."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.contiguous())


class L2Norm(nn.Module):
    """Division by the Euclidean length along an axis."""

    def __init__(self, dim: int, eps: float = 1e-12) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x, dim=self.dim, eps=self.eps)


class GlobalResponseNorm(nn.Module):
    """Each channel of a map times its length by the mean length of all channels (Woo et al. 2023)."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1,) + (1,) * (x.dim() - 2)
        length = torch.linalg.vector_norm(x, dim=tuple(range(2, x.dim())), keepdim=True)
        even = x * (length / (length.mean(dim=1, keepdim=True) + self.eps))
        return x + even * self.weight.view(shape) + self.bias.view(shape)


class EvoNorm(nn.Module):
    """x*sigmoid(v*x) of a map by the root of the variance of its group of channels (Liu et al. 2020, EvoNorm-S0)."""

    def __init__(self, groups: int, channels: int, eps: float = 1e-5, act: bool = True) -> None:
        super().__init__()
        self.groups, self.eps = groups, eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.v = nn.Parameter(torch.ones(channels)) if act else None

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1,) + (1,) * (x.dim() - 2)
        variance = x.flatten(2).unflatten(1, (self.groups, -1)).var(dim=(2, 3), keepdim=True, unbiased=False)
        deviation = (variance + self.eps).sqrt()
        y = x if self.v is None else x * (x * self.v.view(shape)).sigmoid()
        y = (y.flatten(2).unflatten(1, (self.groups, -1)) / deviation).reshape(x.shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


class ChannelLinear(nn.Linear):
    """A matrix product over the channels of each position of a map."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class Pad(nn.Module):
    """Zeros around a map, as torch.nn.functional.pad takes them."""

    def __init__(self, pads: tuple[int, ...]) -> None:
        super().__init__()
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self.pads)


class Crop(nn.Module):
    """The centre of a map; `size` is one number, or one per axis."""

    def __init__(self, size) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        sizes = (self.size,) * (x.dim() - 2) if isinstance(self.size, int) else self.size
        for axis, size in enumerate(sizes, 2):
            x = x.narrow(axis, (x.shape[axis] - size) // 2, size)
        return x


class Maxout(nn.Module):
    """The largest of n channels side by side (Goodfellow et al. 2013)."""

    def __init__(self, n: int, dim: int) -> None:
        super().__init__()
        self.n, self.dim = n, dim

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(self.dim, (-1, self.n)).max(self.dim + (self.dim > 0)).values


class Squash(nn.Module):
    """Shortens vectors to a length below 1 (Sabour et al. 2017)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(x, dim=self.dim, keepdim=True)
        return x * (length / (1 + length * length))


class CropRange(nn.Module):
    """The positions from `start` up to, not including, `stop` along each axis of a map."""

    def __init__(self, start: int, stop: int) -> None:
        super().__init__()
        self.start, self.stop = start, stop

    def forward(self, x: Tensor) -> Tensor:
        for axis in range(2, x.dim()):
            x = x.narrow(axis, self.start, self.stop - self.start)
        return x


class Slice(nn.Module):
    """Channels from `start` up to, not including, `stop`."""

    def __init__(self, start: int, stop: int, dim: int = 1) -> None:
        super().__init__()
        self.start, self.stop, self.dim = start, stop, dim

    def forward(self, x: Tensor) -> Tensor:
        return x.narrow(self.dim, self.start, self.stop - self.start)


class Plus(nn.Module):
    """A value and a number."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def forward(self, x: Tensor) -> Tensor:
        return x + self.number


class Times(nn.Module):
    """A value times a number."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def forward(self, x: Tensor) -> Tensor:
        return x * self.number


class Abs(nn.Module):
    """Absolute values."""

    def forward(self, x: Tensor) -> Tensor:
        return x.abs()


class ToTokens(nn.Module):
    """The positions of a map, row by row, as a sequence."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).transpose(1, 2)


class FirstToken(nn.Module):
    """The first token."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0]


class Token(nn.Module):
    """One token, by its number; -1 is the last."""

    def __init__(self, index: int, dim: int = 1) -> None:
        super().__init__()
        self.index, self.dim = index, dim

    def forward(self, x: Tensor) -> Tensor:
        return x.select(self.dim, self.index)


class Rearrange(nn.Module):
    """Splits axes into parts, puts the parts into another order, and joins those from a first to a last one."""

    def __init__(
        self,
        split: tuple[tuple[int, tuple[int, ...]], ...] = (),
        order: tuple[int, ...] = (),
        join: tuple[tuple[int, int], ...] = (),
    ) -> None:
        super().__init__()
        self.split, self.order, self.join = split, order, join

    def forward(self, x: Tensor) -> Tensor:
        for axis, sizes in reversed(self.split):
            x = x.unflatten(axis, sizes)
        if self.order:
            x = x.permute(0, *self.order)
        for first, last in reversed(self.join):
            x = x.flatten(first, last)
        return x


class Swap(nn.Module):
    """Tokens as channels, and channels as tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


class ToMap(nn.Module):
    """Tokens as the positions of a map, row by row."""

    def __init__(self, size: tuple[int, ...]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2).unflatten(2, self.size)


class Reshape(nn.Module):
    """The same numbers with other axes; the batch stays."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), *self.shape)


class Mean(nn.Module):
    """The mean along an axis."""

    def __init__(self, dim: int, keepdim: bool = False) -> None:
        super().__init__()
        self.dim, self.keepdim = dim, keepdim

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(self.dim, self.keepdim)


class Max(nn.Module):
    """The maximum along an axis."""

    def __init__(self, dim: int, keepdim: bool = False) -> None:
        super().__init__()
        self.dim, self.keepdim = dim, keepdim

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(self.dim, self.keepdim)


class PixelShuffle(nn.Module):
    """Moves channels into space, as nn.PixelShuffle does it for two axes."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        rank = x.dim() - 2
        x = x.unflatten(1, (-1, *(self.size,) * rank))  # N, C, size, ..., *S
        x = x.permute(0, 1, *(axis for i in range(rank) for axis in (2 + rank + i, 2 + i)))
        for axis in range(2, 2 + rank):
            x = x.flatten(axis, axis + 1)
        return x


class PatchMerge(nn.Module):
    """The channels of each patch side by side, the patch read column by column (Liu et al. 2021)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        for axis in range(2, x.dim()):
            parts = [x[(slice(None),) * axis + (slice(start, None, self.size),)] for start in range(self.size)]
            x = torch.cat(parts, dim=1)
        return x
