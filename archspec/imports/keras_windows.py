"""Keras's layers whose window slides over a map, and those that change the borders or the size of one."""

from __future__ import annotations

from typing import Any

from archspec.imports.flat import Unsaid
from archspec.imports.keras_config import is_whole, shown
from archspec.imports.keras_operations import operation
from archspec.imports.keras_table import activated, row
from archspec.imports.keras_views import Keras, Spot, narrow, places
from archspec.imports.views import View
from archspec.types import Map, Vector


def _axes(spot: Spot) -> int:
    """The spatial axes, which the name of a class ends with: `Conv2D`."""
    return int("".join(filter(str.isdigit, spot.layer.kind))[-1:] or 2)


def _sizes(spot: Spot, name: str, default: int | None = None) -> tuple[int, ...]:
    """A size for each axis; along time it is 1."""
    return (1,) * spot.lead + spot.config.sizes(name, _axes(spot), default)


def _window(k: Keras, spot: Spot, x: View, *names: str) -> tuple[int, int, dict[str, Any]]:
    """The dimension of the channels, the value as a map, and the arguments of a kernel."""
    at = k.at(x, spot.config)
    value = k.map(spot, x, at)
    here = k.flat.type_of(value)
    if not isinstance(here, Map) or len(here.spatial) != _axes(spot) + spot.lead:
        raise Unsaid(f"it reads {here}")
    given = {
        "k": narrow(_sizes(spot, "kernel_size")),
        "s": narrow(_sizes(spot, "strides", 1)),
        "d": narrow(_sizes(spot, "dilation_rate", 1)),
    }
    return at, value, given


def _kernel(spot: Spot, at: int, *, ends: tuple[int, int] = (-1, -2), last: tuple[int, int] | None = None) -> Any:
    """A kernel, spatial axes first in Keras, and channels first in the network."""
    sizes = _sizes(spot, "kernel_size")
    count = len(sizes)
    order = (*[(count + 2 + end) for end in ends], *range(count))
    return spot.weight(at, (*sizes, *last) if last else (), order)


