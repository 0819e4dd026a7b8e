"""Depthwise convolutions as convolutions with a group for each channel, where modules that are built alike have either."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.ops import make
from archspec.ops.base import Op
from archspec.ops.conv import Conv
from archspec.shortening.items import Layer
from archspec.types import Type

_STEPS = ("conv", "dwconv")


def like_others(layers: Sequence[Layer], parts: Sequence[Sequence[str]]) -> None:
    """Write each depthwise convolution as `conv f=C g=C` whose module has layers of the same names as another one, which has `conv` in its place.

    The names of layers are given in `parts`. Modules of one layer, or with positions for names, stay as they are: they are a line.
    """
    if not any(layer.step == "dwconv" for layer in layers):
        return
    modules: dict[tuple[str, ...], list[tuple[str, Layer]]] = {}
    for layer, (*path, name) in zip(layers, parts, strict=True):
        if path and layer.keyed and not layer.owner:
            modules.setdefault(tuple(path), []).append((name, layer))
    kinds: dict[tuple[tuple[str, str], ...], list[list[Layer]]] = {}
    for own in modules.values():
        if len(own) > 1 and any(layer.step in _STEPS for _, layer in own) and not any(name.isdecimal() for name, _ in own):
            kind = tuple([(name, "conv" if layer.step in _STEPS else layer.step) for name, layer in own])
            kinds.setdefault(kind, []).append([layer for _, layer in own])
    for found in kinds.values():
        for same in zip(*found, strict=True):
            if {layer.step for layer in same} == {*_STEPS}:
                for layer in same:
                    _group(layer)


def _group(layer: Layer) -> None:
    """Write a depthwise convolution as an ordinary one."""
    if layer.step == "dwconv":
        layer.step = "conv"
        layer.arguments.pop("m", None)
        layer.arguments |= {"f": str(layer.width), "g": str(layer.channels)}


def depthwise(op: Op, types: Sequence[Type]) -> Op:
    """A convolution with a group for each channel as the depthwise one that it is; any other layer as it is."""
    if not isinstance(op, Conv) or op.g == 1 or op.g != types[0].channels or len(types) > 1 or op.maps is not None:
        return op
    given = {name: value for name, value in op.arguments().items() if name not in ("f", "g", "maps", "offset")}
    return make("dwconv", {**given, "m": op.f // op.g})
