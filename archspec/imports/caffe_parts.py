"""What the layers of Caffe are that join or part blobs, move numbers, or end a network. Sources are files of BVLC/caffe, src/caffe/layers/."""

from __future__ import annotations

from itertools import pairwise
from math import prod

from archspec.imports.caffe import Layer
from archspec.imports.caffe_rows import ROWS, alone, row
from archspec.imports.flat import Unsaid
from archspec.types import Map, Tokens, Type, Vector

__all__ = ["ROWS"]


@row("Eltwise")
def eltwise(layer: Layer) -> int:
    """Add, subtract, multiply or take the largest of blobs of one shape: `operation` SUM (with `coeff`, one factor per blob), PROD, MAX.

    Source: eltwise_layer.cpp. Raises Unsaid for other operations and unlike shapes.
    """
    settings = layer.param("eltwise")
    values = layer.all()
    word = settings.word("operation", "SUM")
    operation = {"0": "PROD", "1": "SUM", "2": "MAX"}.get(word, word)
    if len(values) < 2:
        raise Unsaid(f"it reads {len(values)} blob, and needs 2")
    if len({layer.type_of(value) for value in values}) > 1:
        raise Unsaid(f"its blobs have unlike shapes: {', '.join(str(layer.type_of(value)) for value in values)}")
    if operation == "PROD":
        return layer.step("mul", *values)
    if operation == "MAX":
        return largest(layer, values)
    if operation != "SUM":
        raise Unsaid(f"`operation: {operation[:40]}` is none of PROD, SUM and MAX")
    factors = settings.numbers("coeff") or [1.0] * len(values)
    if len(factors) != len(values):
        raise Unsaid(f"it has {len(factors)} coefficients for {len(values)} blobs")
    if factors == [1, -1]:
        return layer.step("sub", *values)
    return layer.step(
        "add", *[layer.step("mul", value, number=by) if by != 1 else value for value, by in zip(values, factors, strict=True)]
    )


def largest(layer: Layer, values: list[int]) -> int:
    """The largest of values, number by number: channels of one number side by side, and of these the largest."""
    side_by_side = layer.step("concat", *values)
    pattern = {1: "(n c) -> (c n)", 2: "t (n c) -> t (c n)", 3: "h w (n c) -> h w (c n)"}.get(len(layer.type_of(values[0]).shape))
    if pattern is None:
        raise Unsaid("it takes the largest of blobs with more than two axes of space")
    return layer.step("maxout", layer.step("rearrange", side_by_side, pattern=pattern, n=len(values)), n=len(values))


@row("Axpy")
def axpy(layer: Layer) -> int:
    """A factor for each channel, what it multiplies, and what is added. Source: SENet's Caffe."""
    return layer.step("add", layer.step("mul", layer.value(1), layer.value(0)), layer.value(2))


@row("Concat")
def concat(layer: Layer) -> int:
    """Join blobs along the channels, or the tokens, of `axis`, which old files call `concat_dim`. Raises Unsaid for an axis of space."""
    settings = layer.param("concat")
    values = layer.all()
    axis = layer.axis(settings, values[0], "concat_dim" if "concat_dim" in settings.fields else "axis")
    letter = layer.letter(axis, values[0])
    if len(values) == 1:
        return values[0]
    if not letter:
        raise Unsaid(f"`axis={axis}` joins blobs along space")
    return layer.step("concat", *values, axis=letter)


