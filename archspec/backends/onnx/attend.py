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
    """The tokens among zeros plus the sequence behind zeros: no size needs to be read from a value."""
    token = layer.add("Pad", layer.weight(""), layer.whole([0, 0, 0, 0, x.length, 0]))
    return layer.add("Add", layer.pad(layer.x, [op.n, 0], [0, 0]), token)


def positions(layer: Layer, op: Any, x: Tokens, _: Type) -> str:
    """A learned embedding, or sines and cosines as a constant."""
    return layer.add("Add", layer.x, layer.weight("") if op.kind_ == "learned" else layer.constant(_sinusoids(x.length, x.channels)))


def _sinusoids(length: int, channels: int) -> Array:
    """Sines in even channels and cosines in odd ones, of falling frequencies (Vaswani et al. 2017, section 3.5)."""
    at = np.arange(channels)
    angles = np.arange(length)[:, None] / 10000.0 ** ((at - at % 2) / channels)
    return np.where(at % 2 == 0, np.sin(angles), np.cos(angles))


def attention(layer: Layer, op: Any, x: Map | Tokens, y: Type) -> str:
    """Attention with its projections: of one product, or of one each for queries, keys and values."""
    inputs = layer.types[: 1 + op.kv]
    form, s = op.form(*inputs), op.sizes(*inputs)
    order, value = _sequence(layer, op, layer.x, x)
    offsets = _offsets(layer, op, order, x)
    source = _flat(layer, layer.values[1], layer.types[1]) if op.kv else value
    rows = {"in": ("in_proj_weight", "in_proj_bias"), "qkv": ("qkv.weight", "qkv.bias")}
    if form == "apart":
        parts = [product(layer, v, *_linear(layer, op, name)) for v, name in ((value, "q_proj"), (source, "k_proj"), (source, "v_proj"))]
    else:
        into = [layer.weight(name) for name in rows[form][: 1 + op.bias]]
        if form == "qkv" and op.sim == "cos" and op.bias:
            into[1] = layer.add("Mul", into[1], layer.constant([1] * s.width + [0] * s.narrow + [1] * s.narrow))
        parts = _projected(layer, value, source, into, s) if op.kv else _split(layer, product(layer, value, *into), s, 1 + len(order.shape))
    mixed = _mixed(layer, op, s, parts, order, offsets)
    return _back(layer, product(layer, mixed, *_linear(layer, op, "proj" if form == "qkv" else "out_proj")), order, x, y)


def attend(layer: Layer, op: Any, x: Map | Tokens, y: Type) -> str:
    """Attention of packed channels, or of three values."""
    s = op.sizes(*layer.types)
    order, value = _sequence(layer, op, layer.x, x)
    offsets = _offsets(layer, op, order, x)
    if op.k:
        values = [value, *[_sequence(layer, op, v, t)[1] for v, t in zip(layer.values[1:3], layer.types[1:3], strict=True)]]
    else:
        values = _split(layer, value, s, 1 + len(order.shape))
    return _back(layer, _mixed(layer, op, s, values, order, offsets), order, x, y)


def buckets(layer: Layer, op: Any, x: Map | Tokens, y: Map) -> str:
    """Look the numbers up once, and repeat them for the batch."""
    found = layer.add("Gather", layer.weight("weight"), layer.whole(_buckets(y.spatial[0], op.causal)), axis=0)
    first = layer.slice(layer.x, [0, 0], [1, 1], [1, 2])
    zeros = layer.add("Clip", first, layer.constant(0), layer.constant(0))  # one per example: no size needs to be read from a value
    return layer.add("Add", layer.unsqueeze(zeros, 3), layer.transpose(found, 2, 0, 1))


def _linear(layer: Layer, op: Any, name: str) -> list[str]:
    """The tensors of a projection."""
    return [layer.weight(f"{name}.{part}") for part in ("weight", "bias")[: 1 + op.bias]]


def _projected(layer: Layer, value: str, source: str, into: list[str], s: Any) -> list[str]:
    """Queries of one value, keys and values of another, by the rows of one matrix."""
    ends = (0, s.width, s.width + s.narrow, s.width + 2 * s.narrow)
    read = (value, source, source)
    return [
        product(layer, v, *[layer.slice(tensor, [start], [stop], [0]) for tensor in into])
        for v, start, stop in zip(read, ends[:-1], ends[1:], strict=True)
    ]


def _split(layer: Layer, packed: str, s: Any, axis: int) -> list[str]:
    return layer.add_many("Split", [packed, layer.whole([s.width, s.narrow, s.narrow])], 3, axis=axis)


def _flat(layer: Layer, value: str, type_: Type) -> str:
    """The positions of a map as a sequence; tokens as they are."""
    if not isinstance(type_, Map):
        return value
    flat = value if len(type_.spatial) == 1 else layer.reshape(value, 0, type_.channels, prod(type_.spatial))
    return layer.transpose(flat, 0, 2, 1)


