"""What each layer of Caffe is: one row per type. Sources are files of BVLC/caffe, src/caffe/layers/, called as the type is."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from archspec.imports.caffe import Layer, Row
from archspec.imports.caffe_net import canonical
from archspec.imports.flat import Unsaid
from archspec.imports.imported import Stored
from archspec.imports.prototxt import Message
from archspec.imports.texts import Misread
from archspec.ops.base import per_axis
from archspec.types import Map, Tokens, Type

ROWS: dict[str, Row] = {}


def row(*kinds: str) -> Callable[[Row], Row]:
    """Register how layers of these types are read."""

    def register(function: Row) -> Row:
        ROWS.update(dict.fromkeys(map(canonical, kinds), function))
        return function

    return register


def sizes(message: Message, name: str, default: int | None, least: int, rank: int) -> Any:
    """A size along each axis of space: one number, one for each, or `_h` and `_w`. Raises Misread."""
    short = "kernel" if name == "kernel_size" else name
    if f"{short}_h" in message.fields or f"{short}_w" in message.fields:
        return _few(tuple(message.integer(f"{short}_{end}", default or 0, least) for end in "hw"))
    found = message.integers(name, least)
    if not found:
        if default is None:
            raise Misread(f"`{name}` is missing", message.span)
        return default
    if len(found) not in (1, rank):
        raise Misread(f"`{name}` has {len(found)} numbers, and the blob has {rank} axes of space", message.fields[name][0].span)
    return _few(tuple(found))


def _few(numbers: tuple[int, ...]) -> Any:
    """One number where all are equal."""
    return numbers[0] if len(set(numbers)) == 1 else numbers


@row("Convolution", "ConvolutionDepthwise", "DepthwiseConvolution", "Deconvolution")
def convolution(layer: Layer) -> list[int]:
    """BaseConvolution, Deconvolution; the depthwise ones are of others, and need no `group`. Each further blob has the same weights."""
    settings = layer.param("convolution")
    found = []
    for value in layer.all():
        type_ = layer.type_of(value)
        rank = len(type_.shape) - 1
        k, s, p, d = (
            sizes(settings, name, default, least, rank)
            for name, default, least in (("kernel_size", None, 1), ("stride", 1, 1), ("pad", 0, 0), ("dilation", 1, 1))
        )
        filters = settings.required("num_output")
        groups = type_.channels if "depthwise" in layer.entry.kind else settings.integer("group", 1, 1)
        transposed = layer.entry.kind == "deconvolution"
        outer, inner = (type_.channels, filters // groups) if transposed else (filters, type_.channels // groups)
        stored = {"weight": layer.blob(0, outer, inner, *per_axis(k, rank)), "bias": layer.blob(1, filters)}
        arguments: dict[str, Any] = {"k": k, "s": s, "p": p, "d": d, "bias": settings.flag("bias_term", True), "stored": stored}
        if transposed:
            found.append(layer.step("deconv", value, f=filters, g=groups, **arguments))
        elif groups == type_.channels > 1 and filters % groups == 0:
            found.append(layer.step("dwconv", value, m=filters // groups, round="floor", **arguments))
        else:
            found.append(layer.step("conv", value, f=filters, g=groups, round="floor", **arguments))
        if rank:
            slid(layer, found[-1], k, s, p, d)
    return found


def slid(layer: Layer, value: int, k: Any, s: Any, p: Any, d: Any = 1) -> None:
    """Say where the windows of a layer lie. Source: python/caffe/coord_map.py, coord_map."""
    k, s, p, d = (per_axis(number, 1)[0] for number in (k, s, p, d))
    middle = Fraction(d * (k - 1), 2) - p
    if layer.entry.kind == "deconvolution":
        layer.move(value, Fraction(1, s), -middle / s)
    else:
        layer.move(value, Fraction(s), middle)


@row("Pooling")
def pooling(layer: Layer) -> int | list[int]:
    """The size is rounded up; the last window must begin before the end, where there is padding, and the mean counts padding, not what is beyond."""
    settings = layer.param("pooling")
    value, type_ = layer.x, layer.type_of(layer.x)
    method = {"0": "MAX", "1": "AVE", "2": "STOCHASTIC"}.get(settings.word("pool", "MAX"), settings.word("pool", "MAX"))
    if not isinstance(type_, Map) or len(type_.spatial) != 2:
        raise Unsaid("it takes a blob with height and width")
    if method not in ("MAX", "AVE"):
        return layer.custom(value, out=pooled(settings, type_), why="the language has no stochastic pooling", macs=0)
    if settings.flag("global_pooling", False):
        return layer.step("gmp" if method == "MAX" else "gap", value)
    k, s, p = (
        sizes(settings, name, default, 1 if default else 0, 2) for name, default in (("kernel_size", None), ("stride", 1), ("pad", 0))
    )
    mode = "floor" if settings.word("round_mode") in ("FLOOR", "1") else "ceil"
    ends = p if isinstance(p, tuple) or 2 * p <= min(per_axis(k, 2)) else ((p, p),)
    arguments = {"w": k, "s": None if s == k else s, "p": ends, "round": mode}
    found = layer.step("pool" if method == "MAX" else "avgpool", value, **arguments)
    if layer.type_of(found) != pooled(settings, type_):
        raise Unsaid("its last window begins behind the blob, where Caffe pools nothing")
    slid(layer, found, k, s, p)
    if layer.tops == 1:
        return found
    layer.reader.masks[layer.entry.tops[1]] = arguments
    return [found, value]


@row("Upsample")
def upsample(layer: Layer) -> int:
    """Numbers where their pools had the maxima. Source: SegNet's Caffe, upsample_layer.cpp."""
    arguments = layer.reader.masks.get(layer.entry.bottoms[1]) if len(layer.entry.bottoms) > 1 else None
    if arguments is None:
        raise Unsaid("its second blob does not have the places of maxima")
    return layer.step("unpool", layer.x, layer.value(1), x=True, **arguments)


