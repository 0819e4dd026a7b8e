"""Where paths meet."""

from typing import Annotated

from archspec.numeric import holds, largest
from archspec.ops.along import Axis, check_axis
from archspec.ops.base import POINT, Field_, Kept, Misfit, Op
from archspec.ops.declare import Rule
from archspec.types import AXES, Map, Tokens, Type, Vector, describe


class _Merge(Op):
    """Merges several inputs into one result."""

    kind = "merge"
    variadic = True


class Arithmetic(_Merge):
    """Values combined number by number, or the current value with one number."""

    step = ""
    positional = ("number",)
    elementary = 1
    refusal = ""
    """What is said of two values that do not fit."""

    number: Annotated[float | None, Rule("a number")] = None

    def stretches(self) -> bool:
        """Whether axes of size 1 take the size that other values have there, a vector C as 1x1xC."""
        return True

    def check(self, first: Type, *others: Type) -> None:
        if others and self.number is not None:
            help_ = f"write two steps, the second `{self.step} {self.number:g}`"
            raise Misfit("A104", f"`{self.step}` takes values or one number, not both", argument="number", help_=help_)
        if all(other == first for other in others):
            return
        apart = unstretched(first, *others)
        if not self.stretches():
            other = next(other for other in others if other != first)
            way = None if apart else f"`{self.step} ... stretch=yes` stretches axes of size 1, a vector C being 1x1xC"
            raise Misfit("A301", self.refusal.format(first, other), notes=_differences(first, other), help_=way)
        if apart:
            message = self.refusal.format(first, others[0] if len(others) == 1 else apart[1])
            raise Misfit("A301", message, notes=_differences(*apart), help_="a vector C, or 1x1xC, is broadcast over HxWxC")

    def output(self, *inputs: Type) -> Type:
        if not self.stretches() or len(inputs) == 1:
            return inputs[0]
        whole = max(inputs, key=lambda value: len(value.shape))
        spread = [_spread(value, whole) or value.shape for value in inputs]
        *sizes, channels = [_stretched(axis) for axis in zip(*spread, strict=True)]
        if isinstance(whole, Map):
            return Map(tuple(sizes), channels)
        return Tokens(sizes[0], channels) if isinstance(whole, Tokens) else Vector(channels)

    def flops(self, *types: Type) -> int:
        return self.elementary * types[-1].size * (len(types) - 2 + (self.number is not None))


class _Sum(Arithmetic):
    """What adds or subtracts.

    Shape:   unchanged
    """

    keeps = ""

    stretch: Annotated[bool, Rule("yes or no; yes by itself where one of the values is a `tensor` of another shape")] = False

    def stretches(self) -> bool:
        return self.stretch


class Add(_Sum):
    """The sum of values of equal shape, or of a value and a number. A `tensor` is stretched along its axes of size 1; a vector is 1x1xC.

    Source:  He et al. 2015.
    """

    cost_note = "one addition per element for each input after the first"
    refusal = "cannot add {} and {}"


class Sub(_Sum):
    """The first value less the others, which have its shape, or less a number. A `tensor` is stretched along its axes of size 1; a vector is 1x1xC."""

    cost_note = "one subtraction per element for each input after the first"
    refusal = "cannot subtract {1} from {0}"


class Mul(Arithmetic):
    """The product of values, or of a value and a number. Axes of size 1 are stretched; a vector C is 1x1xC.

    Shape:   along each axis the largest size
    Source:  Hu et al. 2018 (squeeze and excitation).
    """

    cost_note = "one multiplication per element for each input after the first"
    refusal = "cannot multiply {} and {}"

    def kept(self, *types: Type) -> Kept:
        inputs = types[:-1]
        return Kept(products=tuple([self.output(*inputs[:count]).size for count in range(2, len(inputs))]) if self.number is None else None)


class Concat(_Merge):
    """Channels side by side, or tokens one after another with axis=t, in the order of the branches.

    Shape:   (*S, C1), (*S, C2), ... -> (*S, C1 + C2 + ...);  axis=t: tokens or maps of one axis (T1, C), (T2, C), ... -> (T1 + T2 + ..., C)
    Source:  Szegedy et al. 2014; Huang et al. 2016; Dosovitskiy et al. 2020, equation 1 (tokens).
    """

    keeps = ""

    axis: Axis = "c"

    def check(self, first: Type, *others: Type) -> None:
        for value in (first, *others):
            check_axis(self.step, self.axis, value)
        for other in others:
            if type(other) is not type(first):
                raise Misfit("A303", f"cannot concatenate {describe(first)} and {describe(other)}")
            if self.axis == "t" and holds(other.channels != first.channels):
                message = f"cannot concatenate the tokens of {first} and {other}"
                help_ = f"all but the tokens must be equal: put `linear {first.channels}` behind the other"
                raise Misfit("A302", message, notes=[f"channels: {first.channels} and {other.channels}"], help_=help_)
            if self.axis == "c" and other.shape[:-1] != first.shape[:-1]:
                message = f"cannot concatenate {first} and {other}"
                raise Misfit("A302", message, notes=_differences(first, other), help_="all but the channels must be equal")

    def output(self, *inputs: Type) -> Type:
        first = inputs[0]
        if self.axis == "c":
            return first._replace(channels=sum([value.channels for value in inputs]))
        length = sum([value.shape[0] for value in inputs])
        return Map((length,), first.channels) if isinstance(first, Map) else Tokens(length, first.channels)

    def reach(self, *inputs: Type) -> Field_:
        return None if self.axis == "t" and isinstance(inputs[0], Map) else POINT


def unstretched(*values: Type) -> tuple[Type, Type] | None:
    """The largest of some values, and the first that no stretching of axes of size 1 brings to its shape; None where all can be."""
    whole = max(values, key=lambda value: (len(value.shape), value.size))
    sizes = whole.shape
    for value in values:
        spread = _spread(value, whole)
        if spread is None or any(a != b and 1 not in (a, b) for a, b in zip(sizes, spread, strict=True)):
            return whole, value
        sizes = tuple(map(largest, sizes, spread))
    return None


def _stretched(sizes: tuple[int, ...]) -> int:
    """The size of an axis along which all values have one size or 1; of arrays, at each place."""
    first, *others = sizes
    arrays = any(hasattr(size, "any") for size in sizes)
    return largest(*sizes) if arrays or any(size != first for size in others) else first


def _spread(value: Type, over: Type) -> tuple[int, ...] | None:
    """The sizes of a value along the axes of another; None where they are of other kinds."""
    if isinstance(value, Vector):
        return (*(1,) * (len(over.shape) - 1), value.channels)
    return value.shape if type(value) is type(over) and len(value.shape) == len(over.shape) else None


def _differences(a: Type, b: Type) -> list[str]:
    """List the axes on which two shapes differ, with both sizes."""
    if type(a) is not type(b) or len(a.shape) != len(b.shape):
        return [f"{describe(a)} and {describe(b)} are different kinds of value"]
    names = (*(AXES | {0: (), 1: ("length",)})[len(a.shape) - 1], "channels")
    return [f"{name}: {x} and {y}" for name, x, y in zip(names, a.shape, b.shape, strict=True) if x != y]
