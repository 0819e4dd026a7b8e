"""Layers that rearrange axes: an axis is split into parts, the parts are put into another order, and joined to other axes."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, NamedTuple

from archspec.numeric import holds, product
from archspec.ops.along import check_sequence
from archspec.ops.base import POINT, WHOLE, Field_, Misfit, Op, Taps, check_axes, counted, per_axis, phased
from archspec.ops.declare import Rule, Size
from archspec.types import LIMIT, Map, Tokens, Type, Vector, describe, is_line, of_shape

Groups = tuple[tuple[str, ...], ...]


class Plan(NamedTuple):
    """How axes become others: `left` splits each axis of the input into named parts, of which `right` makes those of the output.

    Parts of one axis are row-major, channels stand last. `sizes` are those that are given; each axis may leave one part open. A part whose
    name is no identifier has the size 1: it stands for an axis of size 1 that comes or goes.
    """

    left: Groups
    right: Groups
    sizes: Mapping[str, Any]

    def parts(self, x: Type) -> dict[str, Any]:
        """The size of each part. What an axis leaves open is what the others leave of it."""
        found = dict(self.sizes)
        for group, size in zip(self.left, x.shape, strict=True):
            known = [found[name] for name in group if name in found and name.isidentifier()]
            found |= {name: size // product(known) if known else size for name in group if name not in found}
        return found

    def shape(self, x: Type) -> tuple[Any, ...]:
        """The sizes of the output; that of an axis whose parts only change their order is known without them."""
        parts = self.parts(x)
        whole = {frozenset(group): size for group, size in zip(self.left, x.shape, strict=True)}
        return tuple([whole.get(frozenset(group), product([parts[name] for name in group])) for group in self.right])


class Arranged(Op):
    """A layer that moves numbers to other axes; `plan` says how."""

    step = ""
    keeps = ""

    def plan(self, x: Any) -> Plan:
        """How the axes of an input become those of the output."""
        raise NotImplementedError

    def output(self, x: Type) -> Type:
        return of_shape(self.plan(x).shape(x), line=is_line(x))

    def moves_positions(self, x: Type) -> bool:
        """Whether the number of channels depends on that of positions."""
        plan = self.plan(x)
        return any(name not in plan.sizes for group in plan.left[:-1] for name in group if name in plan.right[-1])

    def reuses(self, x: Type, y: Type) -> bool:
        return self.view(x, not isinstance(x, Map)) is not None

    def view(self, x: Type, last: bool) -> bool | None:
        left, right, _ = self.plan(x)
        y = self.output(x)
        order = [name for group in (left if last else (left[-1], *left[:-1])) for name in group if name.isidentifier()]
        at = {name: number for number, name in enumerate(order)}
        if any(at[b] != at[a] + 1 for group in right for a, b in pairwise(filter(str.isidentifier, group))):
            return None
        return isinstance(y, Vector) or right[-1][-1] == order[-1]

    def reach(self, x: Type) -> Field_:
        left, right, _ = plan = self.plan(x)
        y = self.output(x)
        positions = [name for group in left[:-1] for name in group]
        if isinstance(x, Vector) or isinstance(y, Vector) or set(positions) <= set(right[-1]):
            return WHOLE
        along = _along(left, right, x, y)
        if along is None:
            return None
        if along == left[:-1]:
            return POINT
        axes = [_Axis(before, after, plan.parts(x)) for before, after in zip(left[:-1], along, strict=True)]
        return None if any(axis.begins_elsewhere for axis in axes) else phased([(axis.phases, axis.step, axis.taps) for axis in axes])


def _along(left: Groups, right: Groups, x: Type, y: Type) -> Groups | None:
    """The parts of the output's positions along each axis of the input; None where the positions of an axis depend on another."""
    *axes, channels = left
    if isinstance(x, Map) and isinstance(y, Map) and len(left) == len(right):
        own = all(set(after) <= {*before, *channels} for before, after in zip(axes, right[:-1], strict=True))
        return right[:-1] if own else None
    if not isinstance(y, Tokens):
        return None
    found = tuple([tuple([name for name in right[0] if name in group]) for group in axes])
    return found if [name for axis in found for name in axis] == list(right[0]) else None


class _Axis:
    """How the positions along one axis read those of the input, from the parts of both."""

    def __init__(self, before: tuple[str, ...], after: tuple[str, ...], parts: dict[str, int]) -> None:
        strides = {name: product([parts[n] for n in before[at + 1 :]]) for at, name in enumerate(before)}
        kept = [name for name in after if parts[name] > 1]
        hidden = [name for name in before if name not in after]
        self.sizes = [parts[name] for name in kept]
        self.strides = [strides.get(name, 0) for name in kept]
        self.begins_elsewhere = bool(kept) and kept[0] not in strides
        self.phases = product(self.sizes[1:])
        self.step = self.strides[0] if kept else 1
        self.width = sum([(parts[name] - 1) * strides[name] for name in hidden])
        dense = all(strides[a] == parts[b] * strides[b] for a, b in pairwise(hidden))
        self.gap = 1 if not hidden else strides[hidden[-1]] if dense else 0

    def taps(self, phase: int) -> Taps:
        """Find what a position reads: its own parts say where, and those that went to the channels how far."""
        low = 0
        for size, stride in zip(self.sizes[:0:-1], self.strides[:0:-1], strict=True):
            phase, digit = divmod(phase, size)
            low += digit * stride
        return Taps(low, low + self.width, self.gap)


