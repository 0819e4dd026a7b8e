"""Keras on PyTorch, for tests that compare with it; weights that no layer can lose, and the outputs of both sides."""

from __future__ import annotations

import os

import pytest


def keras():
    """The package, with PyTorch behind it; the test is skipped where either is missing."""
    pytest.importorskip("torch")
    os.environ.setdefault("KERAS_BACKEND", "torch")
    return pytest.importorskip("keras")


def randomized(model, seed=0):
    """The model with weights that are drawn, statistics and biases included, so that a lost or swapped one shows."""
    import numpy as np

    draws = np.random.default_rng(seed)
    for weight in model.weights:
        name, shape = weight.path.rpartition("/")[2], weight.shape
        if name in ("count", "seed_generator_state"):
            continue
        if name in ("moving_variance", "variance", "gamma"):
            values = draws.uniform(0.5, 1.5, shape)
        elif "kernel" in name or name == "embeddings":
            read = shape[:-2] if name == "depthwise_kernel" else shape[:-1]
            values = draws.normal(0, (1.5 / max(1, int(np.prod(read)))) ** 0.5, shape)
        else:
            values = draws.normal(0, 0.1, shape)
        weight.assign(values.astype("float32"))
    return model


def state(imported, arrays=None):
    """The state_dict of an imported network, from the source's arrays."""
    import numpy as np
    import torch

    from archspec.analysis.tensors import tensors
    from archspec.imports.carrying import placed

    arrays = imported.tensors(None) if arrays is None else arrays
    found = {}
    for tensor in tensors(imported.network):
        value = placed(imported.stored[tensor.key], tensor.shape, arrays)
        assert value.shape == tensor.shape, tensor.key
        found[tensor.key] = torch.tensor(np.ascontiguousarray(value))
    return found


def difference(model, imported, arrays=None, *, first=False):
    """The largest difference between the first outputs of both, relative to the largest number; inputs have channels first in ours, or `first` in both."""
    import numpy as np
    import torch

    import archspec
    from archspec.types import Map

    net = archspec.to_torch(imported.network)
    net.load_state_dict(state(imported, arrays), strict=False)
    shapes = model.input_shape if isinstance(model.input_shape, list) else [model.input_shape]
    draws = np.random.default_rng(1)
    looks_up = any(type(layer).__name__ in ("Embedding", "Embed") for layer in model.layers)
    given = [draws.integers(0, 5, (2, *s[1:])) if looks_up else draws.normal(0, 1, (2, *s[1:])).astype("float32") for s in shapes]
    with torch.no_grad():
        theirs = _first(model(given[0] if len(given) == 1 else given, training=False)).numpy()
        ours = _first(net.eval()(*[torch.tensor(one if one.ndim < 3 or first else np.moveaxis(one, -1, 1)) for one in given])).numpy()
    result = imported.network.outputs[0].value
    ours = np.moveaxis(ours, 1, -1) if isinstance(imported.network.graph.type_of(result), Map) and not first else ours
    assert ours.shape == theirs.shape
    return float(np.abs(ours - theirs).max() / max(1, np.abs(theirs).max()))


def _first(outputs):
    return (
        _first(next(iter(outputs.values())) if isinstance(outputs, dict) else outputs[0])
        if isinstance(outputs, (dict, list, tuple))
        else outputs
    )
