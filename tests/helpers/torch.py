"""PyTorch modules built by hand.

Nothing here knows how the package computes anything: sizes come from running torch on meta tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:  # the mutants' process has no archspec before one is planted
    from archspec.ir.graph import Network
    from archspec.types import Type

torch.set_num_threads(1)  # these tensors are tiny, and threads that wait for each other take far longer than the sums

CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
DECONV = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
MAXPOOL = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
AVGPOOL = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
BATCHNORM = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


class Apply(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class ChannelsLast(nn.Module):
    """A module that works on the last axis, applied to the channels of N,C,*S."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x.movedim(1, -1)).movedim(-1, 1)


class Windows(nn.Module):
    """Attention in windows of a map, by unfolding it; the bias of relative positions is left out of the sums, but counted."""

    def __init__(self, channels: int, heads: int, window: tuple[int, int], bias: bool = True) -> None:
        super().__init__()
        height, width = window
        self.heads, self.window = heads, window
        self.table = nn.Parameter(torch.zeros((2 * height - 1) * (2 * width - 1), heads))
        self.qkv = nn.Linear(channels, 3 * channels, bias)
        self.proj = nn.Linear(channels, channels, bias)

    def forward(self, x):
        n, c, height, width = x.shape
        parts = F.unfold(x, self.window, stride=self.window)  # n, c * positions, windows
        tokens = parts.reshape(n, c, -1, parts.shape[-1]).permute(0, 3, 2, 1).flatten(0, 1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(tokens).chunk(3, dim=-1))
        mixed = torch.softmax(torch.matmul(q, k.transpose(-2, -1)), dim=-1)
        result = self.proj(torch.matmul(mixed, v).transpose(1, 2).flatten(2)).unflatten(0, (n, -1))
        return F.fold(result.permute(0, 3, 2, 1).flatten(1, 2), (height, width), self.window, stride=self.window)


class Residual(nn.Module):
    def __init__(self, body: nn.Module, short: nn.Module | None = None) -> None:
        super().__init__()
        self.body = body
        self.short = short if short is not None else nn.Identity()

    def forward(self, x):
        a, b = self.body(x), self.short(x)
        if a.shape != b.shape:
            raise RuntimeError(f"cannot add {tuple(a.shape)} and {tuple(b.shape)}")
        return a + b


class Concat(nn.Module):
    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


class Mul(nn.Module):
    """Product of two branches; the second is broadcast over positions where it is a vector."""

    def __init__(self, a: nn.Module, b: nn.Module) -> None:
        super().__init__()
        self.a, self.b = a, b

    def forward(self, x):
        a, b = self.a(x), self.b(x)
        while b.dim() < a.dim():
            b = b.unsqueeze(-1)
        return a * b


class Minus(nn.Module):
    """A value less twice what a module makes of it."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x):
        y = self.inner(x)
        return x - y - y


class Unpooled(nn.Module):
    """Max pooling, and the maxima back where they were."""

    def __init__(self, pool, *window):
        super().__init__()
        unpool = {nn.MaxPool1d: nn.MaxUnpool1d, nn.MaxPool2d: nn.MaxUnpool2d, nn.MaxPool3d: nn.MaxUnpool3d}[pool]
        self.pool, self.unpool = pool(*window, return_indices=True), unpool(*window)

    def forward(self, x):
        return self.unpool(*self.pool(x), output_size=x.shape)


class Stored(nn.Module):
    """A tensor for each image, whatever the image; a buffer where it is frozen."""

    def __init__(self, shape: tuple[int, ...], *, frozen: bool = False) -> None:
        super().__init__()
        self.own = nn.Buffer(torch.zeros(shape)) if frozen else nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        return self.own.expand(x.shape[0], *self.own.shape)


class SameConv(nn.Module):
    """A convolution padded as TensorFlow's SAME, the extra zero at the end."""

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x):
        pads = []
        conv = self.conv
        for size, k, s, d in reversed(list(zip(x.shape[2:], conv.kernel_size, conv.stride, conv.dilation, strict=False))):
            before, after = tf_same(size, k, s, d)[1:]
            pads += [before, after]
        return conv(F.pad(x, pads))