class Swap(Arranged):
    """Exchanges positions and channels, so that the next layer mixes tokens instead of channels.

    Shape:   (T, C) -> (C, T)
    Source:  Tolstikhin et al. 2021, MLP-Mixer, equation 1.
    """

    step = "swap"
    takes = (Tokens, Map)

    def check(self, x: Type) -> None:
        check_sequence("swap", x)

    def plan(self, x: Type) -> Plan:
        return Plan((("t",), ("c",)), (("c",), ("t",)), {})


class ToMap(Arranged):
    """Tokens as the positions of a map, row by row: the inverse of `tokens`.

    Shape:   (T, C) -> (*size, C)
    """

    step = "map"
    positional = ("size",)
    takes = (Tokens,)

    size: Size

    def axes(self) -> tuple[int, ...]:
        """The size along each axis."""
        return per_axis(self.size, 1)

    def check(self, x: Tokens) -> None:
        check_axes(self, len(self.axes()), size=1)
        if len(self.axes()) > 3:
            raise Misfit("A206", f"a map has three axes at most, not {len(self.axes())}", argument="size")
        if holds(product(self.axes()) != x.length):
            shown = "x".join(map(str, self.axes()))
            message = f"{x.length:,} tokens are no {shown} positions, which would be {product(self.axes()):,}"
            raise Misfit("A208", message, argument="size", ways=[_square(x.length, len(self.axes()))])

    def output(self, x: Type) -> Type:
        return Map(self.axes(), x.channels)

    def plan(self, x: Tokens) -> Plan:
        names = tuple("dhw"[-len(self.axes()) :])
        return Plan((names, ("c",)), (*[(name,) for name in names], ("c",)), dict(zip(names, self.axes(), strict=True)))


def _square(count: int, rank: int) -> str | None:
    """The size of a map with as many positions and equal axes."""
    side = round(count ** (1 / rank))
    return f"`map {'x'.join([str(side)] * rank)}`" if side**rank == count else None


class Reshape(Op):
    """The same numbers with other axes, read in PyTorch's order on both sides: C, *S in a map, T, C in tokens.

    Shape:   any -> the given one: one axis is a vector, two are tokens (a map of one axis, where the input is one), three or four a map
    Source:  torch.reshape.
    """

    keeps = ""
    positional = ("shape",)
    in_place = True

    shape: Size

    def axes(self) -> tuple[int, ...]:
        """The size of each axis, channels last."""
        return per_axis(self.shape, 1)

    def check(self, x: Type) -> None:
        axes = self.axes()
        check_axes(self, len(axes), shape=1)
        if len(axes) > 4:
            raise Misfit("A206", f"a value has four axes at most, not {len(axes)}", argument="shape")
        if holds(product(axes) != x.size):
            shown = "x".join(map(str, axes))
            message = f"{describe(x)} holds {counted(x.size, 'number')}, {shown} would hold {product(axes):,}"
            *others, _ = axes
            fits = x.size % product(others) == 0
            ways = [f"`reshape {'x'.join(map(str, (*others, x.size // product(others))))}`" if fits else None]
            raise Misfit("A208", message, argument="shape", ways=ways)

    def output(self, x: Type) -> Type:
        return of_shape(self.axes(), line=is_line(x))

    def view(self, x: Type, last: bool) -> bool | None:
        return None if last is isinstance(x, Map) else not isinstance(self.output(x), Map)

    def reach(self, x: Type) -> Field_:
        y = self.output(x)
        if isinstance(x, Vector) or isinstance(y, Vector):
            return WHOLE
        return POINT if x == y else None


class Token(Op):
    """One token, counted from 0; -1 is the last.

    Shape:   (T, C) -> (C)
    """

    keeps = ""
    kind = "attention"
    reads = WHOLE
    in_place = True
    positional = ("n",)
    takes = (Tokens, Map)

    n: Annotated[int, Rule("a whole number: 0 is the first token, -1 the last", least=-LIMIT, most=LIMIT)]

    def check(self, x: Type) -> None:
        check_sequence("token", x)
        length = x.shape[0]
        if holds(self.n < -length) or holds(self.n >= length):
            help_ = f"use 0 to {length - 1}, or -1 for the last" if length > 1 else "use 0"
            raise Misfit("A208", f"there is no token {self.n} of {length:,}", argument="n", help_=help_)

    def output(self, x: Type) -> Type:
        return Vector(x.channels)

    def view(self, x: Type, last: bool) -> bool | None:
        return True
