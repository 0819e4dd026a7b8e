"""The classes of emitted sources that PyTorch lacks, read back as the layers that they are."""

from __future__ import annotations

from typing import Any

from archspec.imports.channels_first import Kernel, sizes
from archspec.imports.flat import Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.torch_modules import module, stored_in
from archspec.imports.torch_reader import Reader
from archspec.imports.torch_sequences import pads
from archspec.imports.views import View
from archspec.types import Map, Tokens


@module("LastLSTM", "LastGRU", "LastRNN")
def _last(r: Reader, site: Site, own: Any, x: View) -> View:
    """A recurrent layer that gives its final state."""
    order = [0, own.dim, 3 - own.dim]
    tokens = r.settle(site, x._replace(dims=tuple([x.dims[at] for at in order])), "tokens")
    given = {"n": own.hidden_size, "dirs": 1 + own.bidirectional, "layers": own.num_layers, "bias": own.bias}
    step = type(own).__name__.removeprefix("Last").lower()
    return r.of(r.flat.step(site, step, tokens, stored=stored_in(site, own.state_dict()), out="last", **given))


@module("Rbf")
def _rbf(r: Reader, site: Site, own: Any, x: View) -> View:
    return r.of(r.flat.step(site, "rbf", r.settle(site, x, "vector"), n=own.weight.shape[0], stored=stored_in(site, own.state_dict())))


@module("Unpool")
def _unpool(r: Reader, site: Site, own: Any, x: View, pooled: View) -> View:
    if x.sizes[2] > pooled.sizes[2]:
        x, pooled = pooled, x  # they come in the order in which it reads them
    p = pads(own.pads) if own.pads else None
    given: dict[str, Any] = {"p": sizes(p[0])} if p and p[0] == p[1] else {}
    if p and p[0] != p[1]:
        raise Unsaid("its borders differ before and after")
    given |= {"s": own.stride} if own.stride != own.window else {}
    given |= {"d": own.dilation} if own.dilation != 1 else {}
    return r.of(r.flat.step(site, "unpool", r.map(site, x), r.map(site, pooled), x=True, w=own.window, round="floor", **given))


@module("Subsample")
def _subsample(r: Reader, site: Site, own: Any, x: View) -> View:
    if own.pads:
        raise Unsaid("it is padded")
    w, s = own.pool.kernel_size, own.pool.stride
    given: dict[str, Any] = {"s": s} if s != w else {}
    names = {"coefficient": "weight", "bias": "bias"}
    stored = {name: Stored((f"{site.key}.{own_}",)) for name, own_ in names.items()} | stored_in(site, own.state_dict())
    return r.of(r.flat.step(site, "subsample", r.map(site, x), w=w, round="floor", stored=stored, **given))


@module("TableConv2d")
def _table(r: Reader, site: Site, own: Any, x: View) -> View:
    rows: list[list[int]] = [[] for _ in range(own.shape[0])]
    for f, i in zip(own.filters.tolist(), own.inputs.tolist(), strict=True):
        rows[f].append(i)
    kernel = Kernel(own.shape, own.bias is not None, stored_in(site, own.state_dict()))
    options = {name: [one] * 2 if isinstance(one, int) else list(one) for name, one in own.options.items()}
    p = options["padding"]
    form = {"maps": tuple(map(tuple, rows))}
    return r.conv(site, x, kernel, options["stride"], (p, p), options["dilation"], 1, form=form)


@module("LocalResponseNorm3d")
@module("LocalResponseNorm", of=("torch",))
def _local(r: Reader, site: Site, own: Any, x: View) -> View:
    """Local response normalisation of PyTorch itself, whose operators are many."""
    given = {"n": own.size, "alpha": float(own.alpha), "beta": float(own.beta), "k": float(own.k)}
    return r.of(r.flat.step(site, "lrn", r.map(site, x), **given))


@module("Squash")
def _squash(r: Reader, site: Site, own: Any, x: View) -> View:
    return r.on_channels(site, x, own.dim, "squash")


