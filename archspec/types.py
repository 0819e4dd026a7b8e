"""The three kinds of value that flow through a network.

Axes are named, never ordered by a framework: a map has spatial axes and channels, and only an emitter knows NCHW.
Shapes are written as the lectures do, channels last.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Map(NamedTuple):
    """A feature map with one, two or three spatial axes: LxC, HxWxC, DxHxWxC."""

    spatial: tuple[int, ...]
    channels: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes per axis, channels last."""
        return (*self.spatial, self.channels)

    @property
    def size(self) -> int:
        """Numbers held."""
        return prod(self.spatial) * self.channels

    def __str__(self) -> str:
        return "x".join(map(str, self.shape))


class Vector(NamedTuple):
    """A vector of C features."""

    channels: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The one axis of a vector."""
        return (self.channels,)

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return self.channels

    def __str__(self) -> str:
        return str(self.channels)


class Tokens(NamedTuple):
    """A sequence of T tokens with C features each: TxC."""

    length: int
    channels: int

    @property
    def shape(self) -> tuple[int, ...]:
        """(tokens, channels)."""
        return (self.length, self.channels)

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return self.length * self.channels

    def __str__(self) -> str:
        return f"{self.length}x{self.channels}"


Type = Map | Vector | Tokens

AXES = {1: ("width",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""Names of the spatial axes of a map, by rank."""

FLOAT32 = (2 - 2**-23) * 2.0**127
"""The largest number of single precision, in which networks compute."""

LIMIT = 2**63 - 1
"""Counts above this are refused before anything is allocated: they fit no tensor library's index."""


def describe(value: Type) -> str:
    """A value in a sentence: `a 28x28x6 map`."""
    if isinstance(value, Vector):
        return f"a vector of {value.channels}"
    if isinstance(value, Tokens):
        return f"{value.length} tokens of {value.channels}"
    first = str(value.spatial[0])
    return f"{'an' if first[0] == '8' or first in ('11', '18') else 'a'} {value} map"


def from_shape(shape: tuple[int, ...]) -> Type:
    """The type of a written shape: `C` is a vector, everything longer is a map with channels last."""
    return Vector(shape[0]) if len(shape) == 1 else Map(tuple(shape[:-1]), shape[-1])


def of_shape(shape: tuple[int, ...], *, line: bool = False) -> Type:
    """The type of a shape that a layer is given: as `from_shape`, but `TxC` are tokens, unless they are a `line`, a map of one axis."""
    return Tokens(*shape) if len(shape) == 2 and not line else from_shape(shape)


def channels_second(groups: tuple[T, ...], type_: Type) -> tuple[T, ...]:
    """Put what belongs to the axes of a value into the order of PyTorch and ONNX: channels first in a map, behind the batch."""
    return (*groups[-1:], *groups[:-1]) if isinstance(type_, Map) else groups


def is_line(value: Type | None) -> bool:
    """Whether a value is a map with one spatial axis."""
    return isinstance(value, Map) and len(value.spatial) == 1
