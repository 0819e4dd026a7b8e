"""Operators of ATen on several values, and what multiplies, adds up or looks up, as rows."""

from __future__ import annotations

from typing import Any

from archspec.imports.channels_first import Kernel
from archspec.imports.flat import Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.layout import joined, numbered
from archspec.imports.multiplying import LOW
from archspec.imports.products import Scores
from archspec.imports.stored import Computed, Held
from archspec.imports.torch_reader import Reader
from archspec.imports.torch_sequences import Lengths, normalized
from archspec.imports.torch_table import Row, Stacked, row, spread
from archspec.imports.views import View


def _arithmetic(step: str) -> Row:
    def made(r: Reader, site: Site, x: Any, other: Any, alpha: Any) -> Any:
        if alpha not in (None, 1):
            raise Unsaid(f"it takes {alpha:g} times the second value")
        return _combined(r, site, step, x, other)

    return made


for _name in ("add", "sub", "mul"):
    row(_name, takes=(Held, Computed, Scores, float, int))(_arithmetic(_name))


def _combined(r: Reader, site: Site, step: str, x: Any, y: Any) -> Any:
    if isinstance(x, (int, float)):
        if step == "sub":
            raise Unsaid("it subtracts from a number")
        x, y = y, x
    if isinstance(x, Scores) and isinstance(y, (int, float)) and step == "mul":
        return x.times(y)
    if x is None or y is None:
        return None  # what it takes was refused
    if isinstance(y, Scores) and isinstance(x, (Held, Computed, View)):
        x, y = y, x
    if isinstance(x, Scores) and isinstance(y, (Held, Computed, View)) and step == "add":
        return r.biased(x, y if isinstance(y, View) else r.constant(y))
    if isinstance(x, Scores) and isinstance(y, (Held, View)) and step == "mul":
        return r.tempered(site, x, y)
    if isinstance(x, (Held, Computed)) and not isinstance(y, View):
        raise Unsaid("it takes what is computed from stored tensors alone")
    if isinstance(y, (int, float)):
        return r.number(site, x, step, y)
    if isinstance(x, Computed) or isinstance(y, Computed):
        raise Unsaid("it takes what is computed from stored tensors alone")
    if isinstance(x, Scores) or isinstance(y, Scores):
        raise Unsaid("it changes the scores of attention")
    if step == "mul" and isinstance(x, View) and isinstance(y, View):
        made = r.flat.made(y.value), r.flat.made(x.value)
        for one, other, source in ((made[0], y, x), (made[1], x, y)):
            if one is not None and one.op.step == "sigmoid" and one.inputs == (source.value,) and other.dims == source.dims:
                return source._replace(value=r.flat.step(site, "silu", source.value))
    return r.merge(site, step, x, y)


@row("addcmul", takes=(Held,))
def _addcmul(r: Reader, site: Site, x: Any, tensor1: Any, tensor2: Any, value: Any) -> Any:
    product = _combined(r, site, "mul", *((tensor1, tensor2) if isinstance(tensor1, View) else (tensor2, tensor1)))
    return _combined(r, site, "add", r.number(site, product, "mul", float(value)), x)


@row("square")
def _square(r: Reader, site: Site, x: Any) -> View:
    return r.merge(site, "mul", x, x)


@row("pow")
def _pow(r: Reader, site: Site, x: Any, exponent: Any) -> View:
    if exponent != 2:
        raise Unsaid(f"it takes the power of {exponent}")
    return r.merge(site, "mul", x, x)


@row("neg")
def _neg(r: Reader, site: Site, x: Any) -> View:
    return r.number(site, x, "mul", -1.0)


@row("rsub")
def _rsub(r: Reader, site: Site, x: Any, other: Any) -> View:
    if not isinstance(other, (int, float)):
        raise Unsaid("it subtracts from a tensor that is stretched")
    return r.number(site, r.number(site, x, "mul", -1.0), "add", other)


@row("div", takes=(Held, Computed, Scores))
def _div(r: Reader, site: Site, x: Any, other: Any, rounding_mode: Any) -> Any:
    if isinstance(other, Lengths) and isinstance(x, View):
        return normalized(r, site, x, other)
    if not isinstance(other, (int, float)) or rounding_mode is not None:
        raise Unsaid("it divides by a tensor")
    return _combined(r, site, "mul", x, 1 / other)


