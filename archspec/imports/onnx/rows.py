"""Operators with a window, and products with stored matrices, as layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, isclose
from typing import Any

from archspec.imports.channels_first import Kernel, sizes
from archspec.imports.flat import Unsaid
from archspec.imports.onnx.computing import fitted
from archspec.imports.onnx.lowering import Call, placed, row
from archspec.imports.onnx.model import FLOAT
from archspec.imports.views import View

_MOST = 65_536
"""Positions along an axis that are looked at one by one."""

# windows


def _window(call: Call, rank: int, k: Sequence[int]) -> dict[str, Any]:
    """Strides, dilations, and what stands before and after along each axis."""
    s, d = (call.attribute(name) or (1,) * rank for name in ("strides", "dilations"))
    if not len(k) == len(s) == len(d) == rank:
        raise Unsaid(f"its window has {len(k)} axes, its strides {len(s)}, its dilations {len(d)}, the map {rank}")
    return {"s": s, "p": _pads(call, rank, k, s, d), "d": d}


def _pads(call: Call, rank: int, k: Sequence[int], s: Sequence[int], d: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    how = call.attribute("auto_pad", "NOTSET") or "NOTSET"
    if how == "NOTSET":
        pads = call.attribute("pads") or (0,) * (2 * rank)
        if len(pads) != 2 * rank or min(pads) < 0:
            raise Unsaid(f"it pads by {pads}")
        return pads[:rank], pads[rank:]
    if how == "VALID":
        return (0,) * rank, (0,) * rank
    if how not in ("SAME_UPPER", "SAME_LOWER"):
        raise Unsaid(f"it pads by `{how}`")
    before, after = [], []
    for size, window, stride, gap in zip(call.sizes()[2:], k, s, d, strict=True):
        zeros = max(0, (ceil(size / stride) - 1) * stride + gap * (window - 1) + 1 - size)
        less, more = zeros // 2, zeros - zeros // 2
        before.append(less if how == "SAME_UPPER" else more)
        after.append(more if how == "SAME_UPPER" else less)
    return before, after


def _kernel(call: Call, shape: Sequence[int], bias: int = 2, transposed: bool = False) -> Kernel:
    """The weights of a layer: the stored tensor at 1 and, where there is one, that at `bias`."""
    weight = call.weight(1)
    stored = {"weight": placed(weight.transposed((1, 0)) if transposed else weight)}
    if call.has(bias):
        stored["bias"] = call.stored(bias, (call.weight(bias).shape[-1],) if len(call.weight(bias).shape) < 3 else None)
    return Kernel(shape, call.has(bias), stored)


@row("Conv")
def _conv(call: Call) -> View:
    x, shape = call.x(), call.weight(1).shape
    rank = len(shape) - 2
    if rank < 1 or len(x.dims) != rank + 2:
        raise Unsaid(f"it is a convolution of a tensor of {len(x.dims)} axes, the batch included, by weights of {len(shape)}")
    if call.attribute("kernel_shape", shape[2:]) != shape[2:]:
        raise Unsaid("its weights are of another size than its window")
    window = _window(call, rank, shape[2:])
    kernel, g = _biased(call, shape, shape[0]), call.attribute("group", 1)
    if set(shape[2:]) == {1} and call.is_matrix(1) and g == 1 and not any((*window["p"][0], *window["p"][1])) and set(window["s"]) == {1}:
        stored = {**kernel.stored, "weight": call.stored(1, shape[:2])}
        return call.tensors.on_channels(call.keyed(1, 2), x, 1, "linear", n=shape[0], bias=kernel.bias, stored=stored)
    x, window["p"] = _bordered(call, x, window["p"])
    return call.tensors.conv(call.keyed(1, 2), x, kernel, **window, g=g)


def _bordered(call: Call, x: View, p: Any) -> tuple[View, Any]:
    """A tensor with the borders that a layer cannot write itself: those that differ by axis at its two ends."""
    ends = [*zip(*p, strict=True)]
    if list(p[0]) == list(p[1]) or len(set(ends)) == 1:
        return x, p
    none = (0,) * len(ends)
    return call.tensors.padded(call.site, x, {at + 2: pair for at, pair in enumerate(ends) if any(pair)}), (none, none)


def _biased(call: Call, shape: Sequence[int], filters: int) -> Kernel:
    """The kernel of a convolution, whose bias may have axes of size 1 behind it."""
    stored = {"weight": call.stored(1)}
    if call.has(2):
        stored["bias"] = call.stored(2, (filters,))
    return Kernel(shape, call.has(2), stored)


@row("ConvTranspose")
def _deconv(call: Call) -> View:
    x, shape = call.x(), call.weight(1).shape
    rank = len(shape) - 2
    if rank < 1 or len(x.dims) != rank + 2:
        raise Unsaid(f"it is a convolution of a tensor of {len(x.dims)} axes, the batch included, by weights of {len(shape)}")
    g = call.attribute("group", 1)
    s, d, op = (call.attribute(name) or (fill,) * rank for name, fill in (("strides", 1), ("dilations", 1), ("output_padding", 0)))
    k, wanted = shape[2:], call.attribute("output_shape")
    how = call.attribute("auto_pad", "NOTSET") or "NOTSET"
    before, after = _pads(call, rank, k, s, d) if how in ("NOTSET", "VALID") and not wanted else ((0,) * rank, (0,) * rank)
    if wanted or how.startswith("SAME"):
        wanted = wanted[-rank:] if wanted else [size * stride for size, stride in zip(x.sizes[2:], s, strict=True)]
        axes = zip(x.sizes[2:], wanted, k, s, d, op, strict=True)
        cut = [stride * (size - 1) + extra + gap * (window - 1) + 1 - out for size, out, window, stride, gap, extra in axes]
        op = tuple([extra + max(0, -each) for extra, each in zip(op, cut, strict=True)])
        less = [max(0, each) // 2 for each in cut]
        more = [max(0, each) - half for each, half in zip(cut, less, strict=True)]
        before, after = (less, more) if how == "SAME_UPPER" else (more, less)
    # what is cut less behind than before is a margin of the output
    if any(b < a for b, a in zip(before, after, strict=True)):
        raise Unsaid(f"it cuts {before} before and {after} behind")
    op = tuple([extra + b - a for extra, b, a in zip(op, before, after, strict=True)])
    return call.tensors.deconv(call.keyed(1, 2), x, _biased(call, shape, shape[1] * g), s, before, op, d, g)


@row("MaxPool", "AveragePool")
def _pool(call: Call) -> Any:
    x = call.x()
    rank = len(x.dims) - 2
    k = call.attribute("kernel_shape") or ()
    window = _window(call, rank, k)
    largest = call.node.operator == "MaxPool"
    if len(call.node.outputs) > 1 and call.node.outputs[1] in call.lowering.readers:
        raise Unsaid("the places of its largest numbers are used")
    counted = bool(call.attribute("count_include_pad", 0))
    ceil_mode = bool(call.attribute("ceil_mode", 0)) and call.attribute("auto_pad", "NOTSET") == "NOTSET"
    if not ceil_mode and (largest or not counted) and _overhangs(x.sizes[2:], k, window):
        ceil_mode, window["p"] = True, (window["p"][0], window["p"][0])
    if not largest and counted:
        x, window["p"] = _bordered(call, x, window["p"])
    return [
        call.tensors.pool(
            call.site, x, "pool" if largest else "avgpool", k, window["s"], window["p"], window["d"], ceil=ceil_mode, count_pad=counted
        )
    ]


def _overhangs(sizes: Sequence[int], k: Sequence[int], window: Mapping[str, Any]) -> bool:
    """Whether what is padded behind each axis, and not before, is how far the last window reaches beyond it where sizes are rounded up."""
    before, after = window["p"]
    if list(before) == list(after):
        return False
    for size, w, s, d, a, b in zip(sizes, k, window["s"], window["d"], before, after, strict=True):
        free = size + 2 * a - d * (w - 1) - 1
        out = -(-free // s) + 1
        out -= (out - 1) * s >= size + a
        if b != a + max(0, (out - 1) * s - free):
            return False
    return True


@row("GlobalAveragePool", "GlobalMaxPool")
def _global(call: Call) -> View:
    x = call.x()
    step = "adaptpool" if call.node.operator == "GlobalAveragePool" else "adaptmaxpool"
    return call.tensors.adaptive(call.site, x, step, (1,) * (len(x.dims) - 2))


@row("Upsample", "Resize")
def _resize(call: Call) -> View:
    x = call.x()
    rank = len(x.dims)
    old = call.node.operator == "Upsample" or len(call) == 2
    at = 1 if old else 2
    factors = call.attribute("scales") or (call.numbers(at).values if call.has(at) and call.numbers(at).values else None)  # type: ignore[union-attr]
    to = call.numbers(3).values if call.has(3) and call.numbers(3).values else None  # type: ignore[union-attr]
    axes = call.attribute("axes")
    if axes is not None:
        factors = _everywhere(axes, factors, (1.0,) * rank)
        to = _everywhere(axes, to, x.sizes)
    if call.attribute("keep_aspect_ratio_policy", "stretch") != "stretch" or call.attribute("antialias", 0):
        raise Unsaid("it keeps the ratio of its axes, or smooths")
    before = x.sizes
    to = tuple(to) if to is not None else tuple([int(size * factor) for size, factor in zip(before, factors or (), strict=False)])
    if len(to) != rank or to[:2] != before[:2]:
        raise Unsaid(f"it makes {to} of {before}")
    if to == before:
        return x
    given = _interpolation(call, old, factors, before[2:], to[2:])
    same = factors is None or all(isclose(size * factor, out) for size, factor, out in zip(before, factors, to, strict=True))
    if not same and given["mode"] != "nearest":
        raise Unsaid("its factors do not come out whole")
    value = call.tensors.map(call.site, x)
    ratios = {out // size if out % size == 0 else 0 for size, out in zip(before[2:], to[2:], strict=True)}
    how: dict[str, Any] = {"n": ratios.pop()} if len(ratios) == 1 and 0 not in ratios else {"to": sizes(to[2:])}
    return call.tensors.of(call.lowering.flat.step(call.site, "upsample", value, **how, **given))


def _everywhere(axes: Sequence[int], values: Any, rest: Sequence[Any]) -> Any:
    """A number per axis, of which some are given."""
    if values is None:
        return None
    found = list(rest)
    for axis, value in zip(axes, values, strict=True):
        found[axis] = value
    return tuple(found)


def _interpolation(call: Call, old: bool, factors: Any, before: Sequence[int], after: Sequence[int]) -> dict[str, Any]:
    """The mode, where positions between pixels are taken as PyTorch takes them. Source: https://onnx.ai/onnx/operators/onnx__Resize.html."""
    mode = call.attribute("mode", "nearest")
    where = "asymmetric" if old else call.attribute("coordinate_transformation_mode", "half_pixel")
    whole = all(out % size == 0 for size, out in zip(before, after, strict=True))
    if mode == "nearest":
        how = "floor" if old else call.attribute("nearest_mode", "round_prefer_floor")
        halves = where in ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric") and how in (
            "round_prefer_floor",
            "round_prefer_ceil",
        )
        if (where == "asymmetric" and how == "floor" and (whole or (factors is None and _floored(before, after)))) or (
            whole and halves and _settled(before, after, how)
        ):
            return {"mode": "nearest"}
        raise Unsaid(f"it takes the nearest position by `{where}` and `{how}`")
    if mode in ("linear", "cubic") and not call.attribute("exclude_outside", 0):
        name = "bilinear" if mode == "linear" else "bicubic"
        if mode == "cubic" and not isclose(call.attribute("cubic_coeff_a", -0.75), -0.75):
            raise Unsaid("its cubic coefficient is not -0.75, that of PyTorch")
        if where == "align_corners" and not any(out == 1 for out in after):
            return {"mode": name, "corners": True}
        if where == "half_pixel" or (
            where in ("pytorch_half_pixel", "half_pixel_symmetric") and (whole or factors is None) and 1 not in after
        ):
            return {"mode": name}
    raise Unsaid(f"it interpolates by `{mode}` with positions by `{where}`")


