"""The table of the operators of ATen that are read: a row is registered with the names that ATen has for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from archspec.imports.views import View

Row = Callable[..., Any]


class Stacked(NamedTuple):
    """Tensors on a new axis of their own, at this place."""

    parts: tuple[View, ...]
    dim: int


ROWS: dict[str, Row] = {}


TAKES: dict[str, tuple[type, ...]] = {}
"""What the first argument of an operator may be besides a tensor of the network."""


def row(*names: str, takes: tuple[type, ...] = ()) -> Callable[[Row], Row]:
    """Register a row, and what it takes as `x` besides a view."""

    def add(function: Row) -> Row:
        ROWS.update(dict.fromkeys(names, function))
        TAKES.update(dict.fromkeys(names, takes))
        return function

    return add


def spread(values: Any, axes: int) -> list[int]:
    """A number per axis, of which PyTorch may have one for all."""
    found: list[int] = [*values] if isinstance(values, (list, tuple)) else [values]
    return found * axes if len(found) == 1 else found
