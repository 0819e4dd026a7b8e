"""What each layer of Darknet is: one row per layer. Sources are files of pjreddie/darknet, src/; AlexeyAB/darknet where that is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from archspec.imports.darknet import Layer, Row
from archspec.imports.flat import Unsaid
from archspec.imports.imported import Stored
from archspec.imports.pool_windows import Window, pooled
from archspec.numeric import product
from archspec.types import Map, Type, is_line

ROWS: dict[str, Row] = {}

MOMENTUM = 0.01
"""forward_batchnorm_layer keeps 0.99 of the running statistics; normalize_kernel, on GPUs, adds 1e-5 to the variance, as `bn` does."""

_ACTIVATIONS: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "linear": (),
    "relu": (("relu", {}),),
    "relu6": (("relu6", {}),),
    "leaky": (("leaky", {"slope": 0.1}),),
    "relie": (("leaky", {}),),
    "logistic": (("sigmoid", {}),),
    "tanh": (("tanh", {}),),
    "loggy": (("mul", {"number": 0.5}), ("tanh", {})),
    "elu": (("elu", {}),),
    "selu": (("selu", {}),),
    "gelu": (("gelu", {"approx": "tanh"}),),
    "swish": (("silu", {}),),
    "mish": (("mish", {}),),
}  # fmt: skip
"""activations.h; 2/(1 + exp(-x)) - 1 (loggy) is tanh(x/2). swish, mish, gelu and relu6 are AlexeyAB's."""


def row(*names: str) -> Callable[[Row], Row]:
    """Register how layers of these names are read."""

    def register(function: Row) -> Row:
        ROWS.update(dict.fromkeys(names, function))
        return function

    return register


def activated(layer: Layer, value: int, default: str = "logistic") -> int:
    """Append the activation of a layer."""
    name = layer.section.word("activation", default)
    if name == "ramp":  # x*(x > 0) + x/10
        return layer.step("add", layer.step("relu", value), layer.step("mul", value, number=0.1))
    known = _ACTIVATIONS.get(name)
    if known is None:
        return layer.custom(value, out=layer.type_of(value), why="the language has no such activation", macs=0, name=name)
    for step, arguments in known:
        value = layer.step(step, value, **arguments)
    return value


def normalised(layer: Layer, value: int, stored: Mapping[str, Stored]) -> int:
    """Append the batch normalisation of a layer, if it has one, with what is stored of it, and its activation."""
    if layer.section.integer("batch_normalize", 0):
        value = layer.step("bn", value, momentum=MOMENTUM, stored=stored)
    return activated(layer, value)


def convolved(layer: Layer, shape: tuple[int, ...], filters: int) -> tuple[dict[str, Stored], dict[str, Stored]]:
    """What is stored of a convolution, and of its batch normalisation. Source: parser.c, load_convolutional_weights."""
    biases = {"bias": layer.held("biases", (filters,))}
    normalise = layer.section.integer("batch_normalize", 0)
    statistics = biases | layer.statistics(filters) if normalise else {}
    weights = {"weight": layer.held("weights", shape)}
    return weights if normalise else weights | biases, statistics


def strides(layer: Layer) -> tuple[int, int]:
    """The strides along height and width. `stride_x` and `stride_y` are AlexeyAB's."""
    section = layer.section
    both = section.integer("stride", 1, 1)
    return section.integer("stride_y", both, 1), section.integer("stride_x", both, 1)


def padding(layer: Layer, size: int) -> int:
    """The zeros on each side: `pad=1` is half the window, whatever `padding` says."""
    section = layer.section
    return size // 2 if section.integer("pad", 0) else section.integer("padding", 0)


