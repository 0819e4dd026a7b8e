"""What the layers of Darknet are that join others, move numbers, or read detections off a map."""

from __future__ import annotations

from typing import Any

from archspec.imports.darknet import Layer
from archspec.imports.darknet_rows import ROWS, activated, row
from archspec.imports.flat import Unsaid
from archspec.types import Map

__all__ = ["ROWS"]


@row("route")
def route(layer: Layer) -> int:
    """Layers side by side; of maps of unlike sizes the numbers. `groups` and `group_id` are AlexeyAB's: a part of each layer's channels."""
    section = layer.section
    values = layer.refs("layers")
    groups, group = section.integer("groups", 1, 1), section.integer("group_id", 0)
    if groups > 1:
        values = [part(layer, value, groups, group) for value in values]
    if len(values) > 1 and len({layer.type_of(value).shape[:-1] for value in values}) > 1:
        values = [layer.step("flatten", value) for value in values]
    return layer.step("concat", *values) if len(values) > 1 else values[0]


def part(layer: Layer, value: int, groups: int, group: int) -> int:
    """Take one of so many equal groups of channels. Raises Unsaid."""
    channels = layer.type_of(value).channels
    if channels % groups or group >= groups:
        raise Unsaid(f"{channels} channels have no group {group} of {groups}")
    each = channels // groups
    return layer.step("slice", value, bounds=(group * each, (group + 1) * each))


@row("shortcut")
def shortcut(layer: Layer) -> int:
    """Source: blas.c, shortcut_cpu: of the other layer as many channels as both have, and every stride-th position."""
    section = layer.section
    if section.word("weights_type", "none") != "none":
        raise Unsaid("`weights_type=` of AlexeyAB's Darknet is not read")
    x, type_ = layer.map(layer.x)
    alpha, beta = section.number("alpha", 1), section.number("beta", 1)
    others = [brought(layer, layer.map(value), type_) for value in layer.refs("from")]
    if beta != 1:
        others = [layer.step("mul", value, number=beta) for value in others]
    if alpha != 1:
        if any(layer.map(value)[1].channels < type_.channels for value in layer.refs("from")):
            raise Unsaid("`alpha=` would act on the channels that both layers have, and on no others")
        x = layer.step("mul", x, number=alpha)
    return activated(layer, layer.step("add", x, *others), "linear")


