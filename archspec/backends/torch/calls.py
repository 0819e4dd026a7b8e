"""Each op in PyTorch: one row per op, from its arguments and types to a constructor call.

Modules that PyTorch lacks are written into the file that uses them, from `templates`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from archspec.backends.moves import is_last, moves
from archspec.backends.registry import Unsupported
from archspec.backends.source import constructor
from archspec.backends.source.constructor import New, written
from archspec.backends.torch import attentions
from archspec.backends.torch.declared_layers import declared
from archspec.numeric import Spelled, value_of
from archspec.ops.base import Op
from archspec.ops.declare import is_range
from archspec.ops.edges import both_ends, margins
from archspec.ops.targets import target
from archspec.ops.window import Slide
from archspec.types import Map, Tokens, Type, Vector, channels_second

Row = Callable[..., New]
"""Takes the op, the types of its inputs and that of its output."""
DEFAULTS: dict[str, Any] = {
    "stride": 1,
    "padding": 0,
    "output_padding": 0,
    "dilation": 1,
    "groups": 1,
    "bias": True,
    "eps": 1e-5,
    "momentum": 0.1,
    "num_layers": 1,
    "affine": True,
    "ceil_mode": False,
    "count_include_pad": True,
    "approximate": "none",
    "align_corners": False,
}
"""What PyTorch assumes for a keyword; an argument that says the same is not written."""


def layer(op: Op, types: tuple[Type, ...], overwrites: bool) -> New:
    """The module of an op, from the types of its inputs and its output. Raises Unsupported."""
    row = ROWS.get(op.step)
    if row is None:
        raise Unsupported(f"PyTorch has no module for `{op.step}`")
    made = row(op, *types)
    if op.frozen and not op.origin and op.weights(*types[:-1]):
        return New("frozen", (("", made),))
    return New(made.name, (*made.arguments, ("inplace", True))) if overwrites else made


def new(name: str, *positional: Any, **keywords: Any) -> New:
    """A call without the keywords that say what PyTorch assumes in any case."""
    made = constructor.new(name, *positional, **keywords)
    kept = [(key, value) for key, value in made.arguments if isinstance(value, Spelled) or DEFAULTS.get(key, made) != value]
    return New(name, tuple(kept))


def _short(values: tuple[Any, ...]) -> Any:
    """One number where those of all axes are written alike."""
    return values[0] if len(set(map(written, values))) == 1 else values


def _sizes(slides: Sequence[Slide], *names: str) -> list[Any]:
    """What windows have of these names, over all axes."""
    return [_short(tuple(getattr(slide, name) for slide in slides)) for name in names]


def _ends(pairs: Iterable[tuple[Any, Any]]) -> tuple[Any, ...]:
    """The two ends of each axis as torch.nn.functional.pad takes them: the last axis first."""
    return tuple(number for pair in reversed(list(pairs)) for number in pair)


def _slides(op: Any, x: Map) -> Sequence[Slide]:
    """The windows of a layer; how much `same` pads where they stride follows from the size of the map, and is a plain number."""
    slides: Sequence[Slide] = op.window(x)
    if getattr(op, "p", 0) != "same" or all(type(s.s) is int and s.s == 1 for s in slides):
        return slides
    return [s._replace(before=value_of(s.before), after=value_of(s.after)) for s in slides]


def _pads(slides: Sequence[Slide]) -> dict[str, Any]:
    """Padding that differs at the two ends of an axis; none where it is the same."""
    ends = [(s.before, s.after + value_of(s.overhang)) for s in slides]
    return {"pads": _ends(ends)} if any(before != after for before, after in ends) else {}


def _conv(op: Any, x: Map, *_: Map) -> New:
    slides = _slides(op, x)
    rank, pads = len(slides), _pads(slides) if not getattr(op, "offset", False) else {}
    kernel, stride, dilation, padding = _sizes(slides, "k", "s", "d", "before")
    keywords = {**(pads or {"padding": padding}), "stride": stride, "dilation": dilation}
    if getattr(op, "maps", None) is not None:
        if pads:
            raise Unsupported("a convolution with a connection table takes no padding that differs at two ends in PyTorch")
        if op.mode != "zero" and any(map(any, op.pads(x))):
            raise Unsupported("a convolution with a connection table takes a border of zeros alone in PyTorch")
        return _begun(op, new(f"TableConv{rank}d", x.channels, op.maps, kernel, **keywords, bias=op.bias))
    groups = x.channels if op.step == "dwconv" else op.g
    if getattr(op, "offset", False):
        return _begun(op, new("DeformConv2d", x.channels, op.f, kernel, **keywords, groups=op.g, bias=op.bias))
    name = f"StandardConv{rank}d" if op.norm == "std" else f"PaddedConv{rank}d" if pads else f"nn.Conv{rank}d"
    if op.mode != "zero" and any(map(any, op.pads(x))):
        if pads and op.norm == "std":
            raise Unsupported("standardised weights take a border that differs at two ends only of zeros in PyTorch")
        keywords["padding_mode"] = _MODES[op.mode]
        name = f"BorderConv{rank}d" if pads else name
    return _begun(op, _standard(op, new(name, x.channels, op.filters(x), kernel, **keywords, groups=groups, bias=op.bias)))


def _begun(op: Any, module: New) -> New:
    """A layer with the weights that its spec wants it to begin with, and their form."""
    if op.init is not None:
        module = new(op.init, module, **({"std": op.std} if op.std is not None else {}))
    return New(f"nn.utils.parametrizations.{op.norm}_norm", (("", module),)) if op.norm in ("weight", "spectral") else module


def _standard(op: Any, module: New) -> New:
    """A layer with what its template of standardised weights is called with beside what the plain layer is."""
    if op.norm != "std":
        return module
    own = [("gain", False)] * (not op.gain) + [("eps", op.eps)] * (op.eps != op.fields["eps"].default)
    return New(module.name, (*module.arguments, *own))


def _deconv(op: Any, x: Map, _: Map) -> New:
    axes = op.window(x)
    rank = len(axes)
    kernel, stride, dilation = _sizes(axes, "k", "s", "d")
    common = {"stride": stride, "dilation": dilation, "groups": op.g, "bias": op.bias}
    padding = tuple(max(a.before, a.after) for a in axes)  # PyTorch cuts the same at both ends and adds at the end
    if all(a.before >= a.after for a in axes):
        extra = _short(tuple(p - a.after for p, a in zip(padding, axes, strict=True)))
        name = f"nn.ConvTranspose{rank}d"
        return _begun(op, new(name, x.channels, op.f, kernel, padding=_short(padding), output_padding=extra, **common))
    cut = _ends((a.before, max(a.after, 0)) for a in axes)
    behind = _short(tuple(max(0, -a.after) for a in axes))  # positions that hold the bias, as those of output padding do
    return _begun(op, new(f"CutConvTranspose{rank}d", x.channels, op.f, kernel, cut=cut, **common, output_padding=behind))


def _pool(op: Any, x: Map, _: Map) -> New:
    slides = _slides(op, x)
    rank, average, ceil = len(slides), op.step == "avgpool", any(s.overhang for s in slides)
    name = "Avg" if average else "Max"
    window, stride, dilation, padding = _sizes(slides, "k", "s", "d", "before")
    kind = {"count_include_pad": op.count_pad} if average else {"dilation": dilation}
    # AvgPool3d, unlike its sisters, refuses a window larger than the input before padding; all refuse padding above half a window.
    narrow = average and rank == 3 and any(s.k > s.size for s in slides)
    if narrow or any(s.before != s.after or 2 * s.before > s.k for s in slides):
        overhang = [value_of(s.overhang) for s in slides]
        if average and ceil:
            kind = {"overhang": _ends((0, end) for end in overhang), **kind}
        ends = _ends((s.before, s.after if average else s.after + end) for s, end in zip(slides, overhang, strict=True))
        return new(f"Padded{name}Pool", window, stride, pads=ends, rank=rank, **kind)
    return new(f"nn.{name}Pool{rank}d", window, stride, padding=padding, **kind, ceil_mode=ceil)


def _adaptive(kind: str) -> Row:
    return lambda op, x, _: new(f"nn.Adaptive{kind}Pool{len(x.spatial)}d", _short(op.target(x)))


def _batch_norm(op: Any, x: Type, _: Type) -> New:
    name = "TokenBatchNorm1d" if isinstance(x, Tokens) else f"nn.BatchNorm{max(len(x.shape) - 1, 1)}d"
    return new(name, x.channels, eps=op.eps, momentum=op.momentum, affine=op.affine)


def _recurrent(op: Any, x: Type, _: Type) -> New:
    name = ("Last" if op.out == "last" else "Sequence") + op.step.upper()
    ways = {"bidirectional": True} if op.dirs == 2 else {}
    axis = {"dim": 2} if isinstance(x, Map) else {}
    return new(name, x.channels, op.n, num_layers=op.layers, bias=op.bias, **ways, **axis)


def _layer_norm(op: Any, x: Type, _: Type) -> New:
    keywords = {"bias": op.bias} if op.affine else {"elementwise_affine": False}
    return new("ChannelNorm" if isinstance(x, Map) else "nn.LayerNorm", x.channels, eps=op.eps, **keywords)


def _rms_norm(op: Any, x: Type, _: Type) -> New:
    eps = {} if op.eps is None else {"eps": op.eps}
    return constructor.new("ChannelRMSNorm" if isinstance(x, Map) else "nn.RMSNorm", x.channels, **eps)


def _instance_norm(op: Any, x: Map, _: Map) -> New:
    made = new(f"nn.InstanceNorm{len(x.spatial)}d", x.channels, eps=op.eps)
    return New(made.name, (*made.arguments, ("affine", True))) if op.affine else made  # PyTorch assumes no here, unlike for `bn`


def _linear(op: Any, x: Type, _: Type) -> New:
    name = "StandardLinear" if op.norm == "std" else "ChannelLinear" if isinstance(x, Map) else "nn.Linear"
    axis = {"dim": 1} if op.norm == "std" and isinstance(x, Map) else {}
    return _begun(op, _standard(op, new(name, x.channels, op.n, bias=op.bias, **axis)))


def _softmax(name: str) -> Row:
    return lambda op, x, _: new(f"nn.{name}", dim=_dim(op.axis, x))


def _dim(axis: str, x: Type) -> int:
    """The number of the axis c or t in a tensor."""
    return -1 if is_last(axis, x) else 1


def _reduction(name: str) -> Row:
    return lambda op, x, y: new(name, dim=_dim(op.axis, x), **({"keepdim": True} if len(x.shape) == len(y.shape) else {}))


def _rearrange(op: Any, x: Type, y: Type) -> New:
    split, order, join, _ = moves(op, x, y)
    steps = {
        "split": tuple([(at + 1, sizes) for at, sizes in split]),
        "order": tuple([at + 1 for at in order]),
        "join": tuple([(first + 1, last + 1) for first, last in join]),
    }
    return new("Rearrange", **{name: step for name, step in steps.items() if step})


def _reshape(op: Any, x: Type, y: Type) -> New:
    shape = channels_second(op.axes(), y)
    if isinstance(y, Vector):
        return new("nn.Flatten")
    return new("nn.Unflatten", 1, shape) if isinstance(x, Vector) else new("Reshape", shape)


def _plain(name: str) -> Row:
    return lambda op, x, y: new(name)


def _pad(op: Any, x: Map, _: Map) -> New:
    pads, channels = _ends(op.around(x)), both_ends(margins(op.c, 1)[0])
    if op.mode == "zero":
        return new("Pad", (*pads, *channels) if any(channels) else pads)
    return new(f"nn.{_BORDERS[op.mode]}Pad{len(x.spatial)}d", _short(pads))


_MODES = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}
_BORDERS = {"reflect": "Reflection", "edge": "Replication", "wrap": "Circular"}


def _crop(op: Any, x: Map, _: Map) -> New:
    size = target(op)
    return new("CropRange", *size[0]) if is_range(size) else new("Crop", size)


def _upsample(op: Any, x: Map, y: Map) -> New:
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(x.spatial)] if op.mode == "bilinear" else op.mode
    times, parts = op.factor() if op.to is None else (0, 1)
    by_factor = all(value_of(a) * value_of(times) == value_of(b) * parts for a, b in zip(x.spatial, y.spatial, strict=True))
    size = {"scale_factor": op.n} if by_factor else {"size": _short(y.spatial)}
    return new("nn.Upsample", **size, mode=mode, align_corners=op.corners)


def _unpool(op: Any, y: Map, x: Map, _: Map) -> New:
    slides = op.pool().window(x)
    window, stride, dilation = _sizes(slides, "k", "s", "d")
    ends = _ends((s.before, s.after + value_of(s.overhang)) for s in slides)
    return new("Unpool", window, stride, **({"pads": ends} if any(ends) else {}), dilation=dilation)


def _subsample(op: Any, x: Map, _: Map) -> New:
    slides = _slides(op, x)
    return new("Subsample", x.channels, *_sizes(slides, "k", "s"), rank=len(slides), **_pads(slides))


def _prelu(op: Any, x: Type, _: Type) -> New:
    if op.shared:
        return new("nn.PReLU")
    return new("TokenPReLU" if isinstance(x, Tokens) else "nn.PReLU", x.channels)


def _scale(op: Any, x: Type, _: Type) -> New:
    start = new("float", op.init) if isinstance(op.init, Spelled) else op.init
    return new("nn.Parameter", new("torch.full", op.weights(x)[0].shape, start))


def _positions(op: Any, x: Tokens, _: Type) -> New:
    if op.kind_ == "sin":
        return new("nn.Buffer", new("sinusoids", x.length, x.channels), persistent=False)
    return new("nn.init.normal_", new("nn.Parameter", new("torch.empty", 1, x.length, x.channels)), std=0.02)


def _tensor(op: Any, _: Type) -> New:
    return new("nn.Buffer" if op.frozen else "nn.Parameter", _start(op, op.layout))


def _start(op: Any, shape: tuple[int, ...]) -> New:
    """What a tensor begins with."""
    if not isinstance(op.init, str):
        return new("torch.full", shape, new("float", op.init) if isinstance(op.init, Spelled) else op.init)
    if op.init in ("eye", "zeros"):
        return new(f"torch.{op.init}", *shape)
    function, keywords = _STARTS[op.init]
    std = {"std": op.std if op.std is not None else keywords["std"]} if "std" in keywords else keywords
    return new(f"nn.init.{function}_", new("torch.empty", *shape), **std)


_STARTS: dict[str, tuple[str, dict[str, Any]]] = {
    "kaiming": ("kaiming_normal", {}),
    "kaiming_uniform": ("kaiming_uniform", {}),
    "kaiming_out": ("kaiming_normal", {"mode": "fan_out"}),
    "xavier": ("xavier_uniform", {}),
    "xavier_normal": ("xavier_normal", {}),
    "lecun": ("kaiming_normal", {"nonlinearity": "linear"}),
    "normal": ("normal", {"std": 0.01}),
    "truncated": ("trunc_normal", {"std": 0.02}),
    "orthogonal": ("orthogonal", {}),
}
"""The functions of torch.nn.init for the words of `init=`."""


ROWS: dict[str, Row] = {
    **dict.fromkeys(("conv", "dwconv"), _conv),
    "deconv": _deconv,
    **dict.fromkeys(("pool", "avgpool"), _pool),
    "subsample": _subsample,
    "adaptpool": _adaptive("Avg"),
    "adaptmaxpool": _adaptive("Max"),
    "gap": lambda op, x, y: new("MeanOfTokens") if isinstance(x, Tokens) else new(f"nn.AdaptiveAvgPool{len(x.spatial)}d", 1),
    "bn": _batch_norm,
    "ln": _layer_norm,
    "rmsnorm": _rms_norm,
    "l2norm": lambda op, x, y: constructor.new("L2Norm", dim=_dim("c", x), eps=op.eps),
    "grn": lambda op, x, y: constructor.new("GlobalResponseNorm", x.channels, eps=op.eps),
    "gn": lambda op, x, y: new("TokenGroupNorm" if isinstance(x, Tokens) else "nn.GroupNorm", op.groups, x.channels, eps=op.eps),
    "evonorm": lambda op, x, y: constructor.new("EvoNorm", op.groups, x.channels, eps=op.eps, act=op.act),
    "instnorm": _instance_norm,
    "lrn": lambda op, x, y: new(
        "LocalResponseNorm3d" if len(x.spatial) == 3 else "nn.LocalResponseNorm", op.n, alpha=op.alpha, beta=op.beta, k=op.k
    ),
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
    "dropout2d": lambda op, x, y: new(f"nn.Dropout{len(x.spatial)}d", op.p),
    "droppath": lambda op, x, y: new("DropPath", op.p),
    "flatten": _plain("nn.Flatten"),
    "pad": _pad,
    "crop": _crop,
    "upsample": _upsample,
    "unpool": _unpool,
    "glu": lambda op, x, y: new("nn.GLU", dim=_dim("c", x)),
    "maxout": lambda op, x, y: new("Maxout", op.n, dim=_dim("c", x)),
    "squash": lambda op, x, y: new("Squash", dim=_dim("c", x)),
    "pixelshuffle": lambda op, x, y: new("nn.PixelShuffle" if len(x.spatial) == 2 else "PixelShuffle", op.n),
    "shuffle": lambda op, x, y: new("nn.ChannelShuffle", op.g),
    "patchmerge": lambda op, x, y: new("PatchMerge", op.n),
    "slice": lambda op, x, y: new("Slice", *op.bounds, **({"dim": _dim(op.axis, x)} if _dim(op.axis, x) != 1 else {})),
    "rearrange": _rearrange,
    "swap": _plain("Swap"),
    "matmul": lambda op, *types: new("torch.matmul"),
    "map": lambda op, x, y: new("ToMap", op.axes()),
    "reshape": _reshape,
    "token": lambda op, x, y: new("Token", op.n, **({"dim": -1} if isinstance(x, Map) else {})),
    "gmp": lambda op, x, y: new("Max", dim=1) if isinstance(x, Tokens) else new(f"nn.AdaptiveMaxPool{len(x.spatial)}d", 1),
    "mean": _reduction("Mean"),
    "max": _reduction("Max"),
    **dict.fromkeys(("fc", "linear"), _linear),
    "rbf": lambda op, x, y: new("Rbf", x.channels, op.n),
    **dict.fromkeys(("rnn", "gru", "lstm"), _recurrent),
    "embed": lambda op, x, y: new("nn.Embedding", op.v, op.d),
    "scale": _scale,
    "tensor": _tensor,
    "custom": declared,
    "abs": _plain("Abs"),
    "add": lambda op, x, y: new("Plus", op.number),
    "sub": lambda op, x, y: new("Plus", -op.number),
    "mul": lambda op, x, y: new("Times", op.number),
    "tokens": _plain("ToTokens"),
    "cls": lambda op, x, y: new("nn.Parameter", new("torch.zeros", 1, op.n, x.channels)),
    "pos": _positions,
    "first": _plain("FirstToken"),
    "attn": attentions.attention,
    "winattn": attentions.attention,
    "attend": attentions.attend,
    "buckets": lambda op, x, y: new(
        "Buckets", op.heads, **{"causal": True} if op.causal else {}, **{"axis": 2} if isinstance(x, Map) else {}
    ),
}
"""Step to row. Merges of several values have none: they are expressions of `forward`."""
