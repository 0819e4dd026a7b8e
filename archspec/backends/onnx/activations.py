"""Activation functions; those that an opset lacks are composed of its other operators."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

from archspec.backends.moves import is_last
from archspec.backends.onnx.layer import Layer
from archspec.types import Tokens, Type

OperatorRow = Callable[..., str | tuple[str, ...]]
"""Takes the layer, its op, and the types of its first input and its output."""


def plain(kind: str, **arguments: str) -> OperatorRow:
    """An operator of one input; `arguments` are attributes that the layer calls otherwise, as attribute=argument."""
    return lambda layer, op, *_: layer.add(kind, layer.x, **{attribute: getattr(op, name) for attribute, name in arguments.items()})


def softmax(kind: str) -> OperatorRow:
    """Emit a softmax over the channels, the last axis of tokens and the second of other values; over the tokens it is the other."""
    return lambda layer, op, x, __: layer.add(kind, layer.x, axis=-1 if is_last(op.axis, x) else 1)


def gelu(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Emit x/2 (1 + erf(x/sqrt(2))), or its approximation by tanh; composed before opset 20."""
    value = layer.x
    if layer.opset >= 20:
        return layer.add("Gelu", value, approximate=op.approx if op.approx != "none" else None)
    if op.approx == "tanh":
        cube = layer.add("Mul", layer.add("Pow", value, layer.constant(3)), layer.constant(0.044715))
        inner = layer.add("Mul", layer.add("Add", value, cube), layer.constant(sqrt(2 / pi)))
        sigmoid = layer.add("Tanh", inner)
    else:
        sigmoid = layer.add("Erf", layer.add("Div", value, layer.constant(sqrt(2))))
    product = layer.add("Mul", value, layer.add("Add", sigmoid, layer.constant(1)))
    return layer.add("Mul", product, layer.constant(0.5))


def mish(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Write x * tanh(softplus(x)), which is an operator from opset 18 on."""
    if layer.opset >= 18:
        return layer.add("Mish", layer.x)
    return layer.add("Mul", layer.x, layer.add("Tanh", layer.add("Softplus", layer.x)))


def hard_sigmoid(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """The slope is 1/6, not the operator's default of 0.2."""
    return layer.add("HardSigmoid", layer.x, alpha=1 / 6, beta=0.5)


def hard_swish(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Write x * hardsigmoid(x), which is an operator from opset 14 on."""
    return layer.add("HardSwish", layer.x) if layer.opset >= 14 else layer.add("Mul", layer.x, hard_sigmoid(layer, op, x, _))


def prelu(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Emit PRelu with one slope, or with one per channel in the shape that broadcasts."""
    slope = layer.weight("weight")
    return layer.add("PRelu", layer.x, slope if op.shared else layer.per_channel(slope, x))


def glu(layer: Layer, op: Any, x: Type, y: Type) -> str:
    """Split the channels in halves: one, times the activation of the other."""
    axis, half = _channels(x), y.channels
    gate = layer.add("Sigmoid", layer.slice(layer.x, [half], [2 * half], [axis]))
    return layer.add("Mul", layer.slice(layer.x, [0], [half], [axis]), gate)


def maxout(layer: Layer, op: Any, x: Type, y: Type) -> str:
    """Write the largest of each group of channels."""
    axis = _channels(x)
    shape = [0, x.length, y.channels, op.n] if isinstance(x, Tokens) else [0, y.channels, op.n, *x.shape[:-1]]
    return layer.reduce("ReduceMax", layer.reshape(layer.x, *shape), axis + 1)


def squash(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Write capsules made shorter than 1, their directions kept (Sabour et al. 2017, equation 1)."""
    square = layer.reduce("ReduceSumSquare", layer.x, _channels(x), keep=True)
    factor = layer.add("Div", layer.add("Sqrt", square), layer.add("Add", square, layer.constant(1)))
    return layer.add("Mul", layer.x, factor)


def _channels(x: Type) -> int:
    """The axis of the channels."""
    return 2 if isinstance(x, Tokens) else 1
