"""Recurrent layers: one operator per layer of them, over both directions."""

from __future__ import annotations

from typing import Any

from archspec.backends.onnx.layer import Layer
from archspec.types import Map, Type

_ORDERS = {"rnn": (0,), "gru": (1, 0, 2), "lstm": (0, 3, 1, 2)}
"""The gates as ONNX orders them, by their places in PyTorch's order: z, r, h of r, z, n; and i, o, f, c of i, f, g, o."""


def recurrent(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Emit the layers one after another; values are (T, N, C) between them, results (T, directions, N, n)."""
    channels_second = isinstance(x, Map)
    value = layer.transpose(layer.x, *((2, 0, 1) if channels_second else (1, 0, 2)))
    for at in range(op.layers):
        results, last = layer.add_many(
            op.step.upper(),
            [value, *_tensors(layer, op, op.ends(at))],
            2,
            hidden_size=op.n,
            direction="bidirectional" if op.dirs == 2 else None,
            linear_before_reset=1 if op.step == "gru" else None,
        )
        if at < op.layers - 1:
            value = layer.reshape(layer.transpose(results, 0, 2, 1, 3), 0, 0, op.dirs * op.n)
    if op.out == "last":
        return layer.reshape(layer.transpose(last, 1, 0, 2), 0, op.dirs * op.n)
    if channels_second:
        return layer.reshape(layer.transpose(results, 2, 1, 3, 0), 0, op.dirs * op.n, x.shape[0])
    return layer.reshape(layer.transpose(results, 2, 0, 1, 3), 0, 0, op.dirs * op.n)


def _tensors(layer: Layer, op: Any, ends: list[str]) -> list[str]:
    """The inputs W, R and, where there are biases, B, each of both directions."""
    made = [[_ordered(layer, op, f"weight_{of}{end}") for end in ends] for of in ("ih", "hh")]
    if op.bias:
        made.append([layer.add("Concat", *[_ordered(layer, op, f"bias_{of}{end}") for of in ("ih", "hh")], axis=0) for end in ends])
    rows = [[layer.unsqueeze(tensor, 0) for tensor in tensors] for tensors in made]
    return [row[0] if len(row) == 1 else layer.add("Concat", *row, axis=0) for row in rows]


def _ordered(layer: Layer, op: Any, name: str) -> str:
    """A tensor with its gates as ONNX orders them."""
    order, tensor = _ORDERS[op.step], layer.weight(name)
    if len(order) == 1:
        return tensor
    parts = layer.add_many("Split", [tensor, layer.whole([op.n] * len(order))], len(order), axis=0)
    return layer.add("Concat", *[parts[at] for at in order], axis=0)
