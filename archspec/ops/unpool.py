"""Unpooling: numbers back where a maximum was."""

from functools import partial

from archspec.numeric import product
from archspec.ops.base import Field_, Kept, Misfit, Op, Taps, phased
from archspec.ops.declare import Operand, Size
from archspec.ops.fitting import span
from archspec.ops.pool import Pool, Stride
from archspec.ops.window import Padding, Rounding, Slide
from archspec.types import Map, Type, describe


class Unpool(Op):
    """Puts each number where `pool` with these arguments has its maximum in the map x, the first of equal ones; zeros elsewhere.

    Shape:   (*S', C) -> (*S, C), the size of x; S' is that of `pool` of x
    Source:  Badrinarayanan et al. 2015, section 3.1; torch.nn.MaxUnpool2d.
    """

    kind = "pooling"
    positional = ("x",)
    takes = (Map,)
    cost_note = "prod(w) - 1 comparisons per input, to find the maxima again"

    x: Operand
    w: Size
    s: Stride = None
    p: Padding = 0
    d: Size = 1
    round: Rounding = "exact"

    def pool(self) -> Pool:
        """The pooling whose maxima it looks for."""
        pool = object.__new__(Pool)  # these arguments are checked, and may be numbers of any kind
        pool.__dict__.update({name: getattr(self, name) for name in Pool.fields}, given=self.given - {"x"})
        return pool

    def check(self, y: Map, x: Type) -> None:
        if not isinstance(x, Map):
            raise Misfit("A201", f"`unpool` looks for maxima in a map, not in {describe(x)}", argument="x")
        pool = self.pool()
        pool.check(x)
        if any(slide.s < span(slide.k, slide.d) for slide in pool.window(x)):
            message = "two windows that overlap may have their maximum at one place, which takes one number"
            raise Misfit("A105", message, argument="s", help_="use a stride as large as the window, as `pool` has without `s`")
        pooled = pool.output(x)
        if y != pooled:
            message = f"`pool {pool.config()}` of {describe(x)} gives {pooled}, not {y}"
            raise Misfit("A301", message, argument="x", help_="name the value that was pooled, and give the arguments of that `pool`")

    def output(self, y: Map, x: Map) -> Type:
        return x

    def flops(self, y: Map, x: Map, out: Map) -> int:
        return (product(self.pool().kernel(x)) - 1) * y.size

    def kept(self, y: Map, x: Map, out: Map) -> Kept:
        return Kept(bytes=8 * y.size)

    def reach(self, y: Map, x: Map) -> Field_:
        return phased([(slide.s, 1, partial(_number, slide)) for slide in self.pool().window(x)])

    def reaches(self, *inputs: Map) -> tuple[Field_, ...]:
        y, x = inputs
        return self.reach(y, x), phased([(slide.s, slide.s, partial(_window, slide)) for slide in self.pool().window(x)])

    def has_no_effect(self, argument: str, y: Map, x: Map) -> bool:
        return self.pool().has_no_effect(argument, x)


def _number(slide: Slide, position: int) -> Taps | None:
    """The number that may come to a position along one axis: that of the window around it, unless the position lies between its elements."""
    window, place = divmod(position + slide.before, slide.s)
    return Taps(window, window) if place % slide.d == 0 and place // slide.d < slide.k else None


def _window(slide: Slide, position: int) -> Taps | None:
    """The window that decides whether a number comes to a position."""
    number = _number(slide, position)
    if number is None:
        return None
    first = number.low * slide.s - slide.before
    return Taps(first, first + slide.d * (slide.k - 1), slide.d)