def brought(layer: Layer, other: tuple[int, Map], type_: Map) -> int:
    """Another map in the shape of this one."""
    value, has = other
    if has.spatial != type_.spatial:
        strides = {-(-old // new) for old, new in zip(has.spatial, type_.spatial, strict=True)}
        if len(strides) > 1 or any(old % new for old, new in zip(has.spatial, type_.spatial, strict=True)):
            raise Unsaid(f"a map of {has} would be added at some positions of one of {type_}")
        value = layer.step("pool", value, w=1, s=strides.pop(), round="floor")
    if has.channels > type_.channels:
        return layer.step("slice", value, bounds=(0, type_.channels))
    return layer.step("pad", value, c=((0, type_.channels - has.channels),)) if has.channels < type_.channels else value


@row("scale_channels", "sam")
def scale_channels(layer: Layer) -> int:
    """AlexeyAB's: the layer times another, or its one number for each channel times that."""
    return activated(layer, layer.step("mul", layer.refs("from")[0], layer.map(layer.x)[0]), "linear")


@row("upsample")
def upsample(layer: Layer) -> int:
    """Source: upsample_layer.c. A stride below 0 sums over squares."""
    section = layer.section
    value, _ = layer.map(layer.x)
    stride, factor = section.integer("stride", 2, -(10**9)), section.number("scale", 1)
    if stride == 0:
        raise Unsaid("`stride=0` leaves nothing")
    if stride > 0:
        value = layer.step("upsample", value, n=stride)
    else:
        value, factor = layer.step("avgpool", value, w=-stride, round="floor"), factor * stride * stride
    return layer.step("mul", value, number=factor) if factor != 1 else value


@row("reorg")
def reorg(layer: Layer) -> int:
    """Source: blas.c, reorg_cpu and flatten. Forwards it moves space to channels as if the map had 1/stride^2 of its channels, and more space."""
    section = layer.section
    value, type_ = layer.map(layer.x)
    stride, reverse = section.integer("stride", 1, 1), section.integer("reverse", 0)
    (height, width), channels = type_.spatial, type_.channels
    extra, flat = section.integer("extra", 0), section.integer("flatten", 0)
    if extra and not flat:  # numbers behind those of the map, to which nothing is written
        line = layer.step("reshape", value, shape=(1, 1, type_.size))
        return layer.step("flatten", layer.step("pad", line, c=((0, extra),)))
    if channels % stride**2 or (not reverse and (height % stride or width % stride)):
        raise Unsaid(f"`stride={stride}` divides no map of {type_}")
    sizes: dict[str, Any] = {"a": stride, "b": stride}
    if flat:
        return flattened(layer, value, type_, stride, bool(reverse))
    if reverse:
        return layer.step("rearrange", value, pattern="h w (a b c) -> (h a) (w b) c", **sizes) if stride > 1 else value
    if stride == 1:
        return value
    value = layer.step("reshape", value, shape=(height * stride, width * stride, channels // stride**2))
    value = layer.step("rearrange", value, pattern="(h a) (w b) c -> h w (a b c)", **sizes)
    return layer.step("reshape", value, shape=(height // stride, width // stride, channels * stride**2))


def flattened(layer: Layer, value: int, type_: Map, stride: int, reverse: bool) -> int:
    """The numbers of a map in another order, the channels of a position side by side; or back in order."""
    (height, width), channels = type_.spatial, type_.channels
    if reverse:
        value = layer.step("rearrange", layer.step("flatten", value), pattern="(h w c) -> h w c", h=height, w=width)
        shape = (height * stride, width * stride, channels // stride**2)
    else:
        value = layer.step("rearrange", value, pattern="h w c -> (h w c)")
        shape = (height // stride, width // stride, channels * stride**2)
    return layer.step("reshape", value, shape=shape) if layer.type_of(value).shape != shape else value


@row("reorg3d")
def reorg3d(layer: Layer) -> int:
    """AlexeyAB's name for what it computes another way."""
    raise Unsaid("`[reorg3d]` of AlexeyAB's Darknet is not read")


@row("crop")
def crop(layer: Layer) -> int:
    """Source: crop_layer.c: the middle of an image from 0 to 1, brought to -1 to 1."""
    section = layer.section
    value, _ = layer.map(layer.x)
    value = layer.step("crop", value, size=(section.integer("crop_height", 1, 1), section.integer("crop_width", 1, 1)))
    return value if section.integer("noadjust", 0) else layer.step("add", layer.step("mul", value, number=2), number=-1)


def boxes(layer: Layer, count: int, pieces: list[tuple[int, str]], factor: float = 1) -> int:
    """The map of a detector: for each of so many boxes pieces of its numbers, each with its function, or as they are.

    Those of the first piece are stretched by a `factor` around 1/2.
    """
    value, type_ = layer.map(layer.x)
    each = sum(size for size, _ in pieces)
    if type_.channels != count * each:
        raise Unsaid(f"{count} boxes of {each} numbers take {count * each} channels, and the layer before has {type_.channels}")
    value = layer.step("rearrange", value, pattern="h w (a c) -> a h w c", a=count)
    parts, start = [], 0
    for size, function in pieces:
        if size:
            cut = layer.step("slice", value, bounds=(start, start + size))
            parts.append(layer.step(function, cut) if function else cut)
            if not start and factor != 1:
                parts[0] = layer.step("add", layer.step("mul", parts[0], number=factor), number=round((1 - factor) / 2, 9))
        start += size
    value = layer.step("concat", *parts) if len(parts) > 1 else parts[0]
    return layer.output(layer.step("rearrange", value, pattern="a h w c -> h w (a c)"))


@row("yolo")
def yolo(layer: Layer) -> int:
    """Source: yolo_layer.c, forward_yolo_layer: x and y, then objectness and classes, are logistic. `scale_x_y` and `new_coords` are AlexeyAB's."""
    section = layer.section
    count = len(section.integers("mask")) if "mask" in section.options else section.integer("num", 1, 1)
    classes = section.integer("classes", 20)
    function = "" if section.integer("new_coords", 0) else "sigmoid"
    return boxes(layer, count, [(2, function), (2, ""), (1 + classes, function)], section.number("scale_x_y", 1))


@row("region")
def region(layer: Layer) -> int:
    """Source: region_layer.c, forward_region_layer: x and y and objectness are logistic, the classes a softmax, or logistic."""
    section = layer.section
    coords, classes, count = section.integer("coords", 4, 2), section.integer("classes", 20, 1), section.integer("num", 1, 1)
    if "tree" in section.options:
        why = "the groups of its softmax are in another file, which is not read"
        return layer.output(layer.custom(layer.x, out=layer.type_of(layer.x), why=why, macs=0))
    function = "softmax" if section.integer("softmax", 0) else "sigmoid"
    seen = [(1 + classes, function)] if section.integer("background", 0) else [(1, "sigmoid"), (classes, function)]
    return boxes(layer, count, [(2, "sigmoid"), (coords - 2, ""), *seen])


@row("detection")
def detection(layer: Layer) -> int:
    """Source: detection_layer.c: the numbers as they are, or the classes of each cell as a softmax."""
    section = layer.section
    cells, classes = section.integer("side", 7, 1) ** 2, section.integer("classes", 1, 1)
    value = layer.step("flatten", layer.x)
    if not section.integer("softmax", 0):
        return layer.output(layer.x)
    size, seen = layer.type_of(value).size, cells * classes
    found = layer.step("softmax", layer.step("reshape", layer.step("slice", value, bounds=(0, seen)), shape=(cells, classes)))
    return layer.output(layer.step("concat", layer.step("flatten", found), layer.step("slice", value, bounds=(seen, size))))


@row("iseg")
def iseg(layer: Layer) -> int:
    """Source: iseg_layer.c: the classes of each position are logistic, its further numbers as they are."""
    section = layer.section
    value, type_ = layer.map(layer.x)
    classes = section.integer("classes", 20, 1)
    if classes + section.integer("ids", 32) != type_.channels:
        raise Unsaid(f"{classes} classes and `ids={section.word('ids', '32')}` are not the {type_.channels} channels before it")
    seen = layer.step("sigmoid", layer.step("slice", value, bounds=(0, classes)))
    rest = [layer.step("slice", value, bounds=(classes, type_.channels))] if classes < type_.channels else []
    return layer.output(layer.step("concat", seen, *rest) if rest else seen)


@row("Gaussian_yolo")
def gaussian_yolo(layer: Layer) -> int:
    """AlexeyAB's."""
    why = "the language has no such detector"
    return layer.output(layer.custom(layer.x, out=layer.type_of(layer.x), why=why, macs=0))
