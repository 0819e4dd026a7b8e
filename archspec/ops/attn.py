"""Attention: queries that read keys and values."""

from typing import Any

from archspec.numeric import holds, where
from archspec.ops.base import WHOLE, Kept, Misfit, Op, Part, Weight
from archspec.ops.declare import Count, Flag, Margin, Operand, Size
from archspec.ops.dividing import share, undivided
from archspec.ops.heads import BUCKETS, Factor, Heads, MaybeCount, MaybeSize, Projections, Relative, Similarity, Sizes, named, positions
from archspec.ops.turning import Pair, Prefix, Rotary
from archspec.types import Map, Tokens, Type, describe


class _Projected(Heads):
    """Attention with its projections."""

    kv = False
    bias = True
    f = None  # type: int | None
    d = None  # type: int | None
    proj = None  # type: str | None

    def sizes(self, *inputs: Any) -> Sizes:
        x, source = inputs[0], inputs[1] if self.kv else inputs[0]
        width = x.channels if self.d is None else self.heads * self.d
        narrow = width if self.kvheads is None else width // self.heads * self.kvheads
        here, there = positions(x), positions(source)
        whole = self.w is None and self.grid is None
        return Sizes(here, there if whole else self.spanned(x), there, width, narrow, narrow, width)

    def check(self, *inputs: Any) -> None:
        x = inputs[0]
        if self.d is None:
            share(x.channels, "channel", self.heads, "head", "heads")
        super().check(*inputs)
        if self.kv:
            self._check_source(inputs[1])
        s = self.sizes(*inputs)
        self.check_turned(s, self.angles(*inputs))
        if self.rel is True:
            self.check_added(s, inputs[-1])

    def _check_source(self, source: Type) -> None:
        if not isinstance(source, (Map, Tokens)):
            message = f"`kv` takes a feature map or tokens, not {describe(source)}"
            raise Misfit("A201", message, argument="kv", help_="a vector has no positions left to read")
        for argument in ("w", "grid", "rope"):
            if getattr(self, argument) is not None:
                message = f"`{argument}` relates positions of one value, and `kv` reads those of another"
                raise Misfit("A105", message, argument=argument, help_=f"leave out `{argument}` or `kv`")
        if isinstance(self.rel, str):
            message = f"`rel={self.rel}` relates positions of one value, and `kv` reads those of another"
            raise Misfit("A105", message, argument="rel", help_="leave out `rel` or `kv`, or write `rel=` and the label of a value")
        if self.proj == "qkv":
            message = "`proj=qkv` is one matrix for one value, and `kv` is another value"
            raise Misfit("A105", message, argument="proj", help_="use proj=apart, or leave `proj` out")

    def output(self, *inputs: Any) -> Type:
        x: Type = inputs[0]
        return x if self.f is None else x._replace(channels=self.f)

    def form(self, *inputs: Any) -> str:
        """How the projections are stored: `in`, as torch.nn.MultiheadAttention has them where it can, `apart` or `qkv`."""
        if self.proj is not None:
            return self.proj
        like = self.kvheads is None or not holds(self.kvheads != self.heads)
        return "in" if like and (not self.kv or not holds(inputs[1].channels != inputs[0].channels)) else "apart"

    def weights(self, *inputs: Any) -> tuple[Weight, ...]:
        x, form, s = inputs[0], self.form(*inputs), self.sizes(*inputs)
        source = inputs[1] if self.kv else x
        if form == "apart":
            into = [("q_proj.", s.width, x.channels), ("k_proj.", s.narrow, source.channels), ("v_proj.", s.narrow, source.channels)]
        else:
            rows = 3 * s.width if self.kvheads is None else s.width + 2 * s.narrow
            into = [("in_proj_" if form == "in" else "qkv.", rows, x.channels)]
        into.append(("proj." if form == "qkv" else "out_proj.", self.output(*inputs).channels, s.width))
        found = [weight for name, rows, columns in into for weight in named(name, (rows, columns), self.bias)]
        return (*self.before(x), *found, *self.after(x))

    def macs(self, *types: Any) -> int:
        x, y, s = types[0], types[-1], self.sizes(*types[:-1])
        source = types[1] if self.kv else x
        products = super().macs(*types)
        if s.width is s.narrow is x.channels and not self.kv and self.f is None:  # four alike, as lectures write them
            return 4 * s.queries * x.channels * x.channels + products
        projections: int = (
            s.queries * x.channels * s.width + 2 * (s.sources * source.channels * s.narrow) + s.queries * s.width * y.channels
        )
        return projections + products

    def parts(self, *inputs: Any) -> tuple[Part, ...]:
        x, s = inputs[0], self.sizes(*inputs)
        source = inputs[1] if self.kv else x
        letter, bias = "U" if self.kv else "X", where(self.bias, 1, 0)
        of = ("X W_q: ", f"{letter} W_k: ", f"{letter} W_v: ")
        learned = ((x.channels + bias) * s.width, (source.channels + bias) * s.narrow, (source.channels + bias) * s.narrow)
        f = x.channels if self.f is None else self.f
        end = Part("output W_o", f"(softmax(S) V of all heads, side by side: {s.width}) times W_o: {f} channels", (s.width + bias) * f)
        return (*self.matrices(s, x, of, learned), end)

    def kept(self, *types: Any) -> Kept:
        """What is projected; queries, keys and values; the softmax, or its sums; and what the heads give."""
        x, inputs, s = types[0], types[:-1], self.sizes(*types[:-1])
        q, k = s.queries * s.width, s.sources * s.narrow
        form = self.form(*inputs)
        base, found = self.core(s, x, form != "apart", self.angles(*inputs))
        numbers = found.numbers + q * (not (self.frozen and self.scored(s, x)))  # fixed weights keep nothing that they multiply
        if form == "apart":
            numbers += q * base[0] + k * base[1] + k * base[2]
        elif any(base):
            numbers += q + 2 * k
        if self.frozen:
            return found._replace(numbers=numbers)
        if self.known(*inputs):  # these copy what they project
            return found._replace(numbers=numbers + sum([value.size for value in inputs]))
        if self.regrouped(x):
            return found._replace(numbers=numbers + x.size)
        return found._replace(numbers=numbers, input=(True, self.kv, False, False)[: len(inputs)])

    def known(self, *inputs: Any) -> str:
        """The attention of a library that this is: `torch`, nn.MultiheadAttention on tokens; `swin`, torchvision's; or none."""
        form = self.form(*inputs)
        if self.kvheads is self.rope is self.grid is self.scale is self.d is self.f is None and self.sim == "dot" and not self.talk:
            if self.rel is self.w is None and form == "in" and all(isinstance(value, Tokens) for value in inputs):
                return "" if self.kv and self.causal else "torch"
            if self.rel == "table" and self.w is not None and form == "qkv" and len(inputs[0].spatial) == 2:
                return "swin"
        return ""


