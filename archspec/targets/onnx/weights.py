"""Where the values of the weights come from: drawn, or given by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from archspec.analysis.tensors import tensors
from archspec.ir.graph import Network
from archspec.targets.initial import draw
from archspec.targets.onnx.draft import Array
from archspec.targets.onnx.layer import Load
from archspec.targets.onnx.lower import needed

_SHOWN = 3
_DERIVED = ("num_batches_tracked", "relative_position_index")
"""What PyTorch's modules store and the network does not need: a count of batches, and indices that follow from the window's size."""


def drawn(seed: int) -> Load:
    """Values as PyTorch's modules begin with, the same for the same seed."""
    return lambda tensor: draw(tensor, seed)


def given(network: Network, weights: Mapping[str, Any]) -> Load:
    """Values by key, as a `state_dict` has them: arrays, or PyTorch's tensors. Raises ValueError where they do not fit the network.

    What belongs to heads that exist in training only may be missing.
    """
    wrong = list(_misfits(network, weights))
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise ValueError(f"the weights do not fit: {'; '.join(wrong[:_SHOWN])}{more}")
    return lambda tensor: _array(weights[tensor.key])


def _misfits(network: Network, weights: Mapping[str, Any]) -> Iterator[str]:
    """What is missing, of another shape, or in excess."""
    wanted = {tensor.key: tensor for tensor in tensors(network)}
    used = {place.name for place in needed(network)}
    for key, tensor in wanted.items():
        if key not in weights:
            if tensor.place.name in used:
                yield f"`{key}` is missing"
            continue
        shape = tuple(int(size) for size in weights[key].shape)
        if shape != tensor.shape:
            yield f"`{key}` is {_shown(shape)}, and {_shown(tensor.shape)} in the spec"
    for key in weights:
        if key not in wanted and key.rpartition(".")[2] not in _DERIVED:
            yield f"the spec has no `{key}`"


def _shown(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "one number"


def _array(value: Any) -> Array:
    """An array, or a tensor of PyTorch's, as float32."""
    if hasattr(value, "detach"):  # numpy has no bfloat16
        value = value.detach().cpu().float().numpy()
    return np.asarray(value, np.float32)
