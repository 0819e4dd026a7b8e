"""Normalisations that exporters write as several operators: a mean, a difference, a root, and then the weights and the biases."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archspec.imports.onnx.model import Node
from archspec.imports.onnx.names import says_nothing
from archspec.imports.onnx.nodes import Graph
from archspec.imports.onnx.patterns import is_number, maker, new, pattern, power


@pattern("Div", "Mul")
def _normalised(graph: Graph, node: Node) -> Sequence[Node] | None:
    """(x - mean) / sqrt(variance + eps), or x / sqrt(mean of squares + eps)."""
    if len(node.inputs) != 2:
        return None
    for top, bottom in (node.inputs,) if node.operator == "Div" else (node.inputs, node.inputs[::-1]):
        root = _root(graph, bottom, inverse=node.operator == "Mul")
        spread = _shift_of(graph, root) if root is not None else None
        if spread is None:
            continue
        variance, eps = spread
        mean = maker(graph, variance, "ReduceMean")
        square = power(graph, mean.inputs[0]) if mean is not None else None
        if mean is None or square is None or square[1:] != (2, 1.0):
            continue
        axes = _axes(graph, mean)
        if axes is None:
            continue
        centred = maker(graph, top, "Sub")
        if centred is not None and _is_again(graph, square[0], top):
            inner = maker(graph, centred.inputs[1], "ReduceMean")
            if inner is not None and inner.inputs[0] == centred.inputs[0] and _axes(graph, inner) == axes:
                return [new(node, "Norm", centred.inputs[0], "", "", step="ln", axes=axes, eps=eps)]
        if square[0] == top:
            return [new(node, "Norm", top, "", "", step="rmsnorm", axes=axes, eps=eps)]
    return None


def _is_again(graph: Graph, value: str, other: str) -> bool:
    """Whether a value is another, or is computed from the same values in the same way: exporters write x - mean twice."""
    one, two = graph.made.get(value), graph.made.get(other)
    return value == other or (one is not None and two is not None and (one.operator, one.inputs) == (two.operator, two.inputs))


def _root(graph: Graph, value: str, *, inverse: bool) -> str | None:
    """What a value is the square root of, or one divided by it."""
    if inverse:
        node = maker(graph, value, "Reciprocal", "Div", "Pow")
        if node is None:
            return None
        if node.operator == "Pow":
            return node.inputs[0] if is_number(graph, node.inputs[1], -0.5) else None
        if node.operator == "Div" and not is_number(graph, node.inputs[0], 1.0):
            return None
        value = node.inputs[-1]
    node = maker(graph, value, "Sqrt", "Pow")
    if node is None or (node.operator == "Pow" and not is_number(graph, node.inputs[1], 0.5)):
        return None
    return node.inputs[0]


def _shift_of(graph: Graph, value: str) -> tuple[str, float] | None:
    """A value and the small number that is added to it."""
    node = maker(graph, value, "Add")
    for at, name in enumerate(node.inputs) if node is not None else ():
        number = graph.number(name)
        if number is not None and 0 < number < 1:
            return node.inputs[1 - at], float(number)  # type: ignore[union-attr]
    return None


def _axes(graph: Graph, node: Node) -> tuple[int, ...] | None:
    """The axes of a reduction that keeps them."""
    given = graph.numbers.get(node.inputs[1]) if len(node.inputs) > 1 else None
    axes = tuple(given.values) if given is not None else node.attributes.get("axes")
    return tuple(axes) if axes and node.attributes.get("keepdims", 1) else None


_AFFINE = ("ln", "rmsnorm", "instnorm", "gn")
"""Normalisations that may have weights."""


@pattern("Mul", "Add")
def _affine(graph: Graph, node: Node) -> Sequence[Node] | None:
    """The weights and the biases of a normalisation."""
    at = 1 if node.operator == "Mul" else 2
    for value, other in (node.inputs, node.inputs[::-1]) if len(node.inputs) == 2 else ():
        norm, weight = maker(graph, value, "Norm"), graph.weights.get(other)
        if (
            norm is None
            or norm.attributes["step"] not in _AFFINE
            or weight is None
            or graph.uses[value] > 1
            or norm.inputs[at]
            or norm.inputs[2]
        ):
            continue
        if norm.attributes["step"] == "rmsnorm" and at == 2:
            continue
        if _along(norm, weight.shape, graph.weights[norm.inputs[1]].shape if norm.inputs[1] else None):
            inputs = [*norm.inputs[:at], other, *norm.inputs[at + 1 :]]
            attributes = {**norm.attributes, **({"last": True} if len(weight.shape) == 1 else {})}
            return [norm._replace(inputs=tuple(inputs), outputs=node.outputs, attributes=attributes)]
    return None


def _along(norm: Node, shape: tuple[int, ...], other: tuple[int, ...] | None) -> bool:
    """Whether weights lie along the channels of a normalisation: the one axis of a layer norm, or the second of all others."""
    if other is not None and other != shape:
        return False
    axis = norm.attributes["axes"][0] if norm.attributes["step"] in ("ln", "rmsnorm") else None
    if axis is not None and len(norm.attributes["axes"]) > 1:
        return False
    if axis == -1 or (axis is not None and len(shape) == 1):  # whether that axis is the last is seen where the rank is known
        return all(size == 1 for size in shape[:-1])
    behind = len(shape) - 1 if len(shape) == len([size for size in shape[1:] if size == 1]) + 1 else -1
    return behind > 0 or (len(shape) > 2 and shape[0] == 1 and all(size == 1 for size in shape[2:]))


@pattern("Add")
def _folded_batch_norm(graph: Graph, node: Node) -> Sequence[Node] | None:
    """A batch norm of TensorFlow in inference: its statistics are part of a factor and an offset of each channel."""
    value, bias = _parted(graph, node)
    scaled = maker(graph, value, "Mul") if bias is not None else None
    x, weight = _parted(graph, scaled)
    if scaled is None or bias is None or weight is None or not all(_BATCH_NORM.search(each.name) for each in (node, scaled)):
        return None
    return [new(node, "Norm", x, weight, bias, step="bn")]


_BATCH_NORM = re.compile(r"(?:^|/)batchnorm/(?:mul|add)_1$")
"""Names of the nodes that `tf.nn.batch_normalization` writes."""


@pattern("InstanceNormalization")
def _instance(graph: Graph, node: Node) -> Sequence[Node] | None:
    """A normalisation with factors of 1 and offsets of 0, whose weights may follow; a mean that is subtracted before it changes nothing."""
    ones, zeros = (graph.numbers.get(name) for name in node.inputs[1:3])
    if ones is None or zeros is None or not says_nothing(node.inputs[1]) or set(ones.values) - {1.0} or set(zeros.values) - {0.0}:
        return None
    x = node.inputs[0]
    centred = maker(graph, x, "Sub")
    mean = maker(graph, centred.inputs[1], "ReduceMean") if centred is not None else None
    if centred is not None and mean is not None and mean.inputs[0] == centred.inputs[0]:
        x = centred.inputs[0]
    return [new(node, "Norm", x, "", "", step="instnorm", axes=(), eps=node.attributes.get("epsilon", 1e-5), groups=len(ones.values))]


@pattern("Reshape")
def _grouped(graph: Graph, node: Node) -> Sequence[Node] | None:
    """A group normalisation: an instance normalisation of groups of channels, between two reshapes, whose shapes its row looks at."""
    norm = maker(graph, node.inputs[0], "Norm")
    before = maker(graph, norm.inputs[0], "Reshape") if norm is not None and norm.attributes["step"] == "instnorm" else None
    if norm is None or before is None or norm.inputs[1] or norm.inputs[2] or graph.uses[node.inputs[0]] > 1:
        return None
    shape = graph.numbers.get(before.inputs[1])
    if shape is None or len(shape.values) != 3 or shape.values[1] != norm.attributes["groups"]:
        return None
    inputs = (before.inputs[0], "", "", before.inputs[1], node.inputs[1])
    return [norm._replace(inputs=inputs, outputs=node.outputs, attributes={**norm.attributes, "step": "gn"})]


@pattern("Div")
def _length(graph: Graph, node: Node) -> Sequence[Node] | None:
    """A value divided by its length over an axis, which counts as a small number where it is less: `l2norm`, as PyTorch's `normalize`."""
    x, bottom = node.inputs
    repeated = maker(graph, bottom, "Expand")
    bounded = maker(graph, repeated.inputs[0] if repeated is not None else bottom, "Max", "Clip")
    if bounded is None:
        return None
    eps = graph.number(bounded.inputs[1]) if len(bounded.inputs) > 1 and bounded.inputs[1] else bounded.attributes.get("min")
    length = maker(graph, bounded.inputs[0], "ReduceL2")
    if length is None or length.inputs[0] != x or not eps or (bounded.operator == "Clip" and len(bounded.inputs) > 2 and bounded.inputs[2]):
        return None
    axes = _axes(graph, length)
    return [new(node, "Norm", x, "", "", step="l2norm", axes=axes, eps=eps)] if axes and len(axes) == 1 else None