def pooled(settings: Message, type_: Map) -> Map:
    """The size of a pooled blob. Source: pooling_layer.cpp, Reshape."""
    if settings.flag("global_pooling", False):
        return Map((1, 1), type_.channels)
    k, s, p = (
        per_axis(sizes(settings, name, default, 1 if default else 0, 2), 2)
        for name, default in (("kernel_size", None), ("stride", 1), ("pad", 0))
    )
    out = []
    for size, window, stride, pad in zip(type_.spatial, k, s, p, strict=True):
        free = size + 2 * pad - window
        count = (free // stride if settings.word("round_mode") in ("FLOOR", "1") else -(-free // stride)) + 1
        out.append(count - (any(p) and (count - 1) * stride >= size + pad))
    if min(out) < 1:
        raise Unsaid(f"its window does not fit on a blob of {type_}")
    return Map(tuple(out), type_.channels)


@row("InnerProduct")
def inner_product(layer: Layer) -> int:
    """Append a fully connected layer of `num_output` numbers, which reads all of a blob, or with `axis: 2` each token of a sequence.

    Source: inner_product_layer.cpp: weights are stored (outputs, inputs), with `transpose` (inputs, outputs). Raises Unsaid for other axes.
    """
    settings = layer.param("inner_product")
    value, type_ = layer.x, layer.type_of(layer.x)
    axis = layer.axis(settings, value)
    if axis != 1 and not (isinstance(type_, Tokens) and axis == 2):
        raise Unsaid(f"`axis={axis}` would multiply the last axes of {type_}")
    step, reads = ("linear", type_.channels) if axis == 2 else ("fc", type_.size)
    outputs = settings.required("num_output")
    transposed = settings.flag("transpose", False)
    weight = layer.blob(0, reads, outputs)._replace(order=(1, 0)) if transposed else layer.blob(0, outputs, reads)
    stored = {"weight": weight, "bias": layer.blob(1, outputs)}
    return layer.step(step, value, n=outputs, bias=settings.flag("bias_term", True), stored=stored)


@row("BatchNorm")
def batch_norm(layer: Layer) -> int:
    """With a scale behind it, it is `bn`. What is kept of the running mean each time is 0.999 without a word."""
    settings = layer.param("batch_norm")
    momentum = round(1 - settings.number("moving_average_fraction", 0.999), 9)
    merged, name = layer.entry.merged, layer.entry.name
    stored = {"running_mean": Stored((f"{name}/mean",)), "running_var": Stored((f"{name}/variance",))}
    if merged is not None:
        stored |= {"weight": Stored((f"{merged.name}/0",)), "bias": Stored((f"{merged.name}/1",))}
    return layer.step("bn", layer.x, eps=settings.number("eps", 1e-5), momentum=momentum, affine=merged is not None, stored=stored)


@row("Scale")
def scale(layer: Layer) -> int:
    """A factor for each channel, learned or given, and with `bias_term` an offset."""
    if layer.entry in layer.reader.net.merged:
        return layer.x
    settings = layer.param("scale")
    moved = settings.flag("bias_term", False)
    if len(layer.values) > 1:
        value = layer.step("mul", layer.x, layer.value(1))
    else:
        shared = settings.word("num_axes", "1") == "0"
        if not shared:
            per_channel(layer, settings)
        stored = {"": layer.blob(0, *(() if shared else alone(layer.type_of(layer.x))))}
        value = layer.step("scale", layer.x, key=".weight" if moved else "", shared=shared, stored=stored)
    return offset(layer, value, 1 if len(layer.values) == 1 else 0) if moved else value


@row("Bias")
def bias(layer: Layer) -> int:
    """An offset for each channel, learned or given."""
    if len(layer.values) > 1:
        return layer.step("add", layer.x, layer.value(1), stretch=True)
    per_channel(layer, layer.param("bias"))
    return offset(layer, layer.x, 0)


def per_channel(layer: Layer, settings: Message) -> None:
    """Raises Unsaid for weights that are not one number per channel."""
    if layer.axis(settings, layer.x) != 1 or settings.integer("num_axes", 1, -1) != 1 or isinstance(layer.type_of(layer.x), Tokens):
        raise Unsaid("its weights are not one number for each channel")


def alone(type_: Type) -> tuple[int, ...]:
    """The shape of one number for each channel, as PyTorch has it."""
    return (type_.channels, *(1,) * (len(type_.shape) - 1))


def offset(layer: Layer, value: int, at: int) -> int:
    """Add a learned number for each channel, which is blob number `at`."""
    shape = alone(layer.type_of(value))
    learned = layer.step("tensor", key=".bias", shape=(*shape[1:], shape[0]), stored={"": layer.blob(at, *shape)})
    return layer.step("add", value, learned, stretch=True)


@row("BN")
def bn(layer: Layer) -> int:
    """Source: SegNet's Caffe, bn_layer.cpp; with `bn_mode: INFERENCE` it has a factor and an offset for each channel, into which the rest is folded."""
    settings = layer.param("bn")
    if settings.word("bn_mode", "LEARN") in ("INFERENCE", "1"):
        stored = {"": layer.blob(0, *alone(layer.type_of(layer.x)))}
        return offset(layer, layer.step("scale", layer.x, key=".weight", stored=stored), 1)
    channels = layer.type_of(layer.x).channels
    return layer.step(
        "bn", layer.x, eps=settings.number("eps", 1e-5), stored={"weight": layer.blob(0, channels), "bias": layer.blob(1, channels)}
    )


@row("LRN")
def lrn(layer: Layer) -> int:
    """Append a local response normalization over `local_size` channels; one within channels is a `custom`, which keeps the shape.

    Source: caffe.proto, LRNParameter, for the defaults: 5 channels, alpha 1, beta 0.75, k 1.
    """
    settings = layer.param("lrn")
    if settings.word("norm_region", "ACROSS_CHANNELS") not in ("ACROSS_CHANNELS", "0"):
        return layer.custom(layer.x, out=layer.type_of(layer.x), why="`lrn` sums over channels, and this over space", macs=0)
    alpha, beta, k = (settings.number(name, default) for name, default in (("alpha", 1.0), ("beta", 0.75), ("k", 1.0)))
    return layer.step("lrn", layer.x, n=settings.integer("local_size", 5, 1), alpha=alpha, beta=beta, k=k)


@row("Dropout")
def dropout(layer: Layer) -> int:
    """Append a dropout of `dropout_ratio`, 0.5 where it is not given."""
    return layer.step("dropout", layer.x, p=layer.param("dropout").number("dropout_ratio", 0.5))


@row("ReLU")
def relu(layer: Layer) -> int:
    """Append a ReLU, or with `negative_slope` a leaky one."""
    slope = layer.param("relu").number("negative_slope", 0)
    return layer.step("leaky", layer.x, slope=slope) if slope else layer.step("relu", layer.x)


@row("PReLU")
def prelu(layer: Layer) -> int:
    """Append a PReLU with one learned slope per channel, or with `channel_shared` one for all."""
    shared = layer.param("prelu").flag("channel_shared", False)
    stored = {"weight": layer.blob(0, 1 if shared else layer.type_of(layer.x).channels)}
    return layer.step("prelu", layer.x, shared=shared, stored=stored)


@row("ELU")
def elu(layer: Layer) -> int:
    """Append an ELU of `alpha`, 1 where it is not given."""
    return layer.step("elu", layer.x, alpha=layer.param("elu").number("alpha", 1))


def plain(step: str) -> Row:
    """A layer that is one of ours, without settings."""

    def read(layer: Layer) -> int:
        return layer.step(step, layer.x)

    return read


for _kind, _step in {"Sigmoid": "sigmoid", "TanH": "tanh", "AbsVal": "abs", "BNLL": "softplus", "ReLU6": "relu6"}.items():
    ROWS[canonical(_kind)] = plain(_step)


@row("Swish")
def swish(layer: Layer) -> int:
    """Append x * sigmoid(beta*x): for `beta` 1, which is the default, a SiLU. Source: swish_layer.cpp."""
    beta = layer.param("swish").number("beta", 1)
    if beta == 1:
        return layer.step("silu", layer.x)
    return layer.step("mul", layer.x, layer.step("sigmoid", layer.step("mul", layer.x, number=beta)))


@row("Clip")
def clip(layer: Layer) -> int:
    """Append a ReLU6 for `min` 0 and `max` 6; any other bounds are a `custom`."""
    settings = layer.param("clip")
    least, most = (settings.number(name, 0) for name in ("min", "max"))
    if (least, most) == (0, 6):
        return layer.step("relu6", layer.x)
    return layer.custom(layer.x, out=layer.type_of(layer.x), why="the language has no such bounds", macs=0)


@row("Power")
def power(layer: Layer) -> int:
    """(shift + scale*x)^power."""
    settings = layer.param("power")
    exponent, factor, shift = (settings.number(name, default) for name, default in (("power", 1), ("scale", 1), ("shift", 0)))
    if exponent not in (1, 2):
        return layer.custom(layer.x, out=layer.type_of(layer.x), why=f"the language has no power {exponent:g}", macs=0)
    value = layer.x
    if factor != 1:
        value = layer.step("mul", value, number=factor)
    if shift != 0:
        value = layer.step("add", value, number=shift)
    return layer.step("mul", value, value) if exponent == 2 else value


@row("Exp", "Log", "Threshold", "MVN")
def elementwise(layer: Layer) -> int:
    """Functions that keep the shape, and that the language lacks."""
    return layer.custom(layer.x, out=layer.type_of(layer.x), why="the language has no such function", macs=0)
