"""Tokens."""

from archspec.numeric import product
from archspec.ops.base import WHOLE, Op, Weight
from archspec.types import Map, Tokens, Type, Vector


class _Attention(Op):
    """A layer of networks of tokens."""

    kind = "attention"
    keeps = ""
    takes = (Tokens,)  # type: tuple[type, ...]


class ToTokens(_Attention):
    """The positions of a map, row by row, as a sequence of tokens.

    Shape:   (*S, C) -> (prod(S), C)
    Source:  Dosovitskiy et al. 2020, section 3.1.
    """

    step = "tokens"
    takes = (Map,)
    in_place = True

    def output(self, x: Map) -> Type:
        return Tokens(product(x.spatial), x.channels)


class ClassToken(_Attention):
    """Puts one learned token before the sequence.

    Shape:   (T, C) -> (T + 1, C)
    Params:  one token (1, 1, C)
    Source:  Dosovitskiy et al. 2020, equation 1.
    """

    step = "cls"

    def output(self, x: Tokens) -> Type:
        return Tokens(x.length + 1, x.channels)

    def weights(self, x: Tokens) -> tuple[Weight, ...]:
        return (Weight("", (1, 1, x.channels)),)


class Position(_Attention):
    """Adds a learned embedding to each token.

    Params:  (1, T, C)
    Source:  Dosovitskiy et al. 2020, equation 1.
    """

    step = "pos"
    elementary = 1
    cost_note = "one addition per element"

    def weights(self, x: Tokens) -> tuple[Weight, ...]:
        return (Weight("", (1, x.length, x.channels)),)


class First(_Attention):
    """The first token.

    Shape:   (T, C) -> (C)
    """

    reads = WHOLE
    in_place = True

    def output(self, x: Tokens) -> Type:
        return Vector(x.channels)
