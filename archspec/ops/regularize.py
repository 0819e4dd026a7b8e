"""Dropout and its relatives: active in training, the identity in inference."""

from archspec.ops.base import Kept, Op
from archspec.ops.declare import Probability
from archspec.types import Map, Type


class Dropout(Op):
    """Zeroes each number with probability p, and scales the rest by 1/(1 - p).

    FLOPs:   none in inference
    Source:  Srivastava et al. 2014.
    """

    positional = ("p",)
    in_place = True

    p: Probability = 0.5

    def kept(self, x: Type, y: Type) -> Kept:
        return Kept(numbers=self.factors(x), bytes=self.marks) if self.p else Kept()

    def factors(self, x: Type) -> int:
        """The random factors of one image."""
        return x.size

    marks = 0
    """Bytes of one image that say what is dropped."""


class Dropout2d(Dropout):
    """Zeroes whole channels with probability p.

    FLOPs:   none in inference
    Source:  Tompson et al. 2015, "SpatialDropout".
    """

    takes = (Map,)

    def factors(self, x: Type) -> int:
        return x.channels


class DropPath(Dropout):
    """Zeroes the whole value of an example with probability p.

    FLOPs:   none in inference
    Source:  Huang et al. 2016, "stochastic depth".
    """

    marks = 1

    def factors(self, x: Type) -> int:
        return 0
