"""Attention as frameworks write it, product by product, as one layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from archspec.imports.channels_first import Kernel, sizes
from archspec.imports.flat import Site, Unsaid
from archspec.imports.head_dims import beside, parted, shared, turning
from archspec.imports.imported import Stored
from archspec.imports.layout import COPIES, Digit, Dim, joined, merged, numbered, size, viewed
from archspec.imports.operands import Operands
from archspec.imports.relative import looks_around, parts_windows
from archspec.imports.rolling import Rolled
from archspec.imports.stored import Computed, Held, Table
from archspec.imports.views import View
from archspec.types import Map, Tokens, Type


class Scores(NamedTuple):
    """Products of queries and keys, on the way to become attention: of which tensors, times which number, and whether a softmax was taken."""

    queries: View
    keys: View
    scale: float | None = 1.0
    """What the products are multiplied with; None is 1/sqrt(d)."""
    weighed: bool = False
    table: Table | None = None
    mask: Any = None
    """The numbers of a mask that was added: None without one, and True where they are not known. `bias` is a tensor (heads, T, U)."""
    bias: Held | View | None = None
    added: tuple[Computed, ...] = ()
    """What `table` and `mask` are of."""
    causal: bool = False
    """Whether each query sees the keys up to its own place only."""
    mixed: tuple[Kernel, ...] = ()
    """The matrices that the heads were multiplied with: before the softmax, and behind it."""
    last: bool = False
    """Whether the heads are the last dimension."""
    lead: tuple[int, ...] | None = None
    """The sizes of the dimensions before the queries and keys, where they were grouped otherwise than those of the queries."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """The size of each dimension."""
        queries, keys = self.queries.sizes, self.keys.sizes[-2]
        lead = queries[:-2] if self.lead is None else self.lead
        return (lead[0], queries[-2], keys, *lead[1:]) if self.last else (*lead, queries[-2], keys)

    def check_plain(self) -> None:
        """Refuse to multiply the scores where something was added to them, or a softmax taken. Raises Unsaid."""
        if self.weighed or self.table is not None or self.mask is not None or self.bias is not None or self.causal or self.mixed:
            raise Unsaid("it multiplies scores of attention that something was added to, or their softmax")

    def times(self, number: float) -> Scores:
        """The scores, multiplied with a number. Raises Unsaid where something was added to them, or a softmax taken."""
        self.check_plain()
        usual = size(self.queries.dims[-1]) ** -0.5
        return self._replace(scale=(usual if self.scale is None else self.scale) * number)


class _Attended(NamedTuple):
    """An `attend` of one value: that value, the arguments, what it has stored, and how far along each axis its result was rolled since."""

    packed: int
    arguments: Mapping[str, Any]
    stored: Mapping[str, Stored]
    angles: tuple[int, ...] = ()
    rolled: tuple[int, ...] = ()


_FORMS = {("in_proj", "out_proj"): None, ("qkv", "proj"): "qkv"}
"""How the two projections of attention are called, and the argument `proj` of it."""


class Attending(Operands):
    """Tensors with attention."""

    def __init__(self, flat: Any, batch: int) -> None:
        super().__init__(flat, batch)
        self._attended: dict[int, _Attended] = {}

    def scores(self, x: View, y: View) -> Scores:
        """The product of queries (..., T, d) and keys (..., d, U). Raises Unsaid where it is none."""
        if len(x.dims) < 3 or len(x.dims) != len(y.dims) or x.dims[-1] == y.dims[-2] == ():
            raise Unsaid("it is a product of matrices that is no attention")
        keys = y._replace(dims=(*y.dims[:-2], y.dims[-1], y.dims[-2]))
        return Scores(x, keys)

    def attended(self, site: Site, scores: Scores, values: View) -> View:
        """The product of softmaxed scores (..., T, U) with values (..., U, d)."""
        if not scores.weighed or scores.last:
            raise Unsaid("it multiplies scores that no softmax was taken of, or in another order")
        return self.attend(site, scores, values)

    def biased(self, scores: Scores, added: Held | Computed | View) -> Scores:
        """Scores with biases of relative positions, with a stored tensor, or with a mask. Raises Unsaid."""
        if scores.weighed:
            raise Unsaid("it adds to the softmax of scores of attention")
        if not isinstance(added, Computed):
            if scores.bias is not None:
                raise Unsaid("it adds two tensors to the scores of attention")
            return scores._replace(bias=added)
        if added.table is not None and scores.table is None:
            mask = added.mask if added.mask is not None else scores.mask
            return scores._replace(table=self.oriented(added), mask=mask, added=(*scores.added, added))
        if not added.parts and scores.mask is None:
            return scores._replace(mask=True if added.value is None else added.value, added=(*scores.added, added))
        raise Unsaid("it adds to the scores of attention what is computed from stored tensors")

    def tempered(self, site: Site, scores: Scores, factors: Held | View) -> Scores:
        """Scores multiplied with a number per head or query, which the queries can be instead. Raises Unsaid."""
        scores.check_plain()
        if factors.dims[-1:] != ((),) or scores.last or scores.lead is not None:
            raise Unsaid("it multiplies scores of attention with a number for each key")
        return scores._replace(queries=self.merge(site, "mul", scores.queries, factors))

    def regrouped(self, scores: Scores, shape: Sequence[int]) -> Scores:
        """Scores whose dimensions before the queries and keys are grouped otherwise. Raises Unsaid where these change too."""
        if scores.last or list(shape[-2:]) != [size(scores.queries.dims[-2]), size(scores.keys.dims[-2])]:
            raise Unsaid("it takes scores of attention apart")
        return scores._replace(lead=tuple(shape[:-2]))

    def turned(self, scores: Scores, order: Sequence[int]) -> Scores:
        """Scores (batch, heads, T, U) with the heads last, or back. Raises Unsaid for any other order."""
        if list(order) != ([0, 3, 1, 2] if scores.last else [0, 2, 3, 1]):
            raise Unsaid("it moves the axes of scores of attention")
        return scores._replace(last=not scores.last)

    def talked(self, scores: Scores, kernel: Kernel) -> Scores:
        """Scores whose heads are mixed by a matrix, as talking heads are (Shazeer et al. 2020). Raises Unsaid."""
        if not scores.last or len(scores.mixed) != scores.weighed or not kernel.bias or kernel.shape[0] != kernel.shape[1]:
            raise Unsaid("it multiplies scores of attention with a matrix")
        return scores._replace(mixed=(*scores.mixed, kernel))

    def oriented(self, added: Computed) -> Table:
        """Biases (pairs of positions, heads) that were moved to lie as scores. Raises Unsaid where they do not."""
        assert added.table is not None
        letters = [[digit.axis for digit in dim] for dim in added.dims[-3:]]  # those of one head have no axis of heads
        if added.table.oriented or (
            letters in ([["1"], ["0"], ["0"]], [[], ["0"], ["0"]]) and added.dims[-2][0].stride > added.dims[-1][0].stride
        ):
            return added.table._replace(oriented=True)
        raise Unsaid("the biases of relative positions lie in another order than the scores")

    def attend(self, site: Site, scores: Scores, values: View) -> View:
        """Attention of queries, keys and values, each with positions and the channels of a head as its last dimensions."""
        return self.number(site, self._attend(site, scores, values._replace(factor=1.0)), "mul", values.factor)

    def _attend(self, site: Site, scores: Scores, values: View) -> View:
        """The same for values that no number waits to be multiplied with."""
        if scores.queries.rope is not None and len(values.dims) == 4 and any(digit.axis not in ("c", COPIES) for digit in values.dims[1]):
            values = self.in_heads(site, values, 2)  # as those that are turned
        q, k, v = (parted(one) for one in (scores.queries, scores.keys, values))
        heads = size(q.dims[1])
        usual = size(q.dims[3]) ** -0.5
        scale = (usual if scores.scale is None else scores.scale) * q.factor * k.factor
        q, k = q._replace(factor=1.0), k._replace(factor=1.0)
        given: dict[str, Any] = {
            "heads": heads,
            **shared(scores.keys, heads, size(k.dims[1])),
            **turning(q, k, v, self.positions(q.value), self.placed(q.value)[1]),
        }
        angles = self.angles(site, q)
        q, k = q._replace(rope=None), k._replace(rope=None)
        given |= {"causal": True} if scores.causal else {}
        given |= {"scale": scale} if abs(scale / usual - 1) > 1e-6 else {}
        if scores.mixed and len(scores.mixed) != 2:
            raise Unsaid("its heads are mixed once")
        packed = self._packed(q, k, v)
        if packed is None:
            packed = self._sorted(site, q, k, v)
            q = q._replace(value=packed) if packed is not None else q
        if packed is not None and scores.bias is None:
            packed, q, asked = self._on_map(site, packed, q, scores.queries)
            if scores.table is not None:
                packed, q, asked = self._before_tokens(packed, q, asked)
            return self._as_queries(self._self_attention(site, (packed, *angles), q, given, scores), asked, q.dims[2], heads)
        if scores.table is not None or scores.mask is not None or scores.mixed:
            raise Unsaid("it adds biases or a mask to the scores of several values")
        if packed is None and any(digit.axis not in ("n", COPIES) for one in (q, k, v) for digit in one.dims[0]):
            return self._in_products(site, (q, k, v), scores, given)
        value = self.flat.step(site, "attend", *self.operands(site, (q, k, v), packed, angles, scores.bias, given), **given)
        return self._as_queries(value, scores.queries, q.dims[2] if packed is not None else self.placed(value)[1], heads)

    def _in_products(self, site: Site, parts: tuple[View, View, View], scores: Scores, given: Mapping[str, Any]) -> View:
        """Attention whose heads are all that stands beside the batch, such as an axis of a map. Raises Unsaid."""
        q, k, v = (beside(one) for one in parts)
        heads = size(q.dims[1])
        if "rope" in given or not size(k.dims[1]) == size(v.dims[1]) == heads:
            raise Unsaid("its heads are axes of several values")
        given = {**given, "heads": heads}
        given.pop("kvheads", None)
        value = self.flat.step(site, "attend", *self.operands(site, (q, k, v), None, (), scores.bias, given), **given)
        *lead, own = numbered([*scores.queries.dims[:-2], (Digit("c", self.flat.type_of(value).channels // heads, 1),)], "c")
        return View(value, (*lead, self.placed(value)[1], own))

    def _self_attention(self, site: Site, read: tuple[int, ...], q: View, given: dict[str, Any], scores: Scores) -> int:
        """Attention of the queries, keys and values in one value: in windows also shifted ones, as a map that was rolled has them.

        It reads that value, and the one that has the angles, if any.
        """
        table, mask, (packed, *angles) = scores.table, scores.mask, read
        given |= self._windows(q)
        stored: dict[str, Stored] = {}
        type_ = self.flat.type_of(packed)
        if table is not None:
            if not isinstance(type_, Map) or not looks_around(table.index, self._span(given, type_)):
                raise Unsaid("its biases are not those of the relative positions of a window")
            given |= {"rel": "table"}
            made = self.flat.made(packed)
            key = table.name if table.place is None or table.name else made.site.key if made is not None else ""
            site = site._replace(key=key.rpartition(".")[0])
            stored = {"relative_position_bias_table": table.place or Stored((table.name,))}
        for name, kernel in zip(("proj_l", "proj_w"), scores.mixed, strict=False):
            given |= {"talk": True}
            stored |= {f"{name}.{part}": place for part, place in kernel.stored.items()}
            site = site._replace(key=kernel.stored["weight"].keys[0].rpartition(".")[0].rpartition(".")[0])
        rolled = None
        if mask is not None:
            made = self.flat.made(packed)
            rolled = self._rolled.get(made.inputs[0]) if made is not None and made.op.step == "linear" else None
            given |= self._shift(rolled, mask, type_, given)
            assert rolled is not None
            packed = self.flat.instead(packed, rolled.source)
        value = self.flat.step(site, "attend", packed, *angles, stored=stored, **given)
        self._attended[value] = _Attended(packed, given, stored, (*angles,))
        if rolled is not None:
            back = self.rolled(site, value, rolled.shifts)
            self._attended[back] = _Attended(packed, given, stored, (), rolled.shifts)
            value = back
        return value

    def _shift(self, rolled: Rolled | None, mask: Any, type_: Type, given: Mapping[str, Any]) -> dict[str, Any]:
        """The argument that says how far windows are shifted, of a map that was rolled, with a mask. Raises Unsaid."""
        if rolled is None or "w" not in given or not isinstance(type_, Map):
            raise Unsaid("its scores get a mask")
        shifts = tuple([-one for one in rolled.shifts])
        if not parts_windows(mask, type_.spatial, self._span(given, type_), shifts):
            raise Unsaid("the mask of its scores is not that of shifted windows")
        return {"shift": sizes(shifts)}

    def _span(self, given: Mapping[str, Any], type_: Map) -> tuple[int, ...]:
        """The positions along each axis that attend to one another."""
        part = given.get("w", given.get("grid"))
        if part is None:
            return type_.spatial
        return part if isinstance(part, tuple) else (part,) * len(type_.spatial)

    def _as_queries(self, value: int, q: View, positions: Dim, heads: int) -> View:
        """The result of attention with its dimensions where those of the queries are."""
        parts = viewed((self.axis(value, "c"),), (heads, self.flat.type_of(value).channels // heads)) or ((), ())
        lead = []
        for dim in q.dims[:-2]:
            own = [digit for digit in dim if digit.axis == "c"]
            if own and (dim[-len(own) :] != tuple(own) or size(tuple(own)) != heads):
                raise Unsaid("its heads are parted from one another")
            lead.append(merged([*[digit for digit in dim if digit.axis != "c"], *(parts[0] if own else ())]))
        return View(value, (*lead, positions, parts[1]))

    def _packed(self, q: View, k: View, v: View) -> int | None:
        """The value of which queries, keys and values are the channels, one behind the other; None where they are not."""
        if not q.value == k.value == v.value or not (q.dims[0] == k.dims[0] == v.dims[0] and q.dims[2] == k.dims[2] == v.dims[2]):
            return None
        start = 0
        for one in (q, k, v):
            own = joined([one.dims[1], one.dims[3]])
            if any(digit.axis != "c" for digit, _ in one.fixed) or len(own) != 1 or own[0].axis != "c" or own[0].stride != 1:
                return None
            if sum([digit.stride * at for digit, at in one.fixed]) != start:
                return None
            start += own[0].size
        return q.value if start == self.flat.type_of(q.value).channels else None

    def _sorted(self, site: Site, q: View, k: View, v: View) -> int | None:
        """The channels of one value with all queries before the keys and the values, where each head has its own side by side."""
        same = q.value == k.value == v.value and q.dims == k.dims == v.dims and [len(one.fixed) for one in (q, k, v)] == [1, 1, 1]
        if not same or [one.fixed[0] for one in (q, k, v)] != [(q.fixed[0][0], at) for at in range(3)]:
            return None
        own = merged([q.fixed[0][0], *q.dims[1], *q.dims[3]])
        whole = self.of(q.value)
        channels = self.axis(q.value, "c")
        if any(digit.axis != "c" for digit in own) or size(own) != size(channels):
            return None
        return self.settle(site, View(q.value, tuple([own if dim == channels else dim for dim in whole.dims])))

    def _on_map(self, site: Site, packed: int, q: View, asked: View) -> tuple[int, View, View]:
        """Tokens of which windows attend to themselves as the map whose positions they are, with the queries there; others as they are."""
        outer = [digit for digit in q.dims[0] if digit.axis == "t"]
        inner = [digit for digit in q.dims[2] if digit.axis == "t"]
        if not outer or len(outer) != len(inner) or not isinstance(self.flat.type_of(packed), Tokens):
            return packed, q, asked
        parts = sorted([*outer, *inner], key=lambda digit: -digit.stride)
        spans = [parts[at].size * parts[at + 1].size for at in range(0, len(parts), 2)]
        if not 2 <= len(spans) <= 3 or prod(spans) != prod(digit.size for digit in parts):
            return packed, q, asked
        value = self.flat.step(site, "map", packed, size=tuple(spans))
        letters = "dhw"[-len(spans) :]
        places: dict[Digit, Digit] = {}
        for at, axis in enumerate(letters):
            behind = prod(spans[at + 1 :])
            places |= {one: Digit(axis, one.size, one.stride // behind) for one in parts[2 * at : 2 * at + 2]}
        q, asked = (x._replace(value=value, dims=tuple([tuple([places.get(d, d) for d in dim]) for dim in x.dims])) for x in (q, asked))
        return value, q, asked

    def _before_tokens(self, packed: int, q: View, asked: View) -> tuple[int, View, View]:
        """A product with tokens that are the positions of a map as that of the map, whose positions attention relates; others as they are."""
        made = self.flat.made(packed)
        tokens = self.flat.made(made.inputs[0]) if made is not None and made.op.step == "linear" else None
        if tokens is None or tokens.op.step != "tokens":
            return packed, q, asked
        value = self.flat.instead(packed, tokens.inputs[0])
        before, after = self.axis(packed, "t"), joined(self.of(value).dims[2:])
        q, asked = (x._replace(value=value, dims=tuple([after if dim == before else dim for dim in x.dims])) for x in (q, asked))
        return value, q, asked

    def _windows(self, q: View) -> dict[str, Any]:
        """The argument that says which positions of a value attend to one another: none where all do. Raises Unsaid."""
        axes = [dim for dim in self.of(q.value).dims[1:] if dim and dim[0].axis != "c"]
        batch = merged(self.of(q.value).dims[0])
        if q.dims[0] == batch and q.dims[2] == joined(axes):
            return {}
        for name, inner in (("w", True), ("grid", False)):
            spans = []
            for (whole,) in axes:
                span = next((digit.size for digit in q.dims[2] if digit.axis == whole.axis), 1)
                spans.append((whole, span))
            parts = [
                viewed(((whole,),), (whole.size // span, span) if inner else (span, whole.size // span)) or ((), ())
                for whole, span in spans
            ]
            own = joined([part[1] if inner else part[0] for part in parts])
            others = merged([*batch, *[digit for part in parts for digit in (part[0] if inner else part[1])]])
            if q.dims[2] == own and q.dims[0] == others:
                sizes = [span for _, span in spans]
                return {name: sizes[0] if len(set(sizes)) == 1 else tuple(sizes)}
        raise Unsaid("it is attention among positions that are neither all, nor those of windows or of a grid")

    def linear(self, site: Site, x: View, kernel: Kernel) -> View:
        """A product with a stored matrix over the last dimension; behind attention, with the product before that, it is one layer `attn`."""
        found = self._attended.get(x.value)
        if found is not None and not x.fixed and x.factor == 1 and x.dims[-1] == self.axis(x.value, "c"):
            value = self._attention(site, found, kernel)
            if value is not None:
                value = self.rolled(site, value, found.rolled) if found.rolled else value
                return View(value, (*x.dims[:-1], self.axis(value, "c")))
            rolled = self._rolled.get(x.value)
            if rolled is not None:  # positions are moved behind the product as well as before it
                made = super().linear(site, x._replace(value=rolled.source), kernel)
                return made._replace(value=self.rolled(site, made.value, rolled.shifts))
        return super().linear(site, x, kernel)

    def _attention(self, site: Site, attended: _Attended, kernel: Kernel) -> int | None:
        """Attention with its projections as one layer; None where they are not called as PyTorch or timm call them."""
        before = self.flat.made(attended.packed)
        (own, _, out), (other, _, into) = site.key.rpartition("."), before.site.key.rpartition(".") if before else ("", "", "")
        if before is None or own != other or before.op.step != "linear" or (into, out) not in _FORMS or not own:
            return None
        x = before.inputs[0]
        channels, width = self.flat.type_of(x).channels, kernel.shape[1]
        form = _FORMS[into, out]
        if before.op.arguments().get("bias") != kernel.bias or (width != channels and form is None):
            return None
        given: dict[str, Any] = dict(attended.arguments)
        given |= {"d": width // given["heads"]} if width != channels else {}
        given |= {"f": kernel.shape[0]} if kernel.shape[0] != channels else {}
        given |= {"bias": False} if not kernel.bias else {}
        given |= {"proj": form} if form else {}
        between = "_" if into == "in_proj" else "."
        stored: dict[str, Stored] = {f"{into}{between}{name}": place for name, place in before.stored.items()}
        stored |= {f"{out}.{name}": place for name, place in kernel.stored.items()}
        self.flat.release(own)  # which the attention without its projections has, where it has biases
        return self.flat.step(site._replace(key=own), "attn", x, *attended.angles, stored={**stored, **attended.stored}, **given)
