"""Layers that give a size: one that is written, or that of another value."""

from typing import Any

from archspec.ops.base import Misfit, check_axes
from archspec.ops.declare import is_range
from archspec.types import Map


def target(layer: Any) -> Any:
    """The size that a layer gives: its `size`, or that of the value `to`."""
    return layer.size if layer.to is None else layer.to


def check_target(layer: Any, x: Map) -> Any:
    """Return the size that a layer gives. Raises Misfit unless it has one, for the axes of the map."""
    if (layer.size is None) == (layer.to is None):
        message = f"`{layer.step}` needs a size" if layer.to is None else "a size and `to` exclude each other"
        raise Misfit(
            "A103" if layer.to is None else "A105", message, argument="to", help_=f"write `{layer.step} 8x8`, or `{layer.step} to=x`"
        )
    size = target(layer)
    if not is_range(size):
        check_axes(layer, len(x.spatial), size=1, to=1)
    return size
