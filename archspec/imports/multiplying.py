"""Products of matrices that become no attention, as the layers that they are."""

from __future__ import annotations

from typing import Any

from archspec.imports.flat import Site, Unsaid
from archspec.imports.layout import Digit, Dim, joined, merged, numbered, size
from archspec.imports.products import Attending, Scores
from archspec.imports.views import View
from archspec.types import Tokens


class Matrices(Attending):
    """Tensors with attention and other products."""

    def __init__(self, flat: Any, batch: int) -> None:
        super().__init__(flat, batch)
        self._written: dict[int, tuple[Scores, View]] = {}

    def written(self, site: Site, scores: Scores) -> View:
        """What scores are, layer by layer: a product, times a number, with a bias, of which the softmax may be taken. Raises Unsaid."""
        known = self._written.get(id(scores))  # which stays alive here, so that no other has its number
        if known is None:
            known = self._written[id(scores)] = scores, self._layers(site, scores)
        return known[1]

    def _layers(self, site: Site, scores: Scores) -> View:
        if scores.table is not None or scores.mask is not None or scores.causal or (scores.mixed and scores.bias is not None):
            raise Unsaid("it adds biases or a mask to products of matrices that are no attention")
        keys = scores.keys
        found = self._product(site, scores.queries, keys._replace(dims=(*keys.dims[:-2], keys.dims[-1], keys.dims[-2])))
        scale = size(scores.queries.dims[-1]) ** -0.5 if scores.scale is None else scores.scale
        found = self.number(site, found, "mul", scale)
        if scores.bias is not None:
            found = self.merge(site, "add", found, scores.bias)
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

    def multiplied(self, site: Site, x: View, y: View) -> View:
        """The product of matrices (..., T, K) and (..., K, N), with the same axes before them. Raises Unsaid."""
        return self.written(site, self.scores(x, y))

    def _product(self, site: Site, x: View, y: View) -> View:
        whole = merged([Digit("n", self.batch, 1)])
        leads = [joined(one.dims[:-2]) for one in (x, y)]
        if [size(dim) for dim in x.dims[:-2]] != [size(dim) for dim in y.dims[:-2]] or any(lead[:1] != whole for lead in leads):
            raise Unsaid("it is a product of matrices that have other axes before them")
        values = [self._stack(site, one, lead[1:]) for one, lead in zip((x, y), leads, strict=True)]
        value = self.flat.step(site, "matmul", *values, x=True)
        rows, columns = self.axis(value, "t" if isinstance(self.flat.type_of(value), Tokens) else "w"), self.axis(value, "c")
        return View(value, (*numbered(x.dims[:-2], "h"), rows, columns))

    def _stack(self, site: Site, x: View, lead: Dim) -> int:
        """Matrices as tokens, or as a map whose first axis counts them."""
        whole = merged([Digit("n", self.batch, 1)])
        if not lead:
            return self.settle(site, x._replace(dims=(whole, *x.dims[-2:])), "tokens")
        return self.settle(site, x._replace(dims=(whole, x.dims[-1], lead, x.dims[-2])), "map")
