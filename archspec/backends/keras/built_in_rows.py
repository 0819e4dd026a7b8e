"""Each op in Keras: one row per op, from its arguments and types to calls of layers. What Keras lacks is in `custom_rows`."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from archspec.backends.keras import sliding_rows as sliding
from archspec.backends.keras.custom_rows import CUSTOM, custom
from archspec.backends.keras.making_calls import ABSORBED, NAME, either, expression, in_a_row, initialised, layer
from archspec.backends.registry import Unsupported
from archspec.backends.source.constructor import New, new, short, written
from archspec.numeric import Spelled, value_of
from archspec.ops.base import Op
from archspec.ops.targets import target
from archspec.types import Map, Tokens, Type, channels_second

Row = Callable[..., New]
"""Takes the op, the types of its inputs and that of its output."""
ACTIVATIONS = {
    "relu": "relu",
    "relu6": "relu6",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "mish": "mish",
    "hardswish": "hard_swish",
    "hardsigmoid": "hard_sigmoid",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "softplus": "softplus",
    "softmax": "softmax",
    "logsoftmax": "log_softmax",
}
"""Keras's words for activations. Its `hard_sigmoid` has a slope of 1/6 since Keras 3, and its `gelu` is exact."""


def row(op: Op, types: tuple[Type, ...], overwrites: bool) -> New:
    """The calls of an op, from the types of its inputs and its output. Raises Unsupported."""
    found = ROWS.get(op.step) or CUSTOM.get(op.step)
    if found is None:
        raise Unsupported(f"there is no layer of Keras for `{op.step}`")
    made = found(op, *types)
    return _named(made, frozen=op.frozen) if op.weights(*types[:-1]) else made


def _named(made: New, *, frozen: bool) -> New:
    """The call with a place for the name of its layer: of several layers that which has weights, the one that stays with any padding."""
    if made.name.startswith(("layers.ZeroPadding", "layers.Cropping", "layers.Reshape", "layers.Permute")):
        return made
    if made.name[0].isupper() or "." in made.name:
        more = [("trainable", False)] * (frozen and "trainable" not in dict(made.arguments))
        return New(made.name, (*made.arguments, *more, ("name", NAME)))
    inner = [(key, _named(each, frozen=frozen) if isinstance(each, New) else each) for key, each in made.arguments]
    return New(made.name, tuple(inner))


def _activation(op: Any, x: Type, y: Type) -> New:
    if op.step == "relu":
        return layer("ReLU")
    if op.step == "gelu" and op.approx != "none":
        return expression("keras.activations.gelu({x}, approximate=True)")
    if op.step == "softmax":
        return layer("Softmax", **({} if op.axis == "c" else {"axis": 1}))
    if op.step == "logsoftmax" and op.axis != "c":
        return expression("ops.log_softmax({x}, axis=1)")
    return layer("Activation", ACTIVATIONS[op.step])


def _batch_norm(op: Any, x: Type, _: Type) -> New:
    momentum = 1 - op.momentum if isinstance(op.momentum, Spelled) else round(1 - op.momentum, 12)
    return layer("BatchNormalization", momentum=momentum, epsilon=op.eps, center=op.affine, scale=op.affine)


def _layer_norm(op: Any, x: Type, _: Type) -> New:
    return layer("LayerNormalization", epsilon=op.eps, center=op.affine and op.bias, scale=op.affine)


def _rms_norm(op: Any, x: Type, _: Type) -> New:
    return new("layers.RMSNormalization", epsilon=2**-23 if op.eps is None else op.eps)


def _group_norm(op: Any, x: Type, _: Type) -> New:
    return layer("GroupNormalization", op.groups, epsilon=op.eps)


def _instance_norm(op: Any, x: Type, _: Type) -> New:
    return layer("GroupNormalization", -1, epsilon=op.eps, center=op.affine, scale=op.affine)


def _prelu(op: Any, x: Type, _: Type) -> New:
    axes = list(range(1, len(x.shape) + bool(op.shared)))
    begin = new("keras.initializers.Constant", 0.25)
    return layer("PReLU", alpha_initializer=begin, **({"shared_axes": axes} if axes else {}))


def _dense(op: Any, x: Type, y: Type) -> New:
    if op.norm:
        return custom(op, x, y)
    return initialised(op, layer("Dense", op.n, use_bias=op.bias), "kernel_initializer")