def _sequence(layer: Layer, op: Any, value: str, type_: Type) -> tuple[Array, str]:
    """The positions in the order in which they are read, window by window, and the value in this order."""
    flat = _flat(layer, value, type_)
    if op.w is None and op.grid is None:
        return np.arange(prod(type_.shape[:-1])), flat
    assert isinstance(type_, Map)
    order = _windows(type_.spatial, op.span(type_), op.shifts(type_), op.grid is not None)
    return order, layer.add("Gather", flat, layer.whole(order), axis=1)


def _back(layer: Layer, value: str, order: Array, x: Map | Tokens, y: Type) -> str:
    """Positions where they were."""
    if not isinstance(x, Map):
        return value
    if order.ndim > 1:
        value = layer.add("Gather", value, layer.whole(np.argsort(order.ravel())), axis=1)
    flat = layer.transpose(value, 0, 2, 1)
    return layer.reshape(flat, 0, y.channels, *x.spatial) if order.ndim > 1 or len(x.spatial) > 1 else flat


def _mixed(layer: Layer, op: Any, s: Any, parts: list[str], order: Array, offsets: list[str]) -> str:
    """softmax(q k^T / sqrt(d) + offsets) v, head by head (Vaswani et al. 2017, equation 1): (N, *places, ...) to (N, positions, width)."""
    width, kvheads, last = s.width // op.heads, op.heads * s.narrow // s.width, order.ndim
    heads_first = (*range(last), last + 1, last, last + 2)
    there = order.shape if last > 1 else (s.sources,)
    query, key, value = (
        layer.reshape(part, 0, *places, heads, channels // heads)
        for part, places, heads, channels in zip(
            parts, (order.shape, there, there), (op.heads, kvheads, kvheads), (s.width, s.narrow, s.values), strict=True
        )
    )
    if op.rope is not None:
        query, key = _turned(layer, op, query, key, s)
    if op.sim == "cos":
        tiny = layer.constant(1e-12)  # as torch.nn.functional.normalize
        query, key = (
            layer.add("Div", each, layer.add("Max", layer.reduce("ReduceL2", each, last + 2, keep=True), tiny)) for each in (query, key)
        )
        factor = layer.add("Exp", layer.add("Min", layer.weight("logit_scale"), layer.constant(np.log(100))))
    else:
        factor = layer.constant(width**-0.5 if op.scale is None else op.scale)
    scaled = layer.add("Mul", layer.transpose(query, *heads_first), factor)
    scores = layer.add("MatMul", scaled, _shared(layer, layer.transpose(key, *range(last), last + 1, last + 2, last), s, last))
    for offset in offsets:
        scores = layer.add("Add", scores, offset)
    if op.talk:
        scores = _talk(layer, scores, "proj_l", last)
    weights = layer.add("Softmax", scores, axis=-1)
    if op.talk:
        weights = _talk(layer, weights, "proj_w", last)
    mixed = layer.add("MatMul", weights, _shared(layer, layer.transpose(value, *heads_first), s, last))
    return layer.reshape(layer.transpose(mixed, *heads_first), 0, s.queries, s.mixed)


def _shared(layer: Layer, value: str, s: Any, axis: int) -> str:
    """Keys or values repeated for the heads that share them."""
    if s.narrow == s.width:
        return value
    times = s.width // s.narrow
    kvheads = layer.place.node.op.kvheads  # type: ignore[attr-defined]
    return layer.add("Gather", value, layer.whole(np.repeat(np.arange(kvheads), times)), axis=axis)


def _turned(layer: Layer, op: Any, query: str, key: str, s: Any) -> tuple[str, str]:
    """Turn pairs of channels of queries and keys, (N, positions, heads, d): Su et al. 2021."""
    d, positions, given = s.width // op.heads, s.queries - op.prefix, op.angles(*layer.types)
    half = op.turned(d, given) // 2
    pairs = (half // (op.pair or half), 1, op.pair or half)
    if given is None:
        angle = np.arange(positions)[:, None] * float(op.rope) ** (-np.arange(0, d, 2) / d)
        turns = [layer.constant(turn(angle).reshape(positions, 1, *pairs)) for turn in (np.cos, np.sin)]
    else:
        at = -1 - (op.rel is True)
        flat = _flat(layer, layer.unsqueeze(layer.values[at], 0) if layer.bare[at] else layer.values[at], given)
        angles = layer.reshape(flat, 0, positions, given.channels // half, *pairs)
        turns = [layer.add(turn, angles) for turn in ("Cos", "Sin")]

    def one(value: str, heads: int) -> str:
        x = layer.slice(value, [op.prefix], [s.queries], [1]) if op.prefix else value
        part = layer.slice(x, [0], [2 * half], [3]) if 2 * half < d else x
        cos, sin = turns
        a, b = layer.add_many("Split", [layer.reshape(part, 0, positions, heads, pairs[0], 2, pairs[2]), layer.whole([1, 1])], 2, axis=4)
        first = layer.add("Sub", layer.add("Mul", a, cos), layer.add("Mul", b, sin))
        second = layer.add("Add", layer.add("Mul", b, cos), layer.add("Mul", a, sin))
        turned = layer.reshape(layer.add("Concat", first, second, axis=4), 0, positions, heads, 2 * half)
        turned = layer.add("Concat", turned, layer.slice(x, [2 * half], [d], [3]), axis=3) if 2 * half < d else turned
        return layer.add("Concat", layer.slice(value, [0], [op.prefix], [1]), turned, axis=1) if op.prefix else turned

    return one(query, op.heads), one(key, op.heads * s.narrow // s.width)


def _talk(layer: Layer, value: str, name: str, axis: int) -> str:
    """Mix the heads, which are an axis of the scores (Touvron et al. 2021, CaiT)."""
    to_last, back = (*range(axis), axis + 1, axis + 2, axis), (*range(axis), axis + 2, axis, axis + 1)
    mixed = product(layer, layer.transpose(value, *to_last), layer.weight(f"{name}.weight"), layer.weight(f"{name}.bias"))
    return layer.transpose(mixed, *back)


def _offsets(layer: Layer, op: Any, order: Array, x: Map | Tokens) -> list[str]:
    """What is added to the scores: a bias of relative positions or a value, and masks."""
    found = []
    if op.rel is True:
        found.append(layer.values[-1])
    elif op.rel is not None:
        if op.rel == "mlp":
            table, rows = _from_coordinates(layer, op, op.span(x)), _relative(op.span(x))
        elif op.rel == "table":
            table, rows = layer.weight("relative_position_bias_table"), _relative(op.span(x))
        else:
            table, rows = layer.weight("relative_attention_bias.weight"), _buckets(len(order), op.causal)
        found.append(layer.transpose(layer.add("Gather", table, layer.whole(rows), axis=0), 2, 0, 1))
    if order.ndim > 1 and isinstance(x, Map) and any(op.shifts(x)):
        found.append(layer.constant(_apart(order, x.spatial, op.shifts(x))))
    if op.causal:
        keys = op.sizes(*layer.types[: len(layer.types) - (op.rel is True)]).keys
        # by comparing, since a stored mask of 8,192 positions is 256 MiB
        seen = layer.add("LessOrEqual", layer.whole(np.arange(keys)), layer.whole(np.arange(len(order))[:, None]))
        found.append(layer.add("Where", seen, layer.constant(0), layer.constant(-np.inf)))
    return found


def _from_coordinates(layer: Layer, op: Any, span: tuple[int, ...]) -> str:
    """The biases of all relative positions from a small network (Liu et al. 2022, section 3.3)."""
    axes = [8 * np.arange(1 - n, n) / max(n - 1, 1) for n in span]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(span))
    spaced = layer.constant(np.sign(grid) * np.log2(np.abs(grid) + 1) / 3)
    hidden = layer.add("Relu", product(layer, spaced, layer.weight("cpb_mlp.0.weight"), layer.weight("cpb_mlp.0.bias")))
    return layer.add("Mul", layer.add("Sigmoid", product(layer, hidden, layer.weight("cpb_mlp.2.weight"))), layer.constant(16))


def _windows(size: tuple[int, ...], part: tuple[int, ...], shift: tuple[int, ...], strided: bool) -> Array:
    """The positions of a map in the order of its windows, after it was rolled back by the shift: (windows, positions).

    Those of a window are neighbours, or lie as far apart as there are windows.
    """
    rank = len(size)
    positions = np.roll(np.arange(prod(size)).reshape(size), [-s for s in shift], range(rank))
    split = positions.reshape([k for n, w in zip(size, part, strict=True) for k in ((w, n // w) if strided else (n // w, w))])
    of_windows, inside = range(strided, 2 * rank, 2), range(1 - strided, 2 * rank, 2)
    return split.transpose(*of_windows, *inside).reshape(-1, prod(part))


def _relative(window: tuple[int, ...]) -> Array:
    """For each pair of positions of a window the row of the table of biases: Liu et al. 2021, section 3.2."""
    index: Array = np.zeros((), np.int64)
    for n, axis in zip(window, np.indices(window), strict=True):
        at = axis.ravel()
        index = index * (2 * n - 1) + at[:, None] - at + n - 1
    return index


def _apart(order: Array, size: tuple[int, ...], shift: tuple[int, ...]) -> Array:
    """Mask with -100 positions of a window that were apart before the shift, as torchvision does: (windows, 1, positions, positions)."""
    region: Array = np.zeros((), np.int64)
    for place, s in zip(np.unravel_index(order, size), shift, strict=True):
        region = 2 * region + (place < s)  # what the roll carries across an edge is the first `shift` of an axis
    return np.where(region[:, None, :] == region[:, :, None], 0.0, -100.0)[:, None]


def _buckets(count: int, causal: bool) -> Array:
    """The bucket, of 32, of each key for each query: Raffel et al. 2020, section 2.1."""
    at = np.arange(count)
    far = at - at[:, None]
    buckets = 32 if causal else 16
    near = buckets // 2
    away = np.maximum(-far, 0) if causal else np.abs(far)
    shared = np.log(np.maximum(away, 1).astype(np.float32) / np.float32(near)) / np.float32(np.log(128 / near)) * np.float32(buckets - near)
    found: Array = np.where(away < near, away, np.minimum(near + shared.astype(np.int64), buckets - 1))
    return found if causal else found + 16 * (far > 0)
