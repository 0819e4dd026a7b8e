"""What flows through a network that is being written: a tensor, what kind of value it is, and its place on the tape."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Value:
    """`kind` is map, tokens, vector, or words: a vector of whole numbers, which only `embed` reads."""

    slot: int
    kind: str
    tensor: Tensor
    stored: bool = False
    """Whether it is a tensor of the network, which sums stretch."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Without the batch, channels last."""
        shape = tuple(self.tensor.shape[1:])
        return (*shape[1:], shape[0]) if self.kind == "map" else shape

    @property
    def spatial(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape[2:]) if self.kind == "map" else ()

    @property
    def rank(self) -> int:
        return len(self.spatial)

    @property
    def channels(self) -> int:
        return self.shape[-1]

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def positions(self) -> int:
        return self.size // self.channels

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes that expressions may read, by their functions: `c(x)`, `w(x)`."""
        axes = "dhw"[3 - self.rank :] if self.kind == "map" else "t" if self.kind == "tokens" else ""
        return {"c": self.channels, **dict(zip(axes, self.shape, strict=False))}
