"""Functions of several channels of one position: gates, pieces and capsules."""

from archspec.numeric import holds, product
from archspec.ops.base import Kept, Op
from archspec.ops.declare import Count
from archspec.ops.dividing import undivided
from archspec.types import Type


class _Units(Op):
    """A function of the channels of each position."""

    kind = "activation"


class Glu(_Units):
    """The first half of the channels, each times the sigmoid of its fellow in the second half.

    Shape:   (*S, C) -> (*S, C/2)
    Source:  Dauphin et al. 2016, section 2; torch.nn.GLU.
    """

    elementary = 5
    cost_note = "5 per output: a sigmoid and a multiplication"

    def check(self, x: Type) -> None:
        if holds(x.channels % 2):
            raise undivided("A205", x.channels, "channel", 2, "two halves", "", "give the layer before it an even number")

    def output(self, x: Type) -> Type:
        return x._replace(channels=x.channels // 2)


class Maxout(_Units):
    """The largest of n channels side by side: output i of channels i*n to i*n + n - 1.

    Shape:   (*S, C) -> (*S, C/n)
    Source:  Goodfellow et al. 2013, section 2, with n pieces.
    """

    keeps = ""
    positional = ("n",)
    cost_note = "n - 1 comparisons per output"

    n: Count

    def check(self, x: Type) -> None:
        if holds(x.channels % self.n):
            help_ = f"give the layer before it a multiple of {self.n}"
            raise undivided("A205", x.channels, "channel", self.n, f"groups of {self.n}", "n", help_)

    def output(self, x: Type) -> Type:
        return x._replace(channels=x.channels // self.n)

    def flops(self, x: Type, y: Type) -> int:
        return (self.n - 1) * y.size

    def kept(self, x: Type, y: Type) -> Kept:
        return Kept(bytes=8 * y.size)  # where each maximum is


class Squash(_Units):
    """Shortens the vector of each position to a length below 1: v = (|s|^2/(1 + |s|^2)) * s/|s|.

    Source:  Sabour, Frosst & Hinton 2017, equation 1.
    """

    cost_note = "3 per element (square, sum, scale) and 2 per position more: a root, an addition and a division, less one sum"

    def flops(self, x: Type, y: Type) -> int:
        return 3 * x.size + 2 * product(x.shape[:-1])

    def kept(self, x: Type, y: Type) -> Kept:
        """The vectors, and of each its length, the divisor and the factor."""
        return Kept(input=True, numbers=3 * product(x.shape[:-1]))
