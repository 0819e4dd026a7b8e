"""The weight of a layer, made of what its form stores."""

from __future__ import annotations

from math import prod
from typing import Any

from archspec.backends.onnx.layer import Layer
from archspec.ops.weightform import MATRICES
from archspec.types import Type


def weight(layer: Layer, op: Any, x: Type, axis: int = 0) -> str:
    """Add what makes the weight of a layer whose filters lie along an axis; its own tensor where it has no form."""
    if not op.norm:
        return layer.weight("weight")
    stored = {each.name: (layer.weight(each.name), each.shape) for each in op.weights(x) if each.name != "bias"}
    matrix, shape = next(stored.pop(name) for name in MATRICES if name in stored)
    others = [tensor for tensor, _ in stored.values()]
    axes = range(1, len(shape))
    if op.norm == "weight":
        return layer.add("Mul", matrix, layer.add("Div", *others, layer.reduce("ReduceL2", matrix, *axes, keep=True)))
    if op.norm == "spectral":
        left, right = others
        front = layer.transpose(matrix, axis, *[other for other in range(len(shape)) if other != axis]) if axis else matrix
        rows = layer.reshape(front, shape[axis], -1)
        return layer.add("Div", matrix, layer.add("MatMul", left, layer.add("MatMul", rows, right)))
    centred = layer.add("Sub", matrix, layer.reduce("ReduceMean", matrix, *axes, keep=True))
    variance = layer.reduce("ReduceMean", layer.add("Mul", centred, centred), *axes, keep=True)
    even = layer.add("Div", centred, layer.add("Sqrt", layer.add("Add", variance, layer.constant(op.eps))))
    return layer.add("Mul", even, layer.add("Mul", *others, layer.constant(prod(shape[1:]) ** -0.5))) if others else even
