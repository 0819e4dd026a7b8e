"""Layers that a spec declares by their names."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Aten(nn.Module):
    """Calls a function of torch.ops.aten: with the value, what is given (None stands for a further value), and tensors by their names."""

    def __init__(self, name: str, *places, **shapes) -> None:
        super().__init__()
        self.name, self.places = name, places
        for key, shape in shapes.items():
            self.register_parameter(key, nn.Parameter(torch.zeros(shape)))

    def forward(self, x: Tensor, *values: Tensor) -> Tensor:
        further = iter(values)
        places = [next(further) if place is None else place for place in self.places]
        return self.function(x, *places, **dict(self.named_parameters()))

    def function(self, *values, **tensors) -> Tensor:
        return getattr(torch.ops.aten, self.name)(*values, **tensors)


class Custom(Aten):
    """Calls a function or module that is put into `Custom.functions`, by its name."""

    functions: dict[str, nn.Module] = {}

    def function(self, *values, **tensors) -> Tensor:
        if self.name not in Custom.functions:
            takes = ", ".join(["x", *("value" if place is None else str(place) for place in self.places), *tensors])
            raise NotImplementedError(f"the spec only declares {self.name}: set Custom.functions['{self.name}'] = a function of {takes}")
        return Custom.functions[self.name](*values, **tensors)