class Attention(_Projected):
    """Multi-head attention: projections to queries, keys and values, their two products, and the output projection.

    Over all positions, those of a window `w`, moved by `shift`, or the `grid` positions that lie S/grid apart. The keys and values are
    those of the value `kv`, if any. Nothing is shifted on an axis that one window covers. With sim=cos the bias of the keys stays 0.

    Shape:   (*S, D) -> (*S, f), f = D unless given
    Params:  heads*d*D for the queries, 2*kvheads*d*E for keys and values, f*heads*d for the output, and one bias per row;
             rel=table heads*prod(2n - 1), rel=mlp r*512 + 512 + 512*heads, rel=buckets 32*heads, sim=cos heads, talk 2*(heads^2 + heads)
    MACs:    T*D*heads*d + 2*U'*E*kvheads*d + T*heads*d*f + 2*T*U*heads*d; talk 2*T*U*heads^2; rel=mlp prod(2n - 1)*(r*512 + 512*heads)
    Source:  Vaswani et al. 2017, section 3.2, torch.nn.MultiheadAttention; kvheads: Ainslie et al. 2023; rope: Su et al. 2021;
             windows, rel=table: Liu et al. 2021; sim=cos, rel=mlp: Liu et al. 2022; grid: Tu et al. 2022; talk: Touvron et al. 2021.
    """

    step = "attn"

    kv: Operand = False
    kvheads: MaybeCount = None
    causal: Flag = False
    rope: Rotary = None
    prefix: Prefix = 0
    pair: Pair = None
    bias: Flag = True
    f: MaybeCount = None
    d: MaybeCount = None
    rel: Relative = None
    w: MaybeSize = None
    shift: Margin = 0
    grid: MaybeSize = None
    sim: Similarity = "dot"
    talk: Flag = False
    scale: Factor = None
    proj: Projections = None


