"""Tokens and attention."""

from math import prod

from archspec.ops.base import (
    WHOLE,
    Count,
    Field_,
    Flag,
    Margin,
    Misfit,
    Op,
    Reach,
    Size,
    Taps,
    Weight,
    along,
    check_size,
    per_axis,
    phased,
    undivided,
)
from archspec.types import Map, Tokens, Type, Vector, describe


class ToTokens(Op):
    """The positions of a map, row by row, as a sequence of tokens.

    Shape:   (*S, C) -> (prod(S), C)
    Params:  none
    Source:  Dosovitskiy et al. 2020, section 3.1.
    """

    step = "tokens"
    kind = "attention"
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
    kind = "attention"
    takes = (Tokens,)

    def output(self, x: Tokens) -> Type:
        return check_size(Tokens(x.length + 1, x.channels), "the output")

    def weights(self, x: Tokens) -> tuple[Weight, ...]:
        return (Weight("", (1, 1, x.channels)),)

    def work(self, x: Tokens, y: Tokens) -> dict[str, str]:
        return {"output": f"{x.length} + 1 = {y.length}", "params": f"{x.channels} = {x.channels}"}


class Position(Op):
    """Adds a learned embedding to each token.

    Shape:   unchanged
    Params:  (1, T, C)
    Source:  Dosovitskiy et al. 2020, equation 1.
    """

    step = "pos"
    kind = "attention"
    takes = (Tokens,)
    elementary = 1
    cost_note = "one addition per element"

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
    kind = "attention"
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
    FLOPs:   2 per MAC; scaling T*D; softmax 5 per weight, heads*T^2 of them
    Source:  Vaswani et al. 2017, section 3.2; torch.nn.MultiheadAttention.
    """

    step = "attn"
    kind = "attention"
    takes = (Tokens,)
    cost_note = "2 per MAC, T*D for the scaling, 5*heads*T^2 for the softmax"

    heads: Count
    bias: Flag = True

    def output(self, x: Tokens) -> Type:
        check_heads(x.channels, self.heads)
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

    def constant(self, x: Tokens) -> tuple[str, str] | None:
        if x.length > 1:
            return None
        return "`attn` over one token: the softmax of one score is always 1", "keep more positions before `tokens`"

    def reach(self, x: Tokens) -> Field_:
        return WHOLE

    def work(self, x: Tokens, y: Tokens) -> dict[str, str]:
        t, d = x
        bias = f" + 4*{d}" if self.bias else ""
        return {
            "params": f"4*{d}*{d}{bias} = {4 * d * d + 4 * d * self.bias}",
            "macs": f"4*{t}*{d}*{d} + 2*{t}*{t}*{d} = {self.macs(x, y)}",
        }


class WindowAttention(Op):
    """Self-attention within windows of a map, cyclically shifted, with a learned bias for each relative position.

    On an axis that one window covers nothing is shifted.

    Shape:   unchanged, (H, W, C)
    Params:  relative_position_bias_table ((2wH - 1)(2wW - 1), heads), qkv (3C, C), proj (C, C), and their biases if bias
    MACs:    4*H*W*C^2 + 2*H*W*wH*wW*C
    FLOPs:   2 per MAC; scaling H*W*C; 6 per weight (bias 1, softmax 5), heads*H*W*wH*wW of them, and 1 for the mask where it is shifted
    Source:  Liu et al. 2021, Swin Transformer, sections 3.1 and 3.2; torchvision's ShiftedWindowAttention.
    """

    step = "winattn"
    kind = "attention"
    takes = (Map,)
    cost_note = "2 per MAC, H*W*C for the scaling, 6 per attention weight, and 1 for the mask where shifted"

    heads: Count
    w: Size = 7
    shift: Margin = 0
    bias: Flag = True

    def window(self) -> tuple[int, int]:
        height, width = per_axis(self.w, 2, "w", least=1)
        return height, width

    def shifts(self, x: Map) -> tuple[int, ...]:
        """The shift along each axis: none where one window covers it."""
        wanted = per_axis(self.shift, 2, "shift", least=0)
        return tuple(s if w < size else 0 for s, w, size in zip(wanted, self.window(), x.spatial, strict=True))

    def output(self, x: Map) -> Type:
        if len(x.spatial) != 2:
            raise Misfit("A201", f"`winattn` takes a map with height and width, not {describe(x)}")
        check_heads(x.channels, self.heads)
        for size, w, shift in zip(x.spatial, self.window(), per_axis(self.shift, 2, "shift", least=0), strict=True):
            if size % w:
                help_ = f"choose an input for which it is a multiple of {w}"
                raise Misfit(
                    "A205", f"{size} does not divide into windows of {w}", argument="w", notes=[f"{size}/{w} = {size / w:.2f}"], help_=help_
                )
            if shift >= w:
                raise Misfit(
                    "A205", f"a shift of {shift} is not smaller than the window, {w}", argument="shift", help_=f"use shift={w // 2}"
                )
        return x

    def weights(self, x: Map) -> tuple[Weight, ...]:
        c, (height, width) = x.channels, self.window()
        found = [Weight("relative_position_bias_table", ((2 * height - 1) * (2 * width - 1), self.heads))]
        for name, rows in (("qkv", 3 * c), ("proj", c)):
            found.append(Weight(f"{name}.weight", (rows, c)))
            found += [Weight(f"{name}.bias", (rows,), "bias")] * self.bias
        return tuple(found)

    def macs(self, x: Map, y: Map) -> int:
        return 4 * x.size * x.channels + 2 * x.size * prod(self.window())

    def flops(self, x: Map, y: Map) -> int:
        weights = self.heads * prod(x.spatial) * prod(self.window())
        return 2 * self.macs(x, y) + x.size + (6 + any(self.shifts(x))) * weights

    def constant(self, x: Map) -> tuple[str, str] | None:
        if prod(self.window()) > 1:
            return None
        return "`winattn` in windows of one position: the softmax of one score is always 1", "use a larger `w`"

    def reach(self, x: Map) -> Field_:
        return along([_within(w, shift) for w, shift in zip(self.window(), self.shifts(x), strict=True)])

    def work(self, x: Map, y: Map) -> dict[str, str]:
        c, (height, width) = x.channels, self.window()
        area, bias = "*".join(map(str, x.spatial)), f" + 4*{c}" if self.bias else ""
        table = f"(2*{height} - 1)*(2*{width} - 1)*{self.heads}"
        return {
            "params": f"4*{c}*{c}{bias} + {table} = {sum(weight.size for weight in self.weights(x))}",
            "macs": f"4*{area}*{c}*{c} + 2*{area}*{height}*{width}*{c} = {self.macs(x, y)}",
        }


def _within(w: int, shift: int) -> Reach | None:
    """What a position reads along one axis: its window. What was shifted around to the other end is masked."""
    return phased(w, w, lambda i: Taps(*(shift - w, shift - 1) if i < shift else (shift, shift + w - 1)))


def check_heads(channels: int, heads: int) -> None:
    """Raises Misfit where the channels do not divide into the heads."""
    if channels % heads:
        raise undivided(channels, "channel", heads, "head", "heads")
