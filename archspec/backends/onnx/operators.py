"""Each layer in ONNX: one row per step, from its arguments and types to operators.

A row gets the layer, its op, and the types of its input and output; it returns the name of its value. Maps are N,C,*S, tokens
N,T,C, vectors N,C. Layers that do nothing in inference return their input.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from archspec.backends.moves import is_last
from archspec.backends.onnx import activations, attend, borders, elementwise, moved, norms, recurrence, weight_forms, windows
from archspec.backends.onnx.activations import OperatorRow, plain, softmax
from archspec.backends.onnx.layer import Layer
from archspec.types import Map, Type, Vector


def _linear(layer: Layer, op: Any, x: Type, _: Type) -> str:
    weight = weight_forms.weight(layer, op, x)
    bias = [layer.weight("bias")] if op.bias else []
    if isinstance(x, Vector):
        return layer.add("Gemm", layer.x, weight, *bias, transB=1)
    if isinstance(x, Map):  # over the channels of each position: a convolution of one position
        kernel = layer.unsqueeze(weight, *range(2, 2 + len(x.spatial)))
        return layer.add("Conv", layer.x, kernel, *bias, kernel_shape=[1] * len(x.spatial))
    return attend.product(layer, layer.x, weight, *bias)


def _rbf(layer: Layer, op: Any, x: Vector, _: Type) -> str:
    difference = layer.add("Sub", layer.unsqueeze(layer.x, 1), layer.weight("weight"))
    return layer.reduce("ReduceSumSquare", difference, 2)


def _embed(layer: Layer, op: Any, x: Vector, _: Type) -> str:
    index = layer.x if layer.draft.is_whole(layer.x) else layer.add("Cast", layer.x, to=7)  # TensorProto.INT64
    return layer.add("Gather", layer.weight("weight"), index)


def _slice(layer: Layer, op: Any, x: Type, y: Type) -> str:
    start, stop = op.bounds
    return layer.x if x == y else layer.slice(layer.x, [start], [stop], [2 if is_last(op.axis, x) else 1])


def _pixel_shuffle(layer: Layer, op: Any, x: Map, y: Map) -> str:
    rank, n = len(x.spatial), op.n
    if n == 1:
        return layer.x
    if rank == 2:
        return layer.add("DepthToSpace", layer.x, blocksize=n, mode="CRD")
    apart = layer.reshape(layer.x, 0, y.channels, *(n,) * rank, *x.spatial)
    order = [axis for pair in zip(range(2 + rank, 2 + 2 * rank), range(2, 2 + rank), strict=True) for axis in pair]
    return layer.reshape(layer.transpose(apart, 0, 1, *order), 0, y.channels, *y.spatial)


def _patch_merge(layer: Layer, op: Any, x: Map, y: Map) -> str:
    """Channels in the order of the last axis of a patch, then the one before it, then those of the map."""
    rank, n = len(x.spatial), op.n
    apart = layer.reshape(layer.x, 0, x.channels, *(size for pair in zip(y.spatial, (n,) * rank, strict=True) for size in pair))
    order = [*range(1 + 2 * rank, 2, -2), 1, *range(2, 2 + 2 * rank, 2)]
    return layer.reshape(layer.transpose(apart, 0, *order), 0, y.channels, *y.spatial)


def _shuffle(layer: Layer, op: Any, x: Map, _: Type) -> str:
    if op.g in (1, x.channels):
        return layer.x
    grouped = layer.reshape(layer.x, 0, op.g, x.channels // op.g, *x.spatial)
    return layer.reshape(layer.transpose(grouped, 0, 2, 1, *range(3, 3 + len(x.spatial))), 0, x.channels, *x.spatial)


def _arithmetic(kind: str) -> OperatorRow:
    """Apply an operator to values from left to right, or to a value and a number."""

    def row(layer: Layer, op: Any, x: Type, y: Type) -> str:
        if op.number is not None:
            return layer.add(kind, layer.x, layer.constant(op.number))
        values = [_spread(layer, *value, y) for value in zip(layer.values, layer.types, layer.bare, strict=True)]
        if kind == "Add" and len(values) > 2:
            return layer.add("Sum", *values)
        return reduce(lambda first, second: layer.add(kind, first, second), values)

    return row


def _spread(layer: Layer, value: str, type_: Type, bare: bool, over: Type) -> str:
    """A vector that is broadcast over the positions of a map, or over tokens."""
    first = 1 if bare else 2
    if not isinstance(type_, Vector) or isinstance(over, Vector):
        return value
    if isinstance(over, Map):
        return layer.unsqueeze(value, *range(first, first + len(over.spatial)))
    return value if bare else layer.unsqueeze(value, 1)


def _scale(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Factors, along the channels of a map."""
    factors = layer.weight("")
    if op.flat and not op.shared and isinstance(x, Map):
        factors = layer.reshape(factors, x.channels, *(1,) * len(x.spatial))
    return layer.add("Mul", layer.x, factors)


