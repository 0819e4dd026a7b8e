"""Dropout and its relatives: at work in training, the identity in inference."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.base import Op, Probability
from archspec.types import Map


class Dropout(Op):
    """Zeroes each number with probability p, and scales the rest by 1/(1 - p).

    Shape:   unchanged
    Params:  none
    FLOPs:   none in inference
    Source:  Srivastava et al. 2014.
    """

    step: ClassVar[str] = "dropout"
    bare: ClassVar[tuple[str, ...]] = ("p",)
    in_place: ClassVar[bool] = True

    p: Probability = 0.5


class Dropout2d(Dropout):
    """Zeroes whole channels with probability p.

    Shape:   unchanged
    Params:  none
    FLOPs:   none in inference
    Source:  Tompson et al. 2015, "SpatialDropout".
    """

    step: ClassVar[str] = "dropout2d"
    takes: ClassVar[tuple[type, ...]] = (Map,)


class DropPath(Dropout):
    """Zeroes the whole value of an example with probability p.

    Shape:   unchanged
    Params:  none
    FLOPs:   none in inference
    Source:  Huang et al. 2016, "stochastic depth".
    """

    step: ClassVar[str] = "droppath"
