"""Attention and what goes with it: tokens of maps, the class token, windows."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from archspec.backends.onnx.draft import Array
from archspec.backends.onnx.layer import Layer
from archspec.types import Map, Tokens, Type


def product(layer: Layer, value: str, weight: str, *bias: str) -> str:
    """A linear layer over the last axis of a value of three axes or more."""
    found = layer.add("MatMul", value, layer.transpose(weight, 1, 0))
    return layer.add("Add", found, *bias) if bias else found


def tokens(layer: Layer, op: Any, x: Map, _: Type) -> str:
    """Turn a map (N, C, *S) into tokens (N, prod(S), C)."""
    value = layer.x if len(x.spatial) == 1 else layer.reshape(layer.x, 0, x.channels, prod(x.spatial))
    return layer.transpose(value, 0, 2, 1)


def class_token(layer: Layer, op: Any, x: Tokens, _: Type) -> str:
    """The token among zeros plus the sequence behind a zero: no size needs to be read from a value."""
    token = layer.add("Pad", layer.weight(""), layer.whole([0, 0, 0, 0, x.length, 0]))
    return layer.add("Add", layer.pad(layer.x, [1, 0], [0, 0]), token)


def attention(layer: Layer, op: Any, x: Tokens, _: Type) -> str:
    """With the projections of torch.nn.MultiheadAttention."""
    tensors = [layer.weight(weight.name) for weight in op.weights(x)]
    into, out = tensors[: 1 + op.bias], tensors[1 + op.bias :]
    return product(layer, _attend(layer, product(layer, layer.x, *into), op.heads, x.channels, (x.length,)), *out)


def window_attention(layer: Layer, op: Any, x: Map, _: Type) -> str:
    """Positions are gathered window by window, shifted or not, and put back in the end."""
    table, *tensors = [layer.weight(weight.name) for weight in op.weights(x)]
    into, out = tensors[: 1 + op.bias], tensors[1 + op.bias :]
    order = _windows(x.spatial, op.patch(), op.shifts(x))
    windows = layer.add("Gather", tokens(layer, op, x, _), layer.whole(order), axis=1)
    relative = layer.add("Gather", table, layer.whole(_relative(op.patch())), axis=0)
    offsets = [layer.transpose(relative, 2, 0, 1)]
    if any(op.shifts(x)):
        offsets.append(layer.constant(_apart(order, x.spatial, op.shifts(x))))
    mixed = _attend(layer, product(layer, windows, *into), op.heads, x.channels, order.shape, offsets)
    back = layer.add("Gather", product(layer, mixed, *out), layer.whole(np.argsort(order.ravel())), axis=1)
    return layer.reshape(layer.transpose(back, 0, 2, 1), 0, x.channels, *x.spatial)


def _attend(layer: Layer, projected: str, heads: int, channels: int, places: tuple[int, ...], offsets: list[str] | None = None) -> str:
    """softmax(q k^T / sqrt(d) + offsets) v, head by head (Vaswani et al. 2017, equation 1): (N, *places, 3C) to (N, prod(places), C)."""
    width, last = channels // heads, len(places)
    lead = tuple(range(last))
    parts = layer.add_many("Split", [projected, layer.whole([channels] * 3)], 3, axis=last + 1)
    query, key, value = (layer.reshape(part, 0, *places, heads, width) for part in parts)
    scaled = layer.add("Mul", layer.transpose(query, *lead, last + 1, last, last + 2), layer.constant(width**-0.5))
    scores = layer.add("MatMul", scaled, layer.transpose(key, *lead, last + 1, last + 2, last))
    for offset in offsets or ():
        scores = layer.add("Add", scores, offset)
    weights = layer.add("Softmax", scores, axis=-1)
    mixed = layer.add("MatMul", weights, layer.transpose(value, *lead, last + 1, last, last + 2))
    return layer.reshape(layer.transpose(mixed, *lead, last + 1, last, last + 2), 0, prod(places), channels)


def _windows(size: tuple[int, ...], window: tuple[int, int], shift: tuple[int, ...]) -> Array:
    """The positions of a map in the order of its windows, after it was rolled back by the shift: (windows, positions)."""
    (height, width), (h, w) = size, window
    positions = np.roll(np.arange(height * width).reshape(height, width), [-s for s in shift], (0, 1))
    return positions.reshape(height // h, h, width // w, w).transpose(0, 2, 1, 3).reshape(-1, h * w)


def _relative(window: tuple[int, int]) -> Array:
    """For each pair of positions of a window the row of the table of biases: Liu et al. 2021, section 3.2."""
    h, w = window
    row, column = (axis.ravel() for axis in np.indices(window))
    return (row[:, None] - row + h - 1) * (2 * w - 1) + column[:, None] - column + w - 1


def _apart(order: Array, size: tuple[int, ...], shift: tuple[int, ...]) -> Array:
    """Mask with -100 positions of a window that were apart before the shift, as torchvision does: (windows, 1, positions, positions)."""
    # What the roll carries across an edge is the first `shift` of an axis.
    crossed = [place < s for place, s in zip(np.unravel_index(order, size), shift, strict=True)]
    region = 2 * crossed[0] + crossed[1]
    return np.where(region[:, None, :] == region[:, :, None], 0.0, -100.0)[:, None]
