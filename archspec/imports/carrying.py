"""Weights move along: the numbers of a source, under the names and in the layouts of the network, one tensor after another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from archspec.analysis.tensors import tensors
from archspec.extras import require
from archspec.imports.imported import Imported, Stored
from archspec.weights.files import WeightsError, array, quoted

_BYTES = 4
"""Bytes of a number."""


def carry(imported: Imported, file: BinaryIO, data: Path | None) -> int:
    """Write the numbers of a source as a file of safetensors; returns how many tensors. See Imported.save_weights."""
    if imported.tensors is None:
        raise WeightsError("the source has a network and no weights")
    require("numpy")
    shapes = {tensor.key: tensor.shape for tensor in tensors(imported.network)}
    missing = [key for key in shapes if key not in imported.stored]
    if missing:
        raise WeightsError(f"the source has no numbers for {quoted(missing)}")
    source = imported.tensors(data)
    file.write(_header(shapes))
    for key, shape in shapes.items():
        try:
            found = placed(imported.stored[key], shape, source)
        except KeyError as lacking:
            help_ = "" if data else "; where its weights lie apart, `--data FILE` names their file"
            raise WeightsError(f"{data or 'the source'} has no `{lacking.args[0]}`{help_}") from None
        if found.shape != shape:
            raise WeightsError(f"`{key}` is {found.shape} in the source and {shape} in the network")
        file.write(found.astype("<f4").tobytes())
    return len(shapes)


def _header(shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    """Write what a safetensors file begins with: the length of its header, and that. Source: huggingface.co/docs/safetensors, Format."""
    ends = list(accumulate((_BYTES * prod(shape) for shape in shapes.values()), initial=0))
    entries: dict[str, Any] = {
        key: {"dtype": "F32", "shape": list(shape), "data_offsets": ends[at : at + 2]} for at, (key, shape) in enumerate(shapes.items())
    }
    text = json.dumps({"__metadata__": {"format": "pt"}} | entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def placed(stored: Stored, shape: tuple[int, ...], source: Mapping[str, Any]) -> Any:
    """Take a tensor of the network from the source's arrays. Raises KeyError where it lacks one, WeightsError where that has another size."""
    import numpy as np

    if not stored.keys:
        return np.full(shape, stored.value, np.float32)
    found = [_laid(stored, _looked_up(key, source), key) for key in stored.keys]
    joined = np.concatenate(found) if len(found) > 1 else found[0]
    return joined.reshape(shape) if stored.shape and joined.size == prod(shape) else joined


def _looked_up(key: str, source: Mapping[str, Any]) -> Any:
    try:
        values = source[key]
    except KeyError:
        raise KeyError(key) from None  # the name alone, whatever a library says
    if getattr(values, "is_meta", False):
        raise WeightsError(f"`{key}` is on the meta device, where there are no numbers")
    return array(values)


def _laid(stored: Stored, values: Any, key: str) -> Any:
    """Give an array the shape, the order of axes and the rows that the network has."""
    import numpy as np

    try:
        values = values.reshape(stored.shape) if stored.shape else values
        values = values.transpose(stored.order) if stored.order else values
    except ValueError:
        raise WeightsError(f"`{key}` is {values.shape} in the source, which does not become {stored.shape or stored.order}") from None
    return np.concatenate([values[first:last] for first, last in stored.rows]) if stored.rows else values
