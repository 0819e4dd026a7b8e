"""The emitted source, executed."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


def execute(source: str, name: str, device: str | torch.device | None = None, seed: int | None = None) -> nn.Module:
    """An instance of the class `Model` of a source that `emit` wrote, its tensors on a device, its numbers drawn from a seed."""
    import torch

    module = ModuleType(f"archspec_{name if name.isidentifier() else 'model'}")
    sys.modules[module.__name__] = module
    exec(compile(source, f"<{module.__name__}>", "exec"), module.__dict__)
    with ExitStack() as stack:
        if seed is not None:
            stack.enter_context(torch.random.fork_rng())
            torch.manual_seed(seed)
        if device is not None:
            stack.enter_context(torch.device(device))
        model: Any = module.__dict__["Model"]()
    instance: nn.Module = model
    return instance
