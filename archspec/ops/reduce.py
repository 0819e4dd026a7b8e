"""Reductions: one number of many."""

from typing import Any

from archspec.ops.adaptive import Global
from archspec.ops.along import Axis, check_axis
from archspec.ops.base import POINT, WHOLE, Field_, Kept, Op
from archspec.types import Map, Type, Vector


class Gmp(Global):
    """Global max pooling: the largest number of each channel.

    Shape:   (*S, C) -> (1, .., 1, C);  tokens (T, C) -> (C)
    Source:  torch.nn.AdaptiveMaxPool2d(1).
    """

    cost_note = "one comparison per input element, less one per output"

    def flops(self, x: Type, y: Type) -> int:
        return x.size - y.size

    def kept(self, x: Type, y: Type) -> Kept:
        """A map and the places of its maxima; tokens and their maxima."""
        return Kept(input=True, bytes=8 * y.size) if isinstance(x, Map) else Kept(input=True, output=True)


class _Reduction(Op):
    """One number of all along an axis."""

    kind = "pooling"

    axis: Axis

    def check(self, x: Type) -> None:
        check_axis(self.step, self.axis, x)

    def output(self, x: Type) -> Type:
        if isinstance(x, Map) and self.axis == "c":
            return Map(x.spatial, 1)
        return Vector(x.channels if self.axis == "t" else x.size // x.channels)

    def reach(self, x: Type) -> Field_:
        return POINT if isinstance(x, Map) and self.axis == "c" else WHOLE


class Mean(_Reduction):
    """The mean along an axis: of the channels of each position, or of each channel over the tokens.

    Shape:   axis=c: maps (*S, C) -> (*S, 1), tokens (T, C) -> (T);  axis=t: tokens or a map of one axis (T, C) -> (C)
    Source:  torch.mean.
    """

    keeps = ""
    cost_note = "one addition per input element"

    def flops(self, x: Type, y: Type) -> int:
        return x.size


class Max(_Reduction):
    """The maximum along an axis: of the channels of each position, or of each channel over the tokens.

    Shape:   axis=c: maps (*S, C) -> (*S, 1), tokens (T, C) -> (T);  axis=t: tokens or a map of one axis (T, C) -> (C)
    Source:  torch.amax; Woo et al. 2018, CBAM, section 3 (over channels); Qi et al. 2017, PointNet, section 4.2 (over points).
    """

    cost_note = "one comparison per input element, less one per output"

    def flops(self, x: Type, y: Type) -> int:
        return x.size - y.size

    def kept(self, *types: Any) -> Kept:
        return Kept(input=True, output=True)
