"""Convolutions and pools that PyTorch lacks. The only 2 in a class whose name ends in 2d is its rank: those for 1 and 3 axes are written from it."""

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


class BorderConv2d(nn.Conv2d):
    """Convolution whose border is not of zeros and differs at two ends; `pads` are those of torch.nn.functional.pad."""

    def __init__(self, *args, pads: tuple[int, ...], padding_mode: str, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.pads, self.border = pads, padding_mode

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.pads, mode=self.border))


class DeformConv2d(nn.Conv2d):
    """Deformable convolution (Dai et al. 2017): each number of the kernel reads the place that an offset, down and right, moves it to."""

    def forward(self, x: Tensor, offset: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        rows, columns = offset.shape[2:]
        moved = offset.unflatten(1, (-1, *self.kernel_size, 2))  # group of channels, row and column of the kernel, down and right
        line = torch.arange(max(rows, columns, *self.kernel_size), device=x.device, dtype=x.dtype)
        (high, wide), (down, right), (near, far), (top, left) = self.kernel_size, self.stride, self.dilation, map(int, self.padding)
        i = moved[..., 0, :, :] + (line[:high, None, None, None] * near + line[:rows, None] * down - top)
        j = moved[..., 1, :, :] + (line[:wide, None, None] * far + line[:columns] * right - left)
        places = torch.stack(((2 * j + 1) / width - 1, (2 * i + 1) / height - 1), dim=-1)
        parts = x.reshape(-1, channels // moved.shape[1], height, width)
        read = F.grid_sample(parts, places.view(len(parts), -1, columns, 2), align_corners=False)
        kernels = self.weight.view(self.out_channels, -1, 1, 1)
        return F.conv2d(read.view(batch, -1, rows, columns), kernels, self.bias, groups=self.groups)


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


class Unpool(nn.Module):
    """Puts numbers where max pooling of another map has its maxima; `pads` as torch.nn.functional.pad takes them."""

    def __init__(self, window, stride, pads: tuple[int, ...] = (), dilation=1) -> None:
        super().__init__()
        self.window, self.stride, self.pads, self.dilation = window, stride, pads, dilation

    def forward(self, x: Tensor, pooled: Tensor) -> Tensor:
        padded = F.pad(pooled.detach(), self.pads, value=float("-inf")) if self.pads else pooled.detach()
        pool = {3: F.max_pool1d, 4: F.max_pool2d, 5: F.max_pool3d}[x.dim()]
        places = pool(padded, self.window, self.stride, dilation=self.dilation, return_indices=True)[1]
        zeros = x.new_zeros(*x.shape[:2], padded[0, 0].numel())
        y = zeros.scatter(2, places.flatten(2), x.flatten(2)).view(*x.shape[:2], *padded.shape[2:])
        return F.pad(y, [-n for n in self.pads]) if self.pads else y


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
