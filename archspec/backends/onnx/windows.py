"""Layers whose window slides: convolution and pooling, with explicit padding in place of modes.

ONNX's ceil_mode is avoided: up to opset 21 its own shape inference gets it wrong, and padding at the end says the same exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from archspec.backends.onnx.borders import bordered
from archspec.backends.onnx.layer import Layer
from archspec.backends.onnx.weight_forms import weight
from archspec.backends.registry import Unsupported
from archspec.types import Map, Tokens, Type


def _window(slides: Sequence[Any], after: Sequence[int] = ()) -> dict[str, Any]:
    """The attributes of an operator with a window; `after` are the zeros behind each axis, if not those of a sliding window."""
    dilations = [s.d for s in slides]
    return {
        "kernel_shape": [s.k for s in slides],
        "strides": [s.s for s in slides],
        "pads": [*(s.before for s in slides), *(after or [s.after + s.overhang for s in slides])],
        "dilations": dilations if set(dilations) != {1} else None,
    }


def conv(layer: Layer, op: Any, x: Map, *_: Type) -> str:
    """Emit a convolution, depthwise ones among them."""
    slides, value = op.window(x), layer.x
    if op.mode != "zero" and any(map(any, op.pads(x))):
        value = bordered(layer, value, [(0, 0), *op.pads(x)], (x.channels, *x.spatial), op.mode)
        slides = [s._replace(size=s.padded, before=0, after=0) for s in slides]
    attributes = _window(slides)
    groups = x.channels // op.depth(x)
    bias = [layer.weight("bias")] if op.bias else []
    if getattr(op, "offset", False):
        if layer.opset < 19:
            raise Unsupported(f"ONNX has deformable convolution from opset 19 on, and this is opset {layer.opset}")
        offset, parts = layer.values[1], layer.types[1].channels // (2 * prod(op.kernel(x)))
        kernel = weight(layer, op, x)
        return layer.add("DeformConv", value, kernel, offset, *bias, **attributes, group=groups, offset_group=parts)
    if getattr(op, "maps", None) is None:
        return layer.add("Conv", value, weight(layer, op, x), *bias, **attributes, group=groups if groups > 1 else None)
    # With a connection table the existing kernels take their places among zeros.
    whole = (op.f, x.channels, *op.kernel(x))
    zeros = layer.add("ConstantOfShape", layer.whole(whole))
    places = layer.whole([[filter_, input_] for filter_, row in enumerate(op.maps) for input_ in row])
    kernels = layer.add("ScatterND", zeros, places, layer.weight("weight"))
    return layer.add("Conv", value, kernels, *bias, **attributes)


def deconv(layer: Layer, op: Any, x: Map, _: Type) -> str:
    """Emit a transposed convolution; `after` of an axis is what is cropped behind it, or added where it is negative."""
    axes = op.window(x)
    extra = [max(0, -axis.after) for axis in axes]
    bias = [layer.weight("bias")] if op.bias else []
    # onnxruntime refuses to add as much as a stride; PyTorch, less than the stride or the dilation. Bare zeros are then put behind.
    behind = extra if any(e >= axis.s for e, axis in zip(extra, axes, strict=True)) else []
    value = layer.add(
        "ConvTranspose",
        layer.x,
        weight(layer, op, x, axis=1),
        *(bias if not behind else []),
        **_window(axes, [max(0, axis.after) for axis in axes]),
        output_padding=extra if any(extra) and not behind else None,
        group=op.g if op.g > 1 else None,
    )
    if not behind:
        return value
    padded = layer.pad(value, [0] * (1 + len(axes)), [0, *behind])
    return layer.add("Add", padded, layer.per_channel(bias[0], x)) if bias else padded


def pool(layer: Layer, op: Any, x: Map, _: Type) -> str:
    """Write a max pooling with its window, strides and padding."""
    slides, value = op.window(x), _apart(layer)
    # A dilated window may need more padding than it has elements, which onnxruntime refuses.
    if any(max(s.before, s.after + s.overhang) >= s.k for s in slides):
        value = layer.pad(value, [0, *(s.before for s in slides)], [0, *(s.after + s.overhang for s in slides)], -np.inf)
        slides = [s._replace(size=s.padded, before=0, after=0) for s in slides]
    return layer.add("MaxPool", value, **_window(slides))


def unpool(layer: Layer, op: Any, y: Map, x: Map) -> str:
    """Scatter the numbers to the places of maxima, which `MaxPool` counts over a whole batch."""
    slides, other = op.pool().window(layer.types[1]), layer.values[1]
    before, after = [s.before for s in slides], [s.after + s.overhang for s in slides]
    if any(before + after):
        other = layer.pad(other, [0, *before], [0, *after], -np.inf)
    sizes = [s.padded for s in slides]
    inner = [s._replace(size=size, before=0, after=0, out=s.out) for s, size in zip(slides, sizes, strict=True)]
    places = layer.add_many("MaxPool", [other], 2, **_window(inner))[1]
    places = layer.add("Mod", layer.add("Flatten", places, axis=1), layer.whole(x.channels * prod(sizes)))
    flat = layer.add("Flatten", other, axis=1)
    zeros = layer.add("Cast", layer.add("Greater", flat, flat), to=1)  # TensorProto.FLOAT
    value = layer.add("ScatterElements", zeros, places, layer.add("Flatten", layer.x, axis=1), axis=1)
    value = layer.reshape(value, 0, x.channels, *sizes)
    if not any(before + after):
        return value
    ends = [a + s.size for a, s in zip(before, slides, strict=True)]
    return layer.slice(value, before, ends, range(2, 2 + len(ends)))


def average_pool(layer: Layer, op: Any, x: Map, _: Type) -> str:
    """The divisor counts the padding where the layer says so, what overhangs it never: as torch.nn.AvgPool2d."""
    slides, value = op.window(x), _apart(layer)
    counted = op.count_pad and any(s.before or s.after for s in slides)
    if counted and any(s.overhang for s in slides):
        value = layer.pad(value, [0, *(s.before for s in slides)], [0, *(s.after for s in slides)], _ZERO)
        slides, counted = [s._replace(size=s.size + s.before + s.after, before=0, after=0) for s in slides], False
    return layer.add("AveragePool", value, **_window(slides), count_include_pad=1 if counted else None)


_ZERO = -0.0
"""A zero that onnxruntime does not recognise as one.

