"""A spec's values in Keras: the emitted model computes what the emitted PyTorch module does with the same weights, and gives them back."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import random
from unittest import mock

import keras
import numpy as np
import torch

import archspec
from archspec.types import Map
from archspec.weights.match import DERIVED
from tests.fuzzing.value import NEAR, OPTIONS, ROUNDING, Drawn, draw, fill
from tests.helpers.keras_emitted import counted, given

__all__ = ["OPTIONS", "compare", "draw"]
LEAST = 1e-6
"""Relative, below which nothing is a difference."""


def compare(drawn: Drawn) -> str | None:
    """None, or what differs; a spec that PyTorch or Keras refuses differs in nothing."""
    try:
        network = archspec.loads(drawn.text)
        module = archspec.to_torch(network).eval()
    except archspec.SpecError:
        return None
    generator = torch.Generator().manual_seed(random.Random(drawn.text).randrange(2**32))
    with torch.no_grad():
        for key, value in module.state_dict(keep_vars=True).items():
            if value.is_floating_point() and key.rpartition(".")[2] not in DERIVED:
                fill(key.rpartition(".")[2] if "." in key else "", value.detach(), generator)
    try:
        model = archspec.to_keras(network)
    except archspec.SpecError as error:
        return str(error)
    state = {key: value.clone() for key, value in module.state_dict().items()}
    if model.weights:
        archspec.load_weights(model, state)
    exact = "again" not in drawn.text and "tensor" not in drawn.text  # parts keep what no output reads, and tensors read a batch
    if model.count_params() < counted(network) or (exact and model.count_params() > counted(network)):
        return f"{model.count_params()} numbers, but {counted(network)} that an output follows from"
    for key, value in archspec.weights_of(model, network).items():
        if not np.array_equal(value, state[key].numpy()):
            return f"`{key}` comes back otherwise"
    if _values(network, model, module) is None:
        return None
    with mock.patch("keras.src.backend.nn.moments", _moments), torch.backends.mkldnn.flags(enabled=False):  # oneDNN errs where C is 1
        return _values(network, model, module.float())


def _moments(x: torch.Tensor, axes: list[int], keepdims: bool = False, synchronized: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance from the differences to the mean. Keras takes E[x^2] - E[x]^2, which rounds where the mean is large beside it."""
    mean = x.mean(axes, keepdim=keepdims)
    return mean, x.var(axes, correction=0, keepdim=keepdims)


def _values(network: archspec.Network, model: keras.Model, module: torch.nn.Module) -> str | None:
    torch.manual_seed(0)
    first, last = given(network, model)
    with torch.no_grad():
        rough, exact = module(*first), module.double()(*[x.double() if x.is_floating_point() else x for x in first])
    found = model(last if len(last) > 1 else last[0], training=False)
    for output in network.outputs:
        several = len(network.outputs) > 1
        of32, of64 = (getattr(each, output.name) if several else each for each in (rough, exact))
        if of64 is None or not torch.isfinite(of64).all():  # a head of training; -inf, which a dilated pool gives that meets padding alone
            continue
        theirs = keras.ops.convert_to_numpy(found[output.name] if several else found)
        ours = (of64.movedim(1, -1) if isinstance(network.graph.type_of(output.value), Map) else of64).detach().numpy()
        scale = max(float(np.abs(ours).max()), LEAST)
        off = float((of32.double() - of64).abs().max()) / scale
        if ours.shape != theirs.shape or float(np.abs(ours - theirs).max()) / scale > max(NEAR, ROUNDING * off):
            return f"`{output.name}` is off by {float(np.abs(ours - theirs).max()) / scale if ours.shape == theirs.shape else theirs.shape}"
    return None
