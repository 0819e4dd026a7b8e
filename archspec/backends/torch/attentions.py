"""Attention in PyTorch: which template an attention is, with which arguments."""

from __future__ import annotations

from typing import Any

from archspec.backends.source.constructor import New, new
from archspec.numeric import Spelled
from archspec.ops.base import per_axis
from archspec.types import Map


def attention(op: Any, *types: Any) -> New:
    """Attention with its projections; torch.nn's own where it has it."""
    x, y, inputs = types[0], types[-1], types[:-1]
    form, s, options = op.form(*inputs), op.sizes(*inputs), _options(op, *inputs)
    bias = {} if op.bias else {"bias": False}
    known = op.known(*inputs)
    if known == "swin":
        return new("WindowAttention", x.channels, op.heads, op.w, op.shift, **bias)
    if known == "torch":
        name = "CrossAttention" if op.kv else "CausalAttention" if op.causal else "SelfAttention"
        return new(name, x.channels, op.heads, **bias)
    out = new("nn.Linear", s.width, y.channels, **bias)
    if form == "in":
        return new("PackedAttention", x.channels, op.heads, **bias, out_proj=out, **options)
    if form == "qkv":
        return new("QkvAttention", op.heads, qkv=new("nn.Linear", x.channels, s.width + 2 * s.narrow, **bias), proj=out, **options)
    source = inputs[1] if op.kv else x
    rows = {"q": (x.channels, s.width), "k": (source.channels, s.narrow), "v": (source.channels, s.narrow)}
    projections = {f"{name}_proj": new("nn.Linear", *sizes, **bias) for name, sizes in rows.items()}
    return new("SplitAttention", op.heads, **projections, out_proj=out, **options)


def attend(op: Any, *types: Any) -> New:
    """Attention without its projections."""
    return new("Attend" if op.k else "PackedAttend", op.heads, **_options(op, *types[:-1]))


def _options(op: Any, *inputs: Any) -> dict[str, Any]:
    """The arguments of the template `Attend` after its heads, those that are not what it assumes."""
    x, s = inputs[0], op.sizes(*inputs)
    values = inputs[:-1] if op.rel is True else inputs
    found = {
        "kvheads": op.kvheads,
        "scale": 1.0 if op.sim == "cos" else op.scale,
        "causal": op.causal,
        "rope": None if op.rope is True else op.rope,
        "angles": op.rope is True,
        "prefix": op.prefix or None,
        "pair": op.pair,
        "partial": (angles := op.angles(*inputs)) is not None and op.turned(s.width // op.heads, angles) != s.width // op.heads,
        "maps": tuple(isinstance(value, Map) for value in values) if any(isinstance(value, Map) for value in values) else None,
        "window": op.span(x) if op.w is not None or op.grid is not None else None,
        "shift": per_axis(op.shift, len(op.span(x))) if _written(op.shift) else None,
        "strided": op.grid is not None,
        "table": op.span(x) if op.rel == "table" else None,
        "mlp": op.span(x) if op.rel == "mlp" else None,
        "buckets": op.rel == "buckets",
        "kv": getattr(op, "kv", False),
        "biased": op.rel is True,
        "cosine": op.sim == "cos",
        "talk": op.talk,
    }
    return {name: value for name, value in found.items() if value is not None and value is not False}


def _written(shift: Any) -> bool:
    """Whether windows are shifted, or may be in another instance of a block."""
    return any(isinstance(s, Spelled) or s != 0 for s in per_axis(shift, 1))
