"""A graph of ONNX operators before it becomes a protobuf: plain data that passes may rewrite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

import numpy as np

from archspec.types import Type, channels_second

Array = np.ndarray[Any, Any]
Shape = tuple[int | str, ...]


@dataclass(slots=True)
class Operator:
    """A future node. An omitted input is an empty string."""

    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    name: str
    about: str


class Stored(NamedTuple):
    """A tensor of weights: its name in the graph, its shape, and what makes its values when they are written (float32)."""

    name: str
    shape: tuple[int, ...]
    load: Callable[[], Array]

    @property
    def bytes_(self) -> int:
        """Compute the size of its values in a file."""
        return 4 * prod(self.shape)


class Value(NamedTuple):
    """An input or output of the graph. `kind` is float32 or int64."""

    name: str
    shape: Shape
    kind: str = "float32"


@dataclass(slots=True)
class Draft:
    """A graph. `constants` are small tensors of numbers that belong to operators, `stored` are weights, both by name."""

    opset: int
    batch: int | str
    operators: list[Operator] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    stored: dict[str, Stored] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)
    """The outputs of the layers, by name."""
    _known: dict[tuple[object, ...], str] = field(default_factory=dict)

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """Return the name of a constant tensor; equal tensors share one."""
        array = np.asarray(values, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = f"constant/{len(self._known)}"
            self.constants[self._known[key]] = array
        return self._known[key]

    def shape(self, type_: Type) -> Shape:
        """A type's shape with the batch first and the channels as PyTorch and ONNX have them."""
        return (self.batch, *channels_second(type_.shape, type_))

    def is_whole(self, value: str) -> bool:
        """Whether a value is an input of whole numbers."""
        return any(input_.name == value and input_.kind == "int64" for input_ in self.inputs)
