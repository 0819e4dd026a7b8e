"""Declared layers that ONNX has an operator for: functions of PyTorch's, of each number by itself."""

from __future__ import annotations

from typing import Any

from archspec.backends.onnx.layer import Layer
from archspec.backends.registry import Unsupported
from archspec.types import Type

_OF_ONE = {
    **{name: name.capitalize() for name in ("exp", "log", "sqrt", "neg", "reciprocal", "floor", "ceil", "round", "erf", "sign", "abs")},
    **{name: name.capitalize() for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "sigmoid", "relu")},
}
_OF_TWO = {"maximum": "Max", "minimum": "Min", "div": "Div", "pow": "Pow"}
"""Functions of torch.ops.aten, and the operators that do the same."""


def declared(layer: Layer, op: Any, x: Type, y: Type) -> str:
    """Emit a function of one value, or of two of one shape, or of a value and a number."""
    package, _, name = op.name.partition(".")
    kind = (_OF_TWO if op.places else _OF_ONE).get(name) if package == "aten" else None
    others = [*layer.values[1:], *[layer.constant(place) for place in op.places if type(place) in (int, float)]]
    if kind is None or len(others) != len(op.places) or len(others) > 1 or op.tensors or {y, *layer.types} != {x}:
        known = ", ".join(f"aten.{known}" for known in (*_OF_ONE, *_OF_TWO))
        raise Unsupported(f"`{op.name}` has no operator in ONNX; declared layers that have one, which keep the shape, are {known}")
    return layer.add(kind, layer.x, *others)
