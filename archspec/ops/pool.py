"""Pooling."""

from __future__ import annotations

from math import ceil, prod
from typing import Annotated, ClassVar

from pydantic import Field

from archspec.ops.base import WHOLE, Field_, Flag, Misfit, Op, Reach, Size, Weight, check_size, per_axis
from archspec.ops.window import Padding, Rounding, Slide, Window, formulas
from archspec.types import Map, Tokens, Type, Vector

Stride = Annotated[
    int | tuple[int, ...] | None, Field(description="a whole number of at least 1, or a size such as 5x3; the window's size without it")
]


class _Pooling(Op):
    """A window without weights. The stride is the window's size unless it is given."""

    bare: ClassVar[tuple[str, ...]] = ("w",)
    keyed: ClassVar[bool] = True
    takes: ClassVar[tuple[type, ...]] = (Map,)

    w: Size
    s: Stride = None
    p: Padding = 0
    d: Size = 1
    round: Rounding = "exact"

    def slides(self, x: Map) -> tuple[Slide, ...]:
        stride = self.w if self.s is None else self.s
        return Window("w", self.w, stride, self.p, self.d, self.round, half=True).slides(x.spatial)

    def idle(self, argument: str, x: Map) -> bool:
        return argument == "round" and all(slide.exact for slide in self.slides(x))

    def window(self, x: Map) -> tuple[int, ...]:
        return per_axis(self.w, len(x.spatial), "w", least=1)

    def output(self, x: Map) -> Type:
        return Map(tuple(slide.out for slide in self.slides(x)), x.channels)

    def reach(self, x: Map) -> Field_:
        return tuple(slide.reach for slide in self.slides(x))

    def work(self, x: Map, y: Map) -> dict[str, str]:
        return {"output": formulas(self.slides(x))}


class Pool(_Pooling):
    """Maximum over a window.

    Shape:   (*S, C) -> (*S', C),  S' = (S + 2p - d(w-1) - 1)/s + 1
    Params:  none
    FLOPs:   prod(w) - 1 comparisons an output
    Source:  torch.nn.MaxPool2d; CS231n, "Pooling layer".
    """

    step: ClassVar[str] = "pool"
    cost_note: ClassVar[str] = "prod(w) - 1 comparisons an output"

    def flops(self, x: Map, y: Map) -> int:
        return (prod(self.window(x)) - 1) * y.size


class AvgPool(_Pooling):
    """Mean over a window. `count_pad` says whether zeros of the padding count in the divisor.

    Shape:   (*S, C) -> (*S', C),  as for pool
    Params:  none
    FLOPs:   prod(w) - 1 additions and a division an output
    Source:  torch.nn.AvgPool2d.
    """

    step: ClassVar[str] = "avgpool"
    cost_note: ClassVar[str] = "prod(w): prod(w) - 1 additions and a division an output"

    count_pad: Flag = True

    def output(self, x: Map) -> Type:
        if self.d != 1:
            raise Misfit("A105", "average pooling has no dilation", argument="d", help_="use d=1")
        return super().output(x)

    def flops(self, x: Map, y: Map) -> int:
        return prod(self.window(x)) * y.size


class Subsample(Op):
    """LeNet-5's subsampling: the sum over a window, times a learned coefficient, plus a learned bias, a map each.

    Shape:   (*S, C) -> (*S', C),  as for pool
    Params:  coefficient (C), bias (C)
    FLOPs:   prod(w) - 1 additions, a multiplication and an addition an output
    Source:  LeCun et al. 1998, section II.B, layer S2.
    """

    step: ClassVar[str] = "subsample"
    bare: ClassVar[tuple[str, ...]] = ("w",)
    keyed: ClassVar[bool] = True
    takes: ClassVar[tuple[type, ...]] = (Map,)
    cost_note: ClassVar[str] = "prod(w) + 1: the sum, the coefficient and the bias"

    w: Size
    s: Stride = None
    round: Rounding = "exact"

    def slides(self, x: Map) -> tuple[Slide, ...]:
        return Window("w", self.w, self.w if self.s is None else self.s, 0, 1, self.round).slides(x.spatial)

    def idle(self, argument: str, x: Map) -> bool:
        return argument == "round" and all(slide.exact for slide in self.slides(x))

    def output(self, x: Map) -> Type:
        return Map(tuple(slide.out for slide in self.slides(x)), x.channels)

    def weights(self, x: Type) -> tuple[Weight, ...]:
        return (Weight("weight", (x.channels,)), Weight("bias", (x.channels,), "bias"))

    def flops(self, x: Map, y: Map) -> int:
        return (prod(per_axis(self.w, len(x.spatial), "w", least=1)) + 1) * y.size

    def connections(self, x: Map, y: Map) -> int:
        return (prod(per_axis(self.w, len(x.spatial), "w", least=1)) + 1) * y.size

    def reach(self, x: Map) -> Field_:
        return tuple(slide.reach for slide in self.slides(x))

    def work(self, x: Map, y: Map) -> dict[str, str]:
        return {"output": formulas(self.slides(x)), "params": f"2*{x.channels} = {2 * x.channels}"}


