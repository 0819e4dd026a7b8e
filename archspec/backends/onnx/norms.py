"""Normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from archspec.backends.onnx.layer import Layer
from archspec.types import Map, Tokens, Type


def batch(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Normalise by the running mean and variance; without weights the factors are 1 and the offsets 0."""
    ones, zeros = np.ones(x.channels), np.zeros(x.channels)
    learned = [layer.weight("weight"), layer.weight("bias")] if op.affine else [layer.constant(ones), layer.constant(zeros)]
    tensors = [*learned, layer.weight("running_mean"), layer.weight("running_var")]
    return layer.channels_second(x, lambda value: layer.add("BatchNormalization", value, *tensors, epsilon=op.eps))


def layer_norm(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Normalise over the channels of each position; composed before opset 17."""
    learned = [layer.weight(weight.name) for weight in op.weights(x)]
    return _channels_last(layer, x, lambda value: _normed(layer, op, value, x.channels, *learned))


def _normed(layer: Layer, op: Any, value: str, channels: int, *learned: str) -> str:
    if layer.opset >= 17:
        factors = learned or [layer.constant(np.ones(channels))]
        return layer.add("LayerNormalization", value, *factors, axis=-1, epsilon=op.eps)
    centred = layer.add("Sub", value, layer.reduce("ReduceMean", value, -1, keep=True))
    variance = layer.reduce("ReduceMean", layer.add("Mul", centred, centred), -1, keep=True)
    value = layer.add("Div", centred, layer.add("Sqrt", layer.add("Add", variance, layer.constant(op.eps))))
    for kind, tensor in zip(("Mul", "Add"), learned, strict=False):
        value = layer.add(kind, value, tensor)
    return value


def _channels_last(layer: Layer, x: Type, row: Callable[[str], str]) -> str:
    """Apply what works on the last axis to the channels of a map."""
    if not isinstance(x, Map):
        return row(layer.x)
    rank = len(x.shape)
    return layer.transpose(row(layer.transpose(layer.x, 0, *range(2, rank + 1), 1)), 0, rank, *range(1, rank))


def root_mean_square(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Composed at every opset: onnxruntime (1.32) knows RMSNormalization, of opset 23, for some kinds of value only."""
    axis = 2 if isinstance(x, Tokens) else 1
    eps = np.finfo(np.float32).eps if op.eps is None else op.eps
    mean = layer.reduce("ReduceMean", layer.add("Mul", layer.x, layer.x), axis, keep=True)
    value = layer.add("Div", layer.x, layer.add("Sqrt", layer.add("Add", mean, layer.constant(eps))))
    return layer.add("Mul", value, layer.per_channel(layer.weight("weight"), x))


def length(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Divide by the length over the channels, or by eps where it is shorter, which LpNormalization cannot."""
    found = layer.reduce("ReduceL2", layer.x, 2 if isinstance(x, Tokens) else 1, keep=True)
    return layer.add("Div", layer.x, layer.add("Max", found, layer.constant(op.eps)))


def response(layer: Layer, op: Any, x: Map, _: Map) -> str:
    """Weigh each channel by its length over the positions, against the mean length."""
    found = layer.reduce("ReduceL2", layer.x, *range(2, 2 + len(x.spatial)), keep=True)
    mean = layer.add("Add", layer.reduce("ReduceMean", found, 1, keep=True), layer.constant(op.eps))
    even = layer.add("Mul", layer.x, layer.add("Div", found, mean))
    scaled = layer.add("Mul", even, layer.per_channel(layer.weight("weight"), x))
    return layer.add("Add", layer.x, layer.add("Add", scaled, layer.per_channel(layer.weight("bias"), x)))


def group(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Composed at every opset: onnxruntime (1.31) computes GroupNormalization as E[x^2] - E[x]^2, which cancels where the mean is large."""
    weight, bias = layer.weight("weight"), layer.weight("bias")

    def normalised(value: str) -> str:
        grouped = layer.reshape(value, 0, op.groups, x.size // op.groups)
        even = spread(layer, grouped, op.groups, (2,), op.eps)
        back = layer.reshape(even, 0, x.channels, *(x.spatial if isinstance(x, Map) else x.shape[:-1]))
        behind = (1,) * (len(x.shape) - 1)
        factor, offset = (layer.reshape(tensor, -1, *behind) if behind else tensor for tensor in (weight, bias))
        return layer.add("Add", layer.add("Mul", back, factor), offset)

    return layer.channels_second(x, normalised)


def evolved(layer: Layer, op: Any, x: Map, _: Map) -> str:
    """Divide by the deviation of each group of channels, which no operator gives."""
    value, grouped = layer.x, (0, op.groups, x.size // op.groups)
    if op.act:
        gate = layer.add("Sigmoid", layer.add("Mul", value, layer.per_channel(layer.weight("v"), x)))
        value = layer.add("Mul", value, gate)
    parts = layer.reshape(layer.x, *grouped)
    for _pass in range(2):  # a mean of many large numbers is inexact in single precision; what it leaves has a small one
        parts = layer.add("Sub", parts, layer.reduce("ReduceMean", parts, 2, keep=True))
    variance = layer.reduce("ReduceMean", layer.add("Mul", parts, parts), 2, keep=True)
    deviation = layer.add("Sqrt", layer.add("Add", variance, layer.constant(op.eps)))
    value = layer.reshape(layer.add("Div", layer.reshape(value, *grouped), deviation), 0, x.channels, *x.spatial)
    value = layer.add("Mul", value, layer.per_channel(layer.weight("weight"), x))
    return layer.add("Add", value, layer.per_channel(layer.weight("bias"), x))


def instance(layer: Layer, op: Any, x: Map, _: Map) -> str:
    """Normalise over the positions of each channel."""
    value = spread(layer, layer.x, x.channels, tuple(range(2, 2 + len(x.spatial))), op.eps)
    for kind, weight in zip(("Mul", "Add"), op.weights(x), strict=False):
        value = layer.add(kind, value, layer.per_channel(layer.weight(weight.name), x))
    return value


def spread(layer: Layer, value: str, count: int, axes: tuple[int, ...], eps: float) -> str:
    """Mean 0 and variance 1 over the axes behind the second, which has `count` positions.

    A mean of many large numbers is inexact in single precision. Subtracting it is exact, and the operator finds what it left.
    """
    centred = layer.add("Sub", value, layer.reduce("ReduceMean", value, *axes, keep=True))
    ones, zeros = layer.constant(np.ones(count)), layer.constant(np.zeros(count))
    return layer.add("InstanceNormalization", centred, ones, zeros, epsilon=eps)


def local_response(layer: Layer, op: Any, x: Map, _: Type) -> str:
    """Write local response normalization, by hand where windows are even."""
    if op.n % 2 and op.alpha > 0 and op.beta > 0:
        # onnxruntime refuses other numbers, and normalises maps of two axes only.
        plane = layer.x if len(x.spatial) == 2 else layer.reshape(layer.x, 0, x.channels, x.size // x.channels, 1)
        value = layer.add("LRN", plane, size=op.n, alpha=op.alpha, beta=op.beta, bias=op.k)
        return value if len(x.spatial) == 2 else layer.reshape(value, 0, x.channels, *x.spatial)
    # An even window reads one channel more before than after; ONNX has it the other way round.
    squares = layer.reshape(layer.add("Mul", layer.x, layer.x), 0, 1, x.channels, x.size // x.channels)
    pads = [op.n // 2, 0, (op.n - 1) // 2, 0]
    mean = layer.add("AveragePool", squares, kernel_shape=[op.n, 1], strides=[1, 1], pads=pads, count_include_pad=1)
    scaled = layer.add("Mul", layer.reshape(mean, 0, x.channels, *x.spatial), layer.constant(op.alpha))
    divisor = layer.add("Pow", layer.add("Add", scaled, layer.constant(op.k)), layer.constant(op.beta))
    return layer.add("Div", layer.x, divisor)
