"""torchvision's classification models beside the same networks from specs, with the same weights.

torchvision's wheel lacks its compiled operators beside a CPU torch; none of these models needs them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor, nn

import archspec
from archspec.api import to_torch
from archspec.ir.graph import Network
from tests.helpers.paths import FACTS

LARGE = {"inception_v3": 299, "swin_t": 224, "swin_v2_t": 256, "maxvit_t": 224}
"""Specs whose windows divide maps of this size, or that need one at least as large; the others are compared at 96x96, which is quick."""
CLASSIFIERS: dict[str, dict[str, Any]] = tomllib.loads((FACTS / "torchvision.toml").read_text(encoding="utf-8"))
"""Every classifier of torchvision, as the file says."""


def torchvision() -> ModuleType:
    real = torch.library.register_fake
    torch.library.register_fake = lambda name, *a, **k: (lambda f: f) if name.startswith("torchvision::") else real(name, *a, **k)
    try:
        return pytest.importorskip("torchvision", reason="torchvision is what the modules are compared with")
    finally:
        torch.library.register_fake = real


NAMES = [name for name, row in CLASSIFIERS.items() if row["spec"] == name and row.get("keys") != "renamed"]
"""Those that have a spec of their own, and all keys of torchvision."""


def reference(name: str, side: int | None = None) -> nn.Module:
    """torchvision's own for images of a side, initialised at random, with the auxiliary heads of its published weights."""
    options: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):
        options = {"aux_logits": True, "transform_input": False, "init_weights": False}
    elif name.startswith("vit"):
        options = {"image_size": side or CLASSIFIERS[name]["side"]}
    with _numbers_of_regnet():
        return getattr(torchvision().models, name)(weights=None, **options)


@contextmanager
def _numbers_of_regnet() -> Iterator[None]:
    """Widths, which RegNet computes by tensors, have values on the meta device too."""
    params = torchvision().models.regnet.BlockParams
    original = params.from_init_params

    def on_cpu(*args: Any, **options: Any) -> Any:
        with torch.device("cpu"):
            return original(*args, **options)

    with patch.object(params, "from_init_params", on_cpu):
        yield


def network_of(name: str, side: int | None = None, params: dict[str, Any] | None = None) -> Network:
    """A classifier of torchvision from its spec, with auxiliary heads as `reference` has them."""
    row = CLASSIFIERS[name]
    side = side or row["side"]
    chosen = row.get("set", {}) | (params or {}) | ({"aux": 1} if name == "googlenet" else {})
    return archspec.load(row["spec"], params=chosen, inputs={"input": (side, side, 3)})


def state_of(name: str, theirs: nn.Module) -> dict[str, Tensor]:
    """The tensors of torchvision's by our keys; an index of maxvit_t has two axes, ours one."""
    state = theirs.state_dict()
    if CLASSIFIERS[name].get("keys") != "renamed":
        return state
    flat = {key: tensor.flatten() if key.endswith("_index") else tensor for key, tensor in state.items()}
    return {key.replace(".to_qkv.", ".qkv.").replace(".merge.", ".proj."): tensor for key, tensor in flat.items()}


def quick_side(name: str) -> int:
    """A side of images that takes little time."""
    row = CLASSIFIERS[name]
    return int(LARGE.get(row["spec"], 96 - 96 % row.get("set", {}).get("patch", 1)))


@dataclass
class Pair:
    """The two modules and a batch for both."""

    ours: nn.Module
    theirs: nn.Module
    x: Tensor

    def eval_outputs(self) -> tuple[Tensor, Tensor]:
        self.ours.eval(), self.theirs.eval()
        with torch.no_grad():
            return tensors(self.ours(self.x))["output"], tensors(self.theirs(self.x))["output"]

    def train_outputs_and_gradients(self) -> tuple[tuple[Tensor, Tensor], list[tuple[Tensor, Tensor]]]:
        """Of all heads together: their outputs side by side, and the gradients of a sum of squares."""
        results = []
        for model in (self.ours, self.theirs):
            model.train()
            model.zero_grad()
            outputs = tensors(model(self.x))
            sum(output.square().sum() for output in outputs.values()).backward()
            gradients = {name: p.grad for name, p in model.named_parameters()}
            results.append((torch.cat([outputs[name].detach() for name in sorted(outputs)], dim=1), gradients))
        (ours, our_gradients), (theirs, their_gradients) = results
        pairs = [(gradient, their_gradients[key]) for key, gradient in our_gradients.items()]
        return (ours, theirs), pairs


def matched(name: str, size: int | None = None, device: str = "cpu") -> Pair:
    """A network from its spec and torchvision's, dropout off, with the same weights."""
    size = size or quick_side(name)
    ours, theirs = empty(network_of(name, size)), stirred(reference(name, size))
    ours.load_state_dict({key: tensor.clone() for key, tensor in theirs.state_dict().items()}, assign=True)
    for model in (ours, theirs):
        still(model.to(device))
    return Pair(ours, theirs, torch.randn(2, 3, size, size, device=device))


def empty(network: Network) -> nn.Module:
    """The module of a network, its numbers to be assigned; with numbers where it computes tables while it is made."""
    module = to_torch(network, device="meta")
    return module if dict(module.named_buffers()).keys() <= module.state_dict().keys() else to_torch(network)


def stirred(model: nn.Module) -> nn.Module:
    """Add noise where all numbers of a tensor are equal: heads of zeros and scales of 1e-6 would hide what they follow."""
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point() and bool((tensor == tensor.flatten()[0]).all()):
            with torch.no_grad():
                tensor.add_(0.1 * torch.rand_like(tensor))
    return model


def shortened(name: str, side: int) -> nn.Module:
    """torchvision's own with only as many blocks as `cut` says, which alone are stored; initialised at random by PyTorch."""
    with torch.device("meta"):
        model = reference(name, side)
    for path, count in CLASSIFIERS[name]["cut"].items():
        blocks = model.get_submodule(path)
        for label, _ in list(blocks.named_children())[count:]:
            delattr(blocks, label)
    model.to_empty(device="cpu")
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.02)
    for module in model.modules():
        for reset in ("reset_parameters", "_reset_parameters"):  # of attention
            getattr(module, reset, lambda: None)()
    return model


def still(model: nn.Module) -> None:
    """Take what is drawn at random out of training."""
    for module in model.modules():
        if type(module).__name__ in ("Dropout", "StochasticDepth"):
            module.p = 0.0


def tensors(result: Any) -> dict[str, Tensor]:
    """Outputs by name: torchvision calls the main one `logits`, and Inception's auxiliary head `aux_logits`."""
    if isinstance(result, Tensor):
        return {"output": result}
    names = {"logits": "output", "aux_logits": "aux1", "AuxLogits": "aux1", "aux_logits1": "aux1", "aux_logits2": "aux2"}
    return {names.get(name, name): value for name, value in zip(result._fields, result, strict=True) if value is not None}