class _Adaptive(Op):
    """Pooling to a given size: output i covers the inputs from floor(i*S/T) up to ceil((i+1)*S/T)."""

    bare: ClassVar[tuple[str, ...]] = ("size",)
    takes: ClassVar[tuple[type, ...]] = (Map,)

    size: Size

    def target(self, x: Map) -> tuple[int, ...]:
        return per_axis(self.size, len(x.spatial), "size", least=1)

    def output(self, x: Map) -> Type:
        return check_size(Map(self.target(x), x.channels), "the output")

    def reuses(self, x: Map, y: Map) -> bool:
        return x == y  # every window is one position

    def covered(self, x: Map) -> int:
        """Inputs read for one channel, summed over the outputs."""
        return prod(_covered(size, out) for size, out in zip(x.spatial, self.target(x), strict=True))

    def reach(self, x: Map) -> Field_:
        target = self.target(x)
        if all(out == 1 for out in target):
            return WHOLE
        if any(size % out for size, out in zip(x.spatial, target, strict=True)):
            return None  # windows of unequal size: no one step describes them
        return tuple(Reach(0, size // out - 1, size // out) for size, out in zip(x.spatial, target, strict=True))

    def work(self, x: Map, y: Map) -> dict[str, str]:
        sizes = zip(x.spatial, y.spatial, strict=True)
        return {"output": f"windows of {'x'.join(str(ceil(s / t)) if s % t == 0 else f'{s // t}-{ceil(s / t) + 1}' for s, t in sizes)}"}


def _covered(size: int, out: int) -> int:
    """Sum over i < out of ceil((i+1)*size/out) - floor(i*size/out)."""
    if size % out == 0:
        return size
    if out > 10_000:
        return size + out  # an upper bound; no picture is that large
    return sum(-(-(i + 1) * size // out) - i * size // out for i in range(out))


class AdaptPool(_Adaptive):
    """Mean over windows that give a fixed output size.

    Shape:   (*S, C) -> (*size, C)
    Params:  none
    FLOPs:   an addition each input that a window covers
    Source:  torch.nn.AdaptiveAvgPool2d.
    """

    step: ClassVar[str] = "adaptpool"
    cost_note: ClassVar[str] = "one addition for each input a window covers"

    def flops(self, x: Map, y: Map) -> int:
        return self.covered(x) * x.channels


class AdaptMaxPool(_Adaptive):
    """Maximum over windows that give a fixed output size.

    Shape:   (*S, C) -> (*size, C)
    Params:  none
    FLOPs:   a comparison each input read, less one an output
    Source:  torch.nn.AdaptiveMaxPool2d.
    """

    step: ClassVar[str] = "adaptmaxpool"
    cost_note: ClassVar[str] = "one comparison for each input a window covers, less one an output"

    def flops(self, x: Map, y: Map) -> int:
        return self.covered(x) * x.channels - y.size


class Gap(Op):
    """Global average pooling: the mean of each channel.

    Shape:   (*S, C) -> (1, .., 1, C);  tokens (T, C) -> (C)
    Params:  none
    FLOPs:   an addition each input
    Source:  Lin et al. 2013, section 3.2.
    """

    step: ClassVar[str] = "gap"
    takes: ClassVar[tuple[type, ...]] = (Map, Tokens)
    cost_note: ClassVar[str] = "one addition an input element"

    def output(self, x: Type) -> Type:
        return Map((1,) * len(x.spatial), x.channels) if isinstance(x, Map) else Vector(x.channels)

    def flops(self, x: Type, y: Type) -> int:
        return x.size

    def reach(self, x: Type) -> Field_:
        return WHOLE