def _floored(before: Sequence[int], after: Sequence[int]) -> bool:
    """Whether the positions that a division finds in single precision are those of PyTorch's product: 11/2.2 is 5 or less."""
    for size, out in zip(before, after, strict=True):
        factor, back = fitted(out / size, FLOAT), fitted(size / out, FLOAT)
        if out > _MOST or any(int(fitted(at / factor, FLOAT)) != int(fitted(at * back, FLOAT)) for at in range(out)):
            return False
    return True


def _settled(before: Sequence[int], after: Sequence[int], how: str) -> bool:
    """Whether rounding the middles of pixels takes the same pixels as rounding down their beginnings does."""
    for size, out in zip(before, after, strict=True):
        factor = out // size
        for at in range(min(out, 2 * factor)):
            middle = (at + 0.5) / factor - 0.5
            nearest = ceil(middle - 0.5) if how == "round_prefer_floor" else int(middle + 0.5)
            if max(0, nearest) != at // factor:
                return False
    return True


# products


@row("Linear")
def _linear(call: Call) -> View:
    weight = call.weight(1)
    channels, count = weight.shape
    _fits(call, channels)
    return call.tensors.linear(call.keyed(1, 2), call.x(), _kernel(call, (count, channels), transposed=True))


def _fits(call: Call, channels: int) -> None:
    if call.x().sizes[-1] != channels:
        raise Unsaid(f"a matrix of {channels} rows does not fit {call.x().sizes[-1]} channels")


@row("Gemm")
def _gemm(call: Call) -> View:
    alpha, beta = call.attribute("alpha", 1.0), call.attribute("beta", 1.0)
    if alpha != 1 or (beta != 1 and call.has(2)) or call.attribute("transA", 0):
        raise Unsaid("it multiplies by a number of its own, or turns its first matrix")
    x, weight = call.x(), call.weight(1)
    if len(weight.shape) != 2 or len(x.dims) != 2:
        raise Unsaid("it is a product of no matrices")
    turned = not call.attribute("transB", 0)
    count, channels = weight.shape[::-1] if turned else weight.shape
    _fits(call, channels)
    if call.has(2) and (call.weight(2).shape[-1:] != (count,) or call.weight(2).total != count):
        raise Unsaid("its biases are no number per output")
    return call.tensors.linear(call.keyed(1, 2), x, _kernel(call, (count, channels), transposed=turned))