def _attention(op: Any, *types: Any) -> New:
    """Keras's own attention where it is the same: one projection each, all positions, tokens."""
    x, inputs = types[0], types[:-1]
    if op.known(*inputs) != "torch":
        return custom(op, *types)
    causal = {"use_causal_mask": True} if op.causal else {}
    made = layer("MultiHeadAttention", op.heads, x.channels // op.heads, use_bias=op.bias)
    return New(made.name, (*made.arguments, *[(f"call {key}", value) for key, value in causal.items()]))


def _recurrent(op: Any, x: Type, y: Type) -> New:
    """Keras's own layer where it has as many numbers: its LSTM and SimpleRNN have one bias, PyTorch's two."""
    if value_of(op.layers) != 1 or value_of(op.dirs) != 1 or (op.bias and op.step != "gru"):
        return custom(op, x, y)
    name = {"gru": "GRU", "lstm": "LSTM", "rnn": "SimpleRNN"}[op.step]
    return layer(name, op.n, use_bias=op.bias, return_sequences=op.out == "all")


def _flatten(op: Any, x: Type, _: Type) -> New:
    """A vector of the numbers of a map, in one of two orders: PyTorch's begins with all numbers of one channel, Keras's with those of one position.

    `Flatten` means Keras's order, in which `layouts` puts the rows of the next layer; `Reshape` means PyTorch's.
    """
    if isinstance(x, Tokens):
        return layer("Reshape", (-1,))
    if not isinstance(x, Map) or value_of(x.channels) == 1 or value_of(prod(x.spatial)) == 1:
        return layer("Flatten")
    turned = in_a_row([layer("Permute", (len(x.shape), *range(1, len(x.shape)))), layer("Reshape", (-1,))])
    return either(ABSORBED, layer("Flatten"), turned)


def _tokens(op: Any, x: Map, y: Type) -> New:
    return in_a_row([]) if len(x.spatial) == 1 else layer("Reshape", (-1, y.channels))


def _map(op: Any, x: Tokens, y: Map) -> New:
    return in_a_row([]) if len(y.spatial) == 1 else layer("Reshape", y.shape)


def _reshape(op: Any, x: Type, y: Type) -> New:
    """Other axes for the same numbers, in the order of PyTorch, channels first in a map."""
    shape, made = channels_second(op.axes(), y), []
    if isinstance(x, Map) and len(x.shape) > 1:
        made.append(layer("Permute", (len(x.shape), *range(1, len(x.shape)))))
    made.append(layer("Reshape", shape))
    if isinstance(y, Map):
        made.append(layer("Permute", (*range(2, len(y.shape) + 1), 1)))
    return in_a_row(made)


def _matmul(_: Any, x: Type, *__: Type) -> New:
    return layer("Dot", (2, 1)) if len(x.shape) == 2 else new("MatMul")


def _pad(op: Any, x: Map, y: Map) -> New:
    ends, channels = list(op.around(x)), op.c[0] if isinstance(op.c, tuple) else (op.c, op.c)
    alike = op.mode == "zero" or not any(map(value_of, [n for pair in ends for n in pair]))
    if alike and not any(channels):
        return layer(f"ZeroPadding{len(x.spatial)}D", sliding.around(ends))
    if op.mode not in ("zero", "reflect") or (op.mode == "reflect" and (len(ends) > 2 or any(channels))):
        return custom(op, x, y)
    mode = ', mode="reflect"' if op.mode == "reflect" else ""
    return expression(f"ops.pad({{x}}, {{0}}{mode})", ((0, 0), *ends, channels))


def _slice(op: Any, x: Type, _: Type) -> New:
    """A range of channels or tokens; an end that is that of the value is not written."""
    start, stop = map(short, op.bounds)
    size = x.channels if op.axis == "c" else x.shape[0]
    first = "" if written(start) == "0" else "{0}"
    last = "" if written(stop) == written(size) else "{1}"
    apart = " " if " " in written(start) + written(stop) else ""
    return expression(f"{{x}}[{':' if op.axis == 't' else '...'}, {first}{apart * bool(first)}:{apart * bool(last)}{last}]", start, stop)


def _with_number(sign: str) -> Row:
    """A value and a number; how values are stretched does not matter then."""
    return lambda op, *_: expression(f"{{x}} {sign} {{0}}", op.number)


def _reduced(name: str) -> Row:
    """A reduction, which keeps the axis where the value stays a map."""

    def made(op: Any, x: Type, y: Type) -> New:
        keep = ", keepdims=True" if len(x.shape) == len(y.shape) else ""
        return expression(f"ops.{name}({{x}}, axis={-1 if op.axis == 'c' else 1}{keep})")

    return made


def _crop(op: Any, x: Map, y: Map) -> New:
    size = target(op)
    if isinstance(size, tuple) and len(size) == 1 and isinstance(size[0], tuple):
        ends = [(size[0][0], value_of(w) - size[0][1]) for w in x.spatial]
    else:
        pairs = zip(map(value_of, x.spatial), map(value_of, y.spatial), strict=True)
        ends = [((w - t) // 2, w - t - (w - t) // 2) for w, t in pairs]
    return layer(f"Cropping{len(x.spatial)}D", sliding.around(ends))


def _upsample(op: Any, x: Map, y: Map) -> New:
    rank = len(x.spatial)
    sizes = [(value_of(b), value_of(a)) for a, b in zip(x.spatial, y.spatial, strict=True)]
    whole = all(b % a == 0 for b, a in sizes)
    if not whole or op.corners or not (op.mode == "nearest" or (op.mode == "bilinear" and rank == 2)):
        return custom(op, x, y)
    times = tuple([b // a for b, a in sizes])
    factor = op.n if op.to is None and isinstance(op.n, (int, Spelled)) else times[0] if len(set(times)) == 1 else times
    return layer(f"UpSampling{rank}D", factor, **({"interpolation": "bilinear"} if op.mode == "bilinear" else {}))


def _global(kind: str) -> Row:
    def made(op: Any, x: Type, _: Type) -> New:
        return layer(f"Global{kind}Pooling{len(x.shape) - 1}D", **({"keepdims": True} if isinstance(x, Map) else {}))

    return made


ROWS: dict[str, Row] = {
    "conv": sliding.convolution,
    "dwconv": sliding.convolution,
    "deconv": sliding.transposed,
    "pool": sliding.pooling,
    "avgpool": sliding.pooling,
    "adaptpool": sliding.adaptive,
    "adaptmaxpool": sliding.adaptive,
    "gap": _global("Average"),
    "gmp": _global("Max"),
    "bn": _batch_norm,
    "ln": _layer_norm,
    "rmsnorm": _rms_norm,
    "gn": _group_norm,
    "instnorm": _instance_norm,
    **dict.fromkeys(ACTIVATIONS, _activation),
    "leaky": lambda op, *_: layer("LeakyReLU", op.slope),
    "elu": lambda op, *_: layer("ELU", op.alpha),
    "prelu": _prelu,
    "dropout": lambda op, *_: layer("Dropout", op.p),
    "dropout2d": lambda op, x, _: layer(f"SpatialDropout{len(x.spatial)}D", op.p),
    "droppath": lambda op, x, _: layer("Dropout", op.p, noise_shape=(None, *[1] * len(x.shape))),
    "flatten": _flatten,
    "tokens": _tokens,
    "map": _map,
    "reshape": _reshape,
    "swap": lambda *_: layer("Permute", (2, 1)),
    "first": lambda *_: expression("{x}[:, {0}]", 0),
    "token": lambda op, *_: expression("{x}[:, {0}]", op.n),
    "slice": _slice,
    "add": _with_number("+"),
    "sub": _with_number("-"),
    "mul": lambda op, *_: layer("Rescaling", op.number),  # `x * 2` is a sparse tensor to Keras, which JAX's layers of one's own refuse
    "mean": _reduced("mean"),
    "max": _reduced("max"),
    "abs": lambda *_: expression("ops.abs({x})"),
    "glu": lambda *_: expression("ops.glu({x})"),
    "matmul": _matmul,
    "pad": _pad,
    "crop": _crop,
    "upsample": _upsample,
    "fc": _dense,
    "linear": _dense,
    "embed": lambda op, *_: layer("Embedding", op.v, op.d),
    "attn": _attention,
    **dict.fromkeys(("rnn", "gru", "lstm"), _recurrent),
}
"""Step to row. Merges of several values are written where they are read."""