class WindowAttention(_Projected):
    """Self-attention within windows of a map, cyclically shifted, with a learned bias for each relative position.

    Nothing is shifted on an axis that one window covers. It is `attn` with rel=table and proj=qkv.

    Shape:   unchanged, (H, W, C)
    Params:  relative_position_bias_table ((2wH - 1)(2wW - 1), heads), qkv (3C, C), proj (C, C), and their biases if bias
    MACs:    4*H*W*C^2 + 2*H*W*wH*wW*C
    Source:  Liu et al. 2021, Swin Transformer, sections 3.1 and 3.2; torchvision's ShiftedWindowAttention.
    """

    step = "winattn"
    takes = (Map,)  # type: tuple[type, ...]
    rel = "table"
    proj = "qkv"

    w: Size = 7
    shift: Margin = 0
    bias: Flag = True

    def check(self, *inputs: Any) -> None:
        if len(inputs[0].spatial) != 2:
            raise Misfit(
                "A201", f"`winattn` takes a map with height and width, not {describe(inputs[0])}", help_="`attn w=7` takes any map"
            )
        super().check(*inputs)


class Attend(Heads):
    """Attention without its projections: of one value whose channels are queries, keys and values, or of three.

    Shape:   (*S, heads*d + 2*kvheads*d) -> (*S, heads*d); of three (*S, heads*d), (*R, kvheads*d) and (*R, kvheads*e) -> (*S, heads*e)
    Params:  those of `rel`, `sim` and `talk` as in `attn`
    MACs:    T*U*heads*(d + e); talk 2*T*U*heads^2; rel=mlp prod(2n - 1)*(r*512 + 512*heads)
    Source:  Vaswani et al. 2017, equation 1; torch.nn.functional.scaled_dot_product_attention.
    """

    positional = ("k", "v")

    k: Operand = False
    v: Operand = False
    kvheads: MaybeCount = None
    causal: Flag = False
    rope: Rotary = None
    prefix: Prefix = 0
    pair: Pair = None
    rel: Relative = None
    w: MaybeSize = None
    shift: Margin = 0
    grid: MaybeSize = None
    sim: Similarity = "dot"
    talk: Flag = False
    scale: Factor = None

    def sizes(self, *inputs: Any) -> Sizes:
        x, source = inputs[0], inputs[1] if self.k else inputs[0]
        kvheads = self.heads if self.kvheads is None else self.kvheads
        d = x.channels // (self.heads if self.k else self.heads + 2 * kvheads)
        here, there = positions(x), positions(source)
        whole = self.w is None and self.grid is None
        width, narrow = self.heads * d, kvheads * d
        values, mixed = (inputs[2].channels, inputs[2].channels // kvheads * self.heads) if self.k else (narrow, width)
        return Sizes(here, there if whole else self.spanned(x), there, width, narrow, values, mixed)

    def check(self, *inputs: Any) -> None:
        x = inputs[0]
        if self.k != self.v:
            message = "`attend` takes one value, or queries, keys and values"
            raise Misfit("A103", message, help_="write `attend heads=8` after one packed value, or `attend k v heads=8`")
        super().check(*inputs)
        if self.k:
            self._check_three(*inputs[:3])
        else:
            parts = self.heads + 2 * (self.heads if self.kvheads is None else self.kvheads)
            if holds(x.channels % parts):
                into = f"{parts} heads of queries, keys and values"
                help_ = f"a `linear` before it makes {parts} numbers per channel of a head"
                raise undivided("A205", x.channels, "channel", parts, into, "heads", help_)
        s = self.sizes(*inputs)
        self.check_turned(s, self.angles(*inputs))
        if self.rel is True:
            self.check_added(s, inputs[-1])

    def _check_three(self, q: Map | Tokens, k: Type, v: Type) -> None:
        share(q.channels, "channel", self.heads, "head", "heads")
        for name, value in (("k", k), ("v", v)):
            if not isinstance(value, (Map, Tokens)):
                raise Misfit("A201", f"`{name}` is a feature map or tokens, not {describe(value)}", argument=name)
        if k._replace(channels=v.channels) != v:
            message = f"keys and values have the same positions, but are {describe(k)} and {describe(v)}"
            raise Misfit("A301", message, argument="v")
        kvheads = self.heads if self.kvheads is None else self.kvheads
        share(v.channels, "channel", kvheads, "head", "heads" if self.kvheads is None else "kvheads")
        narrow = q.channels // self.heads * kvheads
        if holds(k.channels != narrow):
            message = f"keys have as many channels per head as the queries: {narrow} in all, not {k.channels}"
            raise Misfit("A301", message, argument="k", help_="a `linear` makes them, or `kvheads` says how many heads they have")
        for argument in ("w", "grid", "rope", "rel"):
            beside = argument == "rel" and self.rel is True
            if getattr(self, argument) is not None and not beside and q.shape[:-1] != k.shape[:-1]:
                word = f"{argument}={self.rel}" if argument == "rel" else argument
                message = f"`{word}` relates equal positions, but the queries are {describe(q)} and the keys {describe(k)}"
                raise Misfit("A301", message, argument=argument, help_=f"leave out `{argument}`")

    def output(self, *inputs: Any) -> Type:
        x: Type = inputs[0]
        return x._replace(channels=self.sizes(*inputs).mixed)

    def parts(self, *inputs: Any) -> tuple[Part, ...]:
        s = self.sizes(*inputs)
        end = Part("output", f"softmax(S) V of all heads, side by side: {s.mixed} channels")
        return (*self.matrices(s, inputs[0]), end)

    def kept(self, *types: Any) -> Kept:
        """Queries, keys and values; the softmax, or its sums and the result."""
        x, inputs = types[0], types[:-1]
        s = self.sizes(*inputs)
        base, found = self.core(s, x, not self.k, self.angles(*inputs))
        found = found._replace(output=not self.scored(s, x))
        if self.k:
            return found._replace(input=(*base, False, False)[: len(inputs)])
        if self.regrouped(x):
            return found._replace(numbers=found.numbers + x.size * any(base))
        return found._replace(input=(any(base), False, False)[: len(inputs)])


class Buckets(Op):
    """A learned number per head for each two tokens, looked up by their distance: near ones have buckets of their own, far ones share.

    With `causal` all 32 buckets are for tokens before, and otherwise half of them. Distances from 128 on share the last bucket.

    Shape:   (T, C) -> (T, T, heads)
    Params:  weight (32, heads)
    Source:  Raffel et al. 2020, section 2.1; `T5Attention._relative_position_bucket` of transformers.
    """

    kind = "attention"
    keeps = ""
    takes = (Tokens, Map)
    reads = WHOLE
    aside = True

    heads: Count
    causal: Flag = False

    def check(self, x: Map | Tokens) -> None:
        if len(x.shape) > 2:
            message = f"`buckets` needs positions in a row: tokens, or a map with one axis, not {describe(x)}"
            raise Misfit("A206", message, help_="`tokens` makes a sequence of the positions of a map")

    def output(self, x: Map | Tokens) -> Map:
        return Map((positions(x), positions(x)), self.heads)

    def weights(self, x: Map | Tokens) -> tuple[Weight, ...]:
        return (Weight("weight", (BUCKETS, self.heads)),)

    def kept(self, x: Map | Tokens, y: Map) -> Kept:
        return Kept(statistics=0 if self.frozen else 2 * positions(x) * positions(x))  # the buckets, 8 bytes each