def tf_same(size: int, k: int, s: int, d: int) -> tuple[int, int, int]:
    """Output size and zeros before and after, as documented for tf.nn.convolution with padding="SAME"."""
    effective = k + (k - 1) * (d - 1)
    total = max(effective - s, 0) if size % s == 0 else max(effective - size % s, 0)
    return -(-size // s), total // 2, total - total // 2


class PartialConv(nn.Module):
    """A convolution whose filters read the input maps that a table names (LeCun et al. 1998, table I)."""

    def __init__(self, table, k: int) -> None:
        super().__init__()
        self.table = table
        self.filters = nn.ModuleList(nn.Conv2d(len(row), 1, k) for row in table)

    def forward(self, x):
        return torch.cat([conv(x[:, list(row)]) for conv, row in zip(self.filters, self.table, strict=False)], 1)


class Subsample(nn.Module):
    def __init__(self, channels: int, w: int, rank: int = 2) -> None:
        super().__init__()
        self.pool = AVGPOOL[rank](w)
        self.n = w**rank
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        shape = (-1, *[1] * (x.dim() - 2))
        return self.pool(x) * self.n * self.weight.view(shape) + self.bias.view(shape)


class Rbf(nn.Module):
    def __init__(self, inputs: int, n: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n, inputs), requires_grad=False)

    def forward(self, x):
        return (x.unsqueeze(1) - self.weight).square().sum(-1)


