"""Arguments spread over the axes of a map, and over the two ends of each."""

from collections.abc import Sequence
from typing import Any

from archspec.numeric import holds
from archspec.ops.base import Misfit, per_axis
from archspec.ops.declare import Around, is_range
from archspec.types import AXES

KEPT = ("reflect", "edge")
"""The borders whose gradients keep the map."""


def both_ends(edge: Around) -> tuple[int, int]:
    """What stands before and after an axis: a pair, or one number for both."""
    return edge if isinstance(edge, tuple) else (edge, edge)


def in_all(edge: Around) -> int:
    """How much stands around an axis: both numbers of a pair, or twice the one."""
    return edge[0] + edge[1] if isinstance(edge, tuple) else 2 * edge


def margins(value: Any, rank: int) -> tuple[Any, ...]:
    """Spread an argument over the axes of a map: for each the number of both ends, or the pair of the two."""
    return value * rank if is_range(value) else per_axis(value, rank)


def check_border(mode: str, spatial: Sequence[int], pads: Sequence[tuple[int, int]], argument: str) -> None:
    """Raises Misfit where a border would need more of the map than there is: `reflect` all but one number of it, `wrap` all of it.

    Source: torch.nn.functional.pad.
    """
    if mode not in ("reflect", "wrap"):
        return
    for name, size, pair in zip(AXES[len(spatial)], spatial, pads, strict=True):
        most = size - 1 if mode == "reflect" else size
        if any(holds(end > most) for end in pair):
            message = f"`mode={mode}` has {most} of a {name} of {size} to put around it, not {max(pair)}"
            raise Misfit("A208", message, argument=argument, help_=f"use {most} or less, or `mode=edge`, which repeats the border")