@module("Crop", "CropRange")
def _crop(r: Reader, site: Site, own: Any, x: View) -> View:
    value = r.map(site, x)
    type_ = r.flat.type_of(value)
    if hasattr(own, "start"):
        return r.of(r.flat.step(site, "crop", value, size=((own.start, own.stop),)))
    axes = len(type_.spatial) if isinstance(type_, Map) else 0
    size = own.size if isinstance(own.size, tuple) else (own.size,) * axes
    return r.of(r.flat.step(site, "crop", value, size=sizes(size)))


@module("WindowAttention")
def _windows(r: Reader, site: Site, own: Any, x: View) -> View:
    given: dict[str, Any] = {"heads": own.heads, "w": sizes(own.window), "rel": "table", "proj": "qkv"}
    given |= {"shift": sizes(own.shift)} if any(own.shift) else {}
    given |= {"bias": False} if own.qkv.bias is None else {}
    return r.of(r.flat.step(site, "attn", r.map(site, x), stored=stored_in(site, own.state_dict()), **given))


class _Options:
    """The options of an attention: an emitted file leaves out those that none of its layers has."""

    def __init__(self, own: Any) -> None:
        from archspec.backends.torch.templates.scores import Attend

        self.own, self.defaults = own, Attend

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own, name) if hasattr(self.own, name) else getattr(self.defaults, name)


@module("Attend", "PackedAttend")
def _attend(r: Reader, site: Site, own: Any, *values: View) -> View:
    read = [r.settle(site, value) for value in values]
    count = len(read) - _Options(own).biased - _Options(own).angles
    read = [read[0]] * (3 - count if type(own).__name__ == "Attend" else 0) + read  # a value that is read several times comes once
    given = _heads(own) | ({"k": True, "v": True} if type(own).__name__ == "Attend" else {})
    return r.of(r.flat.step(site, "attend", *read, stored=stored_in(site, own.state_dict()), **given))


@module("PackedAttention", "SplitAttention", "QkvAttention")
def _attention(r: Reader, site: Site, own: Any, *values: View) -> View:
    read = [r.settle(site, value) for value in values]
    options = _Options(own)
    if len(read) < 1 + options.kv + options.angles + options.biased:
        read = [read[0], *read]
    x = r.flat.type_of(read[0])
    kind = type(own).__name__
    out = own.proj if kind == "QkvAttention" else own.out_proj
    given = _heads(own) | ({"kv": True} if options.kv else {}) | ({"bias": False} if out.bias is None else {})
    given |= {"d": out.in_features // own.heads} if out.in_features != x.channels else {}
    given |= {"f": out.out_features} if out.out_features != x.channels else {}
    alike = options.kvheads in (None, own.heads) and (not options.kv or r.flat.type_of(read[1]).channels == x.channels)
    given |= {"proj": "qkv"} if kind == "QkvAttention" else {"proj": "apart"} if kind == "SplitAttention" and alike else {}
    return r.of(r.flat.step(site, "attn", *read, stored=stored_in(site, own.state_dict()), **given))


def _heads(module_: Any) -> dict[str, Any]:
    """The arguments that attention with and without projections share."""
    own = _Options(module_)
    found: dict[str, Any] = {"heads": own.heads}
    span = "grid" if own.strided else "w"
    relative = next((name for name in ("table", "mlp", "buckets") if getattr(own, name)), own.biased or None)
    said = {
        "kvheads": own.kvheads,
        "causal": own.causal or None,
        "rope": own.rope or own.angles or None,
        "prefix": own.prefix or None,
        "pair": own.pair or None,
        "rel": relative,
        span: sizes(own.window) if own.window else None,
        "shift": sizes(own.shift) if any(own.shift) else None,
        "sim": "cos" if own.cosine else None,
        "talk": own.talk or None,
        "scale": None if own.cosine else own.scale,
    }
    return found | {name: value for name, value in said.items() if value is not None}


@module("Buckets")
def _buckets(r: Reader, site: Site, own: Any, *_: View) -> View:
    tokens = next((value for value in reversed(range(len(r.flat))) if isinstance(r.flat.type_of(value), Tokens)), None)
    if tokens is None:
        raise Unsaid("no tokens come before it, of which it takes the number")
    given: dict[str, Any] = {"causal": True} if own.causal else {}
    return r.of(r.flat.step(site, "buckets", tokens, heads=own.weight.shape[1], stored=stored_in(site, own.state_dict()), **given))
