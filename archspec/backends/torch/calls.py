"""What each op is in PyTorch: one row an op, from its arguments and types to a constructor call.

Modules that PyTorch lacks are written into the file that uses them, from `templates`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archspec.backends.registry import Unsupported
from archspec.backends.source import constructor
from archspec.backends.source.constructor import New, written
from archspec.numeric import Spelled, value_of
from archspec.ops.base import Op, per_axis
from archspec.types import Map, Tokens, Type

Row = Callable[[Any, Any, Any], New]
DEFAULTS: dict[str, Any] = {
    "stride": 1,
    "padding": 0,
    "output_padding": 0,
    "dilation": 1,
    "groups": 1,
    "bias": True,
    "eps": 1e-5,
    "momentum": 0.1,
    "affine": True,
    "ceil_mode": False,
    "count_include_pad": True,
    "approximate": "none",
}
"""What PyTorch assumes for a keyword; an argument that says the same is not written."""


def layer(op: Op, x: Type, y: Type, overwrites: bool) -> New:
    """The module of an op between two types. Raises Unsupported."""
    row = ROWS.get(op.step)
    if row is None:
        raise Unsupported(f"PyTorch has no module for `{op.step}`")
    made = row(op, x, y)
    return New(made.name, (*made.arguments, ("inplace", True))) if overwrites else made


def new(name: str, *positional: Any, **keywords: Any) -> New:
    """A call without the keywords that say what PyTorch assumes in any case."""
    made = constructor.new(name, *positional, **keywords)
    kept = [(key, value) for key, value in made.arguments if isinstance(value, Spelled) or DEFAULTS.get(key, made) != value]
    return New(name, tuple(kept))


def _short(values: tuple[Any, ...]) -> Any:
    """One number where those of all axes are written alike."""
    return values[0] if len(set(map(written, values))) == 1 else values


def _slides(op: Any, x: Map) -> Any:
    """The windows of a layer; how much `same` pads where they stride follows from the size of the map, and is a plain number."""
    slides = op.window(x)
    if getattr(op, "p", 0) != "same" or all(type(s.s) is int and s.s == 1 for s in slides):
        return slides
    return [s._replace(before=value_of(s.before), after=value_of(s.after)) for s in slides]


def _conv(op: Any, x: Map, _: Map) -> New:
    slides = _slides(op, x)
    rank, pads = len(slides), _pads(slides)
    kernel, padding = _short(tuple(s.k for s in slides)), _short(tuple(s.before for s in slides))
    channels, filters = x.channels, op.filters(x)
    steps = {"stride": _short(tuple(s.s for s in slides)), "dilation": _short(tuple(s.d for s in slides))}
    if getattr(op, "maps", None) is not None:
        if pads is not None:
            raise Unsupported("a convolution with a connection table takes no padding that differs at two ends in PyTorch")
        return _begun(op, new(f"TableConv{rank}d", channels, op.maps, kernel, padding=padding, **steps, bias=op.bias))
    steps["groups"] = channels if op.step == "dwconv" else op.g
    if pads is None:
        return _begun(op, new(f"nn.Conv{rank}d", channels, filters, kernel, padding=padding, **steps, bias=op.bias))
    return _begun(op, new(f"PaddedConv{rank}d", channels, filters, kernel, pads=pads, **steps, bias=op.bias))


def _begun(op: Any, module: New) -> New:
    """A layer with the weights that its spec wants it to begin with."""
    if op.init is None:
        return module
    return new(op.init, module, **({"std": op.std} if op.std is not None else {}))


def _pads(slides: Any) -> tuple[int, ...] | None:
    """Padding that differs at the two ends, as torch.nn.functional.pad takes it; None where it is the same."""
    ends = [(s.before, s.after + value_of(s.overhang)) for s in slides]
    if all(before == after for before, after in ends):
        return None
    return tuple(number for pair in reversed(ends) for number in pair)


def _deconv(op: Any, x: Map, _: Map) -> New:
    axes = op.window(x)
    rank = len(axes)
    before, after = tuple(a.before for a in axes), tuple(a.after for a in axes)  # PyTorch cuts the same at both ends and adds at the end
    padding = tuple(max(b, a) for b, a in zip(before, after, strict=True))
    kernel, stride, dilation = (_short(values) for values in zip(*[(a.k, a.s, a.d) for a in axes], strict=True))
    common = {"stride": stride, "dilation": dilation, "groups": op.g, "bias": op.bias}
    if before != padding:
        cut = tuple(n for pair in zip(before[::-1], after[::-1], strict=True) for n in (pair[0], max(pair[1], 0)))
        if min(after) < 0:  # positions behind the last kernel hold the bias, as those of output padding do
            common["output_padding"] = _short(tuple(max(-a, 0) for a in after))
        return _begun(op, new(f"CutConvTranspose{rank}d", x.channels, op.f, kernel, cut=cut, **common))
    extra = _short(tuple(p - a for p, a in zip(padding, after, strict=True)))
    return _begun(op, new(f"nn.ConvTranspose{rank}d", x.channels, op.f, kernel, padding=_short(padding), output_padding=extra, **common))


def _pool(op: Any, x: Map, _: Map) -> New:
    slides = _slides(op, x)
    rank = len(slides)
    ceil = any(s.overhang for s in slides)
    average = op.step == "avgpool"
    kind = {"count_include_pad": op.count_pad} if average else {"dilation": _short(tuple(s.d for s in slides))}
    window, stride = _short(tuple(s.k for s in slides)), _short(tuple(s.s for s in slides))
    name = "Avg" if average else "Max"
    # AvgPool3d, unlike its sisters, refuses a window larger than the input before padding; all refuse padding above half a window.
    narrow = average and rank == 3 and any(s.k > s.size for s in slides)
    if narrow or any(s.before != s.after or 2 * s.before > s.k for s in slides):
        pads = tuple(n for s in reversed(slides) for n in (s.before, s.after))
        if average and ceil:
            kind = {"overhang": tuple(n for s in reversed(slides) for n in (0, value_of(s.overhang))), **kind}
        return new(f"Padded{name}Pool", window, stride, pads=pads, rank=rank, **kind)
    padding = _short(tuple(s.before for s in slides))
    return new(f"nn.{name}Pool{rank}d", window, stride, padding=padding, **kind, ceil_mode=ceil)


def _adaptive(kind: str) -> Row:
    return lambda op, x, _: new(f"nn.Adaptive{kind}Pool{len(x.spatial)}d", _short(op.target(x)))


def _gap(op: Any, x: Type, _: Type) -> New:
    return new("MeanOfTokens") if isinstance(x, Tokens) else new(f"nn.AdaptiveAvgPool{len(x.shape) - 1}d", 1)


def _norm(name: str) -> Row:
    def row(op: Any, x: Type, _: Type) -> New:
        rank = len(x.spatial) if isinstance(x, Map) else 1
        extra = {"momentum": op.momentum, "affine": op.affine} if name == "Batch" else {}
        if name == "Batch" and isinstance(x, Tokens):
            return new("TokenBatchNorm1d", x.channels, eps=op.eps, **extra)
        return new(f"nn.{name}Norm{rank}d", x.channels, eps=op.eps, **extra)

    return row


def _layer_norm(op: Any, x: Type, _: Type) -> New:
    name = "ChannelNorm" if isinstance(x, Map) else "nn.LayerNorm"
    return new(name, x.channels, eps=op.eps)


def _group_norm(op: Any, x: Type, _: Type) -> New:
    return new("TokenGroupNorm" if isinstance(x, Tokens) else "nn.GroupNorm", op.groups, x.channels, eps=op.eps)


def _linear(op: Any, x: Type, _: Type) -> New:
    return _begun(op, new("ChannelLinear" if isinstance(x, Map) else "nn.Linear", x.channels, op.n, bias=op.bias))


def _softmax(name: str) -> Row:
    return lambda op, x, _: new(f"nn.{name}", dim=-1 if isinstance(x, Tokens) else 1)


def _plain(name: str, **fixed: Any) -> Row:
    return lambda op, x, y: new(name, **fixed)


def _pad(op: Any, x: Map, _: Map) -> New:
    ps = per_axis(op.p, len(x.spatial))
    pads = tuple(n for p in reversed(ps) for n in (p, p)) + ((op.c, op.c) if op.c else ())
    return new("Pad", pads)


def _upsample(op: Any, x: Map, _: Map) -> New:
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(x.spatial)] if op.mode == "bilinear" else "nearest"
    return new("nn.Upsample", scale_factor=op.n, mode=mode)


def _pixel_shuffle(op: Any, x: Map, _: Map) -> New:
    return new("nn.PixelShuffle" if len(x.spatial) == 2 else "PixelShuffle", op.n)


def _drop(name: str) -> Row:
    def row(op: Any, x: Type, _: Type) -> New:
        return new(name.format(rank=len(x.spatial) if isinstance(x, Map) else 1), op.p)

    return row


def _subsample(op: Any, x: Map, _: Map) -> New:
    slides = _slides(op, x)
    window, stride, pads = _short(tuple(s.k for s in slides)), _short(tuple(s.s for s in slides)), _pads(slides)
    return new("Subsample", x.channels, window, stride, rank=len(slides), **({"pads": pads} if pads is not None else {}))


def _prelu(op: Any, x: Type, _: Type) -> New:
    if op.shared:
        return new("nn.PReLU")
    return new("TokenPReLU" if isinstance(x, Tokens) else "nn.PReLU", x.channels)


def _scale(op: Any, x: Type, _: Type) -> New:
    shape = (x.channels, *(1,) * (len(x.spatial) if isinstance(x, Map) else 0))
    return new("nn.Parameter", new("torch.full", shape, new("float", op.init) if isinstance(op.init, Spelled) else op.init))


ROWS: dict[str, Row] = {
    "conv": _conv,
    "dwconv": _conv,
    "deconv": _deconv,
    "pool": _pool,
    "avgpool": _pool,
    "subsample": _subsample,
    "adaptpool": _adaptive("Avg"),
    "adaptmaxpool": _adaptive("Max"),
    "gap": _gap,
    "bn": _norm("Batch"),
    "ln": _layer_norm,
    "gn": _group_norm,
    "instnorm": _norm("Instance"),
    "lrn": lambda op, x, y: new("nn.LocalResponseNorm", op.n, alpha=op.alpha, beta=op.beta, k=op.k),
    "relu": _plain("nn.ReLU"),
    "relu6": _plain("nn.ReLU6"),
    "leaky": lambda op, x, y: new("nn.LeakyReLU", op.slope),
    "elu": lambda op, x, y: new("nn.ELU", op.alpha),
    "selu": _plain("nn.SELU"),
    "gelu": lambda op, x, y: new("nn.GELU", approximate=op.approx),
    "silu": _plain("nn.SiLU"),
    "mish": _plain("nn.Mish"),
    "hardswish": _plain("nn.Hardswish"),
    "hardsigmoid": _plain("nn.Hardsigmoid"),
    "sigmoid": _plain("nn.Sigmoid"),
    "tanh": _plain("nn.Tanh"),
    "softplus": _plain("nn.Softplus"),
    "softmax": _softmax("Softmax"),
    "logsoftmax": _softmax("LogSoftmax"),
    "prelu": _prelu,
    "dropout": lambda op, x, y: new("nn.Dropout", op.p),
    "dropout2d": _drop("nn.Dropout{rank}d"),
    "droppath": lambda op, x, y: new("DropPath", op.p),
    "flatten": _plain("nn.Flatten"),
    "pad": _pad,
    "crop": lambda op, x, y: new("Crop", op.size),
    "upsample": _upsample,
    "pixelshuffle": _pixel_shuffle,
    "shuffle": lambda op, x, y: new("nn.ChannelShuffle", op.g),
    "patchmerge": lambda op, x, y: new("PatchMerge", op.n),
    "slice": lambda op, x, y: new("Slice", *op.bounds, **({"dim": -1} if isinstance(x, Tokens) else {})),
    "fc": _linear,
    "linear": _linear,
    "rbf": lambda op, x, y: new("Rbf", x.channels, op.n),
    "embed": lambda op, x, y: new("nn.Embedding", op.v, op.d),
    "scale": _scale,
    "tokens": _plain("ToTokens"),
    "cls": lambda op, x, y: new("nn.Parameter", new("torch.zeros", 1, 1, x.channels)),
    "pos": lambda op, x, y: new("nn.init.normal_", new("nn.Parameter", new("torch.empty", 1, x.length, x.channels)), std=0.02),
    "first": _plain("FirstToken"),
    "winattn": lambda op, x, y: new("WindowAttention", x.channels, op.heads, op.w, op.shift, bias=op.bias),
    "attn": lambda op, x, y: new("SelfAttention", x.channels, op.heads, bias=op.bias),
}
"""Step to row. Merges have none: they are expressions of `forward`."""
