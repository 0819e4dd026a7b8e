"""Attention within windows as files have it: biases of relative positions, and positions that are looked up window by window."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt, prod
from struct import unpack

from archspec.imports.imported import Stored
from archspec.imports.layout import Digit, Dim, Dims, joined, merged, size, viewed
from archspec.imports.onnx.lowering import Call
from archspec.imports.onnx.model import FLOAT
from archspec.imports.onnx.numbers import Numbers
from archspec.imports.onnx.weights import Weight
from archspec.imports.products import Scores
from archspec.imports.relative import offsets
from archspec.imports.stored import Computed, Held, Table
from archspec.imports.views import View

_LARGEST = 2**22
"""Numbers of a stored mask, or of stored biases, that are read."""

# numbers that are stored


def bytes_of(call: Call, held: Held) -> bytes:
    """The numbers of a stored tensor as they lie there, 4 bytes each; nothing where they are of another kind, or elsewhere."""
    tensor = call.lowering.graph.tensors[held.name]
    if tensor.kind != FLOAT or tensor.external is not None or tensor.size > _LARGEST or len(tensor.values) != 1:
        return b""
    _, _, start, stop = tensor.values[0]
    return call.lowering.graph.wire.whole(tensor.data, start, stop) if stop - start == 4 * tensor.size else b""


def in_order(held: Held) -> bool:
    """Whether the dimensions of a stored tensor lie as it is stored."""
    axes = [digit.axis for dim in held.dims for digit in dim]
    return axes == sorted(axes, key=int)


def folded_table(call: Call, scores: Scores, bias: Held) -> Table | None:
    """The table of relative positions that a stored bias (heads, T, T) was looked up in; None where it depends on more than these."""
    axes: dict[str, int] = {}
    for digit in scores.queries.dims[-2]:
        axes[digit.axis] = axes.get(digit.axis, 1) * digit.size
    span = tuple(axes.values())
    heads, count = prod(bias.sizes[:-2]), bias.sizes[-1]
    if len(span) < 2 or prod(span) != count or bias.sizes[-2] != count or heads != scores.sizes[-3] or scores.queries.dims[0] == ():
        return None
    turned = in_order(bias._replace(dims=(*bias.dims[-2:], *bias.dims[:-2])))  # (T, T, heads)
    bytes_ = bytes_of(call, bias) if turned or in_order(bias) else b""
    index = offsets(span)
    first: dict[int, int] = {}
    for pair, offset in enumerate(index):
        first.setdefault(offset, pair)
    places = [first[offset] for offset in index]
    numbers = unpack(f"<{len(bytes_) // 4}f", bytes_)
    for head in range(heads if bytes_ else 0):
        own = numbers[head::heads] if turned else numbers[head * len(index) : (head + 1) * len(index)]
        if tuple(map(own.__getitem__, places)) != own:
            return None
    rows = tuple([(first[offset], first[offset] + 1) for offset in sorted(first)])
    place = Stored((bias.name,), (len(index), heads), (), rows) if turned else Stored((bias.name,), (heads, len(index)), (1, 0), rows)
    return Table("", None, True, place) if bytes_ else None


def looked_up(call: Call, table: Weight, at: Numbers) -> Computed | None:
    """Biases of relative positions: the rows of a stored table for each pair of positions."""
    pairs = len(at.values)
    if len(table.shape) != 2 or isqrt(pairs) ** 2 != pairs or at.real:
        return None
    rows, heads = table.shape
    dims = viewed(((Digit("0", pairs, 1),), merged([Digit("1", heads, 1)])), (*at.shape, heads))
    index = tuple([int(row) % rows for row in at.values])
    return None if dims is None else Computed(dims, (table.name,), table=Table(table.label or table.name, index, place=call.stored(0)))


# positions that are looked up


def moved(call: Call, x: View, dim: int, at: Numbers) -> View | None:
    """A tensor whose positions, each once, are put into the order of windows, of which a map may have been rolled; None for any other order."""
    own = x.dims[dim]
    if len(at.values) != size(own) or not at.values or at.real:
        return None
    made = call.lowering.flat.made(x.value)
    if made is not None and made.op.step == "tokens" and not x.fixed and own == call.tensors.axis(x.value, "t"):
        whole = call.tensors.of(made.inputs[0])
        own = joined(whole.dims[2:])
        x = x._replace(value=made.inputs[0], dims=(*x.dims[:dim], own, *x.dims[dim + 1 :]))
    axes = list(dict.fromkeys(digit.axis for digit in sorted(own, key=lambda digit: "dhwt".find(digit.axis))))
    sides = [prod([digit.size for digit in own if digit.axis == axis]) for axis in axes]
    plain = own == merged([Digit(axis, side, 1) for axis, side in zip(axes, sides, strict=True)])
    values = [int(value) for value in at.values]
    shifts = [0] * len(axes)
    order = _order(values, at.shape)
    if order is None and plain:
        shifts = _places(values[0], sides)
        back = {place: number for number, place in enumerate(_rolled(sides, shifts))}
        order = _order([back.get(value, -1) for value in values], at.shape)
    elif order is None and len(at.shape) == 1 and 0 in values:
        shifts = [-place for place in _places(values.index(0), sides)]
        order = _order([values[place] for place in _rolled(sides, [-shift for shift in shifts])], at.shape)
    dims = _regrouped(own, order) if order is not None else None
    if dims is None:
        return None
    if not any(shifts):
        return x._replace(dims=(*x.dims[:dim], *dims, *x.dims[dim + 1 :]))
    if plain:
        apart = viewed((own,), sides) or ()
        x = _roll(call, x._replace(dims=(*x.dims[:dim], *apart, *x.dims[dim + 1 :])), dim, [-shift for shift in shifts])
        return x._replace(dims=(*x.dims[:dim], *dims, *x.dims[dim + len(sides) :]))
    apart = viewed(dims, sides) or ()
    x = _roll(call, x._replace(dims=(*x.dims[:dim], *apart, *x.dims[dim + 1 :])), dim, [-shift for shift in shifts])
    return x._replace(
        dims=(*x.dims[:dim], merged([digit for one in x.dims[dim : dim + len(sides)] for digit in one]), *x.dims[dim + len(sides) :])
    )


def _roll(call: Call, x: View, dim: int, shifts: Sequence[int]) -> View:
    return call.tensors.roll(call.site, x, {dim + at: shift for at, shift in enumerate(shifts)})


def _places(place: int, sides: Sequence[int]) -> list[int]:
    """A position along each axis."""
    found = []
    for side in reversed(sides):
        place, own = divmod(place, side)
        found.append(own)
    return found[::-1]


def _rolled(sides: Sequence[int], shifts: Sequence[int]) -> list[int]:
    """Which position is at each position of a map when what was at `shifts` is the first."""
    found = [0]
    for side, shift in zip(sides, shifts, strict=True):
        found = [before * side + (at + shift) % side for before in found for at in range(side)]
    return found


def _order(values: list[int], shape: Sequence[int]) -> list[list[tuple[int, int]]] | None:
    """Steps and sizes, the slowest first, by which each axis of a tensor runs over the positions that are its numbers; None where it does not."""
    found: list[list[tuple[int, int]]] = []
    if values[0] != 0:
        return None
    for length in reversed(shape):
        own: list[tuple[int, int]] = []
        left = length
        while left > 1:
            step = values[1] - values[0]
            run = 1
            while run < left and values[run] == run * step:
                run += 1
            if left % run or step <= 0 or run == 1:
                return None
            if any(values[at + k] != values[at] + k * step for at in range(0, len(values), run) for k in range(run)):
                return None
            own.insert(0, (step, run))
            values, left = values[::run], left // run
        found.insert(0, own)
    return found


def _regrouped(own: Dim, order: Sequence[Sequence[tuple[int, int]]]) -> Dims | None:
    """The parts of a dimension that others run over; None where these are not all of it."""
    parts = sorted([part for dim in order for part in dim], reverse=True)
    if any(step != prod([each for _, each in parts[at + 1 :]]) for at, (step, _) in enumerate(parts)):
        return None
    digits = viewed((own,), [count for _, count in parts])
    if digits is None:
        return None
    return tuple([merged([digit for part in dim for digit in digits[parts.index(part)]]) for dim in order])
