"""Pooling to a given size."""

from functools import partial

from archspec.numeric import gcd, product
from archspec.ops.base import WHOLE, Field_, Kept, Op, Taps, per_axis, phased
from archspec.ops.declare import Like, OwnSize
from archspec.ops.targets import check_target, target
from archspec.types import Map, Tokens, Type, Vector


class _Adaptive(Op):
    """Pooling to a given size: output i covers the inputs from floor(i*S/T) up to ceil((i+1)*S/T)."""

    kind = "pooling"
    positional = ("size",)
    takes = (Map,)
    beyond = 0
    """Operations per output, less one for each input that its window covers."""

    size: OwnSize = None
    to: Like = None

    def target(self, x: Map) -> tuple[int, ...]:
        """The size of the output along each axis."""
        return per_axis(target(self), len(x.spatial))

    def check(self, x: Map) -> None:
        check_target(self, x)

    def output(self, x: Map) -> Type:
        return Map(self.target(x), x.channels)

    def kept(self, x: Map, y: Map) -> Kept:
        return Kept(input=y.size != y.channels)  # the mean of all needs their number alone

    def reuses(self, x: Map, y: Map) -> bool:
        return x == y  # every window is one position

    def covered(self, x: Map) -> int:
        """Count the inputs read for one channel: the product of sum over i < T of ceil((i+1)*S/T) - floor(i*S/T).

        Neighbouring windows share the position that their border cuts; all but gcd(S, T) - 1 of the T - 1 borders cut one.
        """
        return product(size + out - gcd(size, out) for size, out in zip(x.spatial, self.target(x), strict=True))

    def flops(self, x: Map, y: Map) -> int:
        return self.covered(x) * x.channels + self.beyond * y.size

    def reach(self, x: Map) -> Field_:
        target = self.target(x)
        if all(out == 1 for out in target):
            return WHOLE
        axes = [(size, out, gcd(size, out)) for size, out in zip(x.spatial, target, strict=True)]
        return phased([(out // parts, size // parts, partial(_taps, size, out)) for size, out, parts in axes])


def _taps(size: int, out: int, i: int) -> Taps:
    """Find what output i reads along one axis. The windows repeat where one begins at a whole position."""
    return Taps(i * size // out, -(-(i + 1) * size // out) - 1)


class AdaptPool(_Adaptive):
    """Mean over windows that give a fixed output size: window i from floor(i*S/T) up to ceil((i+1)*S/T), for T outputs of S inputs.

    Shape:   (*S, C) -> (*size, C)
    Source:  torch.nn.AdaptiveAvgPool2d.
    """

    cost_note = "one addition for each input a window covers"


class AdaptMaxPool(_Adaptive):
    """Maximum over windows that give a fixed output size: window i from floor(i*S/T) up to ceil((i+1)*S/T), for T outputs of S inputs.

    Shape:   (*S, C) -> (*size, C)
    Source:  torch.nn.AdaptiveMaxPool2d.
    """

    cost_note = "one comparison for each input a window covers, less one per output"
    beyond = -1

    def kept(self, x: Map, y: Map) -> Kept:
        return Kept(input=True, bytes=8 * y.size)


class Global(Op):
    """Pooling of each channel over all positions."""

    step = ""
    reads = WHOLE
    kind = "pooling"
    takes = (Map, Tokens)

    def output(self, x: Type) -> Type:
        return Map((1,) * len(x.spatial), x.channels) if isinstance(x, Map) else Vector(x.channels)


class Gap(Global):
    """Global average pooling: the mean of each channel.

    Shape:   (*S, C) -> (1, .., 1, C);  tokens (T, C) -> (C)
    Source:  Lin et al. 2013, section 3.2.
    """

    keeps = ""
    cost_note = "one addition per input element"

    def flops(self, x: Type, y: Type) -> int:
        return x.size
