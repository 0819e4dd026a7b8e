"""Operators that move numbers, or take some of them, as views and layers."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from archspec.imports.channels_first import sizes
from archspec.imports.flat import Unsaid
from archspec.imports.layout import Dim, joined, size
from archspec.imports.onnx.computing import axes_of
from archspec.imports.onnx.lowering import Call, in_shape, row, turned
from archspec.imports.onnx.numbers import Numbers
from archspec.imports.onnx.places import looked_up, moved
from archspec.imports.onnx.shaping import cuts_of, parts_of, reshaped, shape_of, squeezed, unsqueezed
from archspec.imports.onnx.weights import Weight
from archspec.imports.products import Scores
from archspec.imports.stored import Held
from archspec.imports.views import View
from archspec.types import Map


class Piece(NamedTuple):
    """A part of a map along one of its axes, on the way to become a roll."""

    x: View
    dim: int
    start: int
    stop: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """The size of each dimension."""
        return (*self.x.sizes[: self.dim], self.stop - self.start, *self.x.sizes[self.dim + 1 :])


@row("Shape")
def _shape(call: Call) -> Numbers:
    return shape_of(call.node.attributes, call.sizes())


@row("Size")
def _size(call: Call) -> Numbers:
    return Numbers(7, (), (prod(call.sizes()),))


@row("Reshape")
def _reshape(call: Call) -> Any:
    wanted = call.listed("shape", 1)
    if wanted is None:
        raise Unsaid("it has no shape")
    return _viewed(call, reshaped(call.sizes(), wanted, bool(call.attribute("allowzero", 0))))


def _viewed(call: Call, shape: Sequence[int]) -> Any:
    if 0 in shape:
        raise Unsaid("its result is empty")
    return in_shape(call, call.value(), shape)


@row("Flatten")
def _flatten(call: Call) -> Any:
    shape = call.sizes()
    axis = call.attribute("axis", 1)
    axis += len(shape) if axis < 0 else 0
    return _viewed(call, (prod(shape[:axis]), prod(shape[axis:])))


@row("Unsqueeze")
def _unsqueeze(call: Call) -> Any:
    axes = call.listed("axes", 1) or ()
    x = call.value()
    shape = unsqueezed(call.sizes(), axes)
    if isinstance(x, View):
        at = set(axes_of(axes, len(shape)))
        dims = iter(x.dims)
        return x._replace(dims=tuple([() if axis in at else next(dims) for axis in range(len(shape))]))
    return _viewed(call, shape)


@row("Squeeze")
def _squeeze(call: Call) -> Any:
    axes = call.listed("axes", 1)
    x, shape = call.value(), call.sizes()
    left = squeezed(shape, axes)
    if isinstance(x, View):
        gone = {at for at, one in enumerate(shape) if one == 1} if axes is None else set(axes_of(axes, len(shape)))
        return x._replace(dims=tuple([dim for at, dim in enumerate(x.dims) if at not in gone]))
    return _viewed(call, left)


@row("Transpose")
def _transpose(call: Call) -> Any:
    x, rank = call.value(), len(call.sizes())
    order = axes_of(call.attribute("perm", tuple(range(rank))[::-1]), rank)
    if isinstance(x, Scores):
        return call.tensors.turned(x, order)
    found = turned(x, order)
    if isinstance(found, View) and _are_tokens(call, found):
        return call.tensors.of(call.tensors.settle(call.site, found, "tokens"))
    return found


def _are_tokens(call: Call, x: View) -> bool:
    """Whether a tensor is the positions of a map as tokens, behind the batch."""
    type_ = call.lowering.flat.type_of(x.value)
    if not isinstance(type_, Map) or len(type_.spatial) < 2 or x.fixed or len(x.dims) != 3:
        return False
    batch, channels, *positions = call.tensors.of(x.value).dims
    return x.dims == (batch, joined(positions), channels)


@row("Expand")
def _expand(call: Call) -> Any:
    wanted = call.listed("shape", 1) or ()
    return _stretched(call, wanted)


@row("Tile")
def _tile(call: Call) -> Any:
    shape = call.sizes()
    repeats = call.listed("repeats", 1) or ()
    if len(repeats) != len(shape) or any(one > 1 and count != 1 for one, count in zip(shape, repeats, strict=True)):
        raise Unsaid("it repeats whole axes")
    return _stretched(call, tuple([one * count for one, count in zip(shape, repeats, strict=True)]))


def _stretched(call: Call, wanted: Sequence[int]) -> Any:
    """A tensor with axes of size 1 repeated: where that is the batch alone it changes nothing, since there is one value per image."""
    x, shape = call.value(), call.sizes()
    rank = max(len(shape), len(wanted))
    own, wanted = ((1,) * (rank - len(one)) + tuple(one) for one in (shape, wanted))
    result = tuple([max(a, b) for a, b in zip(own, wanted, strict=True)])
    if isinstance(x, (Weight, Held)):
        held = call.held(0) if isinstance(x, Weight) else x
        if own[1:] == result[1:]:
            return held._replace(dims=(*((),) * (rank - len(held.dims)), *held.dims))
        raise Unsaid("it repeats a stored tensor along other axes than the batch")
    if isinstance(x, View) and own == result:
        return x._replace(dims=(*((),) * (rank - len(x.dims)), *x.dims))
    raise Unsaid(f"it repeats {'x'.join(map(str, shape))} as {'x'.join(map(str, result))}")


@row("Slice")
def _slice(call: Call) -> Any:
    shape = call.sizes()
    given = [call.numbers(at) for at in range(1, 5)]
    cuts = cuts_of(call.node.attributes, shape, *given)
    x: Any = call.value()
    for cut in cuts:
        if not len(cut):
            raise Unsaid("its result is empty")
        if cut.step != 1 and len(cut) > 1 and not (isinstance(x, View) and cut.step > 0):
            raise Unsaid(f"it takes every {cut.step}th number along an axis" if cut.step > 0 else "it turns an axis round")
    if isinstance(x, Piece) and all(cut.step == 1 for cut in cuts):  # of another axis, as a crop takes them one after the other
        own = cuts[x.dim]
        cuts[x.dim] = range(x.start + own.start, x.start + own.stop)
        x, shape = x.x, x.x.sizes
    taken = [dim for dim, cut in enumerate(cuts) if cut != range(shape[dim])]
    if isinstance(x, View) and len(taken) == 1 and _is_edge(call, x, taken[0], cuts[taken[0]]):
        return Piece(x, taken[0], cuts[taken[0]].start, cuts[taken[0]].stop)
    if isinstance(x, View) and any(cut.step > 1 for cut in cuts):
        for dim in taken[::-1]:
            x = call.tensors.strided(call.site, x, dim, cuts[dim].start, cuts[dim].step)
        return x
    if isinstance(x, View) and len(shape) > 3 and taken and all(dim > 1 and _is_position(x.dims[dim]) for dim in taken):
        return _cropped(call, x, cuts[2:])
    for dim, cut in enumerate(cuts):
        if cut == range(shape[dim]):
            continue
        x = _part(call, x, dim, cut.start, cut.stop)
    return x


def _is_position(dim: Dim) -> bool:
    """Whether a dimension is a place on a map."""
    return all(digit.axis in "dhw" for digit in dim)


def _is_edge(call: Call, x: View, dim: int, cut: range) -> bool:
    """Whether a cut is along the height, the width or the depth of a map of several axes, and is not its middle."""
    own, size = x.dims[dim], x.sizes[dim]
    if cut.step != 1 or not own or own[0].axis not in "dhw" or own != call.tensors.axis(x.value, own[0].axis) or len(x.dims) < 4:
        return False
    return cut.start != (size - len(cut)) // 2


def _rolled(call: Call, parts: Sequence[Any], axis: int) -> View | None:
    """The two pieces of a map with the first behind the second: a roll, as exporters write it."""
    if len(parts) != 2 or not all(isinstance(part, Piece) for part in parts):
        return None
    one, other = parts
    if (
        (one.x, one.dim) != (other.x, other.dim)
        or one.dim != axis
        or other.start
        or other.stop != one.start
        or one.stop != one.x.sizes[axis]
    ):
        return None
    return call.tensors.roll(call.site, one.x, {axis: -one.start})


def _cropped(call: Call, x: View, cuts: Sequence[range]) -> View:
    """A piece of a map: its middle, or the same positions along each axis."""
    value = call.tensors.map(call.site, x)
    whole = call.lowering.flat.type_of(value).shape[:-1]
    sides = [len(cut) for cut in cuts]
    if all(cut.start == (size - len(cut)) // 2 for cut, size in zip(cuts, whole, strict=True)):
        return call.tensors.of(call.lowering.flat.step(call.site, "crop", value, size=sizes(sides)))
    if len({*cuts}) > 1:
        raise Unsaid(f"it takes the positions {', '.join(f'{cut.start}:{cut.stop}' for cut in cuts)}, which differ by axis")
    return call.tensors.of(call.lowering.flat.step(call.site, "crop", value, size=((cuts[0].start, cuts[0].stop),)))


def _part(call: Call, x: Any, dim: int, start: int, stop: int) -> Any:
    if isinstance(x, Weight):
        found = x.cut(dim, start, stop)
        if found is None:
            raise Unsaid("it cuts a stored tensor along another axis than the first")
        return found
    if not isinstance(x, View):
        raise Unsaid("it takes a part of a stored tensor")
    own = x.dims[dim]
    if stop == start + 1 and own and own != call.tensors.axis(x.value, own[0].axis):
        one = call.tensors.select(x, dim, start)
        return one._replace(dims=(*one.dims[:dim], (), *one.dims[dim:]))
    width = stop - start
    if own and own == call.tensors.axis(x.value, "c") and width > 1 and size(own) % width == start % width == 0:  # one of equal parts
        return call.tensors.split(call.site, x, dim, (width,) * (size(own) // width))[start // width]
    return call.tensors.slice(call.site, x, dim, start, stop)


@row("Split")
def _split(call: Call) -> list[Any]:
    shape = call.sizes()
    (axis,) = axes_of((call.attribute("axis", 0),), len(shape))
    given = call.numbers(1)
    parts = parts_of({**call.node.attributes, "outputs": len(call.node.outputs)}, shape[axis], given)
    if 0 in parts:
        raise Unsaid("one of its parts is empty")
    x = call.value()
    if isinstance(x, View):
        return list(call.tensors.split(call.site, x, axis, parts))
    starts = [sum(parts[:at]) for at in range(len(parts))]
    return [_part(call, x, axis, start, start + part) for start, part in zip(starts, parts, strict=True)]


@row("Gather")
def _gather(call: Call) -> Any:
    x = call.value()
    shape = call.sizes()
    (axis,) = axes_of((call.attribute("axis", 0),), len(shape))
    if isinstance(x, Weight) and isinstance(call.value(1), View):
        return _embedded(call, x, axis)
    at = call.numbers(1)
    table = looked_up(call, x, at) if isinstance(x, Weight) and at is not None and axis == 0 else None
    if table is not None:
        return table
    if at is None or not isinstance(x, View):
        raise Unsaid("it looks up numbers of a stored tensor")
    places = [index % shape[axis] for index in at.values]
    if at.shape and places == list(range(shape[axis])):
        return _viewed(call, (*shape[:axis], *at.shape, *shape[axis + 1 :]))
    if not at.shape:
        return call.tensors.select(x, axis, places[0])
    if len(at.shape) == 1 and places == list(range(places[0], places[0] + len(places))):
        return call.tensors.slice(call.site, x, axis, places[0], places[-1] + 1)
    found = moved(call, x, axis, at)
    if found is None:
        raise Unsaid("it takes numbers in an order of its own")
    return found


def _embedded(call: Call, table: Weight, axis: int) -> View:
    """A table of which a row is looked up for each whole number of a vector."""
    if axis != 0 or len(table.shape) != 2:
        raise Unsaid("it looks up numbers in a tensor that is no table")
    index = call.x(1)
    v, d = table.shape
    value = call.tensors.settle(call.site, index, "vector") if len(index.dims) == 2 else -1
    if value < 0:
        raise Unsaid(f"it looks up numbers by a tensor of {len(index.dims)} axes")
    made = call.lowering.flat.step(call.keyed(0), "embed", value, v=v, d=d, stored={"weight": call.stored(0)})
    return call.tensors.of(made)


@row("Pad")
def _pad(call: Call) -> Any:
    x = call.x()
    rank = len(x.dims)
    pads = call.listed("pads", 1) or call.attribute("paddings")
    fill = call.number(2) if call.has(2) else call.attribute("value", 0.0)
    mode = call.attribute("mode", "constant")
    if call.has(3):
        axes = axes_of(call.listed("axes", 3) or (), rank)
        before, after = [0] * rank, [0] * rank
        for at, axis in enumerate(axes):
            before[axis], after[axis] = (pads or ())[at], (pads or ())[at + len(axes)]
        pads = (*before, *after)
    if pads is None or len(pads) != 2 * rank:
        raise Unsaid("its pads are not known")
    if not any(pads):
        return x
    if mode == "constant" and fill != 0:
        raise Unsaid(f"it pads by {fill}")
    if min(pads) < 0:
        raise Unsaid("it pads by less than nothing")
    ends = {at: pair for at, pair in enumerate(zip(pads[:rank], pads[rank:], strict=True)) if pair != (0, 0)}
    return call.tensors.padded(call.site, x, ends, _MODES[mode])


_MODES = {"constant": "zero", "reflect": "reflect", "edge": "edge", "wrap": "wrap"}


@row("DepthToSpace")
def _depth_to_space(call: Call) -> View:
    """Channels become positions: in blocks of channels (DCR) or block by block of each (CRD, as in PyTorch)."""
    x, n = call.x(), call.attribute("blocksize")
    batch, channels, height, width = x.sizes
    depth = channels // (n * n)
    if call.attribute("mode", "DCR") == "CRD":
        return call.tensors.of(call.lowering.flat.step(call.site, "pixelshuffle", call.tensors.map(call.site, x), n=n))
    parts = call.tensors.view(call.site, x, (batch, n, n, depth, height, width))
    return call.tensors.view(call.site, turned(parts, (0, 3, 4, 1, 5, 2)), (batch, depth, height * n, width * n))


@row("SpaceToDepth")
def _space_to_depth(call: Call) -> View:
    x, n = call.x(), call.attribute("blocksize")
    batch, channels, height, width = x.sizes
    parts = call.tensors.view(call.site, x, (batch, channels, height // n, n, width // n, n))
    order = (0, 1, 3, 5, 2, 4) if call.attribute("mode", "DCR") == "CRD" else (0, 3, 5, 1, 2, 4)
    return call.tensors.view(call.site, turned(parts, order), (batch, channels * n * n, height // n, width // n))


@row("Concat")
def _concat(call: Call) -> Any:
    parts: list[Any] = []
    for at in range(len(call)):
        value = call.value(at)
        value = call.held(at) if isinstance(value, Weight) else value
        if not isinstance(value, (View, Held, Piece)):
            raise Unsaid("it joins scores of attention, or computed numbers")
        parts.append(value)
    rank = max(len(part.sizes) for part in parts)
    (axis,) = axes_of((call.attribute("axis"),), rank)
    rolled = _rolled(call, parts, axis)
    if rolled is not None:
        return rolled
    parts = [call.tensors.slice(call.site, *part) if isinstance(part, Piece) else part for part in parts]
    return call.tensors.concat(call.site, parts, axis)
