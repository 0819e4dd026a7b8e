"""Normalisation."""

from typing import Annotated

from archspec.numeric import product
from archspec.ops.base import WHOLE, Kept, Misfit, Op, Weight, weight_and_bias
from archspec.ops.declare import Count, Flag, Positive, Real, Rule
from archspec.ops.dividing import share
from archspec.types import Map, Type, describe

Small = Annotated[float | None, Rule("a number above 0", above=0)]
Momentum = Annotated[float, Rule("a number from 0 to 1", least=0, most=1)]


class _Norm(Op):
    """Normalisation with a learned factor and offset per channel, where `affine`."""

    kind = "normalisation"

    affine = True
    """Whether it has the factor and the offset."""
    bias = True
    """Whether the offset is among them."""
    eps: Positive = 1e-5

    def weights(self, x: Type) -> tuple[Weight, ...]:
        return weight_and_bias((x.channels,), x.channels, self.bias) if self.affine else ()


def check_several(step: str, x: Type, count: int) -> None:
    """Raises Misfit where a mean would be of a single number, which leaves 0 and which PyTorch refuses."""
    if count == 1:
        message = f"`{step}` would normalise each number of {describe(x)} by itself, and leave nothing of it"
        instead = "ln" if x.channels > 1 else "bn"  # `ln` of one channel leaves nothing either; `bn` normalises over a batch
        raise Misfit("A201", message, help_=f"normalise before the positions are gone, or use `{instead}`")


class BatchNorm(_Norm):
    """Batch normalisation; in inference a factor and an offset per channel, from the running mean and variance.

    Params:  weight (C), bias (C) if affine; buffers running_mean (C), running_var (C)
    Source:  Ioffe & Szegedy 2015; eps and momentum as torch.nn.BatchNorm2d has them.
    """

    step = "bn"
    elementary = 2
    cost_note = "2 per element: factor and offset, folded"

    momentum: Momentum = 0.1
    affine: Flag = True

    def kept(self, x: Type, y: Type) -> Kept:
        return Kept(input=True, statistics=2 * x.channels)

    def weights(self, x: Type) -> tuple[Weight, ...]:
        running = (Weight("running_mean", (x.channels,), "buffer"), Weight("running_var", (x.channels,), "buffer"))
        return super().weights(x) + running


