"""Layers that enlarge a map, or give it another size by interpolation."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Annotated, Literal

from archspec.numeric import gcd, holds, kind_of, pinned, round_div
from archspec.ops.base import Field_, Misfit, Op, Taps, check_axes, per_axis, phased
from archspec.ops.declare import Flag, Like, Rule
from archspec.ops.window import Rounding
from archspec.types import AXES, Map, describe

Factor = Annotated[int | float | None, Rule("a number above 0", above=0)]


class Upsample(Op):
    """Enlarges a map by a factor, or gives it the size `to`, which may be that of another value.

    Output i lies at the input position (i + 1/2)*S/S' - 1/2, with `corners=yes` at i*(S - 1)/(S' - 1), where the corners of both maps
    meet. `bilinear` weighs the two inputs around it along each axis, `bicubic` four (maps with height and width), and `nearest` takes
    the input floor(i*S/S'). A size that is not whole is an error unless `round` says otherwise; S/S' is that of the rounded sizes then.

    Shape:   (*S, C) -> (*n*S, C), or (*to, C)
    FLOPs:   nearest 0; bilinear 2^axes products and 2^axes - 1 sums per output, bicubic 16 and 15
    Source:  torch.nn.functional.interpolate; Keys 1981 (bicubic, a = -3/4).
    """

    keeps = ""
    positional = ("n",)
    takes = (Map,)
    cost_note = "nearest 0; bilinear 2^(axes + 1) - 1 per output; bicubic 31"

    n: Factor = None
    to: Like = None
    mode: Annotated[Literal["nearest", "bilinear", "bicubic"], Rule("nearest, bilinear or bicubic")] = "nearest"
    corners: Flag = False
    round: Rounding = "exact"

    def factor(self) -> tuple[int, int]:
        """The factor as a quotient: 1.5 is 3/2."""
        if kind_of(self.n) is not float:
            return self.n, 1  # type: ignore[return-value]
        n = pinned(self.n)
        found = Fraction(n).limit_denominator(10**6)
        return (found if float(found) == n else Fraction(n)).as_integer_ratio()

    def check(self, x: Map) -> None:
        if (self.n is None) == (self.to is None):
            message = "`upsample` needs a factor or a size" if self.n is None else "a factor and `to` exclude each other"
            code = "A103" if self.n is None else "A105"
            raise Misfit(
                code, message, argument="to", help_="write `upsample 2`, `upsample to=64x64`, or `upsample to=x` for the size of x"
            )
        check_axes(self, len(x.spatial), to=1)
        if self.corners and self.mode == "nearest":
            message = "`nearest` takes one input per output, and `corners` moves the positions that are weighed"
            raise Misfit("A105", message, argument="corners", help_="add `mode=bilinear` or `mode=bicubic`")
        if self.mode == "bicubic" and len(x.spatial) != 2:
            message = f"`mode=bicubic` takes a map with height and width, not {describe(x)}"
            raise Misfit("A201", message, argument="mode", help_="use mode=bilinear")
        if self.to is None:
            self._check_factor(x)

    def _check_factor(self, x: Map) -> None:
        times, parts = self.factor()
        for name, size in zip(AXES[len(x.spatial)], x.spatial, strict=True):
            if self.round == "exact" and holds(size * times % parts):
                message = f"{name} {size}*{self.n} = {size * times / parts:g} is no whole number"
                raise Misfit("A205", message, argument="n", help_="use round=floor, as PyTorch does, or round=ceil, or another size")
            if self.round != "ceil" and holds(size * times < parts):
                raise Misfit("A202", f"the output would have a {name} of 0", argument="n", help_=f"use {-(-1000 // size) / 1000:g} or more")

    def output(self, x: Map) -> Map:
        if self.to is not None:
            return Map(per_axis(self.to, len(x.spatial)), x.channels)
        times, parts = self.factor()
        sizes = [size * times if parts == 1 else round_div(size * times, parts, self.round == "ceil") for size in x.spatial]
        return Map(tuple(sizes), x.channels)

    def has_no_effect(self, argument: str, x: Map) -> bool:
        times, parts = self.factor() if self.to is None else (1, 1)
        return argument == "round" and not any(size * times % parts for size in x.spatial)

    def flops(self, x: Map, y: Map) -> int:
        if self.mode == "nearest":
            return 0
        weighed: int = (2 if self.mode == "bilinear" else 4) ** len(x.spatial)
        return (2 * weighed - 1) * y.size

    def reach(self, x: Map) -> Field_:
        return phased([self._axis(size, out) for size, out in zip(x.spatial, self.output(x).spatial, strict=True)])

    def _axis(self, size: int, out: int) -> tuple[int, int, Callable[[int], Taps]]:
        """After how many outputs what they read repeats, how far it moves then, and what each reads."""
        if self.corners:
            if size == 1 or out == 1:
                return out, 1, lambda _: Taps(0, 0)
            times, parts = out - 1, size - 1
        else:
            times, parts = out, size
        common = gcd(times, parts)
        return times // common, parts // common, partial(self._taps, times // common, parts // common)

    def _taps(self, times: int, parts: int, i: int) -> Taps:
        """What output i reads along one axis. Where its position is whole, the other inputs weigh 0."""
        if self.mode == "nearest":
            return Taps(i * parts // times, i * parts // times)
        low, rest = divmod(i * parts, times) if self.corners else divmod((2 * i + 1) * parts - times, 2 * times)
        if not rest:
            return Taps(low, low)
        return Taps(low, low + 1) if self.mode == "bilinear" else Taps(low - 1, low + 2)
