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
    """Transposed convolution that cuts differently at two ends; `cut` is ordered as torch.nn.functional.pad's pads."""

    def __init__(self, *args, cut: tuple[int, ...], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.cut = cut

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(super().forward(x), [-n for n in self.cut])
'''

_TABLE_CONV = '''
class TableConv{rank}d(nn.Module):
    """Convolution with a connection table: the input maps of each filter (LeCun et al. 1998, table I)."""

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
        size = (kernel_size,) * {rank} if isinstance(kernel_size, int) else kernel_size
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
        return F.conv{rank}d(x, weight, self.bias, **self.options)
'''

_SOURCES = {
    "PaddedMaxPool": '''
class PaddedMaxPool(nn.Module):
    """Max pooling whose padding differs at the two ends of an axis."""

    def __init__(self, window, stride, pads: tuple[int, ...], rank: int, dilation=1) -> None:
        super().__init__()
        self.pads = pads
        self.pool = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}[rank](window, stride, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(F.pad(x, self.pads, value=float("-inf")))
''',
    "PaddedAvgPool": '''
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
''',
    "Subsample": '''
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
''',
    "MeanOfTokens": '''
class MeanOfTokens(nn.Module):
    """The mean over the tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1)
''',
    "TokenPReLU": '''
class TokenPReLU(nn.PReLU):
    """PReLU with a slope for each channel of tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)
''',
    "TokenBatchNorm1d": '''
class TokenBatchNorm1d(nn.BatchNorm1d):
    """Batch normalisation of the channels of tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)
''',
    "TokenGroupNorm": '''
class TokenGroupNorm(nn.GroupNorm):
    """Group normalisation of the channels of tokens."""

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
    "ToTokens": '''
class ToTokens(nn.Module):
    """The positions of a map, row by row, as a sequence."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).transpose(1, 2)
''',
    "PixelShuffle": '''
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
''',
    "PatchMerge": '''
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
''',
    "WindowAttention": '''
class WindowAttention(nn.Module):
    """Self-attention in shifted windows of a map, with a bias for each relative position (Liu et al. 2021)."""

    def __init__(
        self,
        channels: int,
        heads: int,
        size: tuple[int, int],
        window: tuple[int, int],
        shift: tuple[int, int],
        bias: bool = True,
    ) -> None:
        super().__init__()
        (height, width), (h, w) = size, window
        self.heads, self.window, self.shift = heads, window, shift
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * h - 1) * (2 * w - 1), heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        row, column = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        row, column = row.flatten(), column.flatten()
        index = (row[:, None] - row + h - 1) * (2 * w - 1) + column[:, None] - column + w - 1
        self.register_buffer("relative_position_index", index.flatten())
        self.register_buffer("mask", self.apart(height, width) if any(shift) else None, persistent=False)
        self.qkv = nn.Linear(channels, 3 * channels, bias=bias)
        self.proj = nn.Linear(channels, channels, bias=bias)

    def apart(self, height: int, width: int) -> Tensor:
        """-100 where two positions of a window were apart before the shift: (windows, 1, positions, positions)."""
        rows, columns = ((torch.arange(size) >= size - s).int() for size, s in zip((height, width), self.shift))
        region = self.windows((2 * rows[:, None] + columns)[None, :, :, None])[..., 0]
        return torch.where(region[:, None, :] == region[:, :, None], 0.0, -100.0)[:, None]

    def windows(self, x: Tensor) -> Tensor:
        """(N, H, W, C) to (N * windows, positions, C)."""
        n, height, width, c = x.shape
        h, w = self.window
        return x.view(n, height // h, h, width // w, w, c).transpose(2, 3).reshape(-1, h * w, c)

    def forward(self, x: Tensor) -> Tensor:
        n, c, height, width = x.shape
        h, w = self.window
        x = x.movedim(1, -1).contiguous()
        if self.mask is not None:
            x = x.roll((-self.shift[0], -self.shift[1]), (1, 2))
        x = self.windows(x)
        q, k, v = self.qkv(x).view(-1, h * w, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        bias = self.relative_position_bias_table[self.relative_position_index].view(h * w, h * w, -1).permute(2, 0, 1)
        score = (q * (c // self.heads) ** -0.5) @ k.transpose(-2, -1) + bias
        if self.mask is not None:
            score = (score.view(n, -1, *score.shape[1:]) + self.mask).view(score.shape)
        x = self.proj((score.softmax(dim=-1) @ v).transpose(1, 2).reshape(-1, h * w, c))
        x = x.view(n, height // h, width // w, h, w, c).transpose(2, 3).reshape(n, height, width, c)
        if self.mask is not None:
            x = x.roll(self.shift, (1, 2))
        return x.movedim(-1, 1)
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


_INITIAL = {
    "kaiming": ("normal, for layers before a ReLU (He et al. 2015)", 'nn.init.kaiming_normal_(module.weight, nonlinearity="relu")'),
    "kaiming_uniform": (
        "uniform, for layers before a ReLU (He et al. 2015)",
        'nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")',
    ),
    "kaiming_out": (
        "normal, keeps the size of gradients (He et al. 2015)",
        'nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")',
    ),
    "xavier": ("uniform (Glorot, Bengio 2010)", "nn.init.xavier_uniform_(module.weight)"),
    "xavier_normal": ("normal (Glorot, Bengio 2010)", "nn.init.xavier_normal_(module.weight)"),
    "lecun": ("normal, variance 1/fan-in (LeCun et al. 1998)", 'nn.init.kaiming_normal_(module.weight, nonlinearity="linear")'),
    "normal": ("normal (Krizhevsky et al. 2012)", "nn.init.normal_(module.weight, std=std)"),
    "truncated": ("normal, cut at -2 and 2 (Dosovitskiy et al. 2020)", "nn.init.trunc_normal_(module.weight, std=std)"),
    "orthogonal": ("orthogonal (Saxe et al. 2013)", "nn.init.orthogonal_(module.weight)"),
    "zeros": ("zeros", "nn.init.zeros_(module.weight)"),
}
_STD = {"normal": "0.01", "truncated": "0.02"}
_INITIAL_SOURCE = '''
def {name}(module{arguments}):
    """Begin with weights that are {about}, and biases of 0."""
    {call}
    if module.bias is not None:
        nn.init.zeros_(module.bias)
    return module
'''


def _initial(name: str) -> str:
    about, call = _INITIAL[name]
    arguments = f", std: float = {_STD[name]}" if name in _STD else ""
    return _INITIAL_SOURCE.strip("\n").format(name=name, arguments=arguments, about=about, call=call)


def source(name: str) -> str | None:
    """The source of a helper class or function, or None where the name is none of them."""
    if name in _INITIAL:
        return _initial(name)
    if name in _SOURCES:
        return _SOURCES[name].strip("\n")
    for prefix, text in (("PaddedConv", _PADDED_CONV), ("CutConvTranspose", _CUT_CONV), ("TableConv", _TABLE_CONV)):
        if name.startswith(prefix) and name[len(prefix) : -1].isdigit():
            return text.strip("\n").replace("{rank}", name[len(prefix) : -1])
    return None
