"""Where the values of the weights come from: drawn, or given by key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from archspec.analysis.tensors import Tensor, tensors
from archspec.backends.onnx.draft import Array
from archspec.backends.onnx.layer import Load
from archspec.backends.onnx.lower import needed
from archspec.ir.graph import Network
from archspec.weights.files import WeightsError, quoted
from archspec.weights.initializers import draw
from archspec.weights.match import Form, match, prefix_of

_DERIVED = ("num_batches_tracked", "relative_position_index")
"""What PyTorch's modules store and the network does not need: a count of batches, and indices that follow from a window's size."""


def drawn(seed: int) -> Load:
    """Values as PyTorch's modules begin with, the same for the same seed."""
    return lambda tensor: draw(tensor, seed)


def given(network: Network, weights: Mapping[str, Any]) -> tuple[Load, str]:
    """Values by key, as a `state_dict` has them: arrays, or PyTorch's tensors. And what is to be told of how they were matched.

    They are matched as `load_weights` does: by name, else by structure. What belongs to heads that exist in training only may be
    missing. Raises WeightsError where they do not fit the network.
    """
    keys = prefix_of(weights)
    theirs = {key.removeprefix(keys): _form(key, value) for key, value in weights.items() if key.rpartition(".")[2] not in _DERIVED}
    wanted = list(tensors(network))
    used = {place.name for place in needed(network)[0]}
    if not any(tensor.key in theirs for tensor in wanted if tensor.place.name not in used):
        wanted = [tensor for tensor in wanted if tensor.place.name in used]
    own = prefix_of({tensor.key: None for tensor in wanted})
    try:
        how, pairs = match({tensor.key.removeprefix(own): Form(tensor.shape, "float32") for tensor in wanted}, theirs)
    except WeightsError as error:
        raise WeightsError(f"the weights do not fit the network: {error}") from None
    other = {own + key: keys + their for key, their in pairs.items()}

    def load(tensor: Tensor) -> Array:
        return _array(weights[other[tensor.key]])

    if how == "name":
        return load, ""
    renamed = [f"{their} -> {key}" for key, their in pairs.items() if key != their]
    return load, f"{len(pairs):,} tensors matched by structure, {len(renamed):,} of them under other names: {quoted(renamed)}"


def _form(key: str, value: Any) -> Form:
    """Raises WeightsError for what is no tensor of real numbers with values."""
    kind = str(getattr(value, "dtype", "")).removeprefix("torch.")
    if not hasattr(value, "shape") or not kind.startswith(("float", "bfloat")):
        raise WeightsError(f"`{key}` holds {kind or type(value).__name__}, not real numbers")
    if getattr(value, "is_meta", False):
        raise WeightsError(f"`{key}` has a shape but no values: it is on the meta device")
    return Form(tuple(int(size) for size in value.shape), kind)


def _array(value: Any) -> Array:
    """An array, or a tensor of PyTorch's, as float32."""
    if hasattr(value, "detach"):  # numpy has no bfloat16
        value = value.detach().cpu().float().numpy()
    return np.asarray(value, np.float32)
