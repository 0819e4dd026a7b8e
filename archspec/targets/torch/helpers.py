"""Modules that PyTorch lacks, as source: those that a network needs are written into its file."""

from __future__ import annotations

_PADDED_CONV = '''
class PaddedConv{rank}d(nn.Conv{rank}d):
    """Convolution whose zeros differ at the two ends of an axis; `pads` as torch.nn.functional.pad takes them."""

    def __init__(self, *args, pads: tuple[int, ...], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.pads))
'''

_CUT_CONV = '''
class CutConvTranspose{rank}d(nn.ConvTranspose{rank}d):
    """Transposed convolution that cuts differently at the two ends of an axis; `cut` is ordered as torch.nn.functional.pad's."""

    def __init__(
        self, channels: int, filters: int, kernel, stride, dilation, cut: tuple[int, ...], groups: int = 1, bias: bool = True
    ) -> None:
        super().__init__(channels, filters, kernel, stride, groups=groups, bias=bias, dilation=dilation)
        self.cut = cut

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(super().forward(x), [-n for n in self.cut])
'''

_SOURCES = {
    "TableConv2d": '''
class TableConv2d(nn.Module):
    """Convolution with a connection table: for each filter the input maps that it reads (LeCun et al. 1998, table I)."""

    def __init__(
        self, channels: int, maps: tuple[tuple[int, ...], ...], kernel_size, stride=1, padding=0, dilation=1, bias: bool = True
    ) -> None:
        super().__init__()
        size = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
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
''',
    "PaddedMaxPool": '''
class PaddedMaxPool(nn.Module):
    """Max pooling whose padding differs at the two ends of an axis."""

    def __init__(self, window, stride, pads: tuple[int, ...], rank: int, dilation=1, ceil_mode: bool = False) -> None:
        super().__init__()
        self.pads = pads
        self.pool = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}[rank](window, stride, dilation=dilation, ceil_mode=ceil_mode)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(F.pad(x, self.pads, value=float("-inf")))
''',
    "PaddedAvgPool": '''
class PaddedAvgPool(nn.Module):
    """Average pooling whose padding differs at the two ends of an axis; `count_pad` counts its zeros in the divisor."""

    def __init__(self, window, stride, pads: tuple[int, ...], rank: int, count_pad: bool, ceil_mode: bool = False) -> None:
        super().__init__()
        self.pads = pads
        self.count_pad = count_pad
        self.pool = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}[rank](window, stride, ceil_mode=ceil_mode)

    def forward(self, x: Tensor) -> Tensor:
        y = self.pool(F.pad(x, self.pads))
        return y if self.count_pad else y / self.pool(F.pad(torch.ones_like(x), self.pads))
''',
    "Subsample": '''
class Subsample(nn.Module):
    """The sum over a window, times a learned coefficient, plus a learned bias, a map each (LeCun et al. 1998, layer S2)."""

    def __init__(self, channels: int, window, stride, rank: int) -> None:
        super().__init__()
        self.pool = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}[rank](window, stride)
        self.size = window**rank if isinstance(window, int) else torch.Size(window).numel()
        self.shape = (channels,) + (1,) * rank
        self.weight = nn.Parameter(torch.full((channels,), 1 / self.size))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(x) * self.size * self.weight.view(self.shape) + self.bias.view(self.shape)
''',
    "MeanOfTokens": '''
class MeanOfTokens(nn.Module):
    """The mean over the tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1)
''',
    "TokenBatchNorm1d": '''
class TokenBatchNorm1d(nn.BatchNorm1d):
    """Batch normalisation of the channels of tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)
''',
    "ChannelNorm": '''
class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each position of a map."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)
''',
    "ChannelLinear": '''
class ChannelLinear(nn.Linear):
    """A matrix product over the channels of each position of a map."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)
''',
    "DropPath": '''
class DropPath(nn.Module):
    """Zeroes the whole value of an example with probability p (Huang et al. 2016)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = torch.rand((x.shape[0],) + (1,) * (x.dim() - 1), device=x.device) >= self.p
        return x * kept / (1 - self.p)
''',
    "Pad": '''
class Pad(nn.Module):
    """Zeros around a map, as torch.nn.functional.pad takes them."""

    def __init__(self, pads: tuple[int, ...]) -> None:
        super().__init__()
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self.pads)
''',
    "Crop": '''
class Crop(nn.Module):
    """The part of a map that begins at `starts` and has `sizes`."""

    def __init__(self, starts: tuple[int, ...], sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.starts, self.sizes = starts, sizes

    def forward(self, x: Tensor) -> Tensor:
        for axis, (start, size) in enumerate(zip(self.starts, self.sizes, strict=True), 2):
            x = x.narrow(axis, start, size)
        return x
''',
    "Slice": '''
class Slice(nn.Module):
    """Channels from `start` up to, not including, `stop`."""

    def __init__(self, start: int, stop: int, dim: int = 1) -> None:
        super().__init__()
        self.start, self.stop, self.dim = start, stop, dim

    def forward(self, x: Tensor) -> Tensor:
        return x.narrow(self.dim, self.start, self.stop - self.start)
''',
    "Rbf": '''
class Rbf(nn.Module):
    """Squared distances to fixed codes of -1 and 1 (LeCun et al. 1998, equation 7)."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randint(0, 2, (classes, features)) * 2.0 - 1.0, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return (x[:, None, :] - self.weight).square().sum(dim=2)
''',
    "Scale": '''
class Scale(nn.Module):
    """A learned factor a channel."""

    def __init__(self, channels: int, init: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), float(init)))

    def forward(self, x: Tensor) -> Tensor:
        return x * (self.weight.view(-1, *(1,) * (x.dim() - 2)) if x.dim() > 3 else self.weight)
''',
    "ToTokens": '''
class ToTokens(nn.Module):
    """The positions of a map, row by row, as a sequence."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).transpose(1, 2)
''',
    "ClassToken": '''
class ClassToken(nn.Module):
    """Puts one learned token before the sequence."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((self.weight.expand(x.shape[0], 1, -1), x), dim=1)
''',
    "Position": '''
class Position(nn.Module):
    """Adds a learned embedding to each token."""

    def __init__(self, length: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(length, channels).normal_(std=0.02))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight
''',
    "FirstToken": '''
class FirstToken(nn.Module):
    """The first token."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0]
''',
    "SelfAttention": '''
class SelfAttention(nn.MultiheadAttention):
    """Multi-head self-attention."""

    def __init__(self, channels: int, heads: int, bias: bool = True) -> None:
        super().__init__(channels, heads, bias=bias, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x, x, x, need_weights=False)[0]
''',
}


def source(name: str) -> str | None:
    """The source of a helper class, or None where the name is none of them."""
    if name in _SOURCES:
        return _SOURCES[name].strip("\n")
    for prefix, text in (("PaddedConv", _PADDED_CONV), ("CutConvTranspose", _CUT_CONV)):
        if name.startswith(prefix) and name[len(prefix) : -1].isdigit():
            return text.strip("\n").replace("{rank}", name[len(prefix) : -1])
    return None
