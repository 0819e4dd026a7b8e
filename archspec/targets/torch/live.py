"""The emitted source, executed."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


def execute(source: str, name: str) -> nn.Module:
    """An instance of the class `Model` of a source that `emit` wrote."""
    module = ModuleType(f"archspec_{name if name.isidentifier() else 'model'}")
    sys.modules[module.__name__] = module
    exec(compile(source, f"<{module.__name__}>", "exec"), module.__dict__)
    model: Any = module.__dict__["Model"]()
    instance: nn.Module = model
    return instance
