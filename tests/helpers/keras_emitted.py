"""Emitted Keras models beside the PyTorch modules of the same networks, with the same random weights."""

from __future__ import annotations

import math

import archspec
from archspec.analysis.tensors import tensors
from archspec.backends.keras.live_models import layers_read
from archspec.types import Map


def counted(network):
    """How many numbers the layers have that an output follows from: those of others are in no Keras model."""
    read = layers_read(network)
    return sum(math.prod(tensor.shape) for tensor in tensors(network) if tensor.place.name in read)


def redrawn(module):
    """The module with random numbers where it would begin with zeros and ones, such as biases and statistics."""
    import torch

    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if "running_var" in name:
                tensor.uniform_(0.5, 1)
            elif tensor.is_floating_point() and (tensor.requires_grad or "running" in name) and (tensor.dim() < 2 or tensor.std() == 0):
                tensor.add_(0.1 * torch.randn_like(tensor))
    return module


def given(network, model):
    """Random inputs: channels first for PyTorch, last for Keras."""
    import torch

    first, last = [], []
    for at, input_ in enumerate(network.inputs):
        shape = (2, *input_.type.shape)
        whole = "int" in str(model.inputs[at].dtype)
        values = torch.randint(0, 2, shape) if whole else torch.randn(shape)
        first.append(values.movedim(-1, 1) if isinstance(input_.type, Map) else values)
        last.append(values.numpy().astype("int32" if whole else "float32"))
    return first, last


def difference(network):
    """The largest difference between the outputs of both, relative to the largest number; the weights come back as they were."""
    import keras
    import numpy as np
    import torch

    model, module = archspec.to_keras(network), redrawn(archspec.to_torch(network).eval())
    state = module.state_dict()
    if model.weights:
        archspec.load_weights(model, state)
    assert model.count_params() == counted(network)
    for key, value in archspec.weights_of(model, network).items():
        assert np.array_equal(value, state[key].numpy()), key
    first, last = given(network, model)
    with torch.no_grad():
        expected = module(*first)
    found = model(last if len(last) > 1 else last[0], training=False)
    worst = 0.0
    for output in network.outputs:
        ours = getattr(expected, output.name) if len(network.outputs) > 1 else expected
        theirs = keras.ops.convert_to_numpy(found[output.name] if len(network.outputs) > 1 else found)
        if ours is None:  # a head that PyTorch leaves out in inference
            continue
        ours = (ours.movedim(1, -1) if isinstance(network.graph.type_of(output.value), Map) else ours).numpy()
        assert ours.shape == theirs.shape
        worst = max(worst, float(np.abs(ours - theirs).max() / max(np.abs(ours).max(), 1e-9)))
    return worst
