"""A spec's values: the emitted PyTorch module and the ONNX model compute what the module built by hand computes with the same weights."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

import archspec
from archspec.analysis.tensors import tensors
from archspec.backends.onnx.opsets import OPSETS
from archspec.ir.walk import walk
from tests.fuzzing.draw import Draw, Random
from tests.fuzzing.generator import Drawn, SpecGenerator
from tests.fuzzing.shape import verdict
from tests.fuzzing.steps import Options
from tests.helpers.onnx import session
from tests.helpers.torch import results

OPTIONS = Options(sizes={0: (1, 8), 1: (4, 30), 2: (3, 12), 3: (2, 6)}, longest=5, largest=8_000)
Arrays = Sequence[np.ndarray[Any, Any]]
CLOSE = 1e-9
"""Relative, between two modules that compute with 64 bits."""
NEAR = 1e-4
"""Relative, where onnxruntime computes with 32 bits."""
LEAST = 0.05
"""onnxruntime's sigmoid and erf are off by some 1e-6, however small their results are."""
ROUNDING = 20
"""onnxruntime may be so many times as far off as the module by hand is when it computes with 32 bits, and the emitted module as that is when
its weights are rounded otherwise: some networks magnify rounding."""


class Given(NamedTuple):
    """A network, with its weights and what it is to compute: `rough` is what the module by hand gives in 32 bits, `expected` in 64, and
    `shaken` what it gives where the results of its layers are off by a little, however small they are.
    """

    network: archspec.Network
    weights: dict[str, Tensor]
    inputs: dict[str, Tensor]
    expected: Arrays
    rough: Arrays
    shaken: Callable[[int], Arrays]


def draw(source: Draw, options: Options = OPTIONS) -> Drawn:
    return SpecGenerator(source, options).generate()


def check_value(seed: int) -> str | None:
    """None, or what differs for the spec of a seed."""
    return compare(draw(Random(seed)))


def compare(drawn: Drawn) -> str | None:
    """None, or what differs. All that is random follows from the text."""
    try:
        network = archspec.loads(drawn.text)
    except archspec.SpecError as error:
        return verdict(drawn, error)
    if drawn.net is None:
        return f"taken, but: {drawn.refused}"
    choose = random.Random(drawn.text)
    generator = torch.Generator().manual_seed(choose.randrange(2**32))
    stored: dict[int, tuple[str, Tensor]] = {}
    for key, value in drawn.net.state_dict(keep_vars=True).items():
        stored.setdefault(id(value), (key, value.detach()))  # once, where several layers have it
    theirs = [value for key, value in stored.values() if not key.endswith("num_batches_tracked")]
    ours = list(tensors(network))
    if [t.shape for t in ours] != [tuple(value.shape) for value in theirs]:
        return f"tensors {[(t.key, t.shape) for t in ours]}, but torch: {[tuple(value.shape) for value in theirs]}"
    for tensor, value in zip(ours, theirs, strict=True):
        fill(tensor.name, value, generator)
    weights = {tensor.key: value.clone() for tensor, value in zip(ours, theirs, strict=True)}
    inputs = {name: _input(value.tensor, value.kind, generator) for name, value in drawn.inputs.items()}
    rough, momenta = results(drawn.net, inputs), _momenta(drawn.net)
    exact = {name: value.double() if value.is_floating_point() else value for name, value in inputs.items()}
    expected = results(drawn.net.double(), exact)
    told = _as_torch(network, weights, exact, expected, drawn.net, momenta)
    unsettled = any(getattr(module, "unsettled", False) for module in drawn.net.modules())
    if told is not None or unsettled or not all(np.isfinite(value).all() for value in rough):
        return told  # maxima among almost equal numbers; numbers beyond 32 bits; or -inf, which a dilated max pool gives that meets padding alone
    return _as_onnx(Given(network, weights, inputs, expected, rough, lambda draw: results(_shaken(drawn.net, draw), exact)), choose)


def fill(name: str, tensor: Tensor, generator: torch.Generator) -> None:
    """Weights under which every layer counts, and which keep the size of what flows through."""
    if name == "running_var":
        tensor.uniform_(0.5, 1.5, generator=generator)
    elif tensor.dim() > 1 and name == "weight":
        tensor.normal_(0, (1.5 / max(1, tensor[0].numel())) ** 0.5, generator=generator)
    elif name == "weight" or not name or name.endswith(("original", "_u", "_v")):  # a singular value that does not cancel out
        tensor.uniform_(0.5, 1.5, generator=generator)
    else:
        tensor.normal_(0, 0.3, generator=generator)


def _input(like: Tensor, kind: str, generator: torch.Generator) -> Tensor:
    return torch.randint(0, 5, like.shape, generator=generator) if kind == "words" else torch.randn(like.shape, generator=generator)


