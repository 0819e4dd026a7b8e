"""Pooling to a given size."""

from math import ceil, prod

from archspec.ops.base import WHOLE, Field_, Op, Reach, Size, check_size, per_axis
from archspec.types import Map, Tokens, Type, Vector


class _Adaptive(Op):
    """Pooling to a given size: output i covers the inputs from floor(i*S/T) up to ceil((i+1)*S/T)."""

    bare = ("size",)
    takes = (Map,)

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

    step = "adaptpool"
    cost_note = "one addition for each input a window covers"

    def flops(self, x: Map, y: Map) -> int:
        return self.covered(x) * x.channels


class AdaptMaxPool(_Adaptive):
    """Maximum over windows that give a fixed output size.

    Shape:   (*S, C) -> (*size, C)
    Params:  none
    FLOPs:   a comparison each input read, less one an output
    Source:  torch.nn.AdaptiveMaxPool2d.
    """

    step = "adaptmaxpool"
    cost_note = "one comparison for each input a window covers, less one an output"

    def flops(self, x: Map, y: Map) -> int:
        return self.covered(x) * x.channels - y.size


class Gap(Op):
    """Global average pooling: the mean of each channel.

    Shape:   (*S, C) -> (1, .., 1, C);  tokens (T, C) -> (C)
    Params:  none
    FLOPs:   an addition each input
    Source:  Lin et al. 2013, section 3.2.
    """

    step = "gap"
    takes = (Map, Tokens)
    cost_note = "one addition an input element"

    def output(self, x: Type) -> Type:
        return Map((1,) * len(x.spatial), x.channels) if isinstance(x, Map) else Vector(x.channels)

    def flops(self, x: Type, y: Type) -> int:
        return x.size

    def reach(self, x: Type) -> Field_:
        return WHOLE
