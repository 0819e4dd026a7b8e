"""Layers that a spec declares by their names."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Aten(nn.Module):
    """Calls a function of torch.ops.aten with its `places` and its tensors; None is the place of a further value."""

    def __init__(self, name: str, *places, **shapes) -> None:
        super().__init__()
        self.name, self.places, self.keys = name, places, tuple(shapes)
        for key, shape in shapes.items():
            self.register_parameter(key, nn.Parameter(torch.zeros(shape)))

    def forward(self, x: Tensor, *values: Tensor) -> Tensor:
        further = [*values]
        places = [further.pop(0) if place is None else place for place in self.places]
        return self.function(x, *places, **{key: getattr(self, key) for key in self.keys})

    def function(self, *values, **tensors) -> Tensor:
        return getattr(torch.ops.aten, self.name)(*values, **tensors)


class Custom(Aten):
    """Calls a function or module that is put into `Custom.functions`, by its name."""

    functions: dict[str, nn.Module] = {}

    def function(self, *values, **tensors) -> Tensor:
        if self.name not in Custom.functions:
            takes = ", ".join(["x", *("value" if place is None else str(place) for place in self.places), *tensors])
            wanted = f"set Custom.functions['{self.name}'] to a function of {takes}"
            raise NotImplementedError(f"the spec only declares {self.name}: {wanted}")
        return Custom.functions[self.name](*values, **tensors)