@row("cat", "concat")
def _cat(r: Reader, site: Site, tensors: Any, dim: int) -> View:
    tensors = [one for one in tensors if isinstance(one, Scores) or 0 not in one.sizes]
    if any(isinstance(one, (Computed, Scores)) for one in tensors):
        raise Unsaid("it joins what is computed from stored tensors alone")
    return r.concat(site, tensors, dim)


@row("max")
def _max(r: Reader, site: Site, x: Any, dim: Any, keepdim: Any, other: Any) -> list[View]:
    if dim is None or other is not None:
        raise Unsaid("the language has no layer for it")
    return [r.reduce(site, x, "max", [dim], keep=bool(keepdim))]


@row("mean", "amax", takes=(Stacked,))
def _mean(r: Reader, site: Site, x: Any, dim: Any, keepdim: bool) -> View:
    if isinstance(x, Stacked):
        return r.number(site, _added(r, site, x, dim), "mul", 1 / len(x.parts))
    dims = spread(dim, 1) if dim is not None else list(range(len(x.dims)))
    return r.reduce(site, x, "mean" if "mean" in site.operator else "max", dims, keep=bool(keepdim))


@row("sum", takes=(Stacked,))
def _sum(r: Reader, site: Site, x: Any, dim: Any, keepdim: bool) -> View:
    if isinstance(x, Stacked):
        return _added(r, site, x, dim)
    return r.sum(site, x, spread(dim, 1) if dim is not None else list(range(len(x.dims))), keep=bool(keepdim))


def _added(r: Reader, site: Site, x: Stacked, dim: Any) -> View:
    """The sum of tensors that were stacked."""
    if spread(dim, 1) != [x.dim]:
        raise Unsaid("it adds up numbers within tensors that were stacked")
    found = x.parts[0]
    for one in x.parts[1:]:
        found = r.merge(site, "add", found, one)
    return found


