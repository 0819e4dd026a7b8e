"""Products of matrices that become no attention, as the layers that they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.imports.channels_first import Kernel
from archspec.imports.flat import Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.layout import Digit, Dim, joined, merged, numbered, size
from archspec.imports.products import Attending, Scores
from archspec.imports.stored import Computed, Held
from archspec.imports.views import View
from archspec.types import Tokens, is_line

LOW = -1e4
"""What is added to scores that count for nothing is this or less."""


class Matrices(Attending):
    """Tensors with attention and other products."""

    def __init__(self, flat: Any, batch: int) -> None:
        super().__init__(flat, batch)
        self._written: dict[int, tuple[Scores, View]] = {}
        self._apart: dict[int, tuple[View, View, View]] = {}

    def biased(self, scores: Scores, added: Held | Computed | View) -> Scores:
        """Scores with what is added to them; a mask that hides what comes later is no tensor. Raises Unsaid."""
        if isinstance(added, Computed) and not added.parts and not scores.weighed and _hides_later(added.value, scores.sizes[-2:]):
            return scores._replace(causal=True)
        return super().biased(scores, added)

    def attend(self, site: Site, scores: Scores, values: View) -> View:
        """Attention; biases that are no table of relative positions, such as those with some for a class token, are a value that is added."""
        try:
            found = super().attend(site, scores, values)
        except Unsaid:
            if len(scores.added) != 1 or scores.mask is not None or scores.bias is not None:
                raise
            bias = self.lifted(scores.added[0])
            return super().attend(site, scores._replace(table=None, added=(), bias=bias), values)
        self._apart[found.value] = scores.queries, scores.keys, values
        return found

    def merge(self, site: Site, step: str, x: View | Held, y: View | Held) -> View:
        """The sum, difference or product of two tensors, of which the batch may be a later dimension, as in sequences with positions first."""
        whole = merged([Digit("n", self.batch, 1)])
        if not isinstance(x, View) or whole not in x.dims[1:] or len(y.dims) > len(x.dims):
            return super().merge(site, step, x, y)
        y = y._replace(dims=(*((),) * (len(x.dims) - len(y.dims)), *y.dims))
        at = x.dims.index(whole)
        order = [at, *[one for one in range(len(x.dims)) if one != at]]
        found = super().merge(site, step, *[one._replace(dims=tuple([one.dims[each] for each in order])) for one in (x, y)])
        return found._replace(dims=tuple([found.dims[order.index(one)] for one in range(len(order))]))

    def linear(self, site: Site, x: View, kernel: Kernel) -> View:
        """A product with a stored matrix; behind attention to another value, with the products before that, it is one layer `attn`."""
        parts = self._apart.get(x.value)
        if parts is not None and not x.fixed and x.factor == 1 and x.dims[-1] == self.axis(x.value, "c"):
            value = self._across(site, x.value, parts, kernel)
            if value is not None:
                axis = "w" if is_line(self.flat.type_of(value)) else "t"
                rows = [merged([one._replace(axis=axis) if one.axis in ("t", "w") else one for one in dim]) for dim in x.dims[:-1]]
                return View(value, (*rows, self.axis(value, "c")))
        return super().linear(site, x, kernel)

    def _across(self, site: Site, value: int, parts: tuple[View, View, View], kernel: Kernel) -> int | None:
        """Attention to another value with its projections as one layer; None where these are not parts of one matrix, as PyTorch has them."""
        own, _, out = site.key.rpartition(".")
        attend, (q, k, v) = self.flat.made(value), [self.flat.made(one.value) for one in parts]
        if out != "out_proj" or attend is None or attend.op.step != "attend" or q is None or k is None or v is None:
            return None
        name, d = f"{own}.in_proj_weight", kernel.shape[0]
        if any(one.op.step != "linear" or one.op.arguments().get("bias") != kernel.bias for one in (q, k, v)) or k.inputs[0] != v.inputs[0]:
            return None
        at = [Stored((name,), rows=(rows,)) for rows in ((0, d), (d, 2 * d), (2 * d, 3 * d), (d, 3 * d))]
        wanted = [at[0], at[3], at[3]] if parts[1].value == parts[2].value else at[:3]
        halves = [0, 1] if parts[1].value == parts[2].value else [0, 0]
        starts = [sum([digit.stride * index for digit, index in one.fixed]) for one in parts]
        if [one.stored.get("weight") for one in (q, k, v)] != wanted or starts != [0, *[half * d for half in halves]]:
            return None
        given = {key: one for key, one in attend.op.arguments().items() if key in ("heads", "causal", "scale") and one is not None}
        stored = {"in_proj_weight": Stored((name,)), **{f"out_proj.{each}": place for each, place in kernel.stored.items()}}
        stored |= {"in_proj_bias": Stored((f"{own}.in_proj_bias",))} if kernel.bias else {}
        given |= {} if kernel.bias else {"bias": False}
        self.flat.release(own)
        return self.flat.step(site._replace(key=own), "attn", q.inputs[0], k.inputs[0], kv=True, stored=stored, **given)

    def shifted(self, x: View, mask: Computed | Held | None) -> tuple[int, dict[str, Any], tuple[int, ...]]:
        """The map whose windows a tensor (windows, positions, C) has, the arguments that say how, and how far the tensor is rolled against it.

        A map that was rolled is taken as it was before that if there is a mask. Raises Unsaid.
        """
        given = self._windows(View(x.value, (x.dims[0], (), *x.dims[1:])))
        if mask is None:
            return x.value, given, ()
        rolled = self._rolled.get(x.value)
        known = mask.value if isinstance(mask, Computed) and mask.value is not None else True
        given |= self._shift(rolled, known, self.flat.type_of(x.value), given)
        assert rolled is not None
        return rolled.source, given, rolled.shifts

    def written(self, site: Site, scores: Scores) -> View:
        """What scores are, layer by layer: a product, times a number, with a bias, of which the softmax may be taken. Raises Unsaid."""
        known = self._written.get(id(scores))  # which stays alive here, so that no other has its number
        if known is None:
            known = self._written[id(scores)] = scores, self._layers(site, scores)
        return known[1]

    def _layers(self, site: Site, scores: Scores) -> View:
        biases = [*scores.added, *([scores.bias] if scores.bias is not None else [])]
        if scores.causal or (scores.mixed and biases):
            raise Unsaid("it adds biases or a mask to products of matrices that are no attention")
        keys = scores.keys
        found = self._product(site, scores.queries, keys._replace(dims=(*keys.dims[:-2], keys.dims[-1], keys.dims[-2])))
        scale = size(scores.queries.dims[-1]) ** -0.5 if scores.scale is None else scores.scale
        found = self.number(site, found, "mul", scale)
        for one in biases:
            found = self.merge(site, "add", found, self.lifted(one) if isinstance(one, Computed) else one)
        for at, last in enumerate((False, True)):
            if last and scores.weighed:
                found = self.softmax(site, found, -1)
            if at < len(scores.mixed):
                kernel = scores.mixed[at]
                turned = found._replace(dims=(found.dims[0], *found.dims[2:], found.dims[1]))
                key = kernel.stored["weight"].keys[0].rpartition(".")[0]
                turned = self.linear(site._replace(key=key), turned, kernel)
                found = turned._replace(dims=(turned.dims[0], turned.dims[-1], *turned.dims[1:-1]))
        return found._replace(dims=(found.dims[0], *found.dims[2:], found.dims[1])) if scores.last else found

    def lifted(self, one: Held | Computed) -> View:
        """A stored or computed tensor as a value, where a reader can do that. Raises Unsaid."""
        raise Unsaid("it takes what is computed from stored tensors alone")

    def multiplied(self, site: Site, x: View, y: View) -> View:
        """The product of matrices (..., T, K) and (..., K, N), with the same axes before them. Raises Unsaid."""
        return self.written(site, self.scores(x, y))

    def _product(self, site: Site, x: View, y: View) -> View:
        whole = merged([Digit("n", self.batch, 1)])
        leads = [joined(one.dims[:-2]) for one in (x, y)]
        lone = y.dims[0] == ()  # the same for all images
        sizes = [[size(dim) for dim in one.dims[lone:-2]] for one in (x, y)]
        if sizes[0] != sizes[1] and len(x.dims) == len(y.dims):
            return self._stretching(site, x, y)
        if sizes[0] != sizes[1] or leads[0][:1] != whole or (leads[1][:1] != whole and not (lone and x.dims[0] == whole)):
            raise Unsaid("it is a product of matrices that have other axes before them")
        values = [self._stack(site, one, lead[lead[:1] == whole :]) for one, lead in zip((x, y), leads, strict=True)]
        value = self.flat.step(site, "matmul", *values, x=True)
        rows, columns = self.axis(value, "t" if isinstance(self.flat.type_of(value), Tokens) else "w"), self.axis(value, "c")
        return View(value, (*numbered(x.dims[:-2], "h"), rows, columns))

    def _stretching(self, site: Site, x: View, y: View) -> View:
        """The product of matrices of which one is the same along some axes of the other. Raises Unsaid."""
        letters = "abcdefgh"[: len(x.dims) - 2]
        one, other = ("".join([letter for letter, dim in zip(letters, each.dims, strict=False) if dim]) for each in (x, y))
        lead = "".join([letter for letter in letters if letter in one or letter in other])
        mine, theirs = (each._replace(dims=(*[dim for dim in each.dims[:-2] if dim], *each.dims[-2:])) for each in (x, y))
        found = self.einsum(site, f"{one}tk,{other}kv->{lead}tv", mine, theirs)
        dims = dict(zip(lead, found.dims[:-2], strict=True))
        return found._replace(dims=(*[dims.get(letter, ()) for letter in letters], *found.dims[-2:]))

    def einsum(self, site: Site, equation: str, x: View, y: View) -> View:
        """The products of two tensors that a sum of Einstein says, of which the second may be the same for all images. Raises Unsaid."""
        sides, _, out = equation.replace(" ", "").partition("->")
        one, _, other = sides.partition(",")
        if len(one) != len(x.dims) or len(other) != len(y.dims) or len({*one}) < len(one) or len({*other}) < len(other):
            raise Unsaid(f"`{equation}` is no product of two tensors")
        mine, theirs = dict(zip(one, x.dims, strict=True)), dict(zip(other, y.dims, strict=True))
        lone = not any(digit.axis == "n" for dim in y.dims for digit in dim)
        first, beside = (one[:1], "0") if lone else ("", "")  # with the parts that stand beside the batch as an axis of its own
        whole = tuple([digit for digit in x.dims[0] if digit.axis == "n"])
        mine |= {first: whole, beside: x.dims[0][len(whole) :]} if lone else {}
        lead = first + "".join([letter for letter in out if letter in one and letter in other])
        rows = [*beside, *[letter for letter in out if letter in one and letter not in lead]]
        columns = [letter for letter in out if letter not in one]
        summed = [letter for letter in one if letter in other and letter not in out]
        if {*one} | {*other} != {*out} | {*summed} or not {*first} <= {*out}:
            raise Unsaid(f"`{equation}` adds up along an axis of one tensor alone")
        left, right = ([dims[letter] for letter in letters] for dims, letters in ((mine, lead), (theirs, lead[len(first) :])))
        found = self._product(
            site,
            x._replace(dims=(*left, joined([mine[one] for one in rows]), joined([mine[one] for one in summed]))),
            y._replace(dims=(*((),) * lone, *right, joined([theirs[one] for one in summed]), joined([theirs[one] for one in columns]))),
        )
        axis = "t" if isinstance(self.flat.type_of(found.value), Tokens) else "w"
        ends = (*numbered([mine[one] for one in rows], axis), *numbered([theirs[one] for one in columns], "c"))
        dims = dict(zip([*lead, *rows, *columns], (*found.dims[:-2], *ends), strict=True))
        dims[first] = joined([dims[one] for one in (first, beside)]) if lone else ()
        return found._replace(dims=tuple([dims[letter] for letter in out]))

    def _stack(self, site: Site, x: View, lead: Dim) -> int:
        """Matrices as tokens, or as a map whose first axis counts them."""
        batch = merged([Digit("n", self.batch, 1)]) if x.dims[0] else ()
        if not lead:
            return self.settle(site, x._replace(dims=(batch, *x.dims[-2:])), "tokens")
        return self.settle(site, x._replace(dims=(batch, x.dims[-1], lead, x.dims[-2])), "map")


def _hides_later(mask: Any, sizes: Sequence[int]) -> bool:
    """Whether the numbers of a mask hide from each query the keys behind its own place, and nothing else."""
    if (
        mask is None
        or not hasattr(mask, "tril")
        or mask.dim() < 2
        or tuple(mask.shape[-2:]) != tuple(sizes)
        or len({*sizes}) > 1
        or sizes[0] < 2
    ):
        return False
    seen = mask.new_ones(tuple(sizes)).tril().bool()
    rows = mask.reshape(-1, *sizes)
    return bool((rows[:, seen] == 0).all()) and bool((rows[:, ~seen] <= LOW).all())
