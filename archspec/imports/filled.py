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

    Where every second window is shifted this goes on: a window that fills its map is never shifted, whatever its `shift`.
    """
    found: list[Op] = []
    layers = list(layers)
    windows = [op for op, _ in layers if op.step in _STEPS and op.arguments().get("w")]
    spans = {op.arguments()["w"] for op in windows}
    shifts = [op.arguments().get("shift", 0) for op in windows]
    alternate = len(shifts) > 1 and shifts[0] == 0 != shifts[1] and shifts == (shifts[:2] * len(shifts))[: len(shifts)]
    for op, types in layers:
        span = _whole(op, types)
        if span in spans:
            op = make(op.step, {**op.arguments(), "w": span, "shift": shifts[len(windows) % 2] if alternate else 0})
            windows.append(op)
        found.append(op)
    return found


def _whole(op: Op, types: Sequence[Type]) -> int | tuple[int, ...] | None:
    """The window of a layer whose map's positions all attend to one another; None of any other."""
    if op.step not in _STEPS or len(types) != 1 or not isinstance(types[0], Map) or len(types[0].spatial) < 2:
        return None
    given: dict[str, Any] = dict(op.arguments())
    sides = types[0].spatial
    return None if given.get("w") or given.get("grid") else sides[0] if len(set(sides)) == 1 else sides