@row("stack")
def _stack(r: Reader, site: Site, tensors: Any, dim: int) -> Any:
    if not all(isinstance(one, View) for one in tensors):
        raise Unsaid("it stacks what is computed from stored tensors alone")
    dim %= len(tensors[0].dims) + 1
    if dim != 1:
        return Stacked(tuple(tensors), dim)
    joined = r.concat(site, tensors, 1)
    return r.view(site, joined, [joined.sizes[0], len(tensors), joined.sizes[1] // len(tensors), *joined.sizes[2:]])


@row("roll")
def _roll(r: Reader, site: Site, x: Any, shifts: Any, dims: Any) -> View:
    return r.roll(site, x, {dim % len(x.dims): shift for dim, shift in zip(dims, shifts, strict=True)})


@row("linear", takes=(Scores,))
def _linear(r: Reader, site: Site, x: Any, weight: Any, bias: Any) -> Any:
    key, kernel = r.kernel(weight, None if isinstance(bias, View) else bias)
    if isinstance(x, Scores):
        return r.talked(x, kernel)
    found = r.linear(site._replace(key=key), x, kernel)
    return r.merge(site, "add", found, bias) if isinstance(bias, View) else found


@row("embedding")
def _embedding(r: Reader, site: Site, weight: Any, indices: Any) -> View:
    key, kernel = r.kernel(weight, None)
    v, d = kernel.shape
    first = next((at for at, dim in enumerate(indices.dims) if dim and dim[0].axis == "n"), None)
    first = 0 if first is None and indices.dims[0] == () else first  # those that are the same for all images may have no such axis
    lead = [] if first is None else [first]
    others = [dim for at, dim in enumerate(indices.dims) if at not in lead]
    words = r.settle(site, indices._replace(dims=(*([indices.dims[at] for at in lead] or [()]), joined(others))), "vector")
    value = r.flat.step(site._replace(key=key), "embed", words, v=v, d=d, stored=kernel.stored)
    if lead and not others:  # a word per image
        return r.of(r.flat.step(site, "flatten", value))
    dims = [*numbered(others, "t")]
    for at in lead:
        dims.insert(at, indices.dims[at])
    return View(value, (*dims, r.axis(value, "c")))


@row("masked_fill", takes=(Scores,))
def _masked_fill(r: Reader, site: Site, x: Any, mask: Any, value: Any) -> Scores:
    return _hidden(r, x, mask, value)


@row("where", takes=(Scores,))
def _where(r: Reader, site: Site, condition: Any, x: Any, other: Any) -> Scores:
    return _hidden(r, x, condition, other, seen=True)


def _hidden(r: Reader, x: Any, mask: Any, low: Any, *, seen: bool = False) -> Scores:
    """Scores of which some count for nothing, those where a mask is true, or with `seen` those where it is not. Raises Unsaid."""
    known = r.constant(mask) if isinstance(mask, (Held, Computed)) else mask
    number = low if isinstance(low, (int, float)) else low.value if isinstance(low, Computed) else None
    if not isinstance(x, Scores) or not isinstance(known, Computed) or known.value is None or number is None or float(number) > LOW:
        raise Unsaid("the language has no layer for it")
    hides = ~known.value.bool() if seen else known.value.bool()
    return r.biased(
        x, known._replace(value=hides.new_zeros(hides.shape, dtype=hides.new_zeros(0).float().dtype).masked_fill(hides, LOW * 100))
    )


@row("index", takes=(Held,))
def _index(r: Reader, site: Site, x: Any, indices: Any) -> View:
    """Rows or columns of a learned table, looked up by whole numbers that are the same for all images."""
    given = {at: r.row_of(one) if isinstance(one, Held) else one for at, one in enumerate(indices) if one is not None}
    if not isinstance(x, Held) or len(x.shape) != 2 or len(given) != 1 or not all(isinstance(one, View) for one in given.values()):
        raise Unsaid("it looks up what is no table of two axes")
    ((axis, places),) = given.items()
    return r.looked_up(site, x, places, axis)


@row("matmul", "bmm", takes=(Scores,))
def _matmul(r: Reader, site: Site, x: Any, other: Any, mat2: Any) -> Any:
    other = other if other is not None else mat2
    if isinstance(x, Scores) and isinstance(other, View):
        return r.attended(site, x, other)
    if isinstance(x, View) and isinstance(other, View):
        return r.scores(x, other)
    if isinstance(x, View) and isinstance(other, Held) and other.learned and len(other.shape) == 2 and other.dims != ():
        return _by_matrix(r, site, x, other)
    raise Unsaid("it is a product of matrices that is no attention")


def _by_matrix(r: Reader, site: Site, x: View, matrix: Held) -> View:
    """A product with a learned matrix as a layer, which stores it with its rows as results."""
    axes = [digit.axis for dim in matrix.dims for digit in dim]
    if len(matrix.dims) != 2 or matrix.again or (axes != ["0", "1"] and axes != ["1", "0"] and 1 not in matrix.shape):
        raise Unsaid("it multiplies with a matrix that others use too")
    turned = matrix.sizes == matrix.shape and axes != ["1", "0"]
    stored = {"weight": Stored((matrix.name,), order=(1, 0) if turned else ())}
    return r.linear(site._replace(key=matrix.name), x, Kernel(matrix.sizes[::-1], False, stored))


@row("einsum")
def _einsum(r: Reader, site: Site, equation: str, tensors: Any) -> Any:
    """The two products of attention, with any letters."""
    sides, _, out = equation.replace(" ", "").partition("->")
    one, _, other = sides.partition(",")
    lead = out[:-2]
    x, y = tensors if len(tensors) == 2 else (None, None)
    products = one[:-2] == other[:-2] == lead and len(out) > 2 and out[-2] == one[-2]
    if products and isinstance(x, View) and isinstance(y, View) and one[-1] == other[-1] and out[-1] == other[-2]:
        return r.scores(x, y._replace(dims=(*y.dims[:-2], y.dims[-1], y.dims[-2])))
    if products and isinstance(x, Scores) and isinstance(y, View) and one[-1] == other[-2] and out[-1] == other[-1]:
        return r.attended(site, x, y)
    if isinstance(x, View) and isinstance(y, View):
        return r.einsum(site, equation, x, y)
    raise Unsaid(f"`{equation}` is no product of attention")


@row("scaled_dot_product_attention")
def _sdpa(r: Reader, site: Site, query: Any, key: Any, value: Any, attn_mask: Any, is_causal: bool, scale: Any) -> View:
    scores = Scores(query, key, scale)
    if attn_mask is not None:
        mask = attn_mask if isinstance(attn_mask, View) else r.constant(attn_mask)
        boolean = isinstance(mask, Computed) and mask.value is not None and not mask.value.is_floating_point()
        scores = _hidden(r, scores, mask, LOW, seen=True) if boolean else r.biased(scores, mask)
    scores = scores._replace(causal=scores.causal or is_causal)
    try:
        return r.attend(site, scores, value)
    except Unsaid:  # such as a mask of attention to another value
        return r.multiplied(site, r.written(site, scores._replace(weighed=True)), value)
