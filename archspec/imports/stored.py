"""Stored tensors of a source, and what it computes from them alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from archspec.imports.imported import Stored
from archspec.imports.layout import Digit, Dims, size


class Held(NamedTuple):
    """A stored tensor of the source that takes part as a value: its name there, its shape, and its dimensions, with axes `0`, `1`, ...

    It becomes a layer `tensor` when it is clear in which shape it is used. A tensor of one number that is known is a plain float instead.
    """

    name: str
    shape: tuple[int, ...]
    dims: Dims
    learned: bool = True
    key: str = ""
    """What it is called in the network."""
    again: bool = False
    """Whether it is used several times: then it is a layer of its own, not a part of one."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """The size of each dimension."""
        return tuple(map(size, self.dims))


class Table(NamedTuple):
    """Biases of relative positions that were looked up in a stored tensor: its name, and where each pair of positions looks."""

    name: str
    index: Any
    oriented: bool = False
    """Whether it lies as scores do: heads, queries, keys."""
    place: Stored | None = None
    """Where the source has the biases of a window, offset by offset, if not as the tensor of this name."""


class Computed(NamedTuple):
    """What a source computes from stored tensors alone: its dimensions, with axes `0`, `1`, ..., the learned tensors, and the numbers if known."""

    dims: Dims
    parts: tuple[str, ...] = ()
    value: Any = None
    table: Table | None = None
    mask: Any = None
    """The numbers of what was added to a table."""
    node: Any = None
    """The operator of the source that gives it."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """The size of each dimension."""
        return tuple(map(size, self.dims))


class Turn(NamedTuple):
    """How positions turn a tensor that waits for attention: by angles of a `base`, or by those of a `table` where that is 0: a stored tensor, or a value.

    So many positions at the beginning are not turned, and the channels of a pair lie so far apart; 0 where these are halves.
    """

    base: int
    table: Held | int | None = None
    prefix: int = 0
    pair: int = 0


def held(name: str, shape: Sequence[int], *, learned: bool = True, key: str = "", again: bool = False) -> Held:
    """A stored tensor in its own shape."""
    dims = tuple([(Digit(str(at), size, 1),) if size != 1 else () for at, size in enumerate(shape)])
    return Held(name, tuple(shape), dims, learned, key or name, again)
