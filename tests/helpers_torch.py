"""PyTorch modules built by hand, and random specs written beside the modules that they should be.

Nothing here knows how the package computes anything: sizes come from running torch on meta tensors.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

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
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        return torch.cat([self.weight.expand(len(x), 1, -1), x], 1)


class Position(nn.Module):
    def __init__(self, length: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(length, channels))

    def forward(self, x):
        return x + self.weight


class Attention(nn.Module):
    """Self-attention. The weights are asked for, so that both products go through counted matrix products."""

    def __init__(self, channels: int, heads: int, bias: bool = True) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(channels, heads, bias=bias, batch_first=True)

    def forward(self, x):
        return self.inner(x, x, x, need_weights=True)[0]


def average(rank: int, w: int, s: int, p: int) -> nn.Module:
    """Mean pooling. torch's AvgPool3d alone refuses a window that fits the padded input but not the bare one, so the padding comes first."""
    if rank < 3:
        return AVGPOOL[rank](w, s, p)
    return nn.Sequential(Apply(lambda x: F.pad(x, [p] * 6)), nn.AvgPool3d(w, s))


def counts(module: nn.Module) -> dict[str, int]:
    """Learned weights and biases, fixed weights, and buffers (without the batch counter, which is no number of the model)."""
    found = {"weights": 0, "biases": 0, "frozen": 0, "buffers": 0}
    for name, parameter in module.named_parameters():
        kind = "frozen" if not parameter.requires_grad else "biases" if name.endswith("bias") else "weights"
        found[kind] += parameter.numel()
    for name, buffer in module.named_buffers():
        found["buffers"] += 0 if name.endswith("num_batches_tracked") else buffer.numel()
    return found


def measure(module: nn.Module, shape: tuple[int, ...], dtype=torch.float32) -> tuple[tuple[int, ...], int]:
    """Output shape without the batch, and MACs as torch counts them, for a meta input of the shape (without the batch)."""
    module = module.to("meta")
    x = torch.empty((1, *shape), device="meta", dtype=dtype)
    # in training mode attention takes the path whose products are counted; batch norm is not counted either way
    counter = FlopCounterMode(display=False)
    with counter:
        y = module(x)
    total = counter.get_total_flops()
    assert total % 2 == 0
    return tuple(y.shape[1:]), total // 2


def channels_last(shape: tuple[int, ...], tokens: bool = False) -> tuple[int, ...]:
    """A shape as a spec writes it: C,*S becomes *S,C; tokens and vectors stay."""
    return shape if tokens or len(shape) == 1 else (*shape[1:], shape[0])


# random networks


@dataclass
class Arg:
    """An argument as written, and its value in an environment (a block's parameters, `cin`, the round)."""

    text: str
    value: Callable[[dict[str, int]], int]


def const(number: int) -> Arg:
    return Arg(str(number), lambda env: number)


@dataclass
class Item:
    """A part of a network: lines of text, and the module it is for an input shape (C,*S)."""

    kind: str
    args: dict[str, Arg] = field(default_factory=dict)
    parts: list[Any] = field(default_factory=list)
    extra: Any = None


class Refused(Exception):
    """torch does not take this network."""


def out_shape(module: nn.Module, shape: tuple[int, ...]) -> tuple[int, ...]:
    with torch.no_grad():
        return tuple(module.to("meta")(torch.empty((1, *shape), device="meta")).shape[1:])


