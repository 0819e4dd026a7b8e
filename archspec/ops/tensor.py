"""Tensors as values."""

from typing import Annotated, Literal, get_args

from archspec.numeric import product
from archspec.ops.base import Misfit, Op, Weight, show
from archspec.ops.declare import Deviation, Flag, Rule, Size, Start
from archspec.ops.initial import check_init
from archspec.types import Type, channels_second, of_shape

_FREE = ("normal", "truncated", "zeros")
"""What tensors of any shape may begin with; everything else has rows and columns."""


class Tensor(Op):
    """A stored tensor as a value, the same for all images of a batch.

    It reads nothing and leaves the current value as it is; `from NAME` goes on from it. One axis is a vector, two axes are tokens, or a
    1-D map where the current value is one or with `map=yes`, three and four a map.

    Shape:   as written, channels last
    Params:  as many numbers, stored as PyTorch lays the value out, (C, *S), (T, C) or (C), or as `stored` says; buffers with frozen=yes
    FLOPs:   none
    Source:  torch.nn.Parameter and torch.nn.Buffer.
    """

    positional = ("shape",)
    origin = True
    aside = True
    keeps = ""
    in_place = True

    shape: Size
    init: Annotated[
        float | Start | Literal["eye"], Rule(f"a number, or a word: {', '.join(get_args(Start))} or eye (1 on the diagonal, 0 elsewhere)")
    ] = 0.0
    std: Deviation = None
    frozen: Flag = False
    stored: Annotated[int | tuple[int, ...] | None, Rule("a size with as many numbers, in PyTorch's order, such as 1x196x768")] = None
    map: Flag = False

    def check(self) -> None:
        axes = _axes(self.shape)
        for argument, sizes in (("shape", axes), ("stored", self.layout)):
            for size in sizes:
                if size < 1:
                    raise Misfit("A105", f"a tensor of {show(sizes)}: each size must be at least 1, not {size}", argument=argument)
        if len(axes) > 4:
            help_ = "one axis is a vector, two are tokens, three and four a map"
            raise Misfit("A206", f"a value has at most 4 axes, not {len(axes)}", argument="shape", help_=help_)
        if self.map and len(axes) != 2:
            raise Misfit("A105", "`map=yes` is for a shape of two axes, length and channels", argument="map", help_="leave `map` out")
        self._check_start()
        if product(self.layout) != product(axes):
            message = f"`stored={show(self.layout)}` has {product(self.layout):,} numbers, and the tensor {show(axes)} {product(axes):,}"
            help_ = f"without `stored` it is stored as {show(self._natural())}"
            raise Misfit("A205", message, argument="stored", help_=help_)

    def _check_start(self) -> None:
        check_init(self.init, self.std)
        axes = len(self.layout)
        if not isinstance(self.init, str) or self.init in _FREE or (axes == 2 if self.init == "eye" else axes > 1):
            return
        wanted = "two axes" if self.init == "eye" else "two axes or more, of which the fans are counted"
        message = f"`init={self.init}` needs {wanted}; {show(self.layout)} has {'one axis' if axes == 1 else f'{axes} axes'}"
        raise Misfit("A105", message, argument="init", help_="write a number, or `init=normal`")

    @property
    def value(self) -> Type:
        """The type of its value."""
        return of_shape(_axes(self.shape), line=self.map)

    @property
    def layout(self) -> tuple[int, ...]:
        """The shape that is stored."""
        return self._natural() if self.stored is None else _axes(self.stored)

    def _natural(self) -> tuple[int, ...]:
        """The shape of the value as PyTorch has it, without the batch."""
        return channels_second(self.value.shape, self.value)

    def output(self) -> Type:
        return self.value

    def weights(self) -> tuple[Weight, ...]:
        return (Weight("", self.layout, "buffer" if self.frozen else "weight"),)


def _axes(size: int | tuple[int, ...]) -> tuple[int, ...]:
    return size if isinstance(size, tuple) else (size,)
