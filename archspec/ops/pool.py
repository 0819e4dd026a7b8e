"""Pooling."""

from functools import partial
from typing import Annotated

from archspec.numeric import product
from archspec.ops.base import Kept, Misfit, Weight, weight_and_bias
from archspec.ops.declare import Around, Flag, Rule, Size
from archspec.ops.window import Padding, Rounding, Slide, Windowed
from archspec.types import AXES, Map, Type

Stride = Annotated[int | tuple[int, ...] | None, Rule("a whole number of at least 1, or a size such as 5x3; the window's size without it")]


class _Pooling(Windowed):
    """Pooling. The stride is the size of the window unless it is given."""

    kind = "pooling"
    positional = ("w",)
    shown_as_keyword = True
    letter = "w"
    beyond = 0
    """Operations per output, less one for each number of the window."""

    w: Size
    s: Stride = None

    def flops(self, x: Map, y: Map) -> int:
        return (product(self.kernel(x)) + self.beyond) * y.size


class _Padded(_Pooling):
    """Pooling without weights, of a map that may be padded by half a window."""

    p: Padding = 0
    d: Size = 1
    round: Rounding = "exact"

    def takes_padding(self, p: Around, k: int) -> bool:
        return max(p) < k if isinstance(p, tuple) else p <= k // 2

    def pads_a_copy(self, slide: Slide) -> bool:
        return slide.before != slide.after or 2 * slide.before > slide.k


class Pool(_Padded):
    """Maximum over a window.

    Shape:   (*S, C) -> (*S', C),  S' = (S + 2p - d(w-1) - 1)/s + 1
    Source:  torch.nn.MaxPool2d; CS231n, "Pooling layer".
    """

    cost_note = "prod(w) - 1 comparisons per output"
    beyond = -1

    def kept(self, x: Map, y: Map) -> Kept:
        return super().kept(x, y)._replace(bytes=8 * y.size)

    def check(self, x: Map) -> None:
        super().check(x)
        for axis, slide in zip(AXES[len(x.spatial)], self.window(x), strict=True):
            if slide.blind is not None:
                raise Misfit.late("A204", "d", partial(_blind, axis, slide, slide.blind))


def _blind(axis: str, slide: Slide, at: int) -> Misfit:
    """The misfit of a window that has no number to take the maximum of."""
    start, size = at * slide.s - slide.before, slide.size
    reads = ", ".join(str(start + i * slide.d) for i in range(min(slide.k, 4))) + (", ..." if slide.k > 4 else "")
    has = f"positions 0 to {size - 1}" if size > 1 else "position 0 only"
    message = f"window {at + 1} of {slide.out} along the {axis} lies in the padding alone"
    notes = [f"its elements, {slide.d} apart, stand at {reads}; the {axis} has {has}"]
    help_ = f"use d={size}{' or less' if size > 1 else ''}, or a map with a {axis} of {slide.d} or more"
    return Misfit("A204", message, argument="d", notes=notes, help_=help_, settings=[f"d={size}"])


class AvgPool(_Padded):
    """Mean over a window. `count_pad` says whether zeros of the padding count in the divisor.

    Shape:   (*S, C) -> (*S', C),  as for pool
    Source:  torch.nn.AvgPool2d.
    """

    cost_note = "prod(w): prod(w) - 1 additions and a division per output"

    count_pad: Flag = True

    def kept(self, x: Map, y: Map) -> Kept:
        kept = super().kept(x, y)
        divided = not self.count_pad or any(slide.overhang for slide in self.window(x))
        return kept._replace(numbers=kept.numbers + y.size) if divided and not kept.input else kept

    def check(self, x: Map) -> None:
        if self.d != 1:
            raise Misfit("A105", "average pooling has no dilation", argument="d", help_="use d=1")
        super().check(x)


class Subsample(_Pooling):
    """LeNet-5's subsampling: the sum over a window, times one learned coefficient per map, plus one learned bias per map.

    Shape:   (*S, C) -> (*S', C),  as for pool
    Params:  coefficient (C), bias (C)
    Source:  LeCun et al. 1998, section II.B, layer S2.
    """

    cost_note = "prod(w) + 1: the sum, the coefficient and the bias"
    beyond = 1

    round: Rounding = "exact"

    def kept(self, x: Map, y: Map) -> Kept:
        kept = super().kept(x, y)
        return kept._replace(numbers=kept.numbers + (0 if self.frozen else y.size))

    def weights(self, x: Type) -> tuple[Weight, ...]:
        return weight_and_bias((x.channels,), x.channels, True)

    connections = _Pooling.flops
