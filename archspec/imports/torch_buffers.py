"""Numbers of buffers on the meta device, of which a module says itself how they begin."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

_NUMBERS = 50_000_000
"""Numbers of a buffer that is made."""


def remade(module: Any, names: Iterable[str]) -> dict[str, Any]:
    """Make buffers that are on the meta device and in no `state_dict`, so that nothing else can say what they hold: tables of positions, indices.

    A module's `reset_parameters` fills what it has itself, which is what PyTorch asks of modules that are made on the meta device (the note on
    `param_init_fn` of torch.distributed.fsdp.FullyShardedDataParallel). It runs on a copy without the module's parts. What has none, or
    fails, stays without numbers.
    """
    import torch

    saved = module.state_dict()
    buffers = {name: one for name, one in module.named_buffers() if one.is_meta and name not in saved and one.numel() <= _NUMBERS}
    found: dict[str, Any] = {}
    for path in dict.fromkeys(name.rpartition(".")[0] for name in names if name in buffers):
        own = module.get_submodule(path)
        if not callable(getattr(own, "reset_parameters", None)):
            continue
        twin = copy.copy(own)
        twin._buffers = {name: _empty(one) for name, one in own._buffers.items()}
        twin._parameters = {name: _empty(one) for name, one in own._parameters.items()}
        try:
            with torch.random.fork_rng(devices=[]), torch.no_grad():
                twin.reset_parameters()
        except Exception:  # whatever the code of the module raises
            continue
        found |= {f"{path}.{name}".lstrip("."): one for name, one in twin._buffers.items() if one is not None}
    return {name: one for name, one in found.items() if name in buffers and not one.is_meta}


def _empty(one: Any) -> Any:
    """A tensor of zeros beside one on the meta device."""
    import torch

    if one is None or not one.is_meta:
        return one
    made = torch.zeros(one.shape, dtype=one.dtype)
    return torch.nn.Parameter(made, requires_grad=False) if isinstance(one, torch.nn.Parameter) else made
