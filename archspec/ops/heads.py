"""Attention: queries that read keys and values, in heads, over tokens and over the positions of maps."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

from archspec.numeric import holds, largest, product, where
from archspec.ops.base import WHOLE, Field_, Kept, Misfit, Part, Taps, Weight, check_axes, per_axis, phased, weight_and_bias
from archspec.ops.declare import Count, Rule
from archspec.ops.dividing import share, undivided
from archspec.ops.turning import Turned
from archspec.types import LIMIT, Map, Tokens, Type, describe

BUCKETS = 32
"""Buckets of relative positions: Raffel et al. 2020, section 2.1, `relative_attention_num_buckets` of T5."""
HIDDEN = 512
"""Units between a relative position and its biases: Liu et al. 2022, section 3.3."""
_ORDERED = "tokens, or a map with one axis"

MaybeCount = Annotated[int | None, Rule("a whole number of at least 1", least=1, most=LIMIT)]
MaybeSize = Annotated[int | tuple[int, ...] | None, Rule("a whole number of at least 1, or a size such as 5x3")]
Factor = Annotated[float | None, Rule("a number: what the products of queries and keys are multiplied with")]
Relative = Annotated[
    Literal["table", "mlp", "buckets"] | bool | None,
    Rule("table, mlp, buckets, or the label of a value: what is added to the scores", names="value"),
]
Similarity = Annotated[Literal["dot", "cos"], Rule("dot or cos: how queries and keys are compared")]
Projections = Annotated[Literal["apart", "qkv"] | None, Rule("apart or qkv: how the projections are stored")]


class Sizes(NamedTuple):
    """The sizes of an attention.

    Each of T `queries` reads U `keys`, those of its window or all; `sources` are the positions that have keys and values. `width` is
    heads*d, `narrow` the kvheads*d channels of the keys. Values have e channels per head, which is d unless `attend` reads three values: `values`
    is kvheads*e, and `mixed` the heads*e channels of the result.
    """

    queries: int
    keys: int
    sources: int
    width: int
    narrow: int
    values: int
    mixed: int


def positions(x: Map | Tokens) -> int:
    """Count the positions of a value."""
    return product(x.shape[:-1])


class Heads(Turned):
    """Softmax(q k^T / sqrt(d)) v in heads. A subclass declares which of these it takes as arguments, and says its sizes."""

    kind = "attention"
    keeps = ""
    takes = (Map, Tokens)  # type: tuple[type, ...]
    cost_note = (
        "2 per MAC, 1 per number of the queries for the scaling, 5 per score for the softmax, 1 per score for a bias, a mask and a learned "
        "scale each; 3 per number that `rope` turns or sim=cos divides, 2 per angle that is a value; rel=mlp 512 + 5*heads per offset"
    )

    heads: Count
    kvheads = None  # type: int | None
    causal = False
    w = None  # type: int | tuple[int, ...] | None
    shift = 0  # type: int | tuple[int, ...]
    grid = None  # type: int | tuple[int, ...] | None
    sim = "dot"
    talk = False
    scale = None  # type: float | None

    # sizes

    def sizes(self, *inputs: Any) -> Sizes:
        """Compute the sizes, from inputs that fit."""
        raise NotImplementedError

    def span(self, x: Map | Tokens) -> tuple[int, ...]:
        """The axes along which a query reads: those of its window, of the grid, or all."""
        part = self.w if self.grid is None else self.grid
        return x.shape[:-1] if part is None else per_axis(part, len(x.shape) - 1)

    def shifts(self, x: Map) -> tuple[int, ...]:
        """The shift along each axis: 0 where one window covers it."""
        axes = zip(per_axis(self.shift, len(x.spatial)), self.span(x), x.spatial, strict=True)
        return tuple([where(w < size, s, 0) for s, w, size in axes])

    def _shifted(self, x: Map | Tokens) -> int:
        return where(largest(*self.shifts(x)) > 0, 1, 0) if isinstance(x, Map) and self.w is not None else 0

    def spanned(self, x: Map | Tokens) -> int:
        """Count the positions that a query reads in its window or grid."""
        return product(self.span(x))

    def _offsets(self, x: Map | Tokens) -> int:
        """Count the positions that one of a window may have relative to another."""
        return product([2 * n - 1 for n in self.span(x)])

    # what is stored

    def before(self, x: Map | Tokens) -> tuple[Weight, ...]:
        """List the tensors of its own that come before those of the projections."""
        table = [Weight("relative_position_bias_table", (self._offsets(x), self.heads))] * (self.rel == "table")
        return (*table, *[Weight("logit_scale", (self.heads, 1, 1))] * (self.sim == "cos"))

    def after(self, x: Map | Tokens) -> tuple[Weight, ...]:
        """List the tensors of its own that come after those of the projections."""
        found: list[Weight] = []
        if self.rel == "mlp":
            found += named("cpb_mlp.0.", (HIDDEN, len(self.span(x))), bias=True)
            found += named("cpb_mlp.2.", (self.heads, HIDDEN), bias=False)
        if self.rel == "buckets":
            found += named("relative_attention_bias.", (BUCKETS, self.heads), bias=False)
        for name in ("proj_l.", "proj_w.") if self.talk else ():
            found += named(name, (self.heads, self.heads), bias=True)
        return tuple(found)

    def weights(self, *inputs: Any) -> tuple[Weight, ...]:
        return (*self.before(inputs[0]), *self.after(inputs[0]))

    # costs

    def macs(self, *types: Any) -> int:
        s = self.sizes(*types[:-1])
        found = product((s.queries, s.keys, s.width))
        found = 2 * found if s.mixed is s.width else found + product((s.queries, s.keys, s.mixed))
        if self.talk:
            found += 2 * product((s.queries, s.keys, self.heads, self.heads))
        if self.rel == "mlp":
            x = types[0]
            found += self._offsets(x) * (len(self.span(x)) * HIDDEN + HIDDEN * self.heads)
        return found

    def flops(self, *types: Any) -> int:
        x, s = types[0], self.sizes(*types[:-1])
        both = s.queries * s.width + s.sources * s.narrow
        scores = self.heads * s.queries * s.keys
        each = 5 + (self.rel is not None) + self.causal + self._shifted(x) + (self.sim == "cos")
        found = 2 * self.macs(*types) + each * scores
        found += 3 * both if self.sim == "cos" else s.queries * s.width
        found += self.turning_flops(s, self.angles(*types[:-1]))
        if self.rel == "mlp":
            found += self._offsets(x) * (HIDDEN + 5 * self.heads)
        return found

    # in words

    def matrices(
        self, s: Sizes, x: Map | Tokens, of: Sequence[str] = ("", "", ""), params: Sequence[int | None] = (None,) * 3
    ) -> list[Part]:
        """Write the matrices of a head with their sizes: queries, keys, values, scores."""
        kvheads = self.heads if self.kvheads is None else self.kvheads
        here, there = s.queries, s.sources
        where_, turned = "", self.turned_in_words()
        if self.w is not None or self.grid is not None:
            here = there = s.keys
            where_ = f" in each of {s.queries // s.keys:,} {'windows' if self.grid is None else 'grids'}"
        d, e = s.width // self.heads, s.mixed // self.heads
        counts = (self.heads, here, d), (kvheads, there, d), (kvheads, there, e)
        rows = zip(("queries Q", "keys K", "values V"), of, counts, params, strict=True)
        found = [
            Part(name, f"{text}{heads} x {count}x{channels}{where_}{turned if name[0] != 'v' else ''}", number)
            for name, text, (heads, count, channels), number in rows
        ]
        scale = f" / sqrt({d})" if self.scale is None else f" * {self.scale:g}"
        scores = "cos(Q, K) * the head's learned scale" if self.sim == "cos" else f"Q K^T{scale}"
        added = "" if self.rel is None else " + the value of `rel`" if self.rel is True else " + a bias for the relative position"
        masked = ", -inf where the key is later" if self.causal else ", masked where the shift joined them" if self._shifted(x) else ""
        mixed = "; the heads are mixed before and after the softmax" if self.talk else ""
        found.append(Part("scores S", f"{scores}{added}: {self.heads} x {here}x{s.keys}{where_}{masked}; softmax over the keys{mixed}"))
        return found

    # memory

    def scored(self, s: Sizes, x: Map | Tokens) -> bool:
        """Whether the scores are written out: elsewhere one operation computes the softmax without keeping it."""
        return self._added_to(x) or holds(s.values != s.narrow)

    def _added_to(self, x: Map | Tokens) -> bool:
        return self.rel is not None or self.talk or bool(self._shifted(x))

    def core(self, s: Sizes, x: Map | Tokens, packed: bool, angles: Map | Tokens | None) -> tuple[tuple[bool, bool, bool], Kept]:
        """Say whether queries, keys and values are kept as they are, and what is kept besides, in inputs `packed` in one value or not.

        Of `angles` that are a value nothing is kept for a gradient of their own.
        """
        scored = self.scored(s, x)
        copied = scored and self.heads > 1
        times = s.width // s.narrow if copied else 1  # keys and values are repeated for the heads that share them
        q, k, v = s.queries * s.width, s.sources * s.narrow * times, s.sources * s.values * times
        scores = self.heads * s.queries * s.keys
        learns = not self.frozen  # fixed weights keep nothing that they multiply
        numbers = scores * (1 + (1 + learns * (1 + copied)) * self.talk) if scored else self.heads * s.queries
        statistics = 2 * s.queries * s.keys if self.rel == "buckets" and learns else 0  # 8 bytes per bucket
        if self.rel == "mlp" and learns:
            statistics += self._offsets(x) * (HIDDEN + self.heads)
        if self.rope is not None:
            statistics += (s.queries - self.prefix) * (s.width // self.heads) * (angles is None)  # sines and cosines
            numbers += q + k + v * (copied or packed) + (0 if angles is None else 2 * angles.size)
            return (False, False, not (copied or packed)), Kept(numbers=numbers, statistics=statistics)
        if self.sim == "cos":
            lengths = self.heads * s.queries + self.heads * s.sources * s.narrow // s.width
            numbers += 2 * lengths + (1 + learns) * q + k + v * copied
            return (True, True, not copied), Kept(numbers=numbers, statistics=statistics + self.heads)
        scaled = copied or (scored and not self._added_to(x))  # PyTorch scales queries and keys where values have other channels
        kept = Kept(numbers=numbers + (q + k) * scaled + v * copied, statistics=statistics)
        return (not scaled, not scaled, not copied), kept

    def regrouped(self, x: Map | Tokens) -> bool:
        """Whether the positions of a window do not lie beside one another, so that they are copied."""
        if not isinstance(x, Map) or (self.w is None and self.grid is None):
            return False
        span, rank = self.span(x), len(x.spatial)
        counts = [size // n for size, n in zip(x.spatial, span, strict=True)]
        later = [(i, j) for j in range(rank) for i in range(j + (self.grid is not None))]
        return bool(self._shifted(x)) or any(span[i] > 1 and counts[j] > 1 for i, j in later)

    # mistakes

    def check(self, *inputs: Any) -> None:
        x = inputs[0]
        if self.kvheads is not None and holds(self.heads % self.kvheads):
            share(self.heads, "head", self.kvheads, "group", "kvheads")
        self._check_windows(x)
        ordered = isinstance(x, Tokens) or len(x.spatial) == 1
        for argument in ("causal", "rope", "rel"):
            value = getattr(self, argument)
            if not value or (argument == "rel" and value != "buckets"):
                continue
            word = "rel=buckets" if argument == "rel" else argument
            if not ordered and not (argument == "rope" and value is True):
                message = f"`{word}` needs positions in a row: {_ORDERED}, not {describe(x)}"
                raise Misfit("A206", message, argument=argument, help_="`tokens` makes a sequence of the positions of a map")
            if self.w is not None or self.grid is not None:
                raise Misfit("A105", f"`{word}` is for all positions, not for windows", argument=argument, help_="leave out `w` or `grid`")
        if self.talk and (self.causal or any(per_axis(self.shift, 1))):
            message = "`talk=yes` mixes the heads after the softmax, with a bias, so that masked positions would be read"
            raise Misfit("A105", message, argument="talk", help_=f"leave out `{'causal' if self.causal else 'shift'}`")
        if self.sim == "cos" and self.scale is not None:
            raise Misfit("A105", "`sim=cos` learns its scale", argument="scale", help_="leave out `scale`")

    def _check_windows(self, x: Map | Tokens) -> None:
        name = "w" if self.grid is None else "grid"
        part = getattr(self, name)
        if part is None:
            if any(per_axis(self.shift, 1)):
                raise Misfit("A105", "`shift` moves windows, and there is no `w`", argument="shift", help_="add `w`, or leave `shift` out")
            return
        if not isinstance(x, Map):
            raise Misfit(
                "A105", f"`{name}` divides a map, not {describe(x)}", argument=name, help_=f"put it before `tokens`, or leave `{name}` out"
            )
        if self.w is not None and self.grid is not None:
            raise Misfit("A105", "`w` and `grid` are two ways to divide a map", argument="grid", help_="leave one of them out")
        if self.grid is not None and any(per_axis(self.shift, 1)):
            raise Misfit("A105", "`shift` moves windows, not a grid", argument="shift", help_="leave `shift` out")
        check_axes(self, len(x.spatial), shift=0, **{name: 1})
        for size, n, shift in zip(x.spatial, self.span(x), per_axis(self.shift, len(x.spatial)), strict=True):
            if holds(size % n):
                into = f"windows of {n}" if name == "w" else f"a grid of {n}"
                raise undivided("A205", size, "", n, into, name, f"choose an input for which it is a multiple of {n}")
            if name == "w" and shift >= n:
                message = f"a shift of {shift} is not smaller than the window, {n}"
                raise Misfit("A205", message, argument="shift", help_=f"use shift={n // 2}")

    def check_added(self, sizes: Sizes, given: Type) -> None:
        """Refuse a value for `rel` that has not one number per score."""
        wanted = Map((sizes.queries, sizes.keys), self.heads)
        if given != wanted:
            message = f"`rel` takes one number per query, key and head, {wanted}, not {describe(given)}"
            raise Misfit("A301", message, argument="rel", help_=f"`buckets heads={self.heads}` makes such a value of tokens")

    # what it reads

    def reach(self, *inputs: Any) -> Field_:
        x = inputs[0]
        if self.grid is not None:
            return None
        if self.w is None:
            return WHOLE
        return phased([(w, w, partial(_within, w, shift)) for w, shift in zip(self.span(x), self.shifts(x), strict=True)])

    def constant(self, *inputs: Any) -> tuple[str, str] | None:
        if self.sizes(*inputs).keys > 1:
            return None
        always = "the softmax of one score is always 1"
        if self.grid is not None or self.w is not None:
            name = "w" if self.grid is None else "grid"
            return f"`{self.step}` in {'windows' if name == 'w' else 'a grid'} of one position: {always}", f"use a larger `{name}`"
        if len(inputs) > 1:
            return f"`{self.step}` over one key: {always}", "give it a value with more positions"
        return f"`{self.step}` over one token: {always}", "keep more positions before `tokens`"


def _within(w: int, shift: int, phase: int) -> Taps:
    """Find what a position reads along one axis: its window, of which the part shifted around to the other end is masked."""
    return Taps(shift - w, shift - 1) if phase < shift else Taps(shift, shift + w - 1)


def named(layer: str, shape: tuple[int, int], bias: bool) -> list[Weight]:
    """List the tensors of a linear layer inside the layer, whose keys begin so."""
    return [weight._replace(name=layer + weight.name) for weight in weight_and_bias(shape, shape[0], bias)]
