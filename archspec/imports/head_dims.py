"""The dimensions of queries, keys and values: heads that share keys, and positions that turn channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archspec.imports.flat import Unsaid
from archspec.imports.layout import COPIES, Dim, merged, size
from archspec.imports.views import View


def parted(x: View) -> View:
    """Queries, keys or values with the batch, the heads, the positions and the channels of a head as four dimensions; of heads that are there
    several times, each once. Raises Unsaid.
    """
    if len(x.dims) < 3:
        raise Unsaid(f"it is attention over tensors of {len(x.dims)} dimensions")
    lead = [digit for dim in x.dims[:-2] for digit in dim]
    heads = [digit for digit in lead if digit.axis == "c"]
    if any(digit.axis == COPIES for digit in lead[:-1]):
        raise Unsaid("its heads are repeated in another order than one after the other")
    return x._replace(dims=(merged([digit for digit in lead if digit.axis not in ("c", COPIES)]), merged(heads), *x.dims[-2:]))


def beside(x: View) -> View:
    """Queries, keys or values that `parted` gave, with all that stands beside the batch as heads."""
    batch = merged([digit for digit in x.dims[0] if digit.axis == "n"])
    others = [digit for digit in x.dims[0] if digit.axis != "n"]
    return x._replace(dims=(batch, merged([*others, *x.dims[1]]), *x.dims[2:]))


def shared(asked: View, heads: int, kept: int) -> Mapping[str, Any]:
    """The argument that says how many heads keys and values have, where these are fewer than those of the queries. Raises Unsaid."""
    times = size(tuple([digit for dim in asked.dims[:-2] for digit in dim if digit.axis == COPIES]))
    if times > 1 and times * kept != heads:
        raise Unsaid(f"{heads} heads of queries read {kept} heads of keys, each {times} times")
    return {"kvheads": kept} if kept != heads else {}


def turning(q: View, k: View, v: View, row: Dim | None, all_: Dim) -> Mapping[str, Any]:
    """The arguments that say how positions turn queries and keys: all there are, for a base those that lie in a `row`. Raises Unsaid."""
    if q.rope is None and k.rope is None and v.rope is None:
        return {}
    positions = row if q.rope is not None and q.rope.base else all_
    if q.rope is None or q.rope != k.rope or v.rope is not None or positions is None or q.dims[2] != positions or k.dims[2] != positions:
        raise Unsaid("positions turn queries and keys otherwise than attention does")
    found: dict[str, Any] = {"rope": q.rope.base or True}
    found |= {"prefix": q.rope.prefix} if q.rope.prefix else {}
    return found | ({"pair": q.rope.pair} if q.rope.pair else {})