It moves a `Pad` of zeros into the pool behind it (1.17 to 1.31, pad_fusion.cc), where a maximum's padding is no zero, and where padding
as wide as the window is refused. It knows zeros by their bytes.
"""


def _apart(layer: Layer) -> str:
    """The layer's input; where that is a `Pad` of zeros, onnxruntime must not merge it."""
    for operator in layer.draft.operators:
        if operator.kind == "Pad" and operator.outputs == [layer.x]:
            operator.inputs[2:] = [layer.constant(_ZERO)]
    return layer.x


def subsample(layer: Layer, op: Any, x: Map, _: Type) -> str:
    """Emit a convolution of each map with a kernel that is one number."""
    slides = op.window(x)
    column = layer.reshape(layer.weight("weight"), -1, *(1,) * (len(slides) + 1))
    kernel = layer.add("Expand", column, layer.whole((x.channels, 1, *(s.k for s in slides))))
    return layer.add("Conv", layer.x, kernel, layer.weight("bias"), **_window(slides), group=x.channels)


def gap(layer: Layer, op: Any, x: Type, _: Type) -> str:
    """Write the mean of each channel of a map."""
    return layer.reduce("ReduceMean", layer.x, 1) if isinstance(x, Tokens) else layer.add("GlobalAveragePool", layer.x)


def adaptive_average(layer: Layer, op: Any, x: Map, y: Map) -> str:
    """Write the means of windows that cover a map in so many parts."""
    if (plain := _plain(layer, "Average", x, y)) is not None:
        return plain
    # A mean over unequal windows is a product with a matrix, axis by axis.
    value, rank = layer.x, len(x.spatial)
    for axis in reversed(range(rank)):
        size, out = x.spatial[axis], y.spatial[axis]
        if size == out:
            continue
        matrix = np.zeros((out, size))
        for at, (start, stop) in enumerate(_windows(size, out)):
            matrix[at, start:stop] = 1 / (stop - start)
        if axis == rank - 1:
            value = layer.add("MatMul", value, layer.constant(matrix.T))
            continue
        inner = y.spatial[axis + 1 :]
        if len(inner) > 1:
            value = layer.reshape(value, *(0,) * (axis + 3), prod(inner))
        value = layer.add("MatMul", layer.constant(matrix), value)
        if len(inner) > 1:
            value = layer.reshape(value, *(0,) * (axis + 3), *inner)
    return value


def adaptive_maximum(layer: Layer, op: Any, x: Map, y: Map) -> str:
    """Write the largest numbers of windows that cover a map in so many parts."""
    if (plain := _plain(layer, "Max", x, y)) is not None:
        return plain
    # Each window is gathered, its last element repeated up to the length of the longest, and reduced, axis by axis.
    value = layer.x
    for axis, (size, out) in enumerate(zip(x.spatial, y.spatial, strict=True), 2):
        if size == out:
            continue
        windows = _windows(size, out)
        longest = max(stop - start for start, stop in windows)
        places = [[min(start + i, stop - 1) for i in range(longest)] for start, stop in windows]
        value = layer.reduce("ReduceMax", layer.add("Gather", value, layer.whole(places), axis=axis), axis + 1)
    return value


def _plain(layer: Layer, kind: str, x: Map, y: Map) -> str | None:
    """Adaptive pooling where its windows are equal: nothing, one over everything, or a grid."""
    if x == y:
        return layer.x
    if set(y.spatial) == {1}:
        return layer.add(f"Global{kind}Pool", layer.x)
    if any(size % out for size, out in zip(x.spatial, y.spatial, strict=True)):
        return None
    steps = [size // out for size, out in zip(x.spatial, y.spatial, strict=True)]
    return layer.add(f"{kind}Pool", _apart(layer), kernel_shape=steps, strides=steps)


def _windows(size: int, out: int) -> list[tuple[int, int]]:
    """Window i covers the inputs from floor(i*size/out) up to ceil((i + 1)*size/out), as torch.nn.AdaptiveAvgPool2d has it."""
    return [(at * size // out, -(-(at + 1) * size // out)) for at in range(out)]
