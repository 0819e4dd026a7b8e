"""Attention as frameworks write it, product by product, as one layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from archspec.imports.channels_first import Kernel, Tensors
from archspec.imports.flat import Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.layout import Dim, joined, merged, size, viewed
from archspec.imports.views import View


class Scores(NamedTuple):
    """Products of queries and keys, on the way to become attention: of which tensors, times which number, and whether a softmax was taken."""

    queries: View
    keys: View
    scale: float = 1.0
    weighed: bool = False


class _Attended(NamedTuple):
    """An `attend` of one value: that value, and the arguments."""

    packed: int
    arguments: Mapping[str, Any]


_FORMS = {("in_proj", "out_proj"): None, ("qkv", "proj"): "qkv"}
"""How the two projections of attention are called, and the argument `proj` of it."""


class Attending(Tensors):
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
        if not scores.weighed:
            raise Unsaid("it multiplies scores that no softmax was taken of")
        return self.attend(site, scores.queries, scores.keys, values, scale=scores.scale)

    def attend(self, site: Site, q: View, k: View, v: View, *, scale: float | None = None, causal: bool = False) -> View:
        """Attention of queries, keys and values of (batch, heads, positions, d each); `scale` is by default 1/sqrt(d)."""
        q, k, v = (self._parted(one) for one in (q, k, v))
        d, heads, shared = size(q.dims[3]), size(q.dims[1]), size(k.dims[1])
        usual = d**-0.5
        scale = (usual if scale is None else scale) * q.factor * k.factor
        q, k = q._replace(factor=1.0), k._replace(factor=1.0)
        given: dict[str, Any] = {"heads": heads}
        given |= {"kvheads": shared} if shared != heads else {}
        given |= {"causal": True} if causal else {}
        given |= {"scale": scale} if abs(scale / usual - 1) > 1e-6 else {}
        packed = self._packed(q, k, v)
        if packed is not None:
            spans = self._windows(q)
            value = self.flat.step(site, "attend", packed, **given, **spans)
            self._attended[value] = _Attended(packed, {**given, **spans})
            return self._result(value, q, heads, d)
        q, k, v = (View(one.value, (one.dims[0], one.dims[2], joined([one.dims[1], one.dims[3]])), one.fixed) for one in (q, k, v))
        value = self.flat.step(site, "attend", *(self.settle(site, one, "tokens") for one in (q, k, v)), k=True, v=True, **given)
        made = self.of(value)
        return self._heads_first(made, made.dims[1], heads, d)

    def _parted(self, x: View) -> View:
        """Queries, keys or values with the batch and the heads apart."""
        if len(x.dims) == 3:
            whole = self.batch
            parts = viewed((x.dims[0],), (whole, size(x.dims[0]) // whole)) if size(x.dims[0]) % whole == 0 else None
            x = x._replace(dims=(*parts, *x.dims[1:])) if parts is not None else x._replace(dims=(x.dims[0], (), *x.dims[1:]))
        if len(x.dims) != 4:
            raise Unsaid(f"it is attention over tensors of {len(x.dims)} dimensions")
        return x

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

    def _result(self, value: int, q: View, heads: int, d: int) -> View:
        """The result of attention on one value, whose positions lie as those of the queries."""
        return self._heads_first(View(value, (q.dims[0], (), q.dims[2], ())), q.dims[2], heads, d)

    def _heads_first(self, x: View, positions: Dim, heads: int, d: int) -> View:
        channels = self.axis(x.value, "c")
        parts = viewed((channels,), (heads, d)) or ((), ())
        return View(x.value, (x.dims[0], parts[0], positions, parts[1]))

    def linear(self, site: Site, x: View, kernel: Kernel) -> View:
        """A product with a stored matrix over the last dimension; behind attention, with the product before that, it is one layer `attn`."""
        found = self._attended.get(x.value)
        if found is not None and not x.fixed and x.dims[-1] == self.axis(x.value, "c"):
            value = self._attention(site, found, kernel)
            if value is not None:
                return View(value, (*x.dims[:-1], self.axis(value, "c")))
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
        return self.flat.step(site._replace(key=own), "attn", x, stored=stored, **given)
