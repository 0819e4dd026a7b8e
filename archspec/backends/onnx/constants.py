"""The values of the weights, given by key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archspec.analysis.tensors import tensors
from archspec.backends.onnx.layer import Load
from archspec.backends.onnx.lower import needed
from archspec.ir.graph import Network
from archspec.weights.files import WeightsError, array, quoted
from archspec.weights.match import Form, fit, form_of, prefix_of

_DERIVED = ("num_batches_tracked", "relative_position_index")
"""What PyTorch's modules store and the network does not need: a count of batches, and indices that follow from a window's size."""


def given(network: Network, weights: Mapping[str, Any]) -> tuple[Load, str]:
    """Take values by key, as a `state_dict` has them: arrays, or tensors of PyTorch. Returns what loads them, and how they were matched.

    They are matched as `load_weights` does: by name, else by structure. What belongs to heads that exist in training only may be
    missing. Raises WeightsError where they do not fit the network.
    """
    theirs = {key: _real(key, value) for key, value in weights.items() if key.rpartition(".")[2] not in _DERIVED}
    prefix, wanted = prefix_of(theirs), list(tensors(network))
    used = {place.name for place in needed(network)[0]}
    if not any(prefix + tensor.key in theirs for tensor in wanted if tensor.place.name not in used):
        wanted = [tensor for tensor in wanted if tensor.place.name in used]
    try:
        found = fit({tensor.key: Form(tensor.shape, "float32") for tensor in wanted}, theirs)
    except WeightsError as error:
        raise WeightsError(f"the weights do not fit the network: {error}", error.skip) from None
    how = f"{len(found.pairs):,} tensors matched by structure, {len(found.renamed):,} of them under other names: {quoted(found.renamed)}"
    return lambda tensor: array(weights[found.pairs[tensor.key]]), how if found.how == "structure" else ""


def _real(key: str, value: Any) -> Form:
    """The form of a tensor of real numbers. Raises WeightsError for any other."""
    form = form_of(f"`{key}`", value)
    if not form.dtype.startswith(("float", "bfloat")):
        raise WeightsError(f"`{key}` holds {form.dtype}, not real numbers")
    return form
