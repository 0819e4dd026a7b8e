"""Anything else, declared."""

import keyword
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from archspec.ops.base import Field_, Kept, Misfit, Op, Weight, per_axis, show
from archspec.ops.declare import OwnCount, OwnSize, Rule
from archspec.types import LIMIT, Type, is_line, of_shape

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)
_LONGEST = 200
"""Characters of a name."""
Place = Literal["value"] | bool | int | float | tuple[int, ...]
"""An argument after the name: a value, or a number or list that is the same for all images."""


class Custom(Op):
    """A layer that the language lacks, declared: its name, what it reads besides the current value, its result and its counts.

    Behind the name stand values by their labels, and numbers or lists, in the order in which it takes them. Each key that is none of those
    below is a stored tensor: `weight=2x3`. A name such as `aten.roll` is a function of PyTorch's; what any other does is yours to give.

    Shape:   as `out` says: one axis is a vector, two are tokens (a map of one axis, where the input is one), three or four a map
    Params:  one tensor per key, of the shape that is written, in PyTorch's order; a key `bias` holds biases
    MACs:    as `macs` says; unknown without it
    """

    positional = ("name",)
    cost_note = "as `flops` says, otherwise 2 per MAC; unknown without `macs`"

    name: Annotated[str, Rule('a text such as "aten.roll" or "package.Layer"')]
    places: Annotated[
        tuple[Place, ...], Rule("what is read besides the current value: labels, numbers, and lists of whole numbers", names="rest")
    ] = ()
    out: OwnSize = None
    macs_: OwnCount = None
    flops_: OwnCount = None
    tensors: Annotated[
        tuple[tuple[str, int | tuple[int, ...]], ...], Rule("the shape of a stored tensor, such as 96 or 2x3", names="key")
    ] = ()

    @property
    def uncounted(self) -> bool:
        return self.macs_ is None

    def check(self, *inputs: Type) -> None:
        if not _NAME.fullmatch(self.name) or len(self.name) > _LONGEST:
            message = f"`{self.name[:_LONGEST]}` is no name of a layer: words of letters, digits and `_`, joined by dots"
            raise Misfit("A105", message, argument="name", help_='write it like `"aten.roll"` or `"package.Layer"`')
        if self.flops_ is not None and self.macs_ is None:
            raise Misfit("A103", "`flops` needs `macs` too", argument="flops", help_="write `macs=0` where there are none")
        axes = per_axis(self.out, 1) if self.out is not None else ()
        for argument, sizes in (("out", axes), *[(key, per_axis(shape, 1)) for key, shape in self.tensors]):
            for size in sizes:
                if size < 1:
                    raise Misfit("A105", f"`{argument}={show(sizes)}`: each size must be at least 1, not {size}", argument=argument)
            if keyword.iskeyword(argument):
                raise Misfit("A109", f"`{argument}` is a reserved word of Python and cannot name a tensor", argument=argument)
        if len(axes) > 4:
            raise Misfit("A206", f"a value has four axes at most, not {len(axes)}", argument="out")

    def output(self, *inputs: Type) -> Type:
        return inputs[0] if self.out is None else of_shape(per_axis(self.out, 1), line=is_line(inputs[0]))

    def weights(self, *inputs: Type) -> tuple[Weight, ...]:
        return tuple([Weight(key, per_axis(shape, 1), "bias" if key == "bias" else "weight") for key, shape in self.tensors])

    def macs(self, *types: Type) -> Any:
        return self.macs_

    def flops(self, *types: Type) -> Any:
        return self.flops_ if self.flops_ is not None or self.macs_ is None else 2 * self.macs_

    def kept(self, *types: Type) -> Kept:
        """All that it reads, and its result; what it keeps besides is not known."""
        return Kept(input=True, output=True)

    def reaches(self, *inputs: Type) -> tuple[Field_, ...]:
        return (None,) * len(inputs)

    def config(self, *inputs: Any, operands: Sequence[str] = ()) -> str:
        return " ".join([f'"{self.name}"', *self._behind(operands), *self._keys()])

    def _behind(self, operands: Sequence[str]) -> Iterator[str]:
        """The arguments after the name; values without names are left out."""
        names = iter(operands)
        for place in self.places:
            if isinstance(place, str):
                yield from [name for name in [next(names, "")] if name]
            elif isinstance(place, tuple):
                yield f"({','.join(map(str, place))}{',' * (len(place) == 1)})"
            else:  # as it is read back: a whole number has no point, unless it is larger than a count may be
                whole = isinstance(place, float) and place.is_integer() and abs(place) <= LIMIT
                yield show(int(place) if whole else place)

    def _keys(self) -> Iterator[str]:
        named = [("out", self.out), *self.tensors, ("macs", self.macs_), ("flops", self.flops_), ("frozen", self.frozen or None)]
        yield from [f"{key}={show(value)}" for key, value in named if value is not None]