@pattern("Add")
def _response(graph: Graph, node: Node) -> Sequence[Node] | None:
    """Global response normalisation: x + (x * (length / (mean length + eps)) * weight + bias)."""
    for x, inner in (node.inputs, node.inputs[::-1]):
        biased = maker(graph, inner, "Add")
        weighed, bias = _parted(graph, biased)
        scaled, weight = _parted(graph, maker(graph, weighed, "Mul"))
        even = maker(graph, scaled, "Mul")
        if even is None or x not in even.inputs or bias is None or weight is None:
            continue
        ratio = maker(graph, even.inputs[1 - even.inputs.index(x)], "Div")
        spread = _shift_of(graph, ratio.inputs[1]) if ratio is not None else None
        length = maker(graph, ratio.inputs[0], "ReduceL2") if ratio is not None else None
        mean = maker(graph, spread[0], "ReduceMean") if spread is not None else None
        if length is None or mean is None or spread is None or length.inputs[0] != x or mean.inputs[0] != length.outputs[0]:
            continue
        axes, over = _axes(graph, length), _axes(graph, mean)
        if axes is not None and over is not None:
            return [new(node, "Norm", x, weight, bias, step="grn", axes=axes, over=over, eps=spread[1])]
    return None


@pattern("Add")
def _evolved(graph: Graph, node: Node) -> Sequence[Node] | None:
    """EvoNorm-S0: x, or x * sigmoid(x * v), by the root of the variance of groups of channels, between reshapes; then * weight + bias."""
    scaled, bias = _parted(graph, node)
    even, weight = _parted(graph, maker(graph, scaled, "Mul"))
    back = maker(graph, even, "Reshape")
    ratio = maker(graph, back.inputs[0], "Div") if back is not None else None
    top = maker(graph, ratio.inputs[0], "Reshape") if ratio is not None else None
    found = _variance(graph, ratio.inputs[1]) if ratio is not None else None
    if bias is None or weight is None or back is None or top is None or found is None:
        return None
    before, axes, eps = found
    x = before.inputs[0]
    v = "" if top.inputs[0] == x else _gate(graph, top.inputs[0], x)
    shapes = (before.inputs[1], back.inputs[1])
    if v is None or graph.numbers.get(top.inputs[1]) != graph.numbers.get(shapes[0]):
        return None
    made = new(node, "Norm", x, weight, bias, v, *shapes, step="evonorm", axes=axes, eps=eps)
    lie = {graph.weights[name].shape for name in (weight, bias, v) if name}
    return [made] if len(lie) == 1 and _along(made, lie.pop(), None) else None


