"""Shapes of small tensors of known numbers, and parts of such tensors; what a shape becomes serves tensors of the network too."""

from __future__ import annotations

import math
from collections.abc import Sequence

from archspec.imports.onnx.computing import Attributes, axes_of, broadcast, computes, fitted, listed, sized
from archspec.imports.onnx.model import FLOAT, INT64
from archspec.imports.onnx.numbers import Numbers, indexes, strides_of, whole


@computes("Size")
def _size(_: Attributes, x: Numbers) -> Sequence[Numbers]:
    return [Numbers(INT64, (), (len(x.values),))]


@computes("Shape")
def _shape(attributes: Attributes, x: Numbers) -> Sequence[Numbers]:
    return [shape_of(attributes, x.shape)]


def shape_of(attributes: Attributes, shape: Sequence[int]) -> Numbers:
    """What `Shape` gives for a tensor of a shape."""
    return whole(*shape[attributes.get("start", 0) : attributes.get("end", len(shape))])


def reshaped(shape: Sequence[int], wanted: Sequence[int], allow_zero: bool = False) -> tuple[int, ...]:
    """The shape that `Reshape` gives: 0 keeps an axis, -1 is what is left. Raises ValueError."""
    sizes = [shape[at] if size == 0 and not allow_zero else size for at, size in enumerate(wanted)]
    rest = math.prod([size for size in sizes if size != -1])
    if -1 in sizes:
        if sizes.count(-1) > 1 or rest <= 0 or math.prod(shape) % rest:
            raise ValueError("no such shape")
        sizes[sizes.index(-1)] = math.prod(shape) // rest
    if any(size < 0 for size in sizes) or math.prod(sizes) != math.prod(shape):
        raise ValueError("another number of numbers")
    return tuple(sizes)


