"""Tokens and attention."""

from math import prod

from archspec.ops.base import WHOLE, Count, Field_, Flag, Misfit, Op, Weight, check_size
from archspec.types import Map, Tokens, Type, Vector


class ToTokens(Op):
    """The positions of a map, row by row, as a sequence of tokens.

    Shape:   (*S, C) -> (prod(S), C)
    Params:  none
    Source:  Dosovitskiy et al. 2020, section 3.1.
    """

    step = "tokens"
    takes = (Map,)
    in_place = True

    def output(self, x: Map) -> Type:
        return Tokens(prod(x.spatial), x.channels)

    def work(self, x: Map, y: Tokens) -> dict[str, str]:
        return {"output": f"{'*'.join(map(str, x.spatial))} = {y.length}"}


class ClassToken(Op):
    """Puts one learned token before the sequence.

    Shape:   (T, C) -> (T + 1, C)
    Params:  one token (1, 1, C)
    Source:  Dosovitskiy et al. 2020, equation 1.
    """

    step = "cls"
    takes = (Tokens,)

    def output(self, x: Tokens) -> Type:
        return check_size(Tokens(x.length + 1, x.channels), "the output")

    def weights(self, x: Tokens) -> tuple[Weight, ...]:
        return (Weight("", (1, 1, x.channels)),)

    def reach(self, x: Tokens) -> Field_:
        return WHOLE

    def work(self, x: Tokens, y: Tokens) -> dict[str, str]:
        return {"output": f"{x.length} + 1 = {y.length}", "params": f"{x.channels} = {x.channels}"}


class Position(Op):
    """Adds a learned embedding to each token.

    Shape:   unchanged
    Params:  (1, T, C)
    Source:  Dosovitskiy et al. 2020, equation 1.
    """

    step = "pos"
    takes = (Tokens,)
    elementary = 1
    cost_note = "one addition an element"

    def weights(self, x: Tokens) -> tuple[Weight, ...]:
        return (Weight("", (1, x.length, x.channels)),)

    def work(self, x: Tokens, y: Tokens) -> dict[str, str]:
        return {"params": f"{x.length}*{x.channels} = {x.size}"}


class First(Op):
    """The first token.

    Shape:   (T, C) -> (C)
    Params:  none
    """

    step = "first"
    takes = (Tokens,)
    in_place = True

    def output(self, x: Tokens) -> Type:
        return Vector(x.channels)

    def reach(self, x: Tokens) -> Field_:
        return WHOLE


class Attention(Op):
    """Multi-head self-attention: projections to queries, keys and values, their two products, and the output projection.

    Shape:   unchanged, (T, D)
    Params:  in_proj (3D, D), out_proj (D, D), and their biases if bias
    MACs:    4*T*D^2 + 2*T^2*D
    FLOPs:   2 a MAC; scaling T*D; softmax 5 a weight, heads*T^2 of them
    Source:  Vaswani et al. 2017, section 3.2; torch.nn.MultiheadAttention.
    """

    step = "attn"
    takes = (Tokens,)
    cost_note = "2 a MAC, T*D for the scaling, 5*heads*T^2 for the softmax"

    heads: Count
    bias: Flag = True

    def output(self, x: Tokens) -> Type:
        if x.channels % self.heads:
            raise Misfit(
                "A205",
                f"{x.channels} channels do not divide into {self.heads} heads",
                argument="heads",
                notes=[f"{x.channels}/{self.heads} = {x.channels / self.heads:.2f}"],
            )
        return x

    def weights(self, x: Tokens) -> tuple[Weight, ...]:
        d = x.channels
        into, out = Weight("in_proj_weight", (3 * d, d)), Weight("out_proj.weight", (d, d))
        if not self.bias:
            return (into, out)
        return (into, Weight("in_proj_bias", (3 * d,), "bias"), out, Weight("out_proj.bias", (d,), "bias"))

    def macs(self, x: Tokens, y: Tokens) -> int:
        return 4 * x.length * x.channels**2 + 2 * x.length**2 * x.channels

    def flops(self, x: Tokens, y: Tokens) -> int:
        return 2 * self.macs(x, y) + x.size + 5 * self.heads * x.length**2

    def reach(self, x: Tokens) -> Field_:
        return WHOLE

    def work(self, x: Tokens, y: Tokens) -> dict[str, str]:
        t, d = x
        bias = f" + 4*{d}" if self.bias else ""
        return {
            "params": f"4*{d}*{d}{bias} = {4 * d * d + 4 * d * self.bias}",
            "macs": f"4*{t}*{d}*{d} + 2*{t}*{t}*{d} = {self.macs(x, y)}",
        }