@row("Slice")
def slices(layer: Layer) -> list[int]:
    """Part the channels, or the tokens, of `axis` (`slice_dim` in old files) into one value per top, at `slice_point` or equally.

    Source: slice_layer.cpp, Reshape. Raises Unsaid for an axis of space and for points that do not fit.
    """
    settings = layer.param("slice")
    value, type_ = layer.x, layer.type_of(layer.x)
    axis = layer.axis(settings, value, "slice_dim" if "slice_dim" in settings.fields else "axis")
    letter, points = layer.letter(axis, value), settings.integers("slice_point")
    size = type_.shape[0] if letter == "t" else type_.channels
    if layer.tops == 1:
        return [value]
    if not letter:
        raise Unsaid(f"`axis={axis}` parts a blob along space")
    if not points and size % layer.tops:
        raise Unsaid(f"{size} channels do not divide into {layer.tops} blobs")
    if points and len(points) != layer.tops - 1:
        raise Unsaid(f"it has {len(points)} points for {layer.tops} blobs")
    cuts = [0, *(points or [size // layer.tops * at for at in range(1, layer.tops)]), size]
    return [layer.step("slice", value, bounds=(a, b), axis=letter) for a, b in pairwise(cuts)]


@row("Split")
def split(layer: Layer) -> list[int]:
    """Give the blob itself as each of the tops: Caffe inserts the layer where several layers read one blob."""
    return [layer.x] * layer.tops


@row("Crop")
def crop(layer: Layer) -> int:
    """The first blob as large as the second, from an offset. Before it had offsets of its own, that was where both lie alike in the input."""
    settings = layer.param("crop")
    value, like = layer.x, layer.value(1)
    has, wants = layer.type_of(value), layer.type_of(like)
    if not isinstance(has, Map) or not isinstance(wants, Map) or len(has.spatial) != len(wants.spatial):
        raise Unsaid(f"it cannot make {has} as large as {wants}")
    axis, rank = layer.axis(settings, value, default=2), len(has.spatial)
    offsets = settings.integers("offset") or [aligned(layer, value, like)]
    if axis != 2 or len(offsets) not in (1, rank):
        raise Unsaid(f"`axis={axis}` with {len(offsets)} offsets is not read")
    offsets = offsets if len(offsets) == rank else offsets * rank
    pieces = {(start, start + size) for start, size in zip(offsets, wants.spatial, strict=True)}
    middle = [(whole - size) // 2 for whole, size in zip(has.spatial, wants.spatial, strict=True)]
    if has.spatial == wants.spatial and not any(offsets):
        return value
    if offsets == middle:
        found = layer.step("crop", value, size=wants.spatial)
    elif len(pieces) == 1:
        found = layer.step("crop", value, size=(pieces.pop(),))
    else:
        return layer.custom(value, like, out=Map(wants.spatial, has.channels), why="it cuts its axes at unlike places", macs=0)
    layer.reader.placed[found] = layer.reader.coordinates(like)
    return found


def aligned(layer: Layer, value: int, like: int) -> int:
    """The offset of a layer of the time before there were offsets. Source: python/caffe/coord_map.py, crop. Else 0."""
    if layer.entry.proto.word("type") != "CROP":
        return 0
    (scale, start), (scale_like, start_like) = map(layer.reader.coordinates, (value, like))
    found = (start_like - start) / scale
    if scale != scale_like or found.denominator != 1 or found < 0:
        raise Unsaid("its blobs do not lie alike in the input")
    return int(found)


@row("Flatten")
def flatten(layer: Layer) -> int:
    """Make a vector of the axes `axis` to `end_axis`. Raises Unsaid where these are not all except the batch."""
    settings = layer.param("flatten")
    value = layer.x
    last = len(layer.type_of(value).shape)
    if layer.axis(settings, value) != 1 or layer.axis(settings, value, "end_axis", -1) != last:
        raise Unsaid("it joins some of the axes")
    return layer.step("flatten", value) if last > 1 else value


@row("Reshape")
def reshape(layer: Layer) -> int:
    """Source: reshape_layer.cpp: 0 keeps an axis, -1 is what is left."""
    settings = layer.param("reshape")
    value = layer.x
    before = [1, *dims(layer.type_of(value))]
    start = settings.integer("axis", 0, -len(before) - 1)
    start += len(before) + 1 if start < 0 else 0
    count = settings.integer("num_axes", -1, -1)
    end = len(before) if count < 0 else start + count
    written = settings.message("shape").integers("dim", -1)
    if end > len(before) or start > len(before):
        raise Unsaid(f"it names axes that a blob of {len(before)} has not")
    if any(size == 0 and start + at >= len(before) for at, size in enumerate(written)):
        raise Unsaid("it keeps an axis that the blob has not")
    new = [before[start + at] if size == 0 else size for at, size in enumerate(written)]
    after = [*before[:start], *new, *before[end:]]
    if start == 0 and after and after[0] not in (-1, 1):
        after = [1, *after[1:]]  # a batch of a fixed size
    return reshaped(layer, value, after)


def reshaped(layer: Layer, value: int, after: list[int]) -> int:
    """A value with other axes, the batch before them."""
    size, open_ = prod(dims(layer.type_of(value))), after.count(-1)
    if after and after[0] == -1 and open_ == 1:
        after = [1, *after[1:]]
    elif open_ == 1:
        known = prod(each for each in after if each != -1)
        after = [size // known if each == -1 else each for each in after]
    if len(after) < 2 or after[0] != 1 or -1 in after or min(after) < 1 or prod(after) != size:
        raise Unsaid(f"it makes {'x'.join(map(str, after))} of {size:,} numbers")
    _, first, *space = after
    if after[1:] == dims(layer.type_of(value)):
        return value
    if len(space) == 1:
        return layer.step("reshape", value, shape=(first, *space))
    return layer.step("reshape", value, shape=(*space, first))


def dims(type_: Type) -> list[int]:
    """The axes of a blob without the batch, in Caffe's order."""
    return [type_.channels, *type_.spatial] if isinstance(type_, Map) else list(type_.shape)


@row("Permute")
def permute(layer: Layer) -> int:
    """Axes in another order. Source: the SSD branch, permute_layer.cpp."""
    value, type_ = layer.x, layer.type_of(layer.x)
    order = layer.param("permute").integers("order")
    order += [axis for axis in range(1 + len(type_.shape)) if axis not in order]
    if order[:1] != [0] or sorted(order) != list(range(1 + len(type_.shape))) or not isinstance(type_, Map) or len(type_.spatial) != 2:
        raise Unsaid(f"it puts {type_} into the order {', '.join(map(str, order))}")
    first, *space = ["", "c", "h", "w"][order[1]], *(["", "c", "h", "w"][axis] for axis in order[2:])
    if order == [0, 1, 2, 3]:
        return value
    return layer.step("rearrange", value, pattern=f"h w c -> {' '.join(space)} {first}")


@row("Normalize")
def normalize(layer: Layer) -> int:
    """A length of 1 over the channels of each position, and a learned factor. Source: the SSD branch, normalize_layer.cpp."""
    settings = layer.param("norm")
    if settings.flag("across_spatial", True):
        raise Unsaid("it divides by the length of the whole blob")
    value, shared = layer.step("l2norm", layer.x), settings.flag("channel_shared", True)
    stored = {"": layer.blob(0, *(() if shared else alone(layer.type_of(value))))}
    return layer.step("scale", value, shared=shared, stored=stored)


@row("PriorBox")
def prior_boxes(layer: Layer) -> int:
    """Boxes at each position, and their variances, which no number of an image changes. Source: the SSD branch, prior_box_layer.cpp."""
    settings = layer.param("prior_box")
    type_ = layer.type_of(layer.x)
    if not isinstance(type_, Map):
        raise Unsaid(f"it takes a blob with height and width, and no {type_}")
    ratios = {1.0}
    for ratio in settings.numbers("aspect_ratio"):
        ratios |= {ratio, 1 / ratio} if settings.flag("flip", True) and ratio else {ratio}
    each = len({round(ratio, 6) for ratio in ratios}) * len(settings.numbers("min_size")) + len(settings.numbers("max_size"))
    if not each:
        raise Unsaid("it has no `min_size`")
    out = Tokens(2, prod(type_.spatial) * each * 4)
    return layer.custom(*layer.all(), out=out, why="the language has no boxes of positions", macs=0)


@row("DetectionOutput")
def detections(layer: Layer) -> int:
    """So many boxes at most, each with its image, class, score and four corners. Source: the SSD branch, detection_output_layer.cpp."""
    most = layer.param("detection_output").integer("keep_top_k", -1, -1)
    if most < 1:
        raise Unsaid("`keep_top_k` does not say how many boxes it gives at most")
    return layer.custom(*layer.all(), out=Map((most, 7), 1), why="which boxes it keeps depends on the image", macs=0)


@row("ShuffleChannel")
def shuffle(layer: Layer) -> int:
    """Source: ShuffleNet's Caffe."""
    return layer.step("shuffle", layer.x, g=layer.param("shuffle_channel").integer("group", 1, 1))


@row("Interp")
def interp(layer: Layer) -> int:
    """A map of another size, the corners of both at one place. Source: DeepLab's Caffe, interp_layer.cpp, LayerSetUp."""
    settings = layer.param("interp")
    type_ = layer.type_of(layer.x)
    if (
        not isinstance(type_, Map)
        or len(type_.spatial) != 2
        or settings.integer("pad_beg", 0, -(10**9))
        or settings.integer("pad_end", 0, -(10**9))
    ):
        raise Unsaid("it takes a blob with height and width, without padding")
    size: tuple[int, ...]
    if "height" in settings.fields:
        size = settings.required("height"), settings.required("width")
    else:
        less, more = settings.integer("shrink_factor", 1, 1), settings.integer("zoom_factor", 1, 1)
        size = tuple((length - 1) // less * more + 1 for length in type_.spatial)
    return layer.step("upsample", layer.x, to=size, mode="bilinear", corners=True)


@row("SPP")
def pyramid(layer: Layer) -> int:
    """Source: spp_layer.cpp, GetPoolingParam: at each level 2^i windows along each axis."""
    settings = layer.param("spp")
    value, type_ = layer.x, layer.type_of(layer.x)
    word = settings.word("pool", "MAX")
    kind = {"MAX": "pool", "0": "pool", "AVE": "avgpool", "1": "avgpool"}.get(word)
    levels = settings.required("pyramid_height")
    if kind is None or not isinstance(type_, Map) or levels > 16:
        raise Unsaid("it is no pyramid of maxima or means of a blob with height and width")
    found = []
    for level in range(levels):
        bins = 2**level
        windows = tuple(-(-size // bins) for size in type_.spatial)
        pads = tuple((window * bins - size + 1) // 2 for window, size in zip(windows, type_.spatial, strict=True))
        found.append(layer.step("flatten", layer.step(kind, value, w=windows, s=windows, p=pads, round="ceil")))
    return layer.step("concat", *found) if len(found) > 1 else found[0]


@row("Reduction")
def reduction(layer: Layer) -> int:
    """Compute the mean over space, times `coeff`. Source: reduction_layer.cpp: `axis` begins those that are reduced.

    Raises Unsaid for sums, and where `axis` is not 2, the first of space.
    """
    settings = layer.param("reduction")
    if settings.word("operation", "SUM") not in ("MEAN", "4") or layer.axis(settings, layer.x, default=0) != 2:
        raise Unsaid("it is not the mean over space")
    value = layer.step("flatten", layer.step("gap", layer.x))
    by = settings.number("coeff", 1)
    return layer.step("mul", value, number=by) if by != 1 else value


@row("ArgMax")
def arg_max(layer: Layer) -> int:
    """Append a `custom` for the places of the `top_k` largest numbers: of all, or with `axis: 1` of each position's channels.

    Source: argmax_layer.cpp, Reshape: without an axis `out_max_val` adds the numbers themselves.
    """
    settings = layer.param("argmax")
    value, type_ = layer.x, layer.type_of(layer.x)
    best = settings.integer("top_k", 1, 1)
    out: Type = Vector(best * (2 if settings.flag("out_max_val", False) else 1))
    if "axis" in settings.fields and layer.letter(layer.axis(settings, value), value) == "c":
        out = type_._replace(channels=best)
    return layer.custom(value, out=out, why="the language has no places of maxima", macs=0)


@row("Softmax")
def softmax(layer: Layer) -> int:
    """Append a softmax along `axis`. Raises Unsaid for an axis of space."""
    return as_softmax(layer)


def as_softmax(layer: Layer) -> int:
    """A softmax along an axis, the one that is there already if there is one."""
    value = layer.x
    axis = layer.axis(layer.param("softmax"), value)
    letter = layer.letter(axis, value)
    if not letter:
        raise Unsaid(f"`axis={axis}` is an axis of space")
    known = layer.reader.softmaxes
    if (value, letter) not in known:
        known[value, letter] = layer.step("softmax", value, axis=letter)
    return known[value, letter]


@row("SoftmaxWithLoss", "MultinomialLogisticLoss", "InfogainLoss", "SigmoidCrossEntropyLoss", "EuclideanLoss", "HingeLoss", "Accuracy")
@row("ContrastiveLoss", "SmoothL1Loss")
def judge(layer: Layer) -> list[int]:
    """What a loss judges is a result of the network."""
    kind = layer.entry.kind
    if kind == "softmaxwithloss":
        value = as_softmax(layer)
    else:
        value = layer.step("sigmoid", layer.x) if kind == "sigmoidcrossentropyloss" else layer.x
    layer.reader.ends.append((layer.entry, value))
    return []


@row("Silence", "HDF5Output")
def silence(layer: Layer) -> list[int]:
    """Take blobs that no other layer reads, and give none: Caffe would print them, or write them to a file."""
    return []