@row("Conv1D", "Conv2D", "Conv3D", "Convolution1D", "Convolution2D", "Convolution3D")
def conv(k: Keras, spot: Spot, x: View) -> View:
    """A convolution."""
    at, value, given = _window(k, spot, x)
    f, g, bias = spot.config.count("filters"), spot.config.count("groups", 1), spot.config.flag("use_bias", True)
    channels = k.flat.type_of(value).channels
    source, pads = k.padding(spot, "conv", value, f=f, **given)
    deep = channels // g
    stored = places({"weight": _kernel(spot, 0, last=(deep, f) if spot.lead else None), "bias": spot.weight(1)}, bias)
    if g == channels > 1 and f % g == 0:
        found = k.step(spot, "dwconv", source, m=f // g, bias=bias, stored=stored, **given, **pads)
    else:
        found = k.step(spot, "conv", source, f=f, g=g, bias=bias, stored=stored, **given, **pads)
    return activated(k, spot, k.back(found, at))


@row("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise(k: Keras, spot: Spot, x: View) -> View:
    """A depthwise convolution."""
    at, value, given = _window(k, spot, x)
    bias = spot.config.flag("use_bias", True)
    stored = places({"weight": _each(k, spot, value), "bias": spot.weight(1)}, bias)
    source, pads = k.padding(spot, "dwconv", value, **given)
    m = spot.config.count("depth_multiplier", 1)
    return activated(k, spot, k.back(k.step(spot, "dwconv", source, m=m, bias=bias, stored=stored, **given, **pads), at))


def _each(k: Keras, spot: Spot, value: int) -> Any:
    """The kernel of a depthwise convolution, (*k, C, m)."""
    return _kernel(spot, 0, ends=(-2, -1), last=(k.flat.type_of(value).channels * spot.config.count("depth_multiplier", 1), 1))


@row("SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D")
def separable(k: Keras, spot: Spot, x: View) -> View:
    """A depthwise convolution, and one of 1x1."""
    at, value, given = _window(k, spot, x)
    source, pads = k.padding(spot, "dwconv", value, **given)
    f, m, bias = spot.config.count("filters"), spot.config.count("depth_multiplier", 1), spot.config.flag("use_bias", True)
    deep = {"weight": _each(k, spot, value)}
    between = k.step(spot, "dwconv", source, key="depthwise", m=m, bias=False, stored=deep, **given, **pads)
    channels, ones = k.flat.type_of(value).channels * m, (1,) * len(_sizes(spot, "kernel_size"))
    order = (len(ones) + 1, len(ones), *range(len(ones)))
    wide = places({"weight": spot.weight(1, (*ones, channels, f), order), "bias": spot.weight(2)}, bias)
    return activated(k, spot, k.back(k.step(spot, "conv", between, key="pointwise", k=1, f=f, bias=bias, stored=wide), at))


@row("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "Convolution1DTranspose", "Convolution2DTranspose", "Convolution3DTranspose")
def deconv(k: Keras, spot: Spot, x: View) -> View:
    """A transposed convolution. Sizes: `compute_conv_transpose_output_length` of keras.src.backend.common.backend_utils."""
    spot = spot._replace(layer=spot.layer._replace(kind=spot.layer.kind.replace("Transpose", "")))
    at, value, given = _window(k, spot, x)
    spot.config.must(groups=1)
    f, bias, word = spot.config.count("filters"), spot.config.flag("use_bias", True), spot.config.word("padding", "valid")
    kernel, strides, dilation = (_sizes(spot, name, 1) for name in ("kernel_size", "strides", "dilation_rate"))
    spans = [d * (size - 1) + 1 for size, d in zip(kernel, dilation, strict=True)]
    if spot.config.get("output_padding") is not None:
        pads = _fewer(spans, strides, spot.config.get("output_padding"), word)
    elif word == "same":
        pads = {"p": "same"}
    elif word == "valid":
        pads = {"op": narrow([max(s - span, 0) for s, span in zip(strides, spans, strict=True)])}
    else:
        raise Unsaid(f"its padding is `{word}`")
    channels = k.flat.type_of(value).channels
    stored = places({"weight": _kernel(spot, 0, last=(f, channels) if spot.lead else None), "bias": spot.weight(1)}, bias)
    return activated(k, spot, k.back(k.step(spot, "deconv", value, f=f, bias=bias, stored=stored, **given, **pads), at))


def _fewer(spans: list[int], strides: tuple[int, ...], extra: Any, word: str) -> dict[str, Any]:
    """The padding with `output_padding`: `same` takes half a kernel away at both ends and adds that, and the smaller part is before.

    Source: tensorflow/core/kernels/conv_grad_shape_utils.cc, which finds the padding of the convolution whose gradient it is.
    """
    extra = extra if isinstance(extra, list) else [extra] * len(spans)
    if len(extra) != len(spans) or not all(map(is_whole, extra)):
        raise Unsaid(f"its `output_padding` is {shown(extra)}")
    if word != "same":
        return {"op": narrow(extra)}
    cut = [2 * (span // 2) - more for span, more in zip(spans, extra, strict=True)]
    if cut == [span - s for span, s in zip(spans, strides, strict=True)] and min(cut) >= 0:
        return {"p": "same"}
    if any(each % 2 or each < 0 for each in cut):
        raise Unsaid(f"its `output_padding` is {shown(extra)}, so that the ends differ")
    return {"p": narrow([each // 2 for each in cut])}


@row("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "MaxPool1D", "MaxPool2D", "MaxPool3D")
def max_pool(k: Keras, spot: Spot, x: View) -> View:
    """The maximum over windows."""
    return _pool(k, spot, x, "pool")


@row("AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "AvgPool1D", "AvgPool2D", "AvgPool3D")
def average_pool(k: Keras, spot: Spot, x: View) -> View:
    """The mean over windows, in which zeros of the padding do not count."""
    return _pool(k, spot, x, "avgpool")


def _pool(k: Keras, spot: Spot, x: View, step: str) -> View:
    at = k.at(x, spot.config)
    value = k.map(spot, x, at)
    w = _sizes(spot, "pool_size", 2)
    s = w if spot.config.get("strides") is None else _sizes(spot, "strides")
    given = {"w": narrow(w)} | ({"s": narrow(s)} if s != w else {})
    source, pads = k.padding(spot, step, value, **given)
    counted: dict[str, Any] = {"count_pad": False} if step == "avgpool" and pads.get("p") == "same" else {}
    return k.back(k.step(spot, step, source, **given, **pads, **counted), at)


_GLOBAL = [
    f"{kind}{axes}D" for kind in ("GlobalAveragePooling", "GlobalAvgPool", "GlobalMaxPooling", "GlobalMaxPool") for axes in (1, 2, 3)
]


@row(*_GLOBAL)
def pool_all(k: Keras, spot: Spot, x: View) -> View:
    """The mean of each channel, or its maximum."""
    at = k.at(x, spot.config)
    keep = spot.config.flag("keepdims", False)
    step = "gap" if "Av" in spot.layer.kind else "gmp"
    if spot.lead:
        value = k.map(spot, x, at)
        here = k.flat.type_of(value)
        assert isinstance(here, Map)
        pooled = k.step(spot, "avgpool" if step == "gap" else "pool", value, w=(1, *here.spatial[1:]))
        return k.back(pooled, at)._replace(dims=((), *[k.back(pooled, at).dims[each] for each in (1, at)]))
    value = k.step(spot, step, k.value(spot, x, at))
    here = k.flat.type_of(value)
    channels = k.axis(value, "c")
    if isinstance(here, Vector) or not keep:
        found = View(value, ((), channels))
        return found if not keep else found._replace(dims=((), (), channels))
    return k.back(value, at)


@row("AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D")
@row("AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D")
def adaptive(k: Keras, spot: Spot, x: View) -> View:
    """The mean or the maximum over windows that give a size."""
    step = "adaptpool" if "Average" in spot.layer.kind else "adaptmaxpool"
    return k.over(spot, step, x, k.at(x, spot.config), kind="map", size=narrow(_sizes(spot, "output_size")))


@row("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def zeros(k: Keras, spot: Spot, x: View) -> View:
    """Zeros around a map."""
    at = k.at(x, spot.config)
    value = k.map(spot, x, at)
    pairs = ((0, 0),) * spot.lead + spot.config.ends("padding", _axes(spot))
    if not any(map(any, pairs)):
        return x
    found = k.step(spot, "pad", value, **_edges(pairs))
    k.padded[found] = value, pairs
    return k.back(found, at)


@operation("Pad")
def border(k: Keras, spot: Spot, given: list[Any]) -> View:
    """Zeros around a map, and around its channels; or the map mirrored."""
    x, widths = given[0], spot.config.get("pad_width")
    number = spot.call.named.get("constant_values")
    pairs = [tuple(pair) for pair in widths if isinstance(pair, list) and len(pair) == 2] if isinstance(widths, list) else []
    mode = {"constant": "zero", "reflect": "reflect"}.get(spot.config.word("mode", "constant"))
    if not isinstance(x, View) or mode is None or len(pairs) != len(x.dims) or number not in (None, 0) or any(pairs[0]):
        raise Unsaid("it pads otherwise than by zeros, or by the map mirrored")
    value = k.map(spot, x)
    edges = _edges(tuple(pairs[1:-1]))
    edges |= {"c": (pairs[-1],)} if any(pairs[-1]) else {}
    edges |= {"mode": mode} if mode != "zero" else {}
    return k.back(k.step(spot, "pad", value, **edges))


def _edges(pairs: tuple[tuple[int, int], ...]) -> dict[str, Any]:
    """What stands around each axis, as arguments of `pad`."""
    if all(before == after for before, after in pairs):
        return {"p": narrow([before for before, _ in pairs])}
    if len(set(pairs)) == 1:
        return {"p": pairs[:1]}
    letters = "dhw"[-len(pairs) :]
    return {letter: (pair,) if pair[0] != pair[1] else pair[0] for letter, pair in zip(letters, pairs, strict=True) if any(pair)}


@row("Cropping1D", "Cropping2D", "Cropping3D")
def crop(k: Keras, spot: Spot, x: View) -> View:
    """A piece of a map."""
    at = k.at(x, spot.config)
    value = k.map(spot, x, at)
    pairs = ((0, 0),) * spot.lead + spot.config.ends("cropping", _axes(spot))
    if not any(map(any, pairs)):
        return x
    here = k.flat.type_of(value)
    assert isinstance(here, Map)
    left = [size - before - after for size, (before, after) in zip(here.spatial, pairs, strict=True)]
    if any(size < 1 for size in left):
        raise Unsaid(f"it cuts more from {here} than there is")
    if all(after - before in (0, 1) for before, after in pairs):
        return k.back(k.step(spot, "crop", value, size=narrow(left)), at)
    ends = {(before, before + size) for (before, _), size in zip(pairs, left, strict=True)}
    if len(ends) == 1:
        return k.back(k.step(spot, "crop", value, size=tuple(ends)), at)
    x = k.back(value, at)
    for number, ((before, _), size) in enumerate(zip(pairs, left, strict=True)):
        x = k.part(spot, x, number + 1 + (at == 1), before, before + size)
    return x


@row("UpSampling1D", "UpSampling2D", "UpSampling3D")
def upsample(k: Keras, spot: Spot, x: View) -> View:
    """A larger map."""
    at = k.at(x, spot.config)
    value = k.map(spot, x, at)
    times, mode = _sizes(spot, "size", 2), spot.config.word("interpolation", "nearest")
    if mode not in ("nearest", "bilinear"):
        raise Unsaid(f"its `interpolation` is `{mode}`")
    here = k.flat.type_of(value)
    assert isinstance(here, Map)
    to = tuple([size * n for size, n in zip(here.spatial, times, strict=True)])
    given = {"n": times[0]} if len(set(times)) == 1 else {"to": to}
    return k.back(k.step(spot, "upsample", value, mode=mode, **given), at)


@row("Resizing")
def resize(k: Keras, spot: Spot, x: View) -> View:
    """A map of a given size, by interpolation between the positions."""
    spot.config.must(interpolation="bilinear", antialias=False, crop_to_aspect_ratio=False, pad_to_aspect_ratio=False)
    return k.over(spot, "upsample", x, k.at(x, spot.config), to=_height_and_width(spot), mode="bilinear", kind="map")


@row("CenterCrop")
def center(k: Keras, spot: Spot, x: View) -> View:
    """The middle of a map."""
    return k.over(spot, "crop", x, k.at(x, spot.config), size=_height_and_width(spot), kind="map")


def _height_and_width(spot: Spot) -> Any:
    return narrow([spot.config.count("height"), spot.config.count("width")])
