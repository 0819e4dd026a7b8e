"""Arithmetic on small tensors of known numbers: exporters compute shapes by operators.

A row takes the node's attributes and its inputs, None for what is left out, and returns its results; it raises ValueError, IndexError, TypeError
or ArithmeticError where they make no sense. Results have at most `MOST_MADE` numbers; shapes are looked at before anything is made.

Source: https://onnx.ai/onnx/operators/.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from struct import pack, unpack
from typing import Any

from archspec.imports.onnx.model import BOOL, FLOAT, INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64
from archspec.imports.onnx.numbers import MOST_MADE, REAL, Numbers, indexes, strides_of

Attributes = Mapping[str, Any]
Row = Callable[..., Sequence[Numbers]]
ROWS: dict[str, Row] = {}
SENSELESS = (ValueError, TypeError, IndexError, KeyError, ArithmeticError, AttributeError)
"""What is raised for attributes of another type than an operator has, and for sizes that do not fit: a file may hold anything."""
_BITS = {INT8: 8, INT16: 16, INT32: 32, INT64: 64, UINT8: -8, UINT16: -16, UINT32: -32, UINT64: -64}
"""Bits of whole numbers, below 0 for those without a sign."""


def fold(name: str, attributes: Attributes, inputs: Sequence[Numbers | None]) -> Sequence[Numbers] | None:
    """Compute an operator; None where it has no row, is too large, or makes no sense."""
    row = ROWS.get(name)
    if row is None:
        return None
    try:
        found = row(attributes, *inputs)
        return None if any(len(each.values) > MOST_MADE for each in found) else found
    except SENSELESS:
        return None


def computes(*names: str) -> Callable[[Row], Row]:
    """Register a row that computes these operators."""

    def add(row: Row) -> Row:
        ROWS.update(dict.fromkeys(names, row))
        return row

    return add


def sized(shape: Sequence[int]) -> tuple[int, ...]:
    """A shape that is small enough. Raises ValueError."""
    if any(size < 0 for size in shape) or len(shape) > 16 or math.prod(shape) > MOST_MADE:
        raise ValueError("too large")
    return tuple(shape)


def fitted(value: Any, kind: int) -> Any:
    """A number in a kind of numbers: rounded to its precision, or within its bits."""
    if kind == FLOAT:
        return unpack("<f", pack("<f", value))[0] if math.isfinite(value) and abs(value) < 3.4e38 else float(value)
    if kind in REAL:
        return float(value)
    if kind == BOOL:
        return bool(value)
    bits = _BITS[kind]
    value = int(value) & ((1 << abs(bits)) - 1)
    return value - (1 << bits) if bits > 0 and value >> (bits - 1) else value


def broadcast(*tensors: Numbers) -> tuple[tuple[int, ...], list[Numbers]]:
    """Tensors in the shape that they make together. Raises ValueError."""
    rank = max(len(tensor.shape) for tensor in tensors)
    padded = [(1,) * (rank - len(tensor.shape)) + tensor.shape for tensor in tensors]
    shape = sized([max(sizes) if 0 not in sizes else 0 for sizes in zip(*padded, strict=True)])
    for sizes in padded:
        if any(size not in (1, whole_) for size, whole_ in zip(sizes, shape, strict=True)):
            raise ValueError("shapes differ")
    found = []
    for tensor, sizes in zip(tensors, padded, strict=True):
        if sizes == shape:
            found.append(tensor.reshaped(shape))
            continue
        ones = [size == 1 for size in sizes]
        found.append(tensor.reshaped(sizes).taken(shape, partial(_stretched, ones)))
    return shape, found


def _stretched(ones: Sequence[bool], index: tuple[int, ...]) -> tuple[int, ...]:
    """An index where axes of size 1 are repeated."""
    return tuple([0 if one else at for at, one in zip(index, ones, strict=True)])


# numbers one by one


def _each(function: Callable[..., Any], kind: int | None = None) -> Row:
    """Apply a function to the numbers of tensors, broadcast."""

    def row(_: Attributes, *tensors: Numbers) -> Sequence[Numbers]:
        shape, wide = broadcast(*tensors)
        to = kind if kind is not None else tensors[-1].kind
        return [Numbers(to, shape, tuple([fitted(function(*values), to) for values in zip(*[t.values for t in wide], strict=True)]))]

    return row


def _divided(a: Any, b: Any) -> Any:
    """Whole numbers are cut, not rounded down."""
    if isinstance(a, int):
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return a / b


def _power(a: Any, b: Any) -> Any:
    if abs(b) > 64:
        raise ValueError("too large")
    return a**b


ROWS |= {
    "Add": _each(operator.add),
    "Sub": _each(operator.sub),
    "Mul": _each(operator.mul),
    "Div": _each(_divided),
    "Neg": _each(operator.neg),
    "Abs": _each(abs),
    "Floor": _each(math.floor),
    "Ceil": _each(math.ceil),
    "Round": _each(round),
    "Sqrt": _each(math.sqrt),
    "Exp": _each(math.exp),
    "Log": _each(math.log),
    "Reciprocal": _each(lambda a: 1 / a),
    "Sign": _each(lambda a: (a > 0) - (a < 0)),
    "Max": _each(max),
    "Min": _each(min),
    "And": _each(lambda a, b: a and b, BOOL),
    "Or": _each(lambda a, b: a or b, BOOL),
    "Xor": _each(operator.ne, BOOL),
    "Not": _each(operator.not_, BOOL),
    "Equal": _each(operator.eq, BOOL),
    "Greater": _each(operator.gt, BOOL),
    "GreaterOrEqual": _each(operator.ge, BOOL),
    "Less": _each(operator.lt, BOOL),
    "LessOrEqual": _each(operator.le, BOOL),
    "Where": _each(lambda condition, a, b: a if condition else b),
}


@computes("Pow")
def _pow(_: Attributes, x: Numbers, y: Numbers) -> Sequence[Numbers]:
    return _each(_power, x.kind)(_, x, y)


@computes("Mod")
def _mod(attributes: Attributes, x: Numbers, y: Numbers) -> Sequence[Numbers]:
    return _each(math.fmod if attributes.get("fmod") else operator.mod)(attributes, x, y)


@computes("Identity", "StopGradient")
def _identity(_: Attributes, x: Numbers) -> Sequence[Numbers]:
    return [x]


@computes("Cast")
def _cast(attributes: Attributes, x: Numbers) -> Sequence[Numbers]:
    to = attributes["to"]
    return [Numbers(to, x.shape, tuple([fitted(value, to) for value in x.values]))]


@computes("CastLike")
def _cast_like(_: Attributes, x: Numbers, like: Numbers) -> Sequence[Numbers]:
    return _cast({"to": like.kind}, x)


@computes("Clip")
def _clip(_: Attributes, x: Numbers, low: Numbers | None = None, high: Numbers | None = None) -> Sequence[Numbers]:
    for bound, choose in ((low, max), (high, min)):
        x = _each(choose)(_, x, bound)[0] if bound is not None else x
    return [x]


# reductions


def axes_of(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes counted from the front, each once. Raises ValueError."""
    found = [axis + rank if axis < 0 else axis for axis in axes]
    if any(not 0 <= axis < rank for axis in found) or len(set(found)) != len(found):
        raise ValueError("no such axes")
    return tuple(found)