class Random:
    """Draws from a seeded generator. Hypothesis brings its own with the same two methods."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def number(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def pick(self, items):
        return items[self.number(0, len(items) - 1)]


class Generator:
    """Random networks as text and as modules. `same` kinds keep the spatial size."""

    def __init__(
        self,
        draw,
        rank: int = 1,
        *,
        maxpool: bool = True,
        pointwise: bool = True,
        growing: bool = False,
        blocks: bool = True,
        anisotropic: bool = False,
    ) -> None:
        self.draw = draw
        self.rank = rank
        self.maxpool = maxpool
        self.pointwise = pointwise
        self.growing = growing
        self.blocks_allowed = blocks
        self.anisotropic = anisotropic
        self.blocks: list[tuple[str, list[Item], bool]] = []

    # drawing

    def filters(self, scope: str) -> Arg:
        if scope == "block":
            return self.draw.pick(
                [
                    Arg("n", lambda e: e["n"]),
                    Arg("2*n", lambda e: 2 * e["n"]),
                    Arg("cin", lambda e: e["cin"]),
                    Arg("n+cin", lambda e: e["n"] + e["cin"]),
                    Arg("max(n,cin)//2+1", lambda e: max(e["n"], e["cin"]) // 2 + 1),
                    const(3),
                ]
            )
        if scope == "round":
            values = [self.draw.number(1, 6) for _ in range(2)]
            return Arg(",".join(map(str, values)), lambda e: values[min(e["round"], 1)])
        return const(self.draw.number(1, 6))

    def stride(self, scope: str) -> Arg:
        if scope == "block":
            return self.draw.pick([Arg("s", lambda e: e["s"]), const(1)])
        if scope == "round":
            values = [self.draw.number(1, 2), self.draw.number(1, 2)]
            return Arg(",".join(map(str, values)), lambda e: values[min(e["round"], 1)])
        return const(self.draw.number(1, 3))

    def layer(self, scope: str, same: bool) -> Item:
        kinds = ["conv", "conv", "dwconv", "pool", "avgpool"]
        if self.pointwise:
            kinds += ["bn", "relu", "prelu", "dropout", "lrn", "gelu"]
        if not same:
            kinds += ["pad"]
            if self.growing:
                kinds += ["deconv", "upsample"]
        kind = self.draw.pick(kinds)
        if kind in ("conv", "dwconv", "pool", "avgpool"):
            k = self.draw.pick([1, 3, 5]) if same else self.draw.number(1, 4)
            d = self.draw.number(1, 2) if kind in ("conv", "dwconv") else 1
            p = d * (k - 1) // 2 if same else self.draw.number(0, k // 2)
            size = "w" if kind in ("pool", "avgpool") else "k"
            args = {size: const(k), "s": const(1) if same else self.stride(scope), "p": const(p)}
            if kind in ("conv", "dwconv"):
                args["d"] = const(d)
                args["bias"] = self.draw.pick([Arg("yes", lambda e: 1), Arg("no", lambda e: 0)])
            if kind == "conv":
                args["f"] = self.filters(scope)
            if kind == "dwconv":
                args["m"] = const(self.draw.number(1, 2))
            return Item(kind, args)
        if kind == "deconv":
            s = self.draw.number(1, 3)
            k = self.draw.number(s, 5)
            return Item(
                kind,
                {
                    "k": const(k),
                    "s": const(s),
                    "p": const(self.draw.number(0, (k - 1) // 2)),
                    "f": const(self.draw.number(1, 4)),
                    "op": const(self.draw.number(0, s - 1)),
                },
            )
        if kind == "upsample":
            return Item(
                kind,
                {"": const(self.draw.number(1, 3)), "mode": self.draw.pick([Arg("nearest", lambda e: 0), Arg("bilinear", lambda e: 1)])},
            )
        if kind == "pad":
            return Item(kind, {"": const(self.draw.number(1, 2))})
        return Item(kind)

    def same_chain(self, scope: str, longest: int = 3) -> list[Item]:
        return [self.layer(scope, True) for _ in range(self.draw.number(1, longest))]

    def item(self, scope: str, depth: int) -> Item:
        kind = self.draw.pick(["layer", "layer", "residual", "shortcut", "concat", "repeat", "call"] if depth else ["layer"])
        if kind == "call" and not (self.blocks_allowed and scope == "top"):
            kind = "layer"
        if kind == "layer":
            return self.layer(scope, self.draw.number(0, 2) == 0)
        if kind == "residual":  # a convolution to f channels, then a path that comes back to them
            f = self.filters(scope)
            into, back = (Item("conv", {"k": const(1), "f": f}) for _ in range(2))
            return Item("residual", parts=[[into], [*self.same_chain(scope, 2), back]])
        if kind == "shortcut":
            f, s = (
                (const(self.draw.number(1, 6)), const(self.draw.number(1, 2)))
                if scope != "block"
                else (Arg("n", lambda e: e["n"]), Arg("s", lambda e: e["s"]))
            )
            k = self.draw.pick([1, 3, 5])
            main = [*self.same_chain(scope, 2), Item("conv", {"k": const(k), "s": s, "p": const(k // 2), "f": f})]
            return Item("shortcut", parts=[main, [Item("conv", {"k": const(1), "s": s, "f": f})]])
        if kind == "concat":
            branches = [self.same_chain(scope) for _ in range(self.draw.number(1, 3))]
            if self.draw.number(0, 1):
                branches.insert(0, [Item("skip")])
            if len(branches) == 1:
                branches.append([Item("skip")])
            return Item("concat", parts=branches)
        if kind == "repeat":
            inner = "round" if scope == "top" else scope
            items = [
                self.item(inner, depth - 1)
                if self.draw.number(0, 3) == 0 and inner != "round"
                else self.layer(inner, self.draw.number(0, 1) == 0)
                for _ in range(self.draw.number(1, 2))
            ]
            return Item("repeat", parts=[items], extra=self.draw.number(2, 4))
        if len(self.blocks) < 2:
            body = [self.item("block", 1) for _ in range(self.draw.number(1, 3))]
            self.blocks.append((f"b{len(self.blocks)}", body, True))
        name, body, _ = self.draw.pick(self.blocks)
        return Item("call", {"n": const(self.draw.number(1, 5)), "s": const(self.draw.number(1, 2))}, [body], name)

    def network(self, length: int, depth: int = 2) -> list[Item]:
        return [self.item("top", depth) for _ in range(length)]

    # text

    def lines(self, items: list[Item], indent: int) -> list[str]:
        pad = "  " * indent
        found: list[str] = []
        for item in items:
            if item.kind == "residual":
                found += [*self.lines(item.parts[0], indent), f"{pad}residual:", *self.lines(item.parts[1], indent + 1)]
            elif item.kind == "shortcut":
                found += [f"{pad}residual:", *self.lines(item.parts[0], indent + 1)]
                found += [f"{pad}  shortcut: {' | '.join(map(step_text, item.parts[1]))}"]
            elif item.kind == "concat":
                found += [f"{pad}concat:", *(f"{pad}  {' | '.join(map(step_text, branch))}" for branch in item.parts)]
            elif item.kind == "repeat":
                found += [f"{pad}repeat {item.extra}:", *self.lines(item.parts[0], indent + 1)]
            elif item.kind == "call":
                found += [f"{pad}{item.extra} {item.args['n'].text} s={item.args['s'].text}"]
            else:
                found.append(pad + step_text(item))
        return found

    def text(self, items: list[Item], shape: tuple[int, ...]) -> str:
        lines = ["default round=floor"]
        for name, body, _ in self.blocks:
            lines += [f"block {name}(n, s=1):", *self.lines(body, 1)]
        lines += ["input " + "x".join(map(str, channels_last(shape)))]
        return "\n".join(lines + self.lines(items, 0)) + "\n"

    # module

    def module(self, items: list[Item], shape: tuple[int, ...], env: dict[str, int] | None = None) -> tuple[nn.Module, tuple[int, ...]]:
        """The module of the items for an input shape, and its output shape. Raises Refused where torch refuses."""
        found: list[nn.Module] = []
        for item in items:
            try:
                made = self.one(item, shape, env or {})
                shape = out_shape(made, shape)
            except (RuntimeError, ValueError) as error:
                raise Refused(str(error)) from error
            if min(shape) < 1:
                raise Refused(f"{shape}")
            found.append(made)
        return nn.Sequential(*found), shape

    def one(self, item: Item, shape: tuple[int, ...], env: dict[str, int]) -> nn.Module:
        channels, rank = shape[0], self.rank
        a = {name: arg.value(env) for name, arg in item.args.items()}
        match item.kind:
            case "conv":
                return CONV[rank](channels, a["f"], a["k"], a.get("s", 1), a.get("p", 0), a.get("d", 1), bias=bool(a.get("bias", 1)))
            case "dwconv":
                return CONV[rank](channels, channels * a["m"], a["k"], a["s"], a["p"], a["d"], channels, bool(a["bias"]))
            case "deconv":
                return DECONV[rank](channels, a["f"], a["k"], a["s"], a["p"], a["op"])
            case "pool" if self.maxpool:
                return MAXPOOL[rank](a["w"], a["s"], a["p"])
            case "pool" | "avgpool":
                return average(rank, a["w"], a["s"], a["p"])
            case "upsample":
                return nn.Upsample(scale_factor=a[""], mode=["nearest", {1: "linear", 2: "bilinear", 3: "trilinear"}[rank]][a["mode"]])
            case "pad":
                n = a[""]
                return Apply(lambda x: F.pad(x, [n, n] * rank))
            case "bn":
                return BATCHNORM[rank](channels).eval()
            case "relu":
                return nn.ReLU()
            case "gelu":
                return nn.GELU()
            case "prelu":
                return nn.PReLU()
            case "dropout":
                return nn.Dropout(0.5).eval()
            case "lrn":
                return nn.LocalResponseNorm(5)
            case "skip":
                return nn.Identity()
            case "residual":
                into, shape = self.module(item.parts[0], shape, env)
                return nn.Sequential(into, Residual(self.module(item.parts[1], shape, env)[0]))
            case "shortcut":
                return Residual(self.module(item.parts[0], shape, env)[0], self.module(item.parts[1], shape, env)[0])
            case "concat":
                return Concat(*(self.module(branch, shape, env)[0] for branch in item.parts))
            case "repeat":
                rounds = []
                for at in range(item.extra):
                    made, shape = self.module(item.parts[0], shape, {**env, "round": at})
                    rounds.append(made)
                return nn.Sequential(*rounds)
            case "call":
                return self.module(item.parts[0], shape, {**a, "cin": channels})[0]
        raise AssertionError(item.kind)


def step_text(item: Item) -> str:
    return " ".join([item.kind, *(f"{name}={arg.text}" if name else arg.text for name, arg in item.args.items())])


def drawn(seed: int, largest: int) -> tuple[Generator, list[Item], tuple[int, ...], str]:
    """A random network: its generator, its structure, the shape of its input with channels first, and its text."""
    draw = Random(seed)
    generator = Generator(draw, draw.number(1, 3), growing=True)
    shape = (draw.number(1, 4), *(draw.number(6, largest) for _ in range(generator.rank)))
    items = generator.network(draw.number(1, 5))
    return generator, items, shape, generator.text(items, shape)
