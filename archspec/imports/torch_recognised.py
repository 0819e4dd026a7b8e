"""Layers that a program writes out number by number, recognised by what they compute: activations, and norms over one axis.

People write GELU, root mean square norms and the like in many ways. A group of operators on one tensor is such a layer where it gives the
same numbers for drawn ones, in double precision; how it is written does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any, NamedTuple

from archspec.imports.flat import Site
from archspec.imports.imported import Stored
from archspec.imports.torch_nodes import flat, operator
from archspec.imports.views import View

_SIGNS = {
    *("erf", "tanh", "relu6", "hardtanh", "clamp", "hardsigmoid", "softplus", "exp", "pow", "sqrt", "rsqrt", "var", "std", "square"),
    *("clamp_min", "clamp_max"),
}
"""Operators of which a layer that is written out has one at least."""
_SAME = {"to", "_to_copy", "float", "type_as", "contiguous", "clone", "detach", "alias", "lift_fresh_copy"}
_PLAIN = _SIGNS | _SAME | {"add", "sub", "mul", "div", "neg", "rsub", "sigmoid", "relu", "log", "log1p", "abs", "reciprocal", "mean"}
_TURNED = {"view", "reshape", "unsqueeze", "expand", "slice", "select"}
"""What stored tensors may go through."""
_MOST = 16
"""Operators of a layer that is written out."""
_NUMBERS = 2_000_000
"""Numbers of a tensor that is drawn to try a norm."""


class Recognised(NamedTuple):
    """A layer that is written out: what it reads, the operators before its last one, and what makes it."""

    source: Any
    inner: list[Any]
    make: Callable[[Any, Site, View], View]


def recognised(reader: Any, taken: Any) -> dict[Any, Recognised]:
    """The layers that a program writes out, by the operator that gives their result. Those in `taken` are read otherwise."""
    found: dict[Any, Recognised] = {}
    inside: set[Any] = set()
    nodes = [node for node in reader.program.graph.nodes if node.op == "call_function" and node not in taken]
    for node in reversed(nodes):
        if node in inside or _name(node) not in ("mul", "div", "add"):
            continue
        region = _region(node)
        if not any(_name(one) in _SIGNS for one in region) or any(one in taken for one in region):
            continue
        made = _recognised(reader, node, region)
        if made is not None:
            found[node] = made
            inside.update(made.inner)
    return found


def _name(node: Any) -> str:
    return operator(node).removeprefix("aten.") if node.op == "call_function" else ""


def _region(node: Any) -> list[Any]:
    """An operator, and those that lead to it number by number."""
    found, pending = dict.fromkeys([node]), [node]
    while pending and len(found) <= _MOST:
        for one in pending.pop().all_input_nodes:
            if _name(one) in _PLAIN and one not in found:
                found[one] = None
                pending.append(one)
    return sorted(found)


def _recognised(reader: Any, node: Any, region: Sequence[Any]) -> Recognised | None:
    leaves = dict.fromkeys(each for one in region for each in one.all_input_nodes if each not in region)
    shape = tuple(getattr(node.meta.get("val"), "shape", ()))
    for source in [*sorted(leaves), *region[:-1]]:
        if tuple(getattr(source.meta.get("val"), "shape", ())) != shape or source in reader.held_nodes:
            continue
        inner = _between(source, node, region)
        if not inner or not any(_name(one) in _SIGNS for one in [*inner, node]):
            continue
        make = _function(source, node) or _norm(reader, source, node, inner)
        if make is not None:
            closed = {node}
            for one in reversed(inner):  # what others read too is read by itself as well
                if all(user in closed for user in one.users):
                    closed.add(one)
            return Recognised(source, [one for one in inner if one in closed], make)
    return None


def _between(source: Any, node: Any, region: Sequence[Any]) -> list[Any]:
    """The operators of a region that lie between a source and its end."""
    behind = {source}
    for one in region:
        if one is not source and any(each in behind for each in one.all_input_nodes):
            behind.add(one)
    return [one for one in region if one in behind and one is not source and one is not node] if node in behind else []


class _Other(Exception):
    """Says that a group of operators reads more than the tensor that is tried."""


def _value(node: Any, known: dict[Any, Any]) -> Any:
    """What an operator gives for known tensors. Raises _Other."""
    import torch

    if node in known:
        return known[node]
    name = _name(node)
    if name not in _PLAIN and name not in _TURNED:
        raise _Other
    for one in node.all_input_nodes:
        _value(one, known)
    if name in _SAME:
        known[node] = known[node.all_input_nodes[0]]
        return known[node]
    args, kwargs = torch.fx.node.map_arg((node.args, dict(node.kwargs)), lambda one: known[one])
    known[node] = node.target(*[one.clone() if isinstance(one, torch.Tensor) else one for one in args], **kwargs)
    return known[node]


def _same(one: Any, other: Any, close: float) -> bool:
    return one.shape == other.shape and bool(((one - other).abs() <= close * (1 + other.abs())).all())


def _function(source: Any, node: Any) -> Callable[[Any, Site, View], View] | None:
    """What makes the activation that a group of operators is; None where it is none."""
    import torch

    x = torch.linspace(-9.3, 9.7, 311, dtype=torch.float64)
    try:
        y = _value(node, {source: x})
    except Exception:  # another tensor, or whatever an operator refuses
        return None
    calls = torch.nn.functional
    steps: dict[str, tuple[Any, dict[str, Any]]] = {
        "gelu": (calls.gelu(x), {}),
        "gelu tanh": (calls.gelu(x, approximate="tanh"), {"approx": "tanh"}),
        "mish": (calls.mish(x), {}),
        "hardswish": (calls.hardswish(x), {}),
        "hardsigmoid": (calls.hardsigmoid(x), {}),
    }
    for step, (values, arguments) in steps.items():
        if _same(y, values, 1e-7):
            return lambda r, site, view, step=step, arguments=arguments: r.pointwise(site, view, step.partition(" ")[0], **arguments)  # type: ignore[misc]
    return None


def _norm(reader: Any, source: Any, node: Any, inner: Sequence[Any]) -> Callable[[Any, Site, View], View] | None:
    """What makes the norm along one axis that a group of operators is; None where it is none."""
    import torch

    shape = tuple(source.meta["val"].shape)
    means = [one for one in inner if _name(one) in ("mean", "var", "std")]
    dims = {dim % len(shape) for one in means for dim in flat([one.args[1] if len(one.args) > 1 else None]) if isinstance(dim, int)}
    if len(dims) != 1 or 0 in dims or source.meta["val"].numel() > _NUMBERS:
        return None
    (dim,) = dims
    drawn = torch.Generator().manual_seed(0)
    known = {one: torch.randn(tuple(one.meta["val"].shape), generator=drawn, dtype=torch.float64) for one in reader.held_nodes}
    x = torch.randn(shape, generator=drawn, dtype=torch.float64) * 0.1 + 0.05
    try:
        known[source] = x
        used = _stored_in(reader, source, node)
        y = _value(node, known)
    except Exception:  # another tensor, or whatever an operator refuses
        return None
    for eps in sorted({one for op in inner for one in flat(op.args) if isinstance(one, float) and 0 < one <= 0.01}):
        for params in permutations(used):
            for step in ("ln", "rmsnorm"):
                if len(params) <= (2 if step == "ln" else 1) and _same(y, _normed(step, x, dim, eps, [known[one] for one in params]), 1e-6):
                    return _made(reader, step, dim, eps, params)
    return None


def _stored_in(reader: Any, source: Any, node: Any) -> list[Any]:
    """The stored tensors that a group of operators on a source reads."""
    found, pending, seen = dict[Any, None](), [node], {source}
    while pending:
        one = pending.pop()
        if one in seen:
            continue
        seen.add(one)
        if one in reader.held_nodes:
            found[one] = None
        pending += one.all_input_nodes
    if len(found) > 2:
        raise _Other
    return list(found)


def _normed(step: str, x: Any, dim: int, eps: float, params: Sequence[Any]) -> Any:
    import torch

    centred = x - x.mean(dim, keepdim=True) if step == "ln" else x
    y = centred * torch.rsqrt(centred.pow(2).mean(dim, keepdim=True) + eps)
    wide = [1] * x.dim()
    wide[dim] = x.shape[dim]
    if any(one.numel() != x.shape[dim] for one in params):
        return x.new_zeros(())
    for at, one in enumerate(params):
        y = y + one.view(wide) if at else y * one.view(wide)
    return y


def _made(reader: Any, step: str, dim: int, eps: float, params: Sequence[Any]) -> Callable[[Any, Site, View], View] | None:
    names = [reader.keys[one.name] for one in params]
    if len({name.rpartition(".")[0] for name in names}) > 1:
        return None
    given: dict[str, Any] = {"eps": eps}
    if step == "ln":
        given |= {"affine": False} if not params else {"bias": False} if len(params) == 1 else {}
        stored = {each: Stored((name,), (-1,)) for each, name in zip(("weight", "bias"), names, strict=False)}
    else:
        stored = {"weight": Stored((names[0],), (-1,)) if names else Stored(value=1.0)}
        given |= {} if names else {"frozen": True}
    key = names[0].rpartition(".")[0] if names else ""
    if names and {one for one in reader.keys.values() if one.startswith(f"{key}.")} != {*names}:
        key = names[0]  # the module has layers of its own beside the norm

    def make(r: Any, site: Site, x: View) -> View:
        return r.on_channels(site._replace(key=key), x, dim, step, stored=stored, **given)  # type: ignore[no-any-return]

    return make
