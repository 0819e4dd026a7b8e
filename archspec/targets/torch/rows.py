"""What each op is in PyTorch: one row an op, from its arguments and types to a constructor call.

Modules that PyTorch lacks are written into the file that uses them: `helpers.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archspec.ops.base import Op, per_axis
from archspec.source import Span
from archspec.targets.torch.new import New
from archspec.types import Map, Tokens, Type

Row = Callable[[Any, Any, Any], New]


class Unsupported(Exception):
    """An op has no exact counterpart: why, and where it was written."""

    span: Span | None = None


def module(op: Op, x: Type, y: Type) -> New:
    """The module of an op between two types. Raises Unsupported."""
    row = ROWS.get(op.step)
    if row is None:
        raise Unsupported(f"PyTorch has no module for `{op.step}`")
    return row(op, x, y)


def _new(name: str, *positional: Any, **keywords: Any) -> New:
    return New(name, (*(("", value) for value in positional), *keywords.items()))


def _short(values: tuple[int, ...]) -> int | tuple[int, ...]:
    return values[0] if len(set(values)) == 1 else values


def _unless(default: Any, **keywords: Any) -> dict[str, Any]:
    return {name: value for name, value in keywords.items() if value != default}


def _conv(op: Any, x: Map, _: Map) -> New:
    slides = op.slides(x)
    rank = len(slides)
    filters, groups = op.filters(x), x.channels // op.depth(x)
    keywords = {
        **_unless(1, stride=_short(tuple(s.s for s in slides))),
        **_unless(1, dilation=_short(tuple(s.d for s in slides))),
        **_unless(1, groups=groups),
        **_unless(True, bias=op.bias),
    }
    kernel = _short(tuple(s.k for s in slides))
    if getattr(op, "maps", None) is not None:
        keywords.pop("groups", None)
        return _new("TableConv2d", x.channels, op.maps, kernel, padding=_short(tuple(s.before for s in slides)), **keywords)
    pads = _pads(slides)
    if pads is None:
        keywords = {**_unless(0, padding=_short(tuple(s.before for s in slides))), **keywords}
        return _new(f"nn.Conv{rank}d", x.channels, filters, kernel, **keywords)
    return _new(f"PaddedConv{rank}d", x.channels, filters, kernel, pads=pads, **keywords)


def _pads(slides: Any) -> tuple[int, ...] | None:
    """Padding that differs at the two ends, as torch.nn.functional.pad takes it; None where it is the same."""
    ends = []
    for s in slides:
        over = (s.out - 1) * s.s + s.d * (s.k - 1) + 1 - s.size - s.before - s.after
        ends.append((s.before, s.after + max(0, over)))
    if all(before == after for before, after in ends):
        return None
    return tuple(number for pair in reversed(ends) for number in pair)


def _deconv(op: Any, x: Map, _: Map) -> New:
    axes = op.axes(x)
    rank = len(axes)
    # (out, k, s, d, cut before, cut after, formula): PyTorch cuts the same at both ends and adds at the end
    before, after = tuple(a[4] for a in axes), tuple(a[5] for a in axes)
    padding = tuple(max(b, a) for b, a in zip(before, after, strict=True))
    if any(b != p for b, p in zip(before, padding, strict=True)):
        return _new(
            f"CutConvTranspose{rank}d",
            x.channels,
            op.f,
            *_deconv_arguments(axes),
            cut=tuple(n for pair in zip(before[::-1], after[::-1], strict=True) for n in pair),
            **_unless(1, groups=op.g),
            **_unless(True, bias=op.bias),
        )
    extra = tuple(p - a for p, a in zip(padding, after, strict=True))
    keywords = {
        **_unless(1, stride=_short(tuple(a[2] for a in axes))),
        **_unless(0, padding=_short(padding)),
        **_unless(0, output_padding=_short(extra)),
        **_unless(1, groups=op.g),
        **_unless(True, bias=op.bias),
        **_unless(1, dilation=_short(tuple(a[3] for a in axes))),
    }
    return _new(f"nn.ConvTranspose{rank}d", x.channels, op.f, _short(tuple(a[1] for a in axes)), **keywords)


def _deconv_arguments(axes: Any) -> tuple[Any, ...]:
    return (_short(tuple(a[1] for a in axes)), _short(tuple(a[2] for a in axes)), _short(tuple(a[3] for a in axes)))


def _pool(op: Any, x: Map, _: Map) -> New:
    slides = op.slides(x)
    rank = len(slides)
    ceil = any((s.out - 1) * s.s + s.d * (s.k - 1) + 1 > s.size + s.before + s.after for s in slides)
    keywords = {
        **_unless(1, dilation=_short(tuple(s.d for s in slides))),
        **_unless(False, ceil_mode=ceil),
    }
    average = op.step == "avgpool"
    if average:
        keywords.pop("dilation", None)
        keywords |= _unless(True, count_include_pad=op.count_pad)
    window, stride = _short(tuple(s.k for s in slides)), _short(tuple(s.s for s in slides))
    # AvgPool3d, unlike its sisters, refuses a window larger than the input before padding.
    narrow = average and rank == 3 and any(s.k > s.size for s in slides)
    if narrow or any(s.before != s.after for s in slides):
        pads = tuple(n for s in reversed(slides) for n in (s.before, s.after))
        counted = {"count_pad": op.count_pad} if average else _unless(1, dilation=_short(tuple(s.d for s in slides)))
        name = "PaddedAvgPool" if average else "PaddedMaxPool"
        return _new(name, window, stride, pads=pads, rank=rank, **counted, **_unless(False, ceil_mode=ceil))
    padding = _short(tuple(s.before for s in slides))
    return _new(f"nn.{'Avg' if average else 'Max'}Pool{rank}d", window, stride, **_unless(0, padding=padding), **keywords)


def _adaptive(kind: str) -> Row:
    return lambda op, x, _: _new(f"nn.Adaptive{kind}Pool{len(x.spatial)}d", _short(op.target(x)))


def _gap(op: Any, x: Type, _: Type) -> New:
    return _new("MeanOfTokens") if isinstance(x, Tokens) else _new(f"nn.AdaptiveAvgPool{len(x.shape) - 1}d", 1)


def _norm(name: str) -> Row:
    def row(op: Any, x: Type, _: Type) -> New:
        rank = len(x.spatial) if isinstance(x, Map) else 1
        extra = {**_unless(0.1, momentum=op.momentum), **_unless(True, affine=op.affine)} if name == "Batch" else {}
        if name == "Batch" and isinstance(x, Tokens):
            return _new("TokenBatchNorm1d", x.channels, **_unless(1e-5, eps=op.eps), **extra)
        return _new(f"nn.{name}Norm{rank}d", x.channels, **_unless(1e-5, eps=op.eps), **extra)

    return row


def _layer_norm(op: Any, x: Type, _: Type) -> New:
    name = "ChannelNorm" if isinstance(x, Map) else "nn.LayerNorm"
    return _new(name, x.channels, **_unless(1e-5, eps=op.eps))


def _group_norm(op: Any, x: Type, _: Type) -> New:
    if isinstance(x, Tokens):
        raise Unsupported("group normalisation of tokens has another axis order in PyTorch")
    return _new("nn.GroupNorm", op.groups, x.channels, **_unless(1e-5, eps=op.eps))


def _linear(op: Any, x: Type, _: Type) -> New:
    return _new("ChannelLinear" if isinstance(x, Map) else "nn.Linear", x.channels, op.n, **_unless(True, bias=op.bias))


def _softmax(name: str) -> Row:
    return lambda op, x, _: _new(f"nn.{name}", dim=-1 if isinstance(x, Tokens) else 1)


def _plain(name: str, **fixed: Any) -> Row:
    return lambda op, x, y: _new(name, **fixed)


def _pad(op: Any, x: Map, _: Map) -> New:
    ps = per_axis(op.p, len(x.spatial), "p", least=0)
    pads = tuple(n for p in reversed(ps) for n in (p, p)) + ((op.c, op.c) if op.c else ())
    return _new("Pad", pads)


def _crop(op: Any, x: Map, y: Map) -> New:
    starts = tuple((a - b) // 2 for a, b in zip(x.spatial, y.spatial, strict=True))
    return _new("Crop", starts, y.spatial)


def _upsample(op: Any, x: Map, _: Map) -> New:
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(x.spatial)] if op.mode == "bilinear" else "nearest"
    return _new("nn.Upsample", scale_factor=op.n, mode=mode)


def _pixel_shuffle(op: Any, x: Map, _: Map) -> New:
    if len(x.spatial) != 2:
        raise Unsupported("PyTorch shuffles pixels of two-dimensional maps only")
    return _new("nn.PixelShuffle", op.n)


def _drop(name: str) -> Row:
    def row(op: Any, x: Type, _: Type) -> New:
        return _new(name.format(rank=len(x.spatial) if isinstance(x, Map) else 1), op.p)

    return row


def _subsample(op: Any, x: Map, _: Map) -> New:
    slides = op.slides(x)
    return _new("Subsample", x.channels, _short(tuple(s.k for s in slides)), _short(tuple(s.s for s in slides)), rank=len(slides))


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
    "lrn": lambda op, x, y: _new("nn.LocalResponseNorm", op.n, alpha=op.alpha, beta=op.beta, k=op.k),
    "relu": _plain("nn.ReLU"),
    "relu6": _plain("nn.ReLU6"),
    "leaky": lambda op, x, y: _new("nn.LeakyReLU", op.slope),
    "elu": lambda op, x, y: _new("nn.ELU", **_unless(1.0, alpha=op.alpha)),
    "selu": _plain("nn.SELU"),
    "gelu": lambda op, x, y: _new("nn.GELU", **_unless("none", approximate=op.approx)),
    "silu": _plain("nn.SiLU"),
    "mish": _plain("nn.Mish"),
    "hardswish": _plain("nn.Hardswish"),
    "hardsigmoid": _plain("nn.Hardsigmoid"),
    "sigmoid": _plain("nn.Sigmoid"),
    "tanh": _plain("nn.Tanh"),
    "softplus": _plain("nn.Softplus"),
    "softmax": _softmax("Softmax"),
    "logsoftmax": _softmax("LogSoftmax"),
    "prelu": lambda op, x, y: _new("nn.PReLU", *(() if op.shared else (x.channels,))),
    "dropout": lambda op, x, y: _new("nn.Dropout", op.p),
    "dropout2d": _drop("nn.Dropout{rank}d"),
    "droppath": lambda op, x, y: _new("DropPath", op.p),
    "flatten": _plain("nn.Flatten"),
    "pad": _pad,
    "crop": _crop,
    "upsample": _upsample,
    "pixelshuffle": _pixel_shuffle,
    "shuffle": lambda op, x, y: _new("nn.ChannelShuffle", op.g),
    "slice": lambda op, x, y: _new("Slice", *op.bounds, **_unless(1, dim=-1 if isinstance(x, Tokens) else 1)),
    "fc": _linear,
    "linear": _linear,
    "rbf": lambda op, x, y: _new("Rbf", x.channels, op.n),
    "embed": lambda op, x, y: _new("nn.Embedding", op.v, op.d),
    "scale": lambda op, x, y: _new("Scale", x.channels, **_unless(1.0, init=op.init)),
    "tokens": _plain("ToTokens"),
    "cls": lambda op, x, y: _new("ClassToken", x.channels),
    "pos": lambda op, x, y: _new("Position", x.length, x.channels),
    "first": _plain("FirstToken"),
    "attn": lambda op, x, y: _new("SelfAttention", x.channels, op.heads, **_unless(True, bias=op.bias)),
}
"""Step to row. Merges have none: they are expressions of `forward`."""

MERGES = {"add": " + ", "mul": " * ", "concat": ", "}