def _tensor(layer: Layer, op: Any, y: Type) -> str:
    """A tensor in the shape of its value, without a batch axis."""
    shape = (y.channels, *y.spatial) if isinstance(y, Map) else y.shape
    return layer.weight("") if op.layout == shape else layer.reshape(layer.weight(""), *shape)


ROWS: dict[str, OperatorRow] = {
    "conv": windows.conv,
    "dwconv": windows.conv,
    "deconv": windows.deconv,
    "pool": windows.pool,
    "avgpool": windows.average_pool,
    "subsample": windows.subsample,
    "adaptpool": windows.adaptive_average,
    "adaptmaxpool": windows.adaptive_maximum,
    "gap": windows.gap,
    "bn": norms.batch,
    "ln": norms.layer_norm,
    "gn": norms.group,
    "instnorm": norms.instance,
    "lrn": norms.local_response,
    "rmsnorm": norms.root_mean_square,
    "l2norm": norms.length,
    "grn": norms.response,
    "evonorm": norms.evolved,
    "relu": plain("Relu"),
    "relu6": lambda layer, *_: layer.add("Clip", layer.x, layer.constant(0), layer.constant(6)),
    "leaky": plain("LeakyRelu", alpha="slope"),
    "elu": plain("Elu", alpha="alpha"),
    "selu": plain("Selu"),
    "gelu": activations.gelu,
    "silu": lambda layer, *_: layer.add("Mul", layer.x, layer.add("Sigmoid", layer.x)),
    "mish": activations.mish,
    "hardswish": activations.hard_swish,
    "hardsigmoid": activations.hard_sigmoid,
    "sigmoid": plain("Sigmoid"),
    "tanh": plain("Tanh"),
    "softplus": plain("Softplus"),
    "softmax": softmax("Softmax"),
    "logsoftmax": softmax("LogSoftmax"),
    "prelu": activations.prelu,
    **dict.fromkeys(("dropout", "dropout2d", "droppath"), lambda layer, *_: layer.x),
    "flatten": lambda layer, _, x, __: layer.x if isinstance(x, Vector) else layer.add("Flatten", layer.x, axis=1),
    "pad": borders.pad,
    "crop": borders.crop,
    "upsample": borders.upsample,
    "unpool": windows.unpool,
    "glu": activations.glu,
    "maxout": activations.maxout,
    "squash": activations.squash,
    "pixelshuffle": _pixel_shuffle,
    "patchmerge": _patch_merge,
    "shuffle": _shuffle,
    "slice": _slice,
    **dict.fromkeys(("rearrange", "swap", "map"), moved.arranged),
    "reshape": moved.reshape,
    "token": moved.token,
    "gmp": moved.gmp,
    "matmul": moved.matmul,
    **dict.fromkeys(("mean", "max"), moved.reduction),
    "fc": _linear,
    "linear": _linear,
    "rbf": _rbf,
    **dict.fromkeys(("rnn", "gru", "lstm"), recurrence.recurrent),
    "embed": _embed,
    "scale": _scale,
    "tokens": attend.tokens,
    "cls": attend.class_token,
    "pos": attend.positions,
    "first": lambda layer, *_: layer.add("Gather", layer.x, layer.whole(0), axis=1),
    "attn": attend.attention,
    "winattn": attend.attention,
    "attend": attend.attend,
    "buckets": attend.buckets,
    "tensor": _tensor,
    "custom": elementwise.declared,
    "abs": plain("Abs"),
    "add": _arithmetic("Add"),
    "sub": _arithmetic("Sub"),
    "mul": _arithmetic("Mul"),
    "concat": lambda layer, op, x, _: layer.add("Concat", *layer.values, axis=2 if is_last(op.axis, x) else 1),
}
"""Step to row."""
