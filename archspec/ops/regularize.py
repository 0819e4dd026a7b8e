"""Dropout and its relatives: active in training, the identity in inference."""

from archspec.ops.base import Op
from archspec.ops.declare import Probability
from archspec.types import Map


class Dropout(Op):
    """Zeroes each number with probability p, and scales the rest by 1/(1 - p).

    FLOPs:   none in inference
    Source:  Srivastava et al. 2014.
    """

    positional = ("p",)
    in_place = True

    p: Probability = 0.5


class Dropout2d(Dropout):
    """Zeroes whole channels with probability p.

    FLOPs:   none in inference
    Source:  Tompson et al. 2015, "SpatialDropout".
    """

    takes = (Map,)


class DropPath(Dropout):
    """Zeroes the whole value of an example with probability p.

    FLOPs:   none in inference
    Source:  Huang et al. 2016, "stochastic depth".
    """
