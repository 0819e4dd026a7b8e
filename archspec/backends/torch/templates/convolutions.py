"""Convolutions that PyTorch lacks. The only 2 in a class whose name ends in 2d is its rank: those for 1 and 3 axes are written from it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PaddedConv2d(nn.Conv2d):
    """Convolution whose zeros differ at the two ends of an axis; `pads` as torch.nn.functional.pad takes them."""

    def __init__(self, *args, pads: tuple[int, ...], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.pads))


class CutConvTranspose2d(nn.ConvTranspose2d):
    """Transposed convolution that cuts differently at two ends; `cut` is ordered as torch.nn.functional.pad's pads."""

    def __init__(self, *args, cut: tuple[int, ...], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.cut = cut

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(super().forward(x), [-n for n in self.cut])


class TableConv2d(nn.Module):
    """Convolution with a connection table: the input maps of each filter (LeCun et al. 1998, table I)."""

    filters: Tensor
    inputs: Tensor

    def __init__(
        self,
        channels: int,
        maps: tuple[tuple[int, ...], ...],
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        size = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
        self.shape = (len(maps), channels, *size)
        self.options = {"stride": stride, "padding": padding, "dilation": dilation}
        self.register_buffer("filters", torch.tensor([f for f, row in enumerate(maps) for _ in row]), persistent=False)
        self.register_buffer("inputs", torch.tensor([i for row in maps for i in row]), persistent=False)
        self.weight = nn.Parameter(torch.empty(sum(map(len, maps)), *size))
        self.bias = nn.Parameter(torch.empty(len(maps))) if bias else None
        bound = (len(maps) / self.weight.numel()) ** 0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.new_zeros(self.shape).index_put((self.filters, self.inputs), self.weight)
        return F.conv2d(x, weight, self.bias, **self.options)
