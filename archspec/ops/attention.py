"""Tokens and attention."""

from functools import partial

from archspec.numeric import holds, largest, product, where
from archspec.ops.base import WHOLE, Field_, Kept, Misfit, Op, Taps, Weight, check_axes, per_axis, phased, share, undivided
from archspec.ops.declare import Count, Flag, Margin, Size
from archspec.types import Map, Tokens, Type, Vector, describe


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


class Attention(_Attention):
    """Multi-head self-attention: projections to queries, keys and values, their two products, and the output projection.

    Shape:   unchanged, (T, D)
    Params:  in_proj (3D, D), out_proj (D, D), and their biases if bias
    MACs:    4*T*D^2 + 2*T^2*D
    Source:  Vaswani et al. 2017, section 3.2; torch.nn.MultiheadAttention.
    """

    step = "attn"
    reads = WHOLE
    cost_note = "2 per MAC, T*D for the scaling, 5*heads*T^2 for the softmax"

    heads: Count
    bias: Flag = True

    def check(self, x: Tokens) -> None:
        share(x.channels, "channel", self.heads, "head", "heads")

    def weights(self, x: Tokens) -> tuple[Weight, ...]:
        return _projections(("in_proj_weight", "in_proj_bias"), ("out_proj.weight", "out_proj.bias"), x.channels, self.bias)

    def macs(self, x: Tokens, y: Tokens) -> int:
        t, d = x
        return 4 * t * d * d + 2 * t * t * d

    def flops(self, x: Tokens, y: Tokens) -> int:
        return 2 * self.macs(x, y) + x.size + 5 * self.heads * x.length**2

    def kept(self, x: Tokens, y: Tokens) -> Kept:
        """The tokens, unless they are projected by fixed weights, their queries, keys and values, each softmax's sum, the heads' outputs."""
        return Kept(numbers=(4 if self.frozen else 5) * x.size + self.heads * x.length)

    def constant(self, x: Tokens) -> tuple[str, str] | None:
        if x.length > 1:
            return None
        return "`attn` over one token: the softmax of one score is always 1", "keep more positions before `tokens`"


class WindowAttention(_Attention):
    """Self-attention within windows of a map, cyclically shifted, with a learned bias for each relative position.

    Nothing is shifted on an axis that one window covers.

    Shape:   unchanged, (H, W, C)
    Params:  relative_position_bias_table ((2wH - 1)(2wW - 1), heads), qkv (3C, C), proj (C, C), and their biases if bias
    MACs:    4*H*W*C^2 + 2*H*W*wH*wW*C
    Source:  Liu et al. 2021, Swin Transformer, sections 3.1 and 3.2; torchvision's ShiftedWindowAttention.
    """

    step = "winattn"
    takes = (Map,)
    cost_note = "2 per MAC, H*W*C for the scaling, 6 per attention weight, and 1 for the mask where shifted"

    heads: Count
    w: Size = 7
    shift: Margin = 0
    bias: Flag = True

    def patch(self) -> tuple[int, ...]:
        """Height and width of the windows."""
        return per_axis(self.w, 2)

    def shifts(self, x: Map) -> tuple[int, ...]:
        """The shift along each axis: 0 where one window covers it."""
        return tuple([where(w < size, s, 0) for s, w, size in zip(per_axis(self.shift, 2), self.patch(), x.spatial, strict=True)])

    def check(self, x: Map) -> None:
        if len(x.spatial) != 2:
            raise Misfit("A201", f"`winattn` takes a map with height and width, not {describe(x)}")
        share(x.channels, "channel", self.heads, "head", "heads")
        check_axes(self, 2, w=1, shift=0)
        for size, w, shift in zip(x.spatial, self.patch(), per_axis(self.shift, 2), strict=True):
            if holds(size % w):
                help_ = f"choose an input for which it is a multiple of {w}"
                raise undivided("A205", size, "", w, f"windows of {w}", "w", help_)
            if shift >= w:
                message = f"a shift of {shift} is not smaller than the window, {w}"
                raise Misfit("A205", message, argument="shift", help_=f"use shift={w // 2}")

    def weights(self, x: Map) -> tuple[Weight, ...]:
        height, width = self.patch()
        table = Weight("relative_position_bias_table", ((2 * height - 1) * (2 * width - 1), self.heads))
        return (table, *_projections(("qkv.weight", "qkv.bias"), ("proj.weight", "proj.bias"), x.channels, self.bias))

    def macs(self, x: Map, y: Map) -> int:
        return 4 * product((*x.spatial, x.channels, x.channels)) + 2 * product((*x.spatial, *self.patch(), x.channels))

    def flops(self, x: Map, y: Map) -> int:
        weights = self.heads * product((*x.spatial, *self.patch()))
        each: int = where(largest(*self.shifts(x)) > 0, 7, 6)
        return 2 * self.macs(x, y) + x.size + each * weights

    def kept(self, x: Map, y: Map) -> Kept:
        """The queries, keys and values, the softmax of each window, and what learned projections multiply: the tokens, the heads' outputs."""
        return Kept(numbers=(3 if self.frozen else 5) * x.size + self.heads * product((*x.spatial, *self.patch())))

    def constant(self, x: Map) -> tuple[str, str] | None:
        if product(self.patch()) > 1:
            return None
        return "`winattn` in windows of one position: the softmax of one score is always 1", "use a larger `w`"

    def reach(self, x: Map) -> Field_:
        return phased([(w, w, partial(_within, w, shift)) for w, shift in zip(self.patch(), self.shifts(x), strict=True)])


def _within(w: int, shift: int, phase: int) -> Taps:
    """Find what a position reads along one axis: its window, of which the part shifted around to the other end is masked."""
    return Taps(shift - w, shift - 1) if phase < shift else Taps(shift, shift + w - 1)


def _projections(into: tuple[str, str], out: tuple[str, str], d: int, bias: bool) -> tuple[Weight, ...]:
    """List the projection to queries, keys and values and that of the output, each with its biases if any."""
    found = []
    for (weight, offset), rows in ((into, 3 * d), (out, d)):
        found += [Weight(weight, (rows, d)), *[Weight(offset, (rows,), "bias")] * bias]
    return tuple(found)
