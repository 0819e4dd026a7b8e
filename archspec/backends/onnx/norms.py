"""Normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from archspec.backends.onnx.layer import Layer
from archspec.types import Map, Type


def batch(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Normalise by the running mean and variance; without weights the factors are 1 and the offsets 0."""
    ones, zeros = np.ones(x.channels), np.zeros(x.channels)
    learned = [layer.weight("weight"), layer.weight("bias")] if op.affine else [layer.constant(ones), layer.constant(zeros)]
    tensors = [*learned, layer.weight("running_mean"), layer.weight("running_var")]
    return layer.channels_second(x, lambda value: layer.add("BatchNormalization", value, *tensors, epsilon=op.eps))


def layer_norm(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Normalise over the channels of each position; composed before opset 17."""
    weight, bias, rank = layer.weight("weight"), layer.weight("bias"), len(x.shape)
    value = layer.transpose(layer.x, 0, *range(2, rank + 1), 1) if isinstance(x, Map) else layer.x
    if layer.opset >= 17:
        value = layer.add("LayerNormalization", value, weight, bias, axis=-1, epsilon=op.eps)
    else:
        centred = layer.add("Sub", value, layer.reduce("ReduceMean", value, -1, keep=True))
        variance = layer.reduce("ReduceMean", layer.add("Mul", centred, centred), -1, keep=True)
        deviation = layer.add("Sqrt", layer.add("Add", variance, layer.constant(op.eps)))
        value = layer.add("Add", layer.add("Mul", layer.add("Div", centred, deviation), weight), bias)
    return layer.transpose(value, 0, rank, *range(1, rank)) if isinstance(x, Map) else value


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


def spread(layer: Layer, value: str, count: int, axes: tuple[int, ...], eps: float) -> str:
    """Mean 0 and variance 1 over the axes behind the second, which has `count` positions.

    A mean of many large numbers is inexact in single precision. Subtracting it is exact, and the operator finds what it left.
    """
    centred = layer.add("Sub", value, layer.reduce("ReduceMean", value, *axes, keep=True))
    ones, zeros = layer.constant(np.ones(count)), layer.constant(np.zeros(count))
    return layer.add("InstanceNormalization", centred, ones, zeros, epsilon=eps)


def local_response(layer: Layer, op: Any, x: Map, _: Type) -> str:
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
