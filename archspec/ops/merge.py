"""Where paths meet."""

from archspec.numeric import largest
from archspec.ops.base import Misfit, Op
from archspec.types import AXES, Map, Type, Vector, describe


class _Merge(Op):
    """Merges several inputs into one result."""

    kind = "merge"
    variadic = True

    def flops(self, *types: Type) -> int:
        return self.elementary * types[-1].size * (len(types) - 2)


class Add(_Merge):
    """The sum of values of equal shape.

    Source:  He et al. 2015.
    """

    keeps = ""
    elementary = 1
    cost_note = "one addition per element for each input after the first"

    def check(self, first: Type, *others: Type) -> None:
        for other in others:
            if other != first:
                raise Misfit("A301", f"cannot add {first} and {other}", notes=_differences(first, other))


class Mul(_Merge):
    """The product of values; a vector C or a map 1x1xC is broadcast over a map.

    Shape:   that of the largest input
    Source:  Hu et al. 2018 (squeeze and excitation).
    """

    elementary = 1
    cost_note = "one multiplication per element for each input after the first"

    def check(self, *inputs: Type) -> None:
        whole = max(inputs, key=lambda value: value.size)
        for other in inputs:
            if other != whole and not _broadcasts(other, whole):
                message = f"cannot multiply {inputs[0]} and {inputs[1] if len(inputs) == 2 else other}"
                help_ = "a vector C, or 1x1xC, is broadcast over HxWxC"
                raise Misfit("A301", message, notes=_differences(whole, other), help_=help_)

    def output(self, *inputs: Type) -> Type:
        maps = [value.spatial for value in inputs if isinstance(value, Map)]
        return Map(tuple(map(largest, *maps)), inputs[0].channels) if maps else inputs[0]


class Concat(_Merge):
    """Channels side by side, in the order of the branches.

    Shape:   (*S, C1), (*S, C2), ... -> (*S, C1 + C2 + ...)
    Source:  Szegedy et al. 2014; Huang et al. 2016.
    """

    keeps = ""

    def check(self, first: Type, *others: Type) -> None:
        for other in others:
            if type(other) is not type(first):
                raise Misfit("A303", f"cannot concatenate {describe(first)} and {describe(other)}")
            if other.shape[:-1] != first.shape[:-1]:
                message = f"cannot concatenate {first} and {other}"
                raise Misfit("A302", message, notes=_differences(first, other), help_="all but the channels must be equal")

    def output(self, *inputs: Type) -> Type:
        return inputs[0]._replace(channels=sum([value.channels for value in inputs]))


def _broadcasts(value: Type, over: Type) -> bool:
    if not isinstance(over, Map) or value.channels != over.channels:
        return False
    if isinstance(value, Map):
        return len(value.spatial) == len(over.spatial) and all(size == 1 for size in value.spatial)
    return isinstance(value, Vector)


def _differences(a: Type, b: Type) -> list[str]:
    """List the axes on which two shapes differ, with both sizes."""
    if type(a) is not type(b) or len(a.shape) != len(b.shape):
        return [f"{describe(a)} and {describe(b)} are different kinds of value"]
    names = (*(AXES | {0: (), 1: ("length",)})[len(a.shape) - 1], "channels")
    return [f"{name}: {x} and {y}" for name, x, y in zip(names, a.shape, b.shape, strict=True) if x != y]
