"""Layers whose window slides: convolutions and pools, as Keras has them.

Keras pads by the words `valid`, `same` and `causal` alone. Where these pad otherwise than the spec, zeros are put around the map before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.backends.keras.custom_rows import custom
from archspec.backends.keras.making_calls import NONNEGATIVE, either, in_a_row, initialised, layer, one_or_all
from archspec.backends.source.constructor import If, New, short
from archspec.numeric import Spelled, combined, value_of
from archspec.ops.fitting import span
from archspec.ops.window import Slide
from archspec.types import Map


def convolution(op: Any, *types: Any) -> New:
    """A convolution; a depthwise one where each channel has filters of its own."""
    x = types[0]
    axes = list(op.axes(x))
    rank, slides = len(axes), op.slides(map(_plain, axes))
    strided, dilated = (any(n > 1 for n in _all(slides, name)) for name in ("s", "d"))
    bordered = op.mode != "zero" and any(map(any, op.pads(x)))
    own = getattr(op, "maps", None) is not None or getattr(op, "offset", False) or op.norm or bordered
    if own or (strided and dilated):
        return custom(op, *types)
    padding, before = _padding(op, x, slides, tuple([s for _, _, s, _, _ in axes]))
    kernel, strides, dilation = (one_or_all(tuple([axis[at] for axis in axes])) for at in (1, 2, 4))
    keywords = {"strides": strides, "padding": padding, "dilation_rate": dilation}
    deep = op.step == "dwconv" and rank < 3 and not isinstance(strides, tuple)
    if deep:
        filters = op.filters(x)
        times = {} if value_of(filters) == value_of(x.channels) else {"depth_multiplier": combined("//", filters, x.channels)}
        made = layer(f"DepthwiseConv{rank}D", kernel, **keywords, **times, use_bias=op.bias)
        return in_a_row(before, initialised(op, made, "depthwise_initializer"))
    groups = x.channels if op.step == "dwconv" else op.g
    made = layer(f"Conv{rank}D", op.filters(x), kernel, **keywords, groups=groups, use_bias=op.bias)
    return in_a_row(before, initialised(op, made, "kernel_initializer"))


def transposed(op: Any, x: Map, y: Map) -> New:
    """A transposed convolution: what Keras makes, less what the padding cuts."""
    slides = op.window(x)
    plain = value_of(op.g) == 1 and all(value_of(d) == 1 for d in _all(slides, "d")) and not op.norm
    cut = [(value_of(s.before), value_of(s.after)) for s in slides]
    extra = [max(0, -after) for _, after in cut]
    if not plain or any(e >= value_of(s.s) for e, s in zip(extra, slides, strict=True)) or any(before < 0 for before, _ in cut):
        return custom(op, x, y)
    rank = len(slides)
    kernel, strides = (one_or_all(_all(slides, name)) for name in ("k", "s"))
    spare = [value_of(s.k) - value_of(s.s) for s in slides]
    if all(n >= 0 and ends == (n // 2, n - n // 2) for n, ends in zip(spare, cut, strict=True)):
        made = layer(f"Conv{rank}DTranspose", op.f, kernel, strides=strides, padding="same", use_bias=op.bias)
        return initialised(op, made, "kernel_initializer")
    narrow = any(n < 0 for n in spare)
    output = {"output_padding": one_or_all(tuple(extra))} if narrow or any(extra) else {}
    made = layer(f"Conv{rank}DTranspose", op.f, kernel, strides=strides, **output, use_bias=op.bias)
    made = initialised(op, made, "kernel_initializer")
    ends = [(before, max(after, 0)) for before, after in cut]
    return in_a_row([made], *([layer(f"Cropping{rank}D", around(ends))] if any(map(any, ends)) else []))


def pooling(op: Any, x: Map, y: Map) -> New:
    """Max or average pooling."""
    slides = op.window(x)
    rank, average = len(slides), op.step == "avgpool"
    if any(value_of(d) > 1 for d in _all(slides, "d")):
        return custom(op, x, y)
    window, strides = (one_or_all(_all(slides, name)) for name in ("k", "s"))
    steps = {} if window == strides and repr(window) == repr(strides) else {"strides": strides}
    name = f"{'Average' if average else 'Max'}Pooling{rank}D"
    if not any(map(_padded, slides)):
        return layer(name, window, **steps)
    if average:
        return _average(op, x, y, slides, name, window, steps)
    if all(map(_is_same, slides)):
        return layer(name, window, **steps, padding="same")
    plain = in_a_row(_zeros(slides), layer(name, window, **steps))
    return either(NONNEGATIVE, plain, custom(op, x, y))


def _average(op: Any, x: Map, y: Map, slides: Sequence[Slide], name: str, window: Any, steps: dict[str, Any]) -> New:
    """Average pooling with zeros around; Keras counts no padding, and its backends differ where the ends do."""
    if any(value_of(s.overhang) for s in slides):
        return custom(op, x, y)
    if op.count_pad:
        return in_a_row(_zeros(slides), layer(name, window, **steps))
    narrow = len(slides) == 3 and any(value_of(s.k) > value_of(s.size) for s in slides)  # which Keras on PyTorch refuses
    even = not narrow and all(value_of(s.before) == value_of(s.after) for s in slides)
    if even and all(map(_is_same, slides)):
        return layer(name, window, **steps, padding="same")
    return custom(op, x, y)


def adaptive(op: Any, x: Map, y: Map) -> New:
    """Pooling to a size: plain pooling where that divides the map."""
    rank, name = len(x.spatial), "Max" if op.step == "adaptmaxpool" else "Average"
    sizes = [(value_of(w), value_of(t)) for w, t in zip(x.spatial, op.target(x), strict=True)]
    if all(w % t == 0 for w, t in sizes):
        windows = one_or_all(tuple([w // t for w, t in sizes]))
        return layer(f"{name}Pooling{rank}D", windows) if windows != 1 else in_a_row([])
    return layer(f"Adaptive{name}Pooling{rank}D", one_or_all(tuple(op.target(x))))


def around(ends: Sequence[tuple[Any, Any]]) -> Any:
    """The two ends of each axis as ZeroPadding and Cropping take them, in their shortest form."""
    if len(ends) == 1:
        return ends[0][0] if _alike(*ends[0]) else tuple(ends[0])
    if all(_alike(*pair) for pair in ends):
        return one_or_all(tuple([first for first, _ in ends]))
    return tuple([tuple(pair) for pair in ends])


def _alike(a: Any, b: Any) -> bool:
    """Whether two numbers are written alike; what is one number, or two of other values, is not written for it."""
    return a is b or (bool(value_of(a) == value_of(b)) and repr(a) == repr(b))


def _all(slides: Sequence[Slide], name: str) -> tuple[Any, ...]:
    """What windows have of a name, along all axes."""
    return tuple([getattr(slide, name) for slide in slides])


def _padded(slide: Slide) -> bool:
    return any(value_of(n) > 0 for n in (slide.before, slide.after, slide.overhang))


def _is_same(slide: Slide) -> bool:
    """Whether `same` puts the windows where the spec has them: out = ceil(W/S), an odd zero at the end."""
    size, out, s = (value_of(n) for n in (slide.size, slide.out, slide.s))
    total = max(0, (out - 1) * s + span(value_of(slide.k), value_of(slide.d)) - size)
    return bool(out == -(-size // s) and value_of(slide.before) == total // 2)


def _zeros(slides: Sequence[Slide]) -> list[New]:
    """The layer that puts zeros around a map."""
    ends = [(s.before, s.after if value_of(s.overhang) == 0 else value_of(s.after) + value_of(s.overhang)) for s in slides]
    return [layer(f"ZeroPadding{len(slides)}D", around(ends))]


def _plain(axis: tuple[Any, ...]) -> tuple[Any, ...]:
    """The plain numbers of an axis, whose padding may be a pair: decisions need no other, and these take little time."""
    return tuple([tuple(map(value_of, each)) if isinstance(each, tuple) else value_of(each) for each in axis])


def _padding(op: Any, x: Map, slides: Sequence[Slide], strides: tuple[Any, ...]) -> tuple[Any, list[New]]:
    """The word for the padding of a convolution, and the layers before it; `slides` are of plain numbers.

    Where the stride is a parameter of a block, it decides as it does in keras.applications: `same` for a stride of 1, zeros before others.
    """
    if op.p == "causal" and op.step == "conv" and len(slides) == 1:
        return "causal", []
    if op.p == "same":  # the words mean one thing
        return "same", []
    if not any(map(_padded, slides)):
        return "valid", []
    strides = tuple(map(short, strides))
    if isinstance(strides[0], Spelled) and strides[0].name and all(map(_alike, strides, strides[1:])) and all(map(_centred, slides)):
        one, more = combined("==", strides[0], 1), combined(">", strides[0], 1)
        return If(one, "same", "valid"), [If(more, _zeros(op.window(x))[0])]  # type: ignore[list-item]
    if all(map(_is_same, slides)):
        return "same", []
    return "valid", _zeros(op.window(x))


def _centred(slide: Slide) -> bool:
    """Whether the padding keeps the size at a stride of 1."""
    width = span(value_of(slide.k), value_of(slide.d))
    return bool(value_of(slide.before) == value_of(slide.after) == (width - 1) / 2 and value_of(slide.overhang) == 0)