def _momenta(module: nn.Module) -> list[float]:
    """How fast batch norms take over what they see in training, which no value in inference shows; those with common statistics once."""
    norms = {id(norm.running_mean): norm.momentum for norm in module.modules() if isinstance(norm, _BatchNorm)}
    return sorted(momentum for momentum in norms.values() if momentum is not None)


def _as_torch(
    network: archspec.Network,
    weights: dict[str, Tensor],
    inputs: dict[str, Tensor],
    expected: Arrays,
    by_hand: nn.Module,
    momenta: list[float],
) -> str | None:
    try:
        module = archspec.to_torch(network)
    except archspec.SpecError as error:
        unsaid = "connection table" in str(error) or "the module whose weights" in str(error)  # PyTorch cannot say it; ONNX can
        only = [d.code for d in error.diagnostics] == ["A501"] and unsaid
        return None if only else f"not written for PyTorch: {error}"
    state = module.state_dict(keep_vars=True)
    shared = {id(state[key]): value for key, value in weights.items() if key in state}  # a table that is used twice has two keys
    weights = {**weights, **{key: shared[id(value)] for key, value in state.items() if id(value) in shared}}
    kept = {key: value.detach() for key, value in state.items() if key not in weights}
    if any(value.is_floating_point() and not key.endswith("relative_coords_table") for key, value in kept.items()):
        return f"more tensors than the spec has: {list(kept)}"
    if _momenta(module) != momenta:
        return f"PyTorch: running statistics move by {_momenta(module)}, not {momenta}"
    module.load_state_dict({**kept, **weights})
    for at, (found, wanted) in enumerate(zip(results(module.double().eval(), inputs), expected, strict=True)):
        if found.shape != wanted.shape:
            return f"PyTorch: {found.shape}, not {wanted.shape}"
        if not np.allclose(found, wanted, rtol=0, atol=CLOSE * _scale(wanted), equal_nan=True):
            magnified = ROUNDING * _apart(results(_rounded_otherwise(by_hand), inputs)[at], wanted)
            if not _apart(found, wanted) <= magnified < NEAR * _scale(wanted):
                return f"PyTorch: {found.shape}, off by {_apart(found, wanted)} of {_scale(wanted)}, allowed {magnified}"
    return None


def _rounded_otherwise(module: nn.Module) -> nn.Module:
    """The module with the last bit of its weights drawn anew: what this changes is no mistake of anyone."""
    other, generator = copy.deepcopy(module), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in other.parameters():
            weight.mul_(1 + 2**-52 * torch.randint(-1, 2, weight.shape, generator=generator, dtype=weight.dtype))
    return other


def _shaken(module: nn.Module, seed: int) -> nn.Module:
    """The module with some 1e-7 added to each result of a layer: onnxruntime's exponential functions are exact to that, not relatively."""
    other, generator = copy.deepcopy(module), torch.Generator().manual_seed(seed)

    def shake(_: nn.Module, __: object, result: Any) -> Any:
        exact = not isinstance(result, Tensor) or not result.is_floating_point()
        return result if exact else result + 1e-7 * torch.randn(result.shape, generator=generator, dtype=result.dtype)

    for part in other.modules():
        if part is not other:
            part.register_forward_hook(shake)
    return other


def _as_onnx(given: Given, choose: random.Random) -> str | None:
    opset, fold = choose.choice(sorted(OPSETS)), choose.random() < 0.5
    if any("offset" in place.node.op.reads_values() for place in walk(given.network)):
        opset = max(opset, 19)  # the first that has deformable convolution
    model = archspec.to_onnx(given.network, given.weights, opset=opset, fold_bn=fold)
    onnx.checker.check_model(model)
    ready = session(model)
    read = {value.name for value in ready.get_inputs()}
    found = ready.run(None, {name: value.numpy() for name, value in given.inputs.items() if name in read})
    where = f"ONNX (opset {opset}, fold_bn={fold})"
    for at, (output, ours, wanted, near) in enumerate(zip(model.graph.output, found, given.expected, given.rough, strict=True)):
        name = output.name
        if ours.shape != wanted.shape:
            return f"{where}: {name} is {ours.shape}, but torch: {wanted.shape}"
        allowed = NEAR * (_scale(wanted) + LEAST) + ROUNDING * _apart(near, wanted)
        off = _apart(ours, wanted)
        if not off <= allowed and not off <= ROUNDING * max(_apart(given.shaken(seed)[at], wanted) for seed in range(8)):
            return f"{where}: {name} is off by {off} of {_scale(wanted)}, allowed {allowed}"
    return None


def _apart(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    return float(np.abs(a.astype(np.float64) - b).max()) if a.shape == b.shape else float("inf")


def _scale(value: np.ndarray[Any, Any]) -> float:
    return float(np.abs(value[np.isfinite(value)]).max(initial=0.0)) + 1e-3
