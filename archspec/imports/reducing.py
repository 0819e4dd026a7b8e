"""Sums, means and largest numbers along dimensions of tensors, as layers of the language."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from archspec.imports.channels_first import Tensors
from archspec.imports.flat import Site, Unsaid
from archspec.imports.layout import axes_of, joined, merged
from archspec.imports.views import View
from archspec.types import Tokens, Vector


class Reducing(Tensors):
    """Tensors with reductions along dimensions."""

    def sum(self, site: Site, x: View, dims: Sequence[int], *, keep: bool) -> View:
        """The sum over dimensions: of a few parts of the channels as those parts, added."""
        dims = [dim % len(x.dims) for dim in dims]
        count, dim = prod([x.sizes[dim] for dim in dims]), dims[0]
        few = len(dims) == 1 and 1 < count <= 16 and not keep and all(digit.axis == "c" for digit in x.dims[dim])
        if not few or x.dims[dim] == self.axis(x.value, "c"):
            return self.number(site, self.reduce(site, x, "mean", dims, keep=keep), "mul", count)
        parts = [self.select(x, dim, at) for at in range(count)]
        values = [self.cut(site, part) for part in parts]
        found = values[0]
        for one in values[1:]:
            found = self.merge(site, "add", found, one)
        return found

    def reduce(self, site: Site, x: View, step: str, dims: Sequence[int], *, keep: bool) -> View:
        """The `mean` or `max` along dimensions: of all positions or of channels."""
        dims = sorted({dim % len(x.dims) for dim in dims})
        x = self.cut(site, x)
        type_ = self.flat.type_of(x.value)
        gone = merged(
            sorted(
                (digit for dim in dims for digit in x.dims[dim]), key=lambda d: ("dhwtc".index(d.axis) if d.axis != "n" else 9, -d.stride)
            )
        )
        positions = joined([self.axis(x.value, axis) for axis in axes_of(type_) if axis != "c"])
        left = [() if at in dims else dim for at, dim in enumerate(x.dims)]
        if gone == positions and not isinstance(type_, Vector):
            value = self.flat.step(site, "gap" if step == "mean" else "gmp", x.value)
        elif gone == self.axis(x.value, "c"):
            value = self.flat.step(site, step, x.value, axis="c")
            if isinstance(type_, Tokens):  # what were tokens are the channels of a vector
                left = [tuple([digit._replace(axis="c") if digit.axis == "t" else digit for digit in dim]) for dim in left]
        else:
            return self._reduced(site, x, step, dims, keep=keep)
        return View(value, tuple([dim for at, dim in enumerate(left) if keep or at not in dims]))

    def _reduced(self, site: Site, x: View, step: str, dims: Sequence[int], *, keep: bool) -> View:
        """A reduction that needs the tensor as a value of its own first."""
        if len(x.dims) <= 5 and x.dims[0] == self.of(x.value).dims[0]:
            settled = self.of(self.settle(site, x))
            if settled != x:
                return self.reduce(site, settled, step, dims, keep=keep)
        if 0 in dims:
            raise Unsaid(f"a {step} over the images")
        others = [dim for at, dim in enumerate(x.dims) if at not in dims]
        row = self._in_a_row(site, x._replace(dims=(*others, joined([x.dims[at] for at in dims]))), len(others))
        found = self.reduce(site, row, step, [len(others)], keep=False)
        left = iter(found.dims)
        return found._replace(dims=tuple([() if at in dims else next(left) for at in range(len(x.dims)) if keep or at not in dims]))
