"""Pools that PyTorch lacks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PaddedMaxPool(nn.Module):
    """Max pooling whose padding differs at the two ends of an axis."""

    def __init__(self, window, stride, pads: tuple[int, ...], rank: int, dilation=1) -> None:
        super().__init__()
        self.pads = pads
        self.pool = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}[rank](window, stride, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(F.pad(x, self.pads, value=float("-inf")))


class PaddedAvgPool(nn.Module):
    """Average pooling whose padding differs at two ends, or is wider than nn.AvgPool takes it.

    `count_include_pad` counts the zeros of `pads` in the divisor; those of `overhang`, behind them, never count.
    """

    def __init__(
        self,
        window,
        stride,
        pads: tuple[int, ...],
        rank: int,
        overhang: tuple[int, ...] = (),
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.pads, self.overhang = pads, overhang
        self.count_include_pad = count_include_pad
        self.pool = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}[rank](window, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.pool(self.padded(x, 0.0))
        if self.count_include_pad and not self.overhang:
            return y
        return y / self.pool(self.padded(torch.ones_like(x), 1.0 if self.count_include_pad else 0.0))

    def padded(self, x: Tensor, value: float) -> Tensor:
        return F.pad(F.pad(x, self.pads, value=value), self.overhang)


class Subsample(nn.Module):
    """The sum over a window, times a coefficient, plus a bias, learned for each map (LeCun et al. 1998, S2)."""

    def __init__(self, channels: int, window, stride, rank: int, pads: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.pads = pads
        self.pool = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}[rank](window, stride)
        self.size = window**rank if isinstance(window, int) else torch.Size(window).numel()
        self.shape = (channels,) + (1,) * rank
        self.weight = nn.Parameter(torch.full((channels,), 1 / self.size))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, self.pads) if self.pads else x
        return self.pool(x) * self.size * self.weight.view(self.shape) + self.bias.view(self.shape)


class MeanOfTokens(nn.Module):
    """The mean over the tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1)