class StandardConv(nn.Conv2d):
    """Scaled weight standardisation in plain arithmetic, as timm publishes it (ScaledStdConv2d; without a gain StdConv2d, as BiT has it)."""

    def __init__(self, channels: int, filters: int, k: Any, *args: Any, gain: bool = True, eps: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(channels, filters, k, *args, **kwargs)
        self.eps = eps
        self.gain = nn.Parameter(torch.ones(filters, 1, 1, 1)) if gain else None

    def forward(self, x):
        variance, mean = torch.var_mean(self.weight, dim=(1, 2, 3), keepdim=True, unbiased=False)
        weight = (self.weight - mean) / torch.sqrt(variance + self.eps)
        if self.gain is not None:
            weight = weight * self.gain * self.weight[0].numel() ** -0.5
        return self._conv_forward(x, weight, self.bias)


class ResponseNorm(nn.Module):
    """Woo et al. 2023, ConvNeXt V2, algorithm 1, which has the channels last."""

    def __init__(self, channels: int, rank: int = 2, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.zeros(channels)), nn.Parameter(torch.zeros(channels))
        self.axes, self.eps = tuple(range(1, 1 + rank)), eps

    def forward(self, x):
        x = x.movedim(1, -1)
        gx = torch.norm(x, p=2, dim=self.axes, keepdim=True)
        nx = gx / (gx.mean(dim=-1, keepdim=True) + self.eps)
        return (self.weight * (x * nx) + self.bias + x).movedim(-1, 1)


class EvoNorm(nn.Module):
    """Liu et al. 2020, table 2 and appendix A: EvoNorm-S0 in plain arithmetic; `act=False` is timm's EvoNorm2dS0a without its activation."""

    def __init__(self, channels: int, groups: int, eps: float = 1e-5, *, act: bool = True) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.v = nn.Parameter(torch.ones(channels)) if act else None
        self.groups, self.eps = groups, eps

    def forward(self, x):
        parts = x.reshape(len(x), self.groups, -1)
        spread = (parts - parts.mean(-1, keepdim=True)).square().mean(-1, keepdim=True).add(self.eps).sqrt()
        std = spread.expand(parts.shape).reshape(x.shape)
        x, std = (one.movedim(1, -1) for one in (x, std))
        even = (x if self.v is None else x / (1 + torch.exp(-self.v * x))) / std
        return (even * self.weight + self.bias).movedim(-1, 1)


class Recurrent(nn.Module):
    """A recurrent layer of torch.nn over N,T,C: its outputs, or the final states, which it hands back apart."""

    def __init__(self, make: Any, channels: int, n: int, dirs: int = 1, layers: int = 1, *, bias: bool = True, last: bool = False) -> None:
        super().__init__()
        self.inner = make(channels, n, layers, bias=bias, batch_first=True, bidirectional=dirs == 2)
        self.last, self.dirs = last, dirs

    def forward(self, x):
        y, state = self.inner(x)
        if not self.last:
            return y
        state = state[0] if isinstance(state, tuple) else state  # an LSTM's cell is not its output
        return torch.cat(list(state[-self.dirs :]), 1)


class MapRecurrent(Recurrent):
    """The same over N,C,L."""

    def forward(self, x):
        y = super().forward(x.movedim(1, 2))
        return y if self.last else y.movedim(2, 1)


class Scale(nn.Module):
    def __init__(self, channels: int, axis: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.axis = axis

    def forward(self, x):
        shape = [1] * x.dim()
        shape[self.axis] = -1
        return x * self.weight.view(shape)


class ToTokens(nn.Module):
    def forward(self, x):
        return x.flatten(2).transpose(1, 2)


class ClassToken(nn.Module):
    def __init__(self, channels: int, count: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(count, channels))

    def forward(self, x):
        return torch.cat([self.weight.expand(len(x), -1, -1), x], 1)


class Position(nn.Module):
    def __init__(self, length: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(length, channels))

    def forward(self, x):
        return x + self.weight


class Sinusoids(nn.Module):
    """As in "The annotated transformer" (Rush 2018): sines and cosines take turns."""

    def forward(self, x):
        _, length, channels = x.shape
        angles = torch.arange(length, device=x.device).unsqueeze(1) * torch.exp(
            torch.arange(0, channels, 2, device=x.device) * -(math.log(10000.0) / channels)
        )
        return x + torch.stack([angles.sin(), angles.cos()], -1).flatten(1)[:, :channels]


class Attention(nn.Module):
    """Self-attention. The weights are asked for, so that both products go through counted matrix products."""

    def __init__(self, channels: int, heads: int, bias: bool = True) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(channels, heads, bias=bias, batch_first=True)

    def forward(self, x):
        return self.inner(x, x, x, need_weights=True)[0]


class OnMaps(nn.Module):
    """A module of tokens, applied to the positions of a map."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x.flatten(2).transpose(1, 2)).transpose(1, 2).unflatten(2, x.shape[2:])


def attended(x):
    """Attention in one head of channels that are queries, keys and values, with its two products."""
    q, k, v = x.chunk(3, -1)
    return torch.matmul(torch.softmax(torch.matmul(q, k.transpose(1, 2)) / q.shape[-1] ** 0.5, -1), v)


class Near(nn.Embedding):
    """A number for each two tokens and head."""

    def __init__(self, heads: int) -> None:
        super().__init__(32, heads)

    def forward(self, x):
        length = x.shape[1]
        index = torch.zeros(length, length, dtype=torch.long, device=x.device)
        return super().forward(index).permute(2, 0, 1).expand(len(x), -1, -1, -1)


def counts(module: nn.Module, known: Collection[int] = ()) -> dict[str, int]:
    """Learned weights and biases, fixed weights, and buffers (without the batch counter, which is no number of the model).

    Tensors whose `id` is known are counted elsewhere.
    """
    found = {"weights": 0, "biases": 0, "frozen": 0, "buffers": 0}
    for name, parameter in module.named_parameters():
        if id(parameter) in known:
            continue
        kind = "frozen" if not parameter.requires_grad else "biases" if "bias" in name.rpartition(".")[2] else "weights"
        found[kind] += parameter.numel()
    for name, buffer in module.named_buffers():
        found["buffers"] += 0 if name.endswith("num_batches_tracked") or id(buffer) in known else buffer.numel()
    return found


def measure(module: nn.Module, shape: tuple[int, ...], dtype=torch.float32) -> tuple[tuple[int, ...], int]:
    """Output shape without the batch, and MACs as torch counts them, for a meta input of the shape (without the batch)."""
    y, macs = counted(module, shape, dtype)
    return tuple(y.shape[1:]), macs


def counted(module: nn.Module, shape: tuple[int, ...], dtype=torch.float32) -> tuple[Any, int]:
    """What a module gives for a meta input of the shape (without the batch), and its MACs as torch counts them."""
    module = module.to("meta")
    x = torch.empty((1, *shape), device="meta", dtype=dtype)
    # in training mode attention takes the path whose products are counted; batch norm is not counted either way
    counter = FlopCounterMode(display=False)
    with counter:
        y = module(x)
    total = counter.get_total_flops()
    assert total % 2 == 0
    return y, total // 2


def parameters_and_macs(module: nn.Module, shape: tuple[int, ...], dtype=torch.float32) -> tuple[int, int]:
    """The parameters of a module, and its MACs as torch counts them, for an input of the shape (without the batch)."""
    return sum(parameter.numel() for parameter in module.parameters()), counted(module, shape, dtype)[1]


def channels_first(type_: Type) -> tuple[int, ...]:
    """The shape of a batch of 2 as PyTorch takes it."""
    *spatial, channels = type_.shape
    return (2, *type_.shape) if type_.__class__.__name__ != "Map" else (2, channels, *spatial)


def inputs_of(network: Network) -> list[torch.Tensor]:
    """Random inputs of a network, batches of 2; whole numbers for a table of words."""
    from tests.helpers.specs import looked_up

    words = looked_up(network)
    shapes = {each.name: channels_first(each.type) for each in network.inputs}
    return [torch.randint(0, words[name], shape) if name in words else torch.randn(shape) for name, shape in shapes.items()]


def channels_last(shape: tuple[int, ...], tokens: bool = False) -> tuple[int, ...]:
    """A shape as a spec writes it: C,*S becomes *S,C; tokens and vectors stay."""
    return shape if tokens or len(shape) == 1 else (*shape[1:], shape[0])


def enliven(module, inputs, seed=0):
    """Weights under which no layer is idle and the result depends on the input.

    Weights as He et al. 2015, small biases, batch norms with the statistics of the inputs. Their offsets keep most rectifiers open: a
    random network that rectifies half of everything is chaotic, and multiplies the rounding of its first layers a thousandfold.
    """
    generator = torch.Generator().manual_seed(seed)
    for key, tensor in module.state_dict().items():
        last = key.rpartition(".")[2]
        if not tensor.is_floating_point() or last.startswith("running") or last == "relative_coords_table":
            continue
        if tensor.dim() > 1 and last.endswith("weight"):
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5, generator=generator)
        elif last in ("weight", "gain"):
            tensor.uniform_(0.5, 1.5, generator=generator)
        else:
            tensor.normal_(0, 0.1, generator=generator)
    norms = [m for m in module.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    module.eval()
    for norm in norms:
        if norm.bias is not None:
            norm.bias.data.uniform_(1, 2, generator=generator)
        norm.momentum = 1.0
        norm.train()
    if norms:
        results(module, inputs)
    for norm in norms:  # of a few pooled numbers that are nearly equal it would enlarge the rounding: at most twice
        norm.running_var.data = torch.maximum(norm.running_var, norm.running_mean.square() / 4)
    return module.eval()


def results(module, inputs):
    """What a module puts out in inference, as a list of arrays."""
    with torch.no_grad():
        found = module(*inputs.values())
    values = list(found) if isinstance(found, tuple) else [found]
    return [value.detach().numpy() for value in values if value is not None]


def distance(a, b):
    """The largest difference, relative to the largest number."""
    assert a.shape == b.shape
    return float(abs(a - b).max() / abs(b).max())
