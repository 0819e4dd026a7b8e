"""Layers that move numbers without changing them."""

from collections.abc import Sequence
from typing import Annotated

from archspec.numeric import holds, worked_out
from archspec.ops.along import Axis, check_axis
from archspec.ops.base import POINT, Field_, Misfit, Op, Taps, counted, phased, sliding
from archspec.ops.declare import Count, Rule
from archspec.ops.dividing import share, undivided
from archspec.types import Map, Tokens, Type

Bounds = Annotated[tuple[int, int], Rule("a range such as 0:58")]


class PatchMerge(Op):
    """The channels of each patch of n positions per axis side by side, the patch read column by column.

    Shape:   (*S, C) -> (*S/n, C*n^axes)
    Source:  Liu et al. 2021, Swin Transformer, section 3.1, "patch merging", its order as in torchvision.
    """

    keeps = ""
    positional = ("n",)
    takes = (Map,)

    n: Count = 2

    def check(self, x: Map) -> None:
        for size in x.spatial:
            if holds(size % self.n):
                help_ = "pad the map, or choose another input size"
                raise undivided("A205", size, "", self.n, f"patches of {self.n}", "n", help_)

    def output(self, x: Map) -> Type:
        return Map(tuple([size // self.n for size in x.spatial]), x.channels * worked_out(self.n ** len(x.spatial)))

    def reach(self, x: Map) -> Field_:
        return (sliding(0, self.n - 1, self.n),) * len(x.spatial)


class PixelShuffle(Op):
    """Moves channels into space.

    Shape:   (*S, C) -> (*n*S, C/n^axes)
    Source:  Shi et al. 2016; torch.nn.PixelShuffle.
    """

    keeps = ""
    positional = ("n",)
    takes = (Map,)

    n: Count

    def check(self, x: Map) -> None:
        block = self.n ** len(x.spatial)
        if holds(x.channels % block):
            pixels = "x".join([str(self.n)] * len(x.spatial))
            raise undivided(
                "A208", x.channels, "channel", block, f"{pixels} pixels", "n", f"give the layer before it a multiple of {block}"
            )

    def output(self, x: Map) -> Type:
        return Map(tuple([size * self.n for size in x.spatial]), x.channels // worked_out(self.n ** len(x.spatial)))

    def reach(self, x: Map) -> Field_:
        return phased([(self.n, 1, lambda _: Taps(0, 0))] * len(x.spatial))


class Shuffle(Op):
    """Interleaves the channels of g groups: channel i of group j becomes channel i*g + j.

    Source:  Zhang et al. 2018, figure 1.
    """

    keeps = ""
    positional = ("g",)
    takes = (Map,)

    g: Count

    def check(self, x: Map) -> None:
        share(x.channels, "channel", self.g, "group", "g")


class Slice(Op):
    """Channels, or tokens with axis=t, from A up to, not including, B.

    Shape:   (*S, C) -> (*S, B - A);  axis=t: tokens or a map of one axis (T, C) -> (B - A, C)
    """

    keeps = ""
    positional = ("bounds",)
    in_place = True

    bounds: Bounds
    axis: Axis = "c"

    def check(self, x: Type) -> None:
        check_axis(self.step, self.axis, x)
        start, stop = self.bounds
        size, what = (x.channels, "channel") if self.axis == "c" else (x.shape[0], "token")
        if not 0 <= start < stop <= size:
            message = f"{start}:{stop} is no range of the {counted(size, what)} 0:{size}"
            raise Misfit("A208", message, argument="bounds", help_="from A up to, not including, B")

    def output(self, x: Type) -> Type:
        size = self.bounds[1] - self.bounds[0]
        if self.axis == "c":
            return x._replace(channels=size)
        return Map((size,), x.channels) if isinstance(x, Map) else Tokens(size, x.channels)

    def reach(self, x: Type) -> Field_:
        return (sliding(self.bounds[0], self.bounds[0], 1),) if self.axis == "t" and isinstance(x, Map) else POINT

    def config(self, *inputs: object, operands: Sequence[str] = ()) -> str:
        return f"{self.bounds[0]}:{self.bounds[1]}{' axis=t' if self.axis == 't' else ''}"
