"""Operators of ATen that regroup the axes of tensors, as rows: none of them is a layer by itself."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from archspec.imports.flat import Site, Unsaid
from archspec.imports.layout import Digit, viewed
from archspec.imports.products import Scores
from archspec.imports.stored import Computed, Held
from archspec.imports.torch_reader import Reader
from archspec.imports.torch_sequences import Lengths
from archspec.imports.torch_table import Final, row, spread
from archspec.imports.views import View

_BESIDE = 32
"""How often a tensor, or how many windows of it, stand beside one another at most."""


def _moved(x: Any, order: Sequence[int]) -> Any:
    return x._replace(dims=tuple([x.dims[at] for at in order]))


@row("view", "reshape", "_unsafe_view", takes=(Held, Computed, Scores))
def _view(r: Reader, site: Site, x: Any, size: Any, shape: Any) -> Any:
    wanted = size if size is not None else shape
    if isinstance(x, View) and x.dims[:1] == ((),) and wanted[0] == r.batch:  # what is the same for all images, once for each
        wanted = [1, *wanted[1:]]
    return r.regrouped(x, wanted) if isinstance(x, Scores) else _viewed(r, site, x, _wanted(x, wanted))


def _viewed(r: Reader, site: Site, x: Any, wanted: Sequence[int]) -> Any:
    if isinstance(x, (Held, Computed)):
        dims = viewed(x.dims, wanted)
        if dims is None:
            raise Unsaid("it splits the axes of a stored tensor")
        return x._replace(dims=dims)
    return r.view(site, x, wanted)


def _wanted(x: Any, shape: Sequence[int]) -> list[int]:
    """The sizes of a view, the open one filled in."""
    return _filled(shape, prod(x.sizes))


def _filled(shape: Sequence[int], total: int) -> list[int]:
    """Sizes of so many numbers, the open one filled in."""
    known = prod([one for one in shape if one != -1])
    return [one if one != -1 else total // max(known, 1) for one in shape]


@row("reshape_as", "view_as")
def _view_as(r: Reader, site: Site, x: Any, other: Any) -> View:
    return r.view(site, x, other.sizes)


@row("flatten", takes=(Held, Computed))
def _flatten(r: Reader, site: Site, x: Any, start_dim: int, end_dim: int) -> Any:
    before = list(x.sizes)
    start, end = start_dim % len(before), end_dim % len(before)
    return _viewed(r, site, x, [*before[:start], prod(before[start : end + 1]), *before[end + 1 :]])


@row("unflatten", takes=(Held, Computed))
def _unflatten(r: Reader, site: Site, x: Any, dim: int, sizes: Any) -> Any:
    before = list(x.sizes)
    dim %= len(before)
    return _viewed(r, site, x, [*before[:dim], *_filled(sizes, before[dim]), *before[dim + 1 :]])


@row("permute", takes=(Held, Computed, Scores))
def _permute(r: Reader, site: Site, x: Any, dims: Any) -> Any:
    if isinstance(x, Scores):
        return r.turned(x, [dim % len(dims) for dim in dims])
    return _moved(x, [dim % len(x.dims) for dim in dims])


@row("movedim", takes=(Held, Computed))
def _movedim(r: Reader, site: Site, x: Any, source: Any, destination: Any) -> Any:
    count = len(x.dims)
    moved = dict(zip([at % count for at in spread(destination, 1)], [at % count for at in spread(source, 1)], strict=True))
    others = iter([at for at in range(count) if at not in moved.values()])
    return _moved(x, [moved[at] if at in moved else next(others) for at in range(count)])


@row("narrow")
def _narrow(r: Reader, site: Site, x: Any, dim: int, start: int, length: int) -> View:
    return r.slice(site, x, dim % len(x.dims), start, start + length)


@row("channel_shuffle")
def _channel_shuffle(r: Reader, site: Site, x: Any, groups: int) -> View:
    return r.of(r.flat.step(site, "shuffle", r.map(site, x), g=groups))


@row("pixel_shuffle")
def _pixel_shuffle(r: Reader, site: Site, x: Any, upscale_factor: int) -> View:
    return r.of(r.flat.step(site, "pixelshuffle", r.map(site, x), n=upscale_factor))


@row("swapaxes", takes=(Held, Computed))
def _swapaxes(r: Reader, site: Site, x: Any, axis0: int, axis1: int) -> Any:
    return _transpose(r, site, x, axis0, axis1)


@row("transpose", takes=(Held, Computed))
def _transpose(r: Reader, site: Site, x: Any, dim0: int, dim1: int) -> Any:
    order = list(range(len(x.dims)))
    a, b = dim0 % len(order), dim1 % len(order)
    order[a], order[b] = order[b], order[a]
    return _moved(x, order)


@row("t", "numpy_T", takes=(Held, Computed))
def _t(r: Reader, site: Site, x: Any) -> Any:
    return _moved(x, list(reversed(range(len(x.dims)))))


@row("unsqueeze", takes=(Held, Computed))
def _unsqueeze(r: Reader, site: Site, x: Any, dim: int) -> Any:
    dim %= len(x.dims) + 1
    return x._replace(dims=(*x.dims[:dim], (), *x.dims[dim:]))


@row("squeeze", takes=(Held, Computed))
def _squeeze(r: Reader, site: Site, x: Any, dim: Any) -> Any:
    dims = range(len(x.dims)) if dim is None else [one % len(x.dims) for one in spread(dim, 1)]
    return x._replace(dims=tuple([one for at, one in enumerate(x.dims) if at not in dims or one]))


@row("expand", "expand_as", takes=(Held, Computed, Lengths))
def _expand(r: Reader, site: Site, x: Any, size: Any, other: Any) -> Any:
    if isinstance(x, Lengths):
        return x
    count = len(size if size is not None else other.dims)
    return x._replace(dims=(*((),) * (count - len(x.dims)), *x.dims))


@row("repeat", "tile", takes=(Held, Computed))
def _repeat(r: Reader, site: Site, x: Any, repeats: Any, dims: Any) -> Any:
    """Axes of one number may be repeated without writing it: what reads them stretches them. Others stand beside themselves."""
    given = [*(repeats if repeats is not None else dims)]
    given = [1] * (len(x.dims) - len(given)) + given
    x = _expand(r, site, x, given, None)
    for dim, times in enumerate(given):
        if times != 1 and x.dims[dim]:
            if times > _BESIDE or not isinstance(x, View):
                raise Unsaid(f"it repeats {x.sizes[dim]} numbers {times} times")
            x = r.concat(site, [x] * times, dim)
    return x


@row("copy", takes=(Held, Computed))
def _copy(r: Reader, site: Site, x: Any, src: Any) -> Any:
    return src


@row("chunk")
def _chunk(r: Reader, site: Site, x: Any, chunks: int, dim: int) -> list[View]:
    dim %= len(x.dims)
    whole = x.sizes[dim]
    width = -(-whole // chunks)
    return r.split(site, x, dim, [min(width, whole - at) for at in range(0, whole, width)])


@row("split", "split_with_sizes")
def _split(r: Reader, site: Site, x: Any, split_size: Any, split_sizes: Any, dim: int) -> list[View]:
    dim %= len(x.dims)
    whole, wanted = x.sizes[dim], split_sizes if split_sizes is not None else split_size
    if isinstance(wanted, int):
        wanted = [min(wanted, whole - at) for at in range(0, whole, wanted)]
    return r.split(site, x, dim, wanted)


@row("unbind")
def _unbind(r: Reader, site: Site, x: Any, dim: int) -> list[View]:
    dim %= len(x.dims)
    return [r.select(x, dim, at) for at in range(x.sizes[dim])]


@row("unfold")
def _unfold(r: Reader, site: Site, x: Any, dimension: int, size: int, step: int) -> View:
    """Windows along an axis as an axis of their own behind all others; those that overlap are first put side by side."""
    dim = dimension % len(x.dims)
    starts = range(0, x.sizes[dim] - size + 1, step)
    if size != step or x.sizes[dim] % size:
        if len(starts) > _BESIDE:
            raise Unsaid(f"it has {len(starts)} windows that overlap")
        x = r.concat(site, [r.slice(site, x, dim, start, start + size) for start in starts], dim)
    x = r.view(site, x, [*x.sizes[:dim], x.sizes[dim] // size, size, *x.sizes[dim + 1 :]])
    found: View = x._replace(dims=(*x.dims[: dim + 1], *x.dims[dim + 2 :], x.dims[dim + 1]))
    return found


@row("select", takes=(Final,))
def _select(r: Reader, site: Site, x: Any, dim: int, index: int) -> Any:
    if isinstance(x, Final):
        return x.direction(r, index)
    return r.select(x, dim % len(x.dims), index)


@row("slice")
def _slice(r: Reader, site: Site, x: Any, dim: int, start: Any, end: Any, step: int) -> View:
    dim %= len(x.dims)
    whole = x.sizes[dim]
    if step != 1 and (start or 0) >= 0 and (end is None or end >= whole):
        return r.strided(site, x, dim, start or 0, step)
    start = min(whole, (start or 0) + (whole if (start or 0) < 0 else 0))
    end = whole if end is None else min(whole, end + (whole if end < 0 else 0))
    if step != 1:
        raise Unsaid(f"it takes every {step}th number along an axis")
    if start >= end:  # as of no class tokens, which is joined with others again
        none: View = x._replace(dims=(*x.dims[:dim], (Digit("c", 0, 1),), *x.dims[dim + 1 :]))
        return none
    return r.slice(site, x, dim, start, end)


@row("getitem", takes=(Held, Computed, Scores))
def _getitem(r: Reader, site: Site, arg0: Any, arg1: int) -> Any:
    return arg0[arg1] if isinstance(arg0, list) and arg1 < len(arg0) else None


@row(
    "contiguous",
    "clone",
    "alias",
    "detach",
    "detach_",
    "lift_fresh_copy",
    "to",
    "_assert_tensor_metadata",
    "type_as",
    "float",
    takes=(Held, Computed),
)
def _same_tensor(r: Reader, site: Site, x: Any) -> Any:
    return x
