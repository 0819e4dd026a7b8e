"""Batch normalisation folded into the layer before it: the same function with fewer operators, up to rounding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from archspec.backends.onnx.draft import Array, Draft, Operator, Stored

_LINEAR = {"Conv", "ConvTranspose", "Gemm"}


def fold_batch_norms(draft: Draft, ends: set[str]) -> None:
    """Fold each batch norm that alone reads a convolution or a fully connected layer; `ends` are the outputs' values.

    With s = scale/sqrt(variance + eps) the weights become w*s, filter by filter, and the biases (b - mean)*s + offset
    (Jacob et al. 2018, section 3.2). Computed in float64.
    """
    made = {operator.outputs[0]: operator for operator in draft.operators}
    readers = Counter(name for operator in draft.operators for name in operator.inputs)
    folded = set()
    for norm in draft.operators:
        if norm.kind != "BatchNormalization":
            continue
        linear = made.get(norm.inputs[0])
        if linear is None or linear.kind not in _LINEAR or readers[norm.inputs[0]] > 1 or norm.inputs[0] in ends:
            continue
        if any(name not in draft.stored or readers[name] > 1 for name in linear.inputs[1:]):
            continue
        _fold(draft, linear, norm)
        made[norm.outputs[0]] = linear
        folded.add(id(norm))
    draft.operators = [operator for operator in draft.operators if id(operator) not in folded]


def _fold(draft: Draft, linear: Operator, norm: Operator) -> None:
    weight = draft.stored[linear.inputs[1]]
    bias = draft.stored[linear.inputs[2]] if linear.inputs[2:] else None
    scale, offset, mean, variance = (_loader(draft, name) for name in norm.inputs[1:])
    epsilon = norm.attributes["epsilon"]
    groups = linear.attributes.get("group", 1)

    def factor() -> Array:
        found: Array = scale() / np.sqrt(variance() + epsilon)
        return found

    def folded_weight() -> Array:
        values = weight.load()
        if linear.kind == "ConvTranspose":  # (C, f/g, *k): the filters of group g follow the channels of group g
            grouped = values.reshape(groups, weight.shape[0] // groups, weight.shape[1], -1)
            return (grouped * factor().reshape(groups, 1, -1, 1)).reshape(weight.shape).astype(np.float32)
        return (values * factor().reshape(-1, *(1,) * (values.ndim - 1))).astype(np.float32)

    def folded_bias() -> Array:
        old = bias.load() if bias is not None else 0.0
        return ((old - mean()) * factor() + offset()).astype(np.float32)

    name = bias.name if bias is not None else f"{linear.name}.bias"
    draft.stored[weight.name] = Stored(weight.name, weight.shape, folded_weight)
    draft.stored[name] = Stored(name, draft.stored[norm.inputs[3]].shape, folded_bias)
    linear.inputs = [*linear.inputs[:2], name]
    draft.types.pop(linear.outputs[0], None)
    linear.outputs = list(norm.outputs)


def _loader(draft: Draft, name: str) -> Callable[[], Array]:
    """What makes a tensor's values in float64."""
    load = draft.constants[name].view if name in draft.constants else draft.stored[name].load
    return lambda: load().astype(np.float64)
