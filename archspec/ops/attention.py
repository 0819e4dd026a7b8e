"""Tokens."""

from typing import Annotated, Any, Literal

from archspec.numeric import product
from archspec.ops.base import WHOLE, Op, Weight
from archspec.ops.declare import Count, Rule
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
    """Puts learned tokens before the sequence, one without an argument.

    Shape:   (T, C) -> (T + n, C)
    Params:  the tokens (1, n, C)
    Source:  Dosovitskiy et al. 2020, equation 1; several: Darcet et al. 2023, registers.
    """

    step = "cls"
    positional = ("n",)

    n: Count = 1

    def output(self, x: Tokens) -> Type:
        return Tokens(x.length + self.n, x.channels)

    def weights(self, x: Tokens) -> tuple[Weight, ...]:
        return (Weight("", (1, self.n if "n" in self.given else 1, x.channels)),)  # `explain` shows no factor that nobody wrote


class Position(_Attention):
    """Adds to each token what tells its position: a learned embedding or, with kind=sin, sines and cosines that are computed.

    Channel c of position t gets sin(t/10000^(c/C)) where c is even, and cos(t/10000^((c-1)/C)) where it is odd.

    Params:  (1, T, C); none with kind=sin
    Source:  Dosovitskiy et al. 2020, equation 1; kind=sin: Vaswani et al. 2017, section 3.5.
    """

    step = "pos"
    elementary = 1
    cost_note = "one addition per element"

    kind_: Annotated[Literal["learned", "sin"], Rule("learned or sin")] = "learned"

    def weights(self, x: Tokens) -> tuple[Weight, ...]:
        return (Weight("", (1, x.length, x.channels)),) if self.kind_ == "learned" else ()

    def has_no_effect(self, argument: str, *inputs: Any) -> bool:
        return argument == "frozen" and self.kind_ == "sin"


class First(_Attention):
    """The first token.

    Shape:   (T, C) -> (C)
    """

    reads = WHOLE
    in_place = True

    def output(self, x: Tokens) -> Type:
        return Vector(x.channels)
