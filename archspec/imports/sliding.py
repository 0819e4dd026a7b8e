"""Layers with windows on tensors with the batch and the channels first, as layers of the language.

A reader hands over arguments of its framework in one form: sizes as lists, an entry per axis; stored tensors by name and shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from archspec.imports.flat import Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.layout import axes_of, numbered
from archspec.imports.views import View, Views
from archspec.types import Map, Tokens, is_line


class Kernel(NamedTuple):
    """The weights of a layer: their shape in PyTorch's order, whether there are biases, and where the source has both."""

    shape: Sequence[int]
    bias: bool
    stored: Mapping[str, Stored]
    form: Mapping[str, Any] = {}
    """Arguments that say how the weights of each pass are made of what is stored."""

    def raised(self, shape: Sequence[int]) -> Kernel:
        """The same weights with further axes of size 1."""
        sizes = {"weight": tuple(shape)}
        stored = {name: at if name == "bias" else at._replace(shape=sizes.get(name, (-1,))) for name, at in self.stored.items()}
        return self._replace(shape=shape, stored=stored)


def sizes(values: Sequence[int]) -> Any:
    """A size as an argument: one number where all axes have the same."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def padding(before: Sequence[int], after: Sequence[int]) -> Any:
    """What stands around each axis as an argument `p`."""
    if list(before) == list(after):
        return sizes(before)
    ends = [*zip(before, after, strict=True)]
    if len(set(ends)) > 1:
        raise Unsaid(f"its axes have different borders at their ends: {', '.join(f'{a}:{b}' for a, b in ends)}")
    return (ends[0],)


def said(**arguments: Any) -> dict[str, Any]:
    """Arguments without those that are None."""
    return {name: value for name, value in arguments.items() if value is not None}


def check_fit(reads: int, channels: int) -> None:
    """Raise Unsaid where weights read another number of channels than there are, as with the size of another input."""
    if reads != channels:
        raise Unsaid(f"its weights read {reads:,} channels, and there are {channels:,}")


class Sliding(Views):
    """Convolutions, pools and what else knows the axes of maps."""

    def map(self, site: Site, x: View) -> int:
        """The value of a tensor as a map."""
        return self.settle(site, x, "map")

    def is_line(self, x: View) -> bool:
        """Whether a tensor of three dimensions can be a map of one axis: the language makes none out of other values than tokens."""
        here = self.flat.type_of(x.value)
        if isinstance(here, Tokens):
            return not x.fixed and x.dims[1:] == (self.axis(x.value, "c"), self.axis(x.value, "t"))
        return is_line(here)

    @staticmethod
    def raised(x: View) -> View:
        """A tensor with a second spatial axis, of size 1."""
        return x._replace(dims=(*x.dims, ()))

    def layered(self, x: View) -> View | None:
        """A tensor whose parts beside the batch, such as windows, are an axis of their own before the others; None where there are none."""
        batch = tuple([digit for digit in x.dims[0] if digit.axis == "n"])
        if len(x.dims) != 4 or x.dims[0] == batch or x.dims[0][: len(batch)] != batch:
            return None
        return x._replace(dims=(batch, x.dims[1], x.dims[0][len(batch) :], *x.dims[2:]))

    @staticmethod
    def flattened(x: View, like: View) -> View:
        """The result of a layer on a `layered` tensor, with these parts beside the batch again."""
        return x._replace(dims=(*numbered(like.dims[:1], "d"), x.dims[1], *x.dims[3:]))

    # windows

    def conv(
        self,
        site: Site,
        x: View,
        kernel: Kernel,
        s: Sequence[int],
        p: tuple[Sequence[int], Sequence[int]],
        d: Sequence[int],
        g: int,
        *,
        same: bool = False,
        form: Mapping[str, Any] | None = None,
    ) -> View:
        """A convolution; p is what stands before and after along each axis, unless it is padded to the `same` size; `form` is that of its weights."""
        if len(x.dims) == 3 and not self.is_line(x):
            raised = kernel.raised((*kernel.shape, 1))
            y = self.conv(site, self.raised(x), raised, [*s, 1], ([*p[0], 0], [*p[1], 0]), [*d, 1], g, same=same, form=form)
            return y._replace(dims=y.dims[:-1])
        apart = self.layered(x)
        if apart is not None:
            raised = kernel.raised((*kernel.shape[:2], 1, *kernel.shape[2:]))
            return self.flattened(self.conv(site, apart, raised, [1, *s], ([0, *p[0]], [0, *p[1]]), [1, *d], g, same=same, form=form), x)
        value = self.map(site, x)
        channels = self.flat.type_of(value).channels
        f, share, *k = kernel.shape
        check_fit(share * g, channels)
        given = said(
            k=sizes(k),
            s=sizes(s),
            p="same" if same else padding(*p),
            d=sizes(d),
            bias=kernel.bias,
            round="floor",
            **kernel.form,
            **(form or {}),
        )
        if g == channels and g > 1:
            return self.of(self.flat.step(site, "dwconv", value, m=f // g, stored=kernel.stored, **given))
        return self.of(self.flat.step(site, "conv", value, f=f, g=g, stored=kernel.stored, **given))

    def deconv(
        self, site: Site, x: View, kernel: Kernel, s: Sequence[int], p: Sequence[int], op: Sequence[int], d: Sequence[int], g: int
    ) -> View:
        """A transposed convolution; the kernel is (C, f/g, *k)."""
        value = self.map(site, x)
        reads, share, *k = kernel.shape
        check_fit(reads, self.flat.type_of(value).channels)
        given = said(k=sizes(k), f=share * g, s=sizes(s), p=sizes(p), op=sizes(op), d=sizes(d), g=g, bias=kernel.bias, **kernel.form)
        return self.of(self.flat.step(site, "deconv", value, stored=kernel.stored, **given))

    def pool(
        self,
        site: Site,
        x: View,
        step: str,
        w: Sequence[int],
        s: Sequence[int],
        p: tuple[Sequence[int], Sequence[int]],
        d: Sequence[int] = (1,),
        *,
        ceil: bool = False,
        count_pad: bool = True,
    ) -> View:
        """A `pool` or `avgpool`."""
        if len(x.dims) == 3 and not self.is_line(x):
            y = self.pool(site, self.raised(x), step, [*w, 1], [*s, 1], ([*p[0], 0], [*p[1], 0]), [*d, 1], ceil=ceil, count_pad=count_pad)
            return y._replace(dims=y.dims[:-1])
        apart = self.layered(x)
        if apart is not None:
            wider = [1, *w], [1, *s], ([0, *p[0]], [0, *p[1]]), [1, *d]
            return self.flattened(self.pool(site, apart, step, *wider, ceil=ceil, count_pad=count_pad), x)
        given: dict[str, Any] = {} if step == "pool" or not (any(p[0]) or any(p[1])) else {"count_pad": count_pad}
        given |= {"s": sizes(s)} if sizes(s) != sizes(w) else {}
        given |= {"d": sizes(d)} if any(each != 1 for each in d) else {}
        return self.of(self.flat.step(site, step, self.map(site, x), w=sizes(w), p=padding(*p), round="ceil" if ceil else "floor", **given))

    def adaptive(self, site: Site, x: View, step: str, to: Sequence[int]) -> View:
        """An `adaptpool` or `adaptmaxpool`; to one position it is the mean of all, or the largest number."""
        if len(x.dims) == 3 and not self.is_line(x):
            y = self.adaptive(site, self.raised(x), step, [*to, 1])
            return y._replace(dims=y.dims[:-1])
        value = self.map(site, x)
        if all(one == 1 for one in to):
            value = self.flat.step(site, "gap" if step == "adaptpool" else "gmp", value)
            return self._kept(value, len(to))
        return self.of(self.flat.step(site, step, value, size=sizes(to)))

    def padded(self, site: Site, x: View, ends: Mapping[int, tuple[int, int]], mode: str = "zero") -> View:
        """Numbers before and after dimensions of a map."""
        x = self.cut(site, x)
        if not ends:
            return x
        apart = self.beside(x)
        if apart is not None:
            return self.rejoined(self.padded(site, apart, {at + 1: pair for at, pair in ends.items()}, mode))
        if len(x.dims) == 3 and not self.is_line(x):
            y = self.padded(site, self.raised(x), ends, mode)
            return y._replace(dims=y.dims[:-1])
        axes = {at: next((axis for axis in "cdhw" if x.dims[at] and x.dims[at] == self.axis(x.value, axis)), "") for at in ends}
        if not all(axes.values()) or not isinstance(self.flat.type_of(x.value), Map):
            x = self.of(self.settle(site, x, "map"))
            axes = {at: axes_of(self.flat.type_of(x.value))[at - 1] for at in ends}
        given: dict[str, Any] = {axes[at]: pair[0] if pair[0] == pair[1] else (pair,) for at, pair in ends.items()}
        spatial = axes_of(self.flat.type_of(x.value))[1:]
        if len({given.get(axis) for axis in spatial}) == 1 and spatial[0] in given:
            given = {"p": given[spatial[0]], **{axis: one for axis, one in given.items() if axis == "c"}}
        value = self.flat.step(site, "pad", x.value, mode=mode, given=given)
        return View(value, tuple([self.axis(value, axes[at]) if at in axes else dim for at, dim in enumerate(x.dims)]))

    def _kept(self, value: int, axes: int) -> View:
        """A value without positions as a tensor with axes of size 1."""
        x = self.of(value)
        return x._replace(dims=(*x.dims[:2], *((),) * axes))