def unsqueezed(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    """A shape with axes of size 1 where the result has these axes. Raises ValueError."""
    rank = len(shape) + len(axes)
    at = set(axes_of(axes, rank))
    sizes = iter(shape)
    return tuple([1 if axis in at else next(sizes) for axis in range(rank)])


def squeezed(shape: Sequence[int], axes: Sequence[int] | None) -> tuple[int, ...]:
    """A shape without these axes of size 1, or without all of them. Raises ValueError."""
    gone = {at for at, size in enumerate(shape) if size == 1} if axes is None else set(axes_of(axes, len(shape)))
    if any(shape[axis] != 1 for axis in gone):
        raise ValueError("an axis is no 1")
    return tuple([size for at, size in enumerate(shape) if at not in gone])


def sliced(size: int, start: int, stop: int, step: int) -> range:
    """The positions along an axis that `Slice` takes, which clamps as Python does. Raises ValueError."""
    if not step:
        raise ValueError("a step of 0")
    return range(size)[slice(start, None if step < 0 and stop < -size else stop, step)]


@computes("Reshape")
def _reshape(attributes: Attributes, x: Numbers, shape: Numbers | None = None) -> Sequence[Numbers]:
    return [x.reshaped(reshaped(x.shape, listed(attributes, "shape", shape) or (), bool(attributes.get("allowzero"))))]


@computes("Unsqueeze")
def _unsqueeze(attributes: Attributes, x: Numbers, axes: Numbers | None = None) -> Sequence[Numbers]:
    return [x.reshaped(unsqueezed(x.shape, listed(attributes, "axes", axes) or ()))]


@computes("Squeeze")
def _squeeze(attributes: Attributes, x: Numbers, axes: Numbers | None = None) -> Sequence[Numbers]:
    return [x.reshaped(squeezed(x.shape, listed(attributes, "axes", axes)))]


@computes("Flatten")
def _flatten(attributes: Attributes, x: Numbers) -> Sequence[Numbers]:
    axis = attributes.get("axis", 1) % (len(x.shape) + 1)
    return [x.reshaped((math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))]


@computes("Transpose")
def _transpose(attributes: Attributes, x: Numbers) -> Sequence[Numbers]:
    order = axes_of(attributes.get("perm", range(len(x.shape))[::-1]), len(x.shape))
    back = [order.index(axis) for axis in range(len(order))]
    return [x.taken([x.shape[axis] for axis in order], lambda index: tuple([index[axis] for axis in back]))]


@computes("Expand")
def _expand(_: Attributes, x: Numbers, shape: Numbers) -> Sequence[Numbers]:
    zeros = Numbers(x.kind, sized(tuple(map(int, shape.values))), (0,) * math.prod(shape.values))
    return broadcast(x, zeros)[1][:1]


@computes("Tile")
def _tile(_: Attributes, x: Numbers, repeats: Numbers) -> Sequence[Numbers]:
    shape = sized([size * count for size, count in zip(x.shape, repeats.values, strict=True)])
    return [x.taken(shape, lambda index: tuple([at % size for at, size in zip(index, x.shape, strict=True)]))]


@computes("ConstantOfShape")
def _constant_of_shape(attributes: Attributes, shape: Numbers) -> Sequence[Numbers]:
    sizes = sized(tuple(map(int, shape.values)))
    value = attributes.get("value")
    kind, one = (value.kind, value.one) if value is not None else (FLOAT, 0.0)
    return [Numbers(kind, sizes, (one,) * math.prod(sizes))]


@computes("Range")
def _range(_: Attributes, start: Numbers, limit: Numbers, delta: Numbers) -> Sequence[Numbers]:
    first, last, step = start.one, limit.one, delta.one
    count = max(0, math.ceil((last - first) / step))
    sized((count,))
    return [Numbers(start.kind, (count,), tuple([fitted(first + at * step, start.kind) for at in range(count)]))]


@computes("EyeLike")
def _eye(attributes: Attributes, x: Numbers) -> Sequence[Numbers]:
    shift, kind = attributes.get("k", 0), attributes.get("dtype", x.kind)
    return [Numbers(kind, x.shape, tuple([fitted(column - row == shift, kind) for row, column in indexes(x.shape)]))]


# parts of tensors


@computes("Gather")
def _gather(attributes: Attributes, x: Numbers, at: Numbers) -> Sequence[Numbers]:
    (axis,) = axes_of((attributes.get("axis", 0),), len(x.shape))
    if any(not -x.shape[axis] <= index < x.shape[axis] for index in at.values):
        raise IndexError("no such index")
    rank, strides = len(at.shape), strides_of(at.shape)
    shape = sized((*x.shape[:axis], *at.shape, *x.shape[axis + 1 :]))

    def place(index: tuple[int, ...]) -> tuple[int, ...]:
        chosen = at.values[sum(map(int.__mul__, index[axis : axis + rank], strides))]
        return (*index[:axis], chosen % x.shape[axis], *index[axis + rank :])

    return [x.taken(shape, place)]


@computes("Slice")
def _slice(attributes: Attributes, x: Numbers, *more: Numbers | None) -> Sequence[Numbers]:
    return [_cut(x, cuts_of(attributes, x.shape, *more))]


def _cut(x: Numbers, cuts: Sequence[range]) -> Numbers:
    """The numbers at these positions along each axis."""
    return x.taken([len(cut) for cut in cuts], lambda index: tuple([cut[at] for cut, at in zip(cuts, index, strict=True)]))


def cuts_of(attributes: Attributes, shape: Sequence[int], *more: Numbers | None) -> list[range]:
    """The positions along each axis that `Slice` takes. Raises ValueError."""
    given = [*more, None, None, None, None]
    starts, stops, axes, steps = (
        listed(attributes, name, numbers) for name, numbers in zip(("starts", "ends", "axes", "steps"), given, strict=False)
    )
    if starts is None or stops is None:
        raise ValueError("no bounds")
    cuts = [range(size) for size in shape]
    where = axes_of(axes if axes is not None else range(len(starts)), len(shape))
    for axis, start, stop, step in zip(where, starts, stops, steps or (1,) * len(starts), strict=True):
        cuts[axis] = sliced(shape[axis], start, stop, step)
    return cuts


@computes("Concat")
def _concat(attributes: Attributes, *tensors: Numbers) -> Sequence[Numbers]:
    rank = len(tensors[0].shape)
    (axis,) = axes_of((attributes["axis"],), rank)
    ends = [0]
    for tensor in tensors:
        if tensor.shape[:axis] + tensor.shape[axis + 1 :] != tensors[0].shape[:axis] + tensors[0].shape[axis + 1 :]:
            raise ValueError("shapes differ")
        ends.append(ends[-1] + tensor.shape[axis])
    shape = sized((*tensors[0].shape[:axis], ends[-1], *tensors[0].shape[axis + 1 :]))
    blocks = [(tensor.values, math.prod(tensor.shape[axis:])) for tensor in tensors]
    rows = math.prod(shape[:axis])
    values = [value for row in range(rows) for held, width in blocks for value in held[row * width : (row + 1) * width]]
    return [Numbers(tensors[0].kind, shape, tuple(values))]


@computes("Split")
def _split(attributes: Attributes, x: Numbers, sizes: Numbers | None = None) -> Sequence[Numbers]:
    (axis,) = axes_of((attributes.get("axis", 0),), len(x.shape))
    found, start = [], 0
    for size in parts_of(attributes, x.shape[axis], sizes):
        cuts = [range(start, start + size) if at == axis else range(whole_) for at, whole_ in enumerate(x.shape)]
        found.append(_cut(x, cuts))
        start += size
    return found


def parts_of(attributes: Attributes, size: int, sizes: Numbers | None) -> tuple[int, ...]:
    """The sizes of the parts that `Split` makes of an axis; `outputs` says how many where no sizes are given. Raises ValueError."""
    given = listed(attributes, "split", sizes)
    if given is None:
        count = attributes.get("num_outputs") or attributes["outputs"]
        if not 0 < count <= size:
            raise ValueError("more parts than numbers")
        each = -(-size // count)
        given = (*(each,) * (count - 1), size - each * (count - 1))
    if any(part < 0 for part in given) or sum(given) != size:
        raise ValueError("the parts are not the whole")
    return given


@computes("Trilu")
def _half(attributes: Attributes, x: Numbers, shift: Numbers | None = None) -> Sequence[Numbers]:
    k, upper = int(shift.one) if shift is not None else 0, attributes.get("upper", 1)
    kept = [index[-1] - index[-2] >= k if upper else index[-1] - index[-2] <= k for index in indexes(x.shape)]
    return [Numbers(x.kind, x.shape, tuple([value if keep else fitted(0, x.kind) for value, keep in zip(x.values, kept, strict=True)]))]
