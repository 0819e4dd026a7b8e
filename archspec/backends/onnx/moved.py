"""Layers that move axes, cut tokens out, or reduce an axis."""

from __future__ import annotations

from typing import Any

from archspec.backends.moves import is_last, moves
from archspec.backends.onnx.layer import Layer
from archspec.types import Map, Tokens, Type, channels_second


def arranged(layer: Layer, op: Any, x: Type, y: Type) -> str:
    """Emit Reshape, Transpose, Reshape, those of them that do something."""
    split, order, join, sizes = moves(op, x, y)
    value = layer.x
    if order:
        value = layer.reshape(value, 0, *sizes) if split else value
        value = layer.transpose(value, 0, *[at + 1 for at in order])
    return layer.reshape(value, 0, *channels_second(y.shape, y)) if join or (split and not order) else value


def reshape(layer: Layer, op: Any, x: Type, y: Type) -> str:
    """Write a value of another shape, of the same numbers in the same order."""
    return layer.x if x == y else layer.reshape(layer.x, 0, *channels_second(y.shape, y))


def token(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Take one token of a sequence."""
    return layer.add("Gather", layer.x, layer.whole(op.n), axis=2 if is_last("t", x) else 1)


def gmp(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Write the largest number of each channel of a map."""
    return layer.reduce("ReduceMax", layer.x, 1) if isinstance(x, Tokens) else layer.add("GlobalMaxPool", layer.x)


def matmul(layer: Layer, op: Any, x: Type, y: Type) -> str:
    """Emit MatMul; of a map, channels first, the product of both turned, in reverse; channels come before its last axis for that."""
    turned, other = isinstance(y, Map), layer.values[1]
    if len(y.shape) > 2:
        count = len(y.shape)
        inside, out = (0, *range(2, count), 1, count), (0, count - 1, *range(1, count - 1), count)
        product = layer.add("MatMul", *[layer.transpose(value, *inside) for value in (other, layer.x)])
        return layer.transpose(product, *out)
    if isinstance(layer.types[1], Map) is not turned:
        other = layer.transpose(other, 0, 2, 1)
    return layer.add("MatMul", other, layer.x) if turned else layer.add("MatMul", layer.x, other)


def reduction(layer: Layer, op: Any, x: Type, y: Type) -> str:
    """Write a mean or a largest number over some axes."""
    axis, keep = 2 if is_last(op.axis, x) else 1, len(x.shape) == len(y.shape)
    return layer.reduce({"mean": "ReduceMean", "max": "ReduceMax"}[op.step], layer.x, axis, keep=keep)