@row("convolutional", "conv")
def convolutional(layer: Layer) -> int:
    """Append a convolution of `filters` windows of `size` in `groups`, with its batch normalization and activation.

    Source: parser.c, parse_convolutional; `dilation` is AlexeyAB's. Raises Unsaid for options of his that change what is computed.
    """
    section = layer.section
    value, type_ = layer.map(layer.x)
    for name in ("antialiasing", "share_index", "sway", "rotate", "stretch", "stretch_sway", "coordconv"):
        if section.integer(name, 0, -(10**9)):
            raise Unsaid(f"`{name}=` of AlexeyAB's Darknet is not read")
    size, filters, groups = section.integer("size", 1, 1), section.integer("filters", 1, 1), section.integer("groups", 1, 1)
    pad, (high, wide) = padding(layer, size), strides(layer)
    dilation = section.integer("dilation", 1, 1) if size > 1 else 1
    if section.integer("binary", 0) or section.integer("xnor", 0):
        return binary(layer, value, type_, (size, filters, groups, pad, high, wide))
    stored, statistics = convolved(layer, (filters, type_.channels // groups, size, size), filters)
    depthwise = groups == type_.channels > 1 and filters % groups == 0
    kind = {"m": filters // groups} if depthwise else {"f": filters, "g": groups}
    step = "dwconv" if depthwise else "conv"
    s = high if high == wide else (high, wide)
    value = layer.step(step, value, k=size, s=s, p=pad, d=dilation, bias=not statistics, round="floor", stored=stored, **kind)
    return normalised(layer, value, statistics)


def binary(layer: Layer, value: int, type_: Map, sizes: tuple[int, ...]) -> int:
    """A convolution with weights of two values (binary), or with an input of two values too (xnor)."""
    size, filters, groups, pad, high, wide = sizes
    height, width = ((of + 2 * pad - size) // s + 1 for of, s in zip(type_.spatial, (high, wide), strict=True))
    if min(height, width) < 1 or type_.channels % groups:
        raise Unsaid(f"a window of {size} does not fit on a map of {type_}")
    tensors = kernels("", (filters, type_.channels // groups, size, size), layer.section.integer("batch_normalize", 0))
    macs = product((height, width, *tensors["weight"]))
    why = "its weights are rounded to two values"
    return activated(layer, layer.custom(value, out=Map((height, width), filters), why=why, tensors=tensors, macs=macs))


def kernels(prefix: str, shape: tuple[int, ...], normalise: int) -> dict[str, tuple[int, ...]]:
    """The tensors of a convolution that is no line of its own, in the order of load_convolutional_weights."""
    normal = ("scale", "mean", "variance") if normalise else ()
    return {f"{prefix}{name}": shape[:1] for name in ("bias", *normal)} | {f"{prefix}weight": shape}


@row("deconvolutional", "deconv")
def deconvolutional(layer: Layer) -> int:
    """Append a transposed convolution, with its batch normalization and activation; `stride` and `padding` are equal along both axes.

    Source: parser.c, parse_deconvolutional. Weights are stored (inputs, outputs, size, size).
    """
    section = layer.section
    value, type_ = layer.map(layer.x)
    size, filters = section.integer("size", 1, 1), section.integer("filters", 1, 1)
    stored, statistics = convolved(layer, (type_.channels, filters, size, size), filters)
    arguments = {"s": section.integer("stride", 1, 1), "p": padding(layer, size), "bias": not statistics}
    return normalised(layer, layer.step("deconv", value, k=size, f=filters, stored=stored, **arguments), statistics)


@row("local")
def local(layer: Layer) -> int:
    """A convolution with weights of its own at each position. Source: local_layer.c; there `pad=1` pads by one."""
    section = layer.section
    value, type_ = layer.map(layer.x)
    size, filters, stride = section.integer("size", 1, 1), section.integer("filters", 1, 1), section.integer("stride", 1, 1)
    less = 1 if section.integer("pad", 0) else size
    height, width = ((of - less) // stride + 1 for of in type_.spatial)
    if min(height, width) < 1:
        raise Unsaid(f"a window of {size} does not fit on a map of {type_}")
    inner = type_.channels * size * size
    tensors = {"bias": (filters, height, width), "weight": (height * width, filters, inner)}
    out = Map((height, width), filters)
    why = "each position has weights of its own"
    return activated(layer, layer.custom(value, out=out, why=why, tensors=tensors, macs=height * width * filters * inner))


@row("connected", "conn")
def connected(layer: Layer) -> int:
    """Append a fully connected layer of `output` numbers, with its batch normalization and activation; of steps it reads each by itself.

    Source: parser.c, parse_net_options, which takes a batch of sequences for a batch of all their steps.
    """
    section = layer.section
    x, type_ = layer.x, layer.type_of(layer.x)
    step, reads = ("linear", type_.channels) if is_line(type_) else ("fc", type_.size)
    outputs, normalise = section.integer("output", 1, 1), section.integer("batch_normalize", 0)
    biases, weights = {"bias": layer.held("biases", (outputs,))}, {"weight": layer.held("weights", (outputs, reads))}
    statistics = biases | layer.statistics(outputs) if normalise else {}
    value = layer.step(step, x, n=outputs, bias=not normalise, stored=weights if normalise else weights | biases)
    return normalised(layer, value, statistics)


def dense(section_name: str, inputs: int, outputs: int, normalise: bool) -> dict[str, tuple[int, ...]]:
    """The tensors of one fully connected layer inside of a recurrent one."""
    found = {f"{section_name}_bias": (outputs,), f"{section_name}_weight": (outputs, inputs)}
    if normalise:
        found |= {f"{section_name}_{name}": (outputs,) for name in ("scale", "mean", "variance")}
    return found


def sequence(layer: Layer) -> tuple[int, Type]:
    """What a recurrent layer reads, as steps of numbers."""
    value, type_ = layer.x, layer.type_of(layer.x)
    if is_line(type_):
        return value, type_
    value = layer.step("reshape", layer.step("flatten", value), shape=(1, type_.size))
    return value, layer.type_of(value)


def recurrent(layer: Layer, parts: dict[str, str], why: str) -> int:
    """A recurrent layer of Darknet. `parts` are its fully connected layers, and what each reads and gives: the input, the state, the output."""
    section = layer.section
    value, type_ = sequence(layer)
    outputs, normalise = section.integer("output", 1, 1), bool(section.integer("batch_normalize", 0))
    sizes = {"x": type_.channels, "h": section.integer("hidden", outputs, 1), "y": outputs}
    tensors: dict[str, tuple[int, ...]] = {}
    for name, flow in parts.items():
        tensors |= dense(name, sizes[flow[0]], sizes[flow[1]], normalise)
    macs = type_.shape[0] * sum(product(shape) for shape in tensors.values() if len(shape) == 2)
    return layer.custom(value, out=type_._replace(channels=outputs), why=why, tensors=tensors, macs=macs)


@row("rnn")
def rnn(layer: Layer) -> int:
    """Source: rnn_layer.c. `hidden=` is AlexeyAB's, and of the time of pjreddie's files, whose later code takes `output` for it."""
    return recurrent(layer, {"input": "xh", "self": "hh", "output": "hy"}, "`rnn` has no layer behind the state")


@row("gru")
def gru(layer: Layer) -> int:
    """Append a `custom` with the matrices of a GRU of `output` numbers per step. Source: gru_layer.c, forward_gru_layer."""
    parts = {f"{kind}{gate}": "xy" if kind == "u" else "yy" for kind in "wu" for gate in "zrh"}
    return recurrent(layer, parts, "it resets the state before its matrix, `gru` behind it")


@row("lstm")
def lstm(layer: Layer) -> int:
    """Source: lstm_layer.c, whose equations are those of torch.nn.LSTM."""
    if layer.section.integer("batch_normalize", 0):
        names = {f"{kind}{gate}": "xy" if kind == "u" else "yy" for kind in "wu" for gate in "ifog"}
        return recurrent(layer, names, "`lstm` has no batch normalisation inside")
    value, type_ = sequence(layer)
    outputs = layer.section.integer("output", 1, 1)
    for kind, reads in (("w", outputs), ("u", type_.channels)):
        for gate in "ifog":
            layer.held(f"{kind}{gate}_bias", (outputs,))
            layer.held(f"{kind}{gate}_weight", (outputs, reads))
    stored = {
        f"{name}_{own}_l0": Stored(tuple(f"{layer.index}.{kind}{gate}_{name}" for gate in "ifgo"))
        for name in ("weight", "bias")
        for own, kind in (("ih", "u"), ("hh", "w"))
    }
    return layer.step("lstm", value, n=outputs, stored=stored)


@row("crnn")
def crnn(layer: Layer) -> int:
    """Convolutions of an input and of a state, added, and one behind the state. Source: crnn_layer.c; pjreddie's names, or AlexeyAB's."""
    section = layer.section
    value, type_ = layer.map(layer.x)
    hidden = section.integer("hidden_filters", section.integer("hidden", 1, 1), 1)
    outputs = section.integer("output_filters", section.integer("output", 1, 1), 1)
    size = section.integer("size", 3, 1)
    normalise = section.integer("batch_normalize", 0)
    tensors: dict[str, tuple[int, ...]] = {}
    for name, inner, outer in (("input", type_.channels, hidden), ("self", hidden, hidden), ("output", hidden, outputs)):
        tensors |= kernels(f"{name}_", (outer, inner, size, size), normalise)
    macs = product(type_.spatial) * sum(product(shape) for shape in tensors.values() if len(shape) == 4)
    out = Map(type_.spatial, outputs)
    return layer.custom(value, out=out, why="the language has no recurrent convolution", tensors=tensors, macs=macs)


@row("maxpool", "max")
def maxpool(layer: Layer) -> int:
    """Source: maxpool_layer.c. `padding` is that of both sides together, `size - 1` without it; half of it stands before."""
    section = layer.section
    value, type_ = layer.map(layer.x)
    if section.integer("maxpool_depth", 0) or section.integer("antialiasing", 0):
        raise Unsaid("`maxpool_depth` and `antialiasing` of AlexeyAB's Darknet are not read")
    return pooled(layer.step, "pool", value, type_, windows(layer, type_))


@row("local_avgpool", "local_avg")
def local_avgpool(layer: Layer) -> int:
    """AlexeyAB's; the mean is of the numbers inside the map."""
    value, type_ = layer.map(layer.x)
    return pooled(layer.step, "avgpool", value, type_, windows(layer, type_), count_pad=False)


def windows(layer: Layer, type_: Map) -> list[Window]:
    """The windows of a pooling layer along each axis."""
    section = layer.section
    size = section.integer("size", section.integer("stride", 1, 1), 1)
    pad = section.integer("padding", size - 1)
    return [
        Window(size, stride, pad // 2, (of + pad - size) // stride + 1) for of, stride in zip(type_.spatial, strides(layer), strict=True)
    ]


@row("avgpool", "avg")
def avgpool(layer: Layer) -> int:
    """Append the mean over all of a map, one number per channel. Source: avgpool_layer.c."""
    return layer.step("gap", layer.map(layer.x)[0])


@row("dropout")
def dropout(layer: Layer) -> int:
    """Append a dropout of `probability`, 0.5 where it is not given."""
    return layer.step("dropout", layer.x, p=layer.section.number("probability", 0.5))


@row("batchnorm")
def batchnorm(layer: Layer) -> int:
    """Source: parser.c, load_batchnorm_weights, which loads no offset."""
    stored = layer.statistics(layer.type_of(layer.x).channels) | {"bias": Stored(value=0.0)}
    return layer.step("bn", layer.x, momentum=MOMENTUM, stored=stored)


@row("activation")
def activation(layer: Layer) -> int:
    """Append `activation`, as a layer by itself; without one the values stay as they are. Source: parser.c, parse_activation."""
    return activated(layer, layer.x, "linear")


@row("logistic")
def logistic(layer: Layer) -> int:
    """Append a sigmoid; Darknet's layer is also a loss of it, in training. Source: logistic_layer.c."""
    return layer.step("sigmoid", layer.x)


@row("l2norm")
def l2norm(layer: Layer) -> int:
    """Append what gives the channels of each position a length of 1. Source: l2norm_layer.c."""
    return layer.step("l2norm", layer.x)


@row("normalization", "lrn")
def normalization(layer: Layer) -> int:
    """Source: normalization_layer.c, forward_normalization_layer."""
    why = "it is no `lrn`: its running sum never adds channel size/2, and takes it away"
    return layer.custom(layer.x, out=layer.type_of(layer.x), why=why, macs=0)


@row("softmax", "soft")
def softmax(layer: Layer) -> int:
    """Source: softmax_layer.c: over all numbers of an image, or over each of so many groups of them; over channels if `spatial`."""
    section = layer.section
    value, groups, temperature = layer.x, section.integer("groups", 1, 1), section.number("temperature", 1)
    type_ = layer.type_of(value)
    if "tree" in section.options:
        return layer.custom(value, out=type_, why="its groups are in another file, which is not read", macs=0, name="softmax.tree")
    if temperature not in (0, 1):
        value = layer.step("mul", value, number=1 / temperature)
    if groups > 1:
        if type_.size % groups:
            raise Unsaid(f"`groups={groups}` does not divide {type_.size:,} numbers")
        value = layer.step("reshape", layer.step("flatten", value), shape=(groups, type_.size // groups))
        return layer.step("flatten", layer.step("softmax", value))
    if not section.number("spatial", 0) and isinstance(type_, Map) and not is_line(type_) and type_.size > type_.channels:
        value = layer.step("flatten", value)
    return layer.step("softmax", value)


@row("cost", "contrastive", "empty", "silence")
def unchanged(layer: Layer) -> int:
    """A loss, or nothing at all."""
    return layer.x
