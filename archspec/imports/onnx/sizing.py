"""Shapes of results of operators that have no row, or whose inputs no row takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from archspec.imports.onnx.computing import axes_of
from archspec.imports.onnx.model import Node
from archspec.imports.onnx.numbers import Numbers

ONE_BY_ONE = frozenset(
    ["Erf", "Exp", "Log", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Neg", "Reciprocal", "Floor", "Ceil", "Round", "Sign", "Sqrt", "Clip", "Celu", "Shrink", "Softsign", "ThresholdedRelu", "Not", "IsNaN", "IsInf", "Hardmax", "CumSum", "BitwiseNot", "Swish", "Cast"]
)  # fmt: skip
"""Operators whose result has the shape of their first input."""
_ALIKE = frozenset(
    [
        "Relu",
        "Sigmoid",
        "Tanh",
        "Softmax",
        "Abs",
        "Norm",
        "Activation",
        "LayerNormalization",
        "BatchNormalization",
        "InstanceNormalization",
        "Pow",
    ]
)
"""Layers whose result has the shape of their first input."""
_SPREAD = frozenset(["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal", "And", "Or", "Xor", "Where", "Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Mod"])  # fmt: skip
"""Operators on several tensors, number by number."""


def _broadcast(shapes: Sequence[Sequence[int]]) -> tuple[int, ...] | None:
    """The shape that several have together; None where they have none."""
    rank = max(map(len, shapes), default=0)
    axes = [*zip(*[(*(1,) * (rank - len(shape)), *shape) for shape in shapes], strict=True)]
    return tuple(map(max, axes)) if all(len({*sizes} - {1}) <= 1 for sizes in axes) else None


def shape_of_result(node: Node, inputs: Sequence[tuple[int, ...]], known: Callable[[str], Numbers | None]) -> tuple[int, ...] | None:
    """The shape of the first result, by those of the inputs and the numbers that are known; None where nothing is known of it."""
    first = inputs[0] if inputs else ()
    if node.operator == "MatMul" and len(inputs) == 2 and min(map(len, inputs)) > 1:
        return (*(_broadcast([each[:-2] for each in inputs]) or inputs[0][:-2]), inputs[0][-2], inputs[1][-1])
    if node.operator == "Linear" and len(inputs) > 1 and first and first[-1] in inputs[1]:
        return (*first[:-1], prod(inputs[1]) // first[-1])
    if node.operator in _SPREAD:
        return _broadcast(inputs)
    if node.operator in ONE_BY_ONE or node.operator in _ALIKE:
        return first
    if node.operator.startswith("Reduce") and first:
        return _reduced(node, first, known)
    if node.operator in ("Resize", "Upsample") and first:
        return _resized(node, first, known)
    if node.operator == "Gather" and len(inputs) == 2:
        (axis,) = axes_of((node.attributes.get("axis", 0),), len(first))
        return (*first[:axis], *inputs[1], *first[axis + 1 :])
    if node.operator == "GatherND" and len(inputs) == 2 and inputs[1] and not node.attributes.get("batch_dims", 0):
        return (*inputs[1][:-1], *first[inputs[1][-1] :])
    return None


def _reduced(node: Node, first: tuple[int, ...], known: Callable[[str], Numbers | None]) -> tuple[int, ...] | None:
    given = node.attributes.get("axes")
    if len(node.inputs) > 1 and node.inputs[1]:
        numbers = known(node.inputs[1])
        if numbers is None:
            return None
        given = [int(value) for value in numbers.values]
    if not given and node.attributes.get("noop_with_empty_axes"):
        return first
    gone = axes_of(given or range(len(first)), len(first))
    keep = node.attributes.get("keepdims", 1)
    return tuple([1 if at in gone else size for at, size in enumerate(first) if keep or at not in gone])


def _resized(node: Node, first: tuple[int, ...], known: Callable[[str], Numbers | None]) -> tuple[int, ...] | None:
    given = [known(name) if name else None for name in node.inputs[1:]]
    axes = node.attributes.get("axes", range(len(first)))
    numbers = next((each.values for each in reversed(given) if each is not None and len(each.values) == len(axes)), None)
    if numbers is None or node.attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        return None
    found = list(first)
    for axis, number in zip(axes, numbers, strict=True):
        found[axis] = int(number) if len(given) > 2 and given[2] is not None else int(first[axis] * number)
    return tuple(found)
