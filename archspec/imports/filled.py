"""Attention in a window that fills its map, said like that in windows elsewhere: networks with windows end in such maps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from archspec.ops import make
from archspec.ops.base import Op
from archspec.types import Map, Type

_STEPS = ("attn", "attend")


def with_windows(layers: Iterable[tuple[Op, Sequence[Type]]]) -> list[Op]:
    """Layers, each given with the types that it reads, of which attention among all positions of a map says the window of others of that size.

    Where every second window is shifted, or a grid, this goes on: a window that fills its map is never shifted, whatever its `shift`, and is the grid.
    """
    found: list[Op] = []
    layers = list(layers)
    ways = [_way(op) for op, _ in layers if op.step in _STEPS and _span(op)]
    spans = {_span(op) for op, _ in layers if op.step in _STEPS}
    alternate = len(ways) > 1 and ways[0] != ways[1] and ways[0][1] == 0 and ways == (ways[:2] * len(ways))[: len(ways)]
    count = len(ways)
    for op, types in layers:
        span = _whole(op, types)
        if span is not None and span in spans:
            word, shift = ways[count % 2] if alternate else (ways[0][0], 0)
            op = make(op.step, {**op.arguments(), word: span} | ({"shift": shift} if shift else {}))
            count += 1
        found.append(op)
    return found


def _span(op: Op) -> Any:
    """The window or the grid of attention."""
    return op.arguments().get("w") or op.arguments().get("grid")


def _way(op: Op) -> tuple[str, Any]:
    """How windows are cut: as such or as a grid, and their shift."""
    return "w" if op.arguments().get("w") else "grid", op.arguments().get("shift", 0)


def _whole(op: Op, types: Sequence[Type]) -> int | tuple[int, ...] | None:
    """The window of a layer whose map's positions all attend to one another; None of any other."""
    if op.step not in _STEPS or len(types) != 1 or not isinstance(types[0], Map) or len(types[0].spatial) < 2:
        return None
    sides = types[0].spatial
    return None if _span(op) else sides[0] if len(set(sides)) == 1 else sides