def listed(attributes: Attributes, name: str, given: Numbers | None) -> tuple[int, ...] | None:
    """Whole numbers that are an input in newer opsets and an attribute in older ones; None where they are neither."""
    if given is not None:
        return tuple(map(int, given.values))
    found = attributes.get(name)
    return tuple(found) if found is not None else None


def _reduction(function: Callable[[list[Any]], Any]) -> Row:
    def row(attributes: Attributes, x: Numbers, axes: Numbers | None = None) -> Sequence[Numbers]:
        given = listed(attributes, "axes", axes)
        if not given and attributes.get("noop_with_empty_axes"):
            return [x]
        gone = set(axes_of(given or range(len(x.shape)), len(x.shape)))
        groups: dict[tuple[int, ...], list[Any]] = {}
        for index, value in zip(indexes(x.shape), x.values, strict=True):
            groups.setdefault(tuple([at for axis, at in enumerate(index) if axis not in gone]), []).append(value)
        keep = attributes.get("keepdims", 1)
        shape = [1 if axis in gone else size for axis, size in enumerate(x.shape) if keep or axis not in gone]
        return [Numbers(x.kind, tuple(shape), tuple([fitted(function(values), x.kind) for values in groups.values()]))]

    return row


ROWS |= {
    "ReduceSum": _reduction(sum),
    "ReduceProd": _reduction(math.prod),
    "ReduceMax": _reduction(max),
    "ReduceMin": _reduction(min),
    "ReduceMean": _reduction(lambda values: sum(values) / len(values) if isinstance(values[0], float) else sum(values) // len(values)),
}


@computes("CumSum")
def _cumsum(attributes: Attributes, x: Numbers, axis: Numbers) -> Sequence[Numbers]:
    if len(x.shape) != 1 or attributes.get("exclusive") or attributes.get("reverse") or axis.one not in (0, -1):
        raise ValueError("another order")
    total, found = 0, []
    for value in x.values:
        total = fitted(total + value, x.kind)
        found.append(total)
    return [Numbers(x.kind, x.shape, tuple(found))]


@computes("NonZero")
def _nonzero(_: Attributes, x: Numbers) -> Sequence[Numbers]:
    places = [index for index, value in zip(indexes(x.shape), x.values, strict=True) if value]
    return [Numbers(INT64, (len(x.shape), len(places)), tuple([place[axis] for axis in range(len(x.shape)) for place in places]))]


@computes("ScatterND")
def _scatter(attributes: Attributes, x: Numbers, at: Numbers, updates: Numbers) -> Sequence[Numbers]:
    depth = at.shape[-1]
    if attributes.get("reduction", "none") != "none":
        raise ValueError("numbers are combined")
    strides, values, width = strides_of(x.shape), list(x.values), math.prod(x.shape[depth:])
    for number in range(math.prod(at.shape[:-1])):
        index = [place % size for place, size in zip(at.values[number * depth : (number + 1) * depth], x.shape[:depth], strict=True)]
        start = sum(map(int.__mul__, index, strides[:depth]))
        values[start : start + width] = updates.values[number * width : (number + 1) * width]
    if len(values) != len(x.values):
        raise ValueError("another number of numbers")
    return [Numbers(x.kind, x.shape, tuple(values))]
