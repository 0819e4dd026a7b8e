"""torchvision's classification models beside the same networks from specs, with the same weights.

torchvision's wheel lacks its compiled operators beside a CPU torch; none of these models needs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archspec
from archspec.api import to_torch
from archspec.finding import specs_folder

LARGE = {"inception_v3": 299, "vit_b_16": 224, "swin_t": 224, "swin_v2_t": 256}
"""Those that are built for one size, or need one at least this large; the others are compared at 96x96, which is quick."""
HYPHENS = ("regnet_x_400mf", "regnet_y_400mf")
"""torchvision's names of these hold hyphens (`block1-0`), which no attribute can: they are matched by order."""
DIFFERENT_ORDER = ("swin_t", "swin_v2_t")
"""torchvision registers the norm of a patch merging after its reduction, and runs it before; in V2 it runs a block's norms after what they follow."""

OTHER_KEYS = ("maxvit_t",)
"""torchvision calls the projections of this attention, which it has nowhere else, `to_qkv` and `merge`."""


def torchvision() -> ModuleType:
    real = torch.library.register_fake
    torch.library.register_fake = lambda name, *a, **k: (lambda f: f) if name.startswith("torchvision::") else real(name, *a, **k)
    try:
        return pytest.importorskip("torchvision", reason="torchvision is what the modules are compared with")
    finally:
        torch.library.register_fake = real


def _names() -> list[str]:
    models = dir(torchvision().models)
    return [path.stem for path in sorted(specs_folder().glob("*.arch")) if path.stem in models and path.stem not in OTHER_KEYS]


NAMES = _names()


def reference(name: str) -> nn.Module:
    """torchvision's own, initialised at random, with the auxiliary heads of its published weights."""
    options = {"aux_logits": True, "transform_input": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return getattr(torchvision().models, name)(weights=None, **options)


@dataclass
class Pair:
    """The two modules; `order` are the keys of theirs in the order of ours."""

    ours: nn.Module
    theirs: nn.Module
    x: Tensor
    named: bool

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
        keys = our_gradients if self.named else dict(zip(our_gradients, their_gradients, strict=True)).values()
        pairs = list(zip(our_gradients.values(), (their_gradients[key] for key in keys), strict=True))
        return (ours, theirs), pairs


def matched(name: str, size: int | None = None, device: str = "cpu") -> Pair:
    """A network from its spec and torchvision's, dropout off, with the same weights."""
    size = size or LARGE.get(name, 96)
    network = archspec.load(name, params={"aux": 1} if name == "googlenet" else None, inputs={"input": (size, size, 3)})
    ours, theirs = to_torch(network, device="meta"), reference(name)
    if not dict(ours.named_buffers()).keys() <= ours.state_dict().keys():
        ours = to_torch(network)  # it computes tables while it is made
    state = {key: tensor.clone() for key, tensor in theirs.state_dict().items()}
    if name in HYPHENS:
        state = dict(zip(ours.state_dict(), state.values(), strict=True))
    ours.load_state_dict(state, assign=True)
    for model in (ours, theirs):
        still(model.to(device))
    return Pair(ours, theirs, torch.randn(2, 3, size, size, device=device), name not in HYPHENS)


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