def _variance(graph: Graph, value: str) -> tuple[Node, tuple[int, ...], float] | None:
    """The reshape whose variance, with eps, a value is the root of, and the axes."""
    root = _root(graph, value, inverse=False)
    spread = _shift_of(graph, root) if root is not None else None
    mean = maker(graph, spread[0], "ReduceMean") if spread is not None else None
    square = power(graph, mean.inputs[0]) if mean is not None else None
    if spread is None or mean is None or square is None or square[1:] != (2, 1.0):
        return None
    axes, node, centred = _axes(graph, mean), graph.made.get(square[0]), False
    while node is not None and node.operator == "Sub":  # twice where the first mean is not trusted
        inner = maker(graph, node.inputs[1], "ReduceMean")
        if inner is None or inner.inputs[0] != node.inputs[0] or _axes(graph, inner) != axes:
            return None
        node, centred = graph.made.get(node.inputs[0]), True
    return (node, axes, spread[1]) if node is not None and node.operator == "Reshape" and centred and axes else None


def _gate(graph: Graph, value: str, x: str) -> str | None:
    """The weights v where a value is x * sigmoid(x * v)."""
    product = maker(graph, value, "Mul")
    for own, right in (product.inputs, product.inputs[::-1]) if product is not None else ():
        gate = maker(graph, right, "Sigmoid")
        inner, v = _parted(graph, maker(graph, gate.inputs[0], "Mul") if gate is not None else None)
        if own == inner == x:
            return v
    return None


def _parted(graph: Graph, node: Node | None) -> tuple[str, str | None]:
    """The value and the stored tensor that a node combines; no value where there are no such."""
    for value, other in (node.inputs, node.inputs[::-1]) if node is not None and len(node.inputs) == 2 else ():
        if other in graph.weights and value not in graph.weights:
            return value, other
    return "", None
