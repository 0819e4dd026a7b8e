"""Borders and sizes of maps: padding, cropping, interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from archspec.backends.onnx.layer import Layer
from archspec.ops.edges import both_ends, margins
from archspec.types import Map


def pad(layer: Layer, op: Any, x: Map, y: Map) -> str:
    """Write a border of a map: zeros, or numbers of the map."""
    pads = [both_ends(margins(op.c, 1)[0]), *op.around(x)]
    return layer.x if x == y else bordered(layer, layer.x, pads, (x.channels, *x.spatial), op.mode)


def bordered(layer: Layer, value: str, pads: Sequence[tuple[int, int]], sizes: Sequence[int], mode: str) -> str:
    """Put a border around a value of these sizes, the channels first."""
    if mode == "wrap":
        return _wrapped(layer, value, pads, sizes)
    before, after = zip(*pads, strict=True)
    if mode == "zero":
        return layer.pad(value, before, after)
    return layer.add("Pad", value, layer.whole([0, *before, 0, *after]), mode=mode)


def _wrapped(layer: Layer, value: str, pads: Sequence[tuple[int, int]], sizes: Sequence[int]) -> str:
    """Put the other side of each axis around it: `Pad` does so from opset 19 on, slices side by side in each."""
    for axis, (size, (before, after)) in enumerate(zip(sizes, pads, strict=True), 1):
        last = [layer.slice(value, [size - before], [size], [axis])] if before else []
        first = [layer.slice(value, [0], [after], [axis])] if after else []
        if last or first:
            value = layer.add("Concat", *last, value, *first, axis=axis)
    return value


def crop(layer: Layer, op: Any, x: Map, y: Map) -> str:
    """Cut off the borders of a map."""
    if x == y:
        return layer.x
    starts = [start for start, _ in op.pieces(x)]
    return layer.slice(layer.x, starts, [a + b for a, b in zip(starts, y.spatial, strict=True)], range(2, 2 + len(starts)))


def upsample(layer: Layer, op: Any, x: Map, y: Map) -> str:
    """Interpolate; output i of `nearest` is i*S//S' of the input, which is not the operator's default."""
    if x == y:
        return layer.x
    axes = [(size, out, _scale(size, out)) for size, out in zip(x.spatial, y.spatial, strict=True)]
    if op.mode == "nearest":
        taken = [_taken(*axis) for axis in axes]
        if not all(torch == runtime for torch, runtime in taken):
            return _gathered(layer, [torch for torch, _ in taken])
        how: dict[str, Any] = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    else:
        where = "align_corners" if op.corners else "half_pixel"
        cubic = {"mode": "cubic", "cubic_coeff_a": -0.75}
        how = {**(cubic if op.mode == "bicubic" else {"mode": "linear"}), "coordinate_transformation_mode": where}
    return layer.add("Resize", layer.x, "", layer.constant([1, 1, *(float(scale) for *_, scale in axes)]), **how)


def _scale(size: int, out: int) -> np.float32:
    """A factor of which the operator makes this size: it rounds down, and 5/3 in float32 is less than 5/3."""
    scale = np.float32(out / size)
    return scale if int(size * float(scale)) == out else np.nextafter(scale, np.float32(np.inf))


def _taken(size: int, out: int, scale: np.float32) -> tuple[list[int], list[int]]:
    """The inputs that the outputs along an axis take, as PyTorch finds them and as the operator does, both in float32: 11/2.2 is 5 or less."""
    at = np.arange(out, dtype=np.float32)
    found = [np.floor(at * (np.float32(size) / np.float32(out))), np.floor(at / scale)]
    torch, runtime = [np.minimum(numbers.astype(int), size - 1).tolist() for numbers in found]
    return torch, runtime


def _gathered(layer: Layer, taken: Sequence[Sequence[int]]) -> str:
    """Take positions along each axis."""
    value = layer.x
    for axis, positions in enumerate(taken, 2):
        value = layer.add("Gather", value, layer.whole(positions), axis=axis)
    return value
