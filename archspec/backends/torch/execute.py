"""The emitted source, executed."""

from __future__ import annotations

import copy
import sys
from contextlib import ExitStack
from pickle import PicklingError
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
    for value in list(vars(module).values()):
        if isinstance(value, type) and issubclass(value, torch.nn.Module) and value.__module__ == module.__name__:
            cls: Any = value  # A pickle names the class, which no other process can import; a copy does without.
            cls.__reduce_ex__, cls.__copy__, cls.__deepcopy__ = _refuse, _copied, _copied
    with ExitStack() as stack:
        if seed is not None:
            stack.enter_context(torch.random.fork_rng())
            torch.manual_seed(seed)
        if device is not None:
            stack.enter_context(torch.device(device))
        model: nn.Module = module.__dict__["Model"]()
    return model


def _refuse(module: Any, protocol: int) -> Any:
    raise PicklingError(
        "a module made by `to_torch` exists in this process only, so it is not pickled: save its `state_dict()` "
        "(`torch.save(net.state_dict(), path)`) and read that into a new one with `archspec.load_weights(net, path)`. "
        "Modules of a file that `archspec emit torch` wrote can be pickled, like all that is imported"
    )


def _copied(module: Any, memo: dict[int, Any] | None = None) -> Any:
    """A copy, deep where there is a memo, as `copy` makes it of what can be pickled."""
    cls: Any = type(module)
    new = cls.__new__(cls)
    if memo is not None:
        memo[id(module)] = new
    new.__setstate__(module.__dict__ if memo is None else copy.deepcopy(module.__dict__, memo))
    return new
