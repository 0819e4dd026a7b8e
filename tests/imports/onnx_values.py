"""What an ONNX file computes by onnxruntime, beside the network that was read from it, with the file's numbers in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

import archspec
from archspec.analysis.tensors import tensors as tensors_of
from archspec.imports.carrying import placed
from archspec.imports.imported import Imported
from archspec.imports.onnx.arrays import tensors
from archspec.imports.onnx.reader import read
from archspec.types import Map

torch.set_num_threads(1)


def module_of(found: Imported, path: Path, data: Path | None = None) -> torch.nn.Module:
    """The module of a network, with the numbers of the file."""
    arrays = tensors(path, data)
    module = archspec.to_torch(found.network).eval()
    state = module.state_dict()
    for tensor in tensors_of(found.network):
        values = torch.tensor(placed(found.stored[tensor.key], tensor.shape, arrays)).float()
        assert tuple(values.shape) == tuple(tensor.shape), tensor.key
        state[tensor.key] = values
    module.load_state_dict(state)
    return module


def inputs_for(network: Any, batch: int, words: int = 0, seed: int = 0) -> list[torch.Tensor]:
    """Random images, with the channels first, for each input."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(batch, i.type.channels, *i.type.spatial) if isinstance(i.type, Map) else (batch, *i.type.shape) for i in network.inputs]
    if words:
        return [torch.randint(0, words, shape, generator=generator) for shape in shapes]
    return [torch.randn(shape, generator=generator) for shape in shapes]


def difference(path: Path, batch: int = 2, words: int = 0, found: Imported | None = None) -> float:
    """The largest difference between the results of onnxruntime and those of the module, relative to the largest number."""
    found = found or read(path, {})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    given = inputs_for(found.network, batch, words)
    feed = {}
    for declared, value in zip(session.get_inputs(), given, strict=True):
        array = value.numpy()
        if (
            len(declared.shape) == array.ndim
            and array.ndim > 2
            and declared.shape[1] not in (array.shape[1], None)
            and isinstance(declared.shape[1], int)
        ):
            array = np.moveaxis(array, 1, -1)
        kinds = {"tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(float16)": np.float16}
        feed[declared.name] = np.ascontiguousarray(array.astype(kinds.get(declared.type, np.float32)))
    theirs = session.run(None, feed)
    with torch.no_grad():
        ours = module_of(found, path)(*[value.float() if not words else value for value in given])
    ours = [ours] if isinstance(ours, torch.Tensor) else list(ours)
    assert len(ours) == len(theirs)
    worst = 0.0
    for mine, other in zip(ours, theirs, strict=True):
        flat = mine.numpy()
        other = other.astype(np.float32)
        if flat.shape != other.shape:
            assert flat.size == other.size, (flat.shape, other.shape)
            flat = flat.reshape(other.shape) if 1 in flat.shape or flat.ndim != other.ndim else np.moveaxis(flat, 1, -1)
        assert np.isfinite(other).all() and np.isfinite(flat).all()
        worst = max(worst, float(np.abs(flat - other).max() / max(1e-6, np.abs(other).max())))
    return worst
