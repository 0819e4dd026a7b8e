"""Products of matrices that become no attention, as the layers that they are."""

from __future__ import annotations

from typing import Any

from archspec.imports.flat import Site, Unsaid
from archspec.imports.layout import Digit, Dim, joined, merged, numbered, size
from archspec.imports.products import Attending, Scores
from archspec.imports.stored import Computed, Held
from archspec.imports.views import View
from archspec.types import Tokens


class Matrices(Attending):
    """Tensors with attention and other products."""

    def __init__(self, flat: Any, batch: int) -> None:
        super().__init__(flat, batch)
        self._written: dict[int, tuple[Scores, View]] = {}

    def attend(self, site: Site, scores: Scores, values: View) -> View:
        """Attention; biases that are no table of relative positions, such as those with some for a class token, are a value that is added."""
        try:
            return super().attend(site, scores, values)
        except Unsaid:
            if len(scores.added) != 1 or scores.mask is not None or scores.bias is not None:
                raise
            bias = self.lifted(scores.added[0])
            return super().attend(site, scores._replace(table=None, added=(), bias=bias), values)

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
        if sizes[0] != sizes[1] or leads[0][:1] != whole or (leads[1][:1] != whole and not (lone and x.dims[0] == whole)):
            raise Unsaid("it is a product of matrices that have other axes before them")
        values = [self._stack(site, one, lead[lead[:1] == whole :]) for one, lead in zip((x, y), leads, strict=True)]
        value = self.flat.step(site, "matmul", *values, x=True)
        rows, columns = self.axis(value, "t" if isinstance(self.flat.type_of(value), Tokens) else "w"), self.axis(value, "c")
        return View(value, (*numbered(x.dims[:-2], "h"), rows, columns))

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