class LayerNorm(_Norm):
    """Layer normalisation over the channels of each position.

    Params:  weight (C), bias (C); no bias with bias=no, neither with affine=no
    Source:  Ba et al. 2016; torch.nn.LayerNorm over the last axis.
    """

    step = "ln"
    cost_note = "7 per element: mean 1, variance 3, scaling 1, factor and offset 2"

    affine: Flag = True
    bias: Flag = True

    def flops(self, x: Type, y: Type) -> int:
        return (5 + self.affine * (1 + self.bias)) * y.size

    def kept(self, x: Type, y: Type) -> Kept:
        return Kept(input=True, numbers=2 * (x.size // x.channels))

    def has_no_effect(self, argument: str, *inputs: object) -> bool:
        return argument == "bias" and not self.affine

    def constant(self, x: Type) -> tuple[str, str] | None:
        if x.channels > 1:
            return None
        always = "its bias" if self.affine and self.bias else "0"
        return f"`ln` of one channel always gives {always}: a number less itself is 0", "use `bn`, which normalises over a batch"


class RmsNorm(Op):
    """Division by the root of the mean square over the channels of each position, and a learned factor per channel.

    Params:  weight (C)
    Source:  Zhang & Sennrich 2019; torch.nn.RMSNorm over the last axis.
    """

    step = "rmsnorm"
    kind = "normalisation"
    elementary = 4
    cost_note = "4 per element: square, sum, scaling, factor"

    eps: Small = None

    def kept(self, x: Type, y: Type) -> Kept:
        """The input, the root of each position, and what learned factors multiply."""
        return Kept(input=True, numbers=x.size // x.channels + (0 if self.frozen else x.size))

    def weights(self, x: Type) -> tuple[Weight, ...]:
        return (Weight("weight", (x.channels,)),)


class L2Norm(Op):
    """Division by the Euclidean length over the channels of each position; a length below eps counts as eps.

    Source:  Liu et al. 2015, ParseNet, section 3.3; torch.nn.functional.normalize.
    """

    step = "l2norm"
    kind = "normalisation"
    elementary = 3
    cost_note = "3 per element: square, sum, division"

    eps: Positive = 1e-12

    def kept(self, x: Type, y: Type) -> Kept:
        return Kept(input=True, numbers=2 * (x.size // x.channels))


class ResponseNorm(Op):
    """Global response normalisation: each channel times its length over the positions by the mean length, a learned factor and offset, and the input.

    y = weight * x * N + bias + x with N = |x| / (mean over the channels of |x| + eps)

    Params:  weight (C), bias (C), which begin with 0
    Source:  Woo et al. 2023, ConvNeXt V2, section 3 and algorithm 1; names as in timm.
    """

    step = "grn"
    kind = "normalisation"
    takes = (Map,)
    reads = WHOLE
    elementary = 6
    cost_note = "6 per element: square, sum, scaling, factor, offset, input"

    eps: Positive = 1e-6

    def kept(self, x: Map, y: Map) -> Kept:
        """The input, the lengths, their mean, the quotients, and what learned factors multiply."""
        return Kept(input=True, numbers=(0 if self.frozen else x.size) + 2 * x.channels + 1)

    def weights(self, x: Map) -> tuple[Weight, ...]:
        return weight_and_bias((x.channels,), x.channels, True)


class GroupNorm(_Norm):
    """Group normalisation: over the positions and channels of each group of channels.

    Params:  weight (C), bias (C)
    Source:  Wu & He 2018; torch.nn.GroupNorm.
    """

    step = "gn"
    reads = WHOLE
    positional = ("groups",)
    elementary = 7
    cost_note = "7 per element, as ln"

    groups: Count

    def kept(self, x: Type, y: Type) -> Kept:
        return Kept(input=True, numbers=2 * self.groups)

    def check(self, x: Type) -> None:
        share(x.channels, "channel", self.groups, "group", "groups")
        check_several(self.step, x, x.size // self.groups)


class EvoNorm(Op):
    """Evolved normalisation and activation: x*sigmoid(v*x) by the root of the variance of its group, a learned factor and offset.

    y = x * sigmoid(v*x) / sqrt(var + eps) * weight + bias, the variance over the positions and channels of each group of channels;
    with act=no x instead of x*sigmoid(v*x)

    Params:  weight (C), bias (C), v (C); no v with act=no
    Source:  Liu et al. 2020, Evolving normalization-activation layers, EvoNorm-S0; names as in timm, whose EvoNorm2dS0a divides with act=no too.
    """

    step = "evonorm"
    kind = "normalisation"
    takes = (Map,)
    reads = WHOLE
    positional = ("groups",)
    cost_note = "13 per element: product with v 1, sigmoid 4, product 1, mean 1, variance 3, division 1, factor and offset 2; with act=no 7"

    groups: Count
    eps: Positive = 1e-5
    act: Flag = True

    def flops(self, x: Map, y: Map) -> int:
        return (7 + 6 * self.act) * y.size

    def kept(self, x: Map, y: Map) -> Kept:
        """The input, the deviations, the sigmoid and its product with the input, and what the learned factors multiply."""
        return Kept(input=True, numbers=(2 * self.act + (0 if self.frozen else 1)) * x.size + self.groups)

    def check(self, x: Map) -> None:
        share(x.channels, "channel", self.groups, "group", "groups")

    def weights(self, x: Map) -> tuple[Weight, ...]:
        learned = weight_and_bias((x.channels,), x.channels, True)
        return (*learned, Weight("v", (x.channels,))) if self.act else learned


class InstanceNorm(_Norm):
    """Instance normalisation: over the positions of each channel.

    Params:  none; weight (C), bias (C) with affine=yes
    Source:  Ulyanov et al. 2016; torch.nn.InstanceNorm2d.
    """

    step = "instnorm"
    reads = WHOLE
    takes = (Map,)
    cost_note = "5 per element: mean 1, variance 3, scaling 1; with affine=yes 7"

    affine: Flag = False

    def flops(self, x: Map, y: Map) -> int:
        return (5 + 2 * self.affine) * y.size

    def kept(self, x: Map, y: Map) -> Kept:
        """The input, its means and deviations; the factors once per image."""
        return Kept(input=True, numbers=(2 + self.affine) * x.channels)

    def check(self, x: Map) -> None:
        check_several(self.step, x, product(x.spatial))


class LocalResponseNorm(Op):
    """Local response normalisation across n neighbouring channels: x / (k + alpha/n * sum x^2)^beta.

    Source:  Krizhevsky et al. 2012, section 3.3; alpha is divided by n as in torch, Caffe and ONNX.
    """

    step = "lrn"
    kind = "normalisation"
    takes = (Map,)
    cost_note = "2n + 3 per element: squares, sum, scaling, offset, power, division"

    n: Count = 5
    alpha: Real = 1e-4
    beta: Real = 0.75
    k: Real = 1.0

    def kept(self, x: Map, y: Map) -> Kept:
        squares = product(x.spatial) * (x.channels + self.n - 1)
        return Kept(input=True, numbers=squares + 2 * x.size)

    def flops(self, x: Type, y: Type) -> int:
        return (2 * self.n + 3) * y.size
