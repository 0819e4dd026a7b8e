"""Whether a network that was read back is the one that was written, as far as a file of another program says."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from archspec.ir.graph import Network
from archspec.ir.walk import Place, walk
from archspec.ops import make
from archspec.types import Map

_UNSAID = ("init", "std", "momentum", "round", "frozen")
"""Arguments that say how training begins or goes, or how a size was found."""
_INERT = ("dropout", "dropout2d", "droppath", "flatten", "adaptpool", "adaptmaxpool", "crop", "upsample", "pad")
"""Layers that are not in a file, those behind `flatten` where they change nothing."""


def _told(place: Place) -> tuple[str, str]:
    """A layer in words; padding and pools by their windows, so that it does not matter how they are written."""
    op, types = place.node.op, place.graph.types_of(place.node)
    given: dict[str, Any] = {name: value for name, value in op.arguments().items() if name not in _UNSAID}
    x = types[0] if types else None
    if op.step == "winattn" and isinstance(x, Map):
        given = _without_sugar(op, x)
        op = make("attn", given)
    for span in ("w", "grid"):  # one that covers the map
        if isinstance(x, Map) and given.get(span) is not None and {*x.spatial} == {given[span]}:
            del given[span]
    if given.get("scale") is not None:
        given["scale"] = float(f"{given['scale']:.6g}")  # a file has single precision
    if op.step in ("adaptpool", "adaptmaxpool") and isinstance(x, Map):
        out = place.node.type.spatial
        if not any(a % b for a, b in zip(x.spatial, out, strict=True)):
            given = {"w": tuple(a // b for a, b in zip(x.spatial, out, strict=True))}
            op = make("avgpool" if op.step == "adaptpool" else "pool", given)
    if op.step in ("crop", "upsample"):
        said = op.pieces(x) if op.step == "crop" else (op.mode, op.corners)
        return op.step, str(said)
    if op.step == "first":
        return "token", "0"
    if op.window(*types) and op.step not in ("adaptpool", "adaptmaxpool"):
        slides = op.window(*types)
        window = str([(s.k, s.s, s.d, s.before, s.after + s.overhang, s.out) for s in slides])
        counted = given.pop("count_pad", True) and any(s.before or s.after for s in slides)
        given = {name: value for name, value in given.items() if value != op.fields[name].default and name not in "kwspd" and name != "op"}
        return op.step, f"{window} {'counted' if counted else ''} {sorted(given.items())}"
    return op.step, make(op.step, given).config(*types)


def _without_sugar(op: Any, x: Map) -> dict[str, Any]:
    """The arguments of `attn` that `winattn` stands for: no window where one covers the map, no shift along an axis that it covers."""
    windows, shifts = ((one,) * 2 if isinstance(one, int) else tuple(one) for one in (op.w, op.shift))
    shifts = tuple(0 if w == side else shift for w, shift, side in zip(windows, shifts, x.spatial, strict=True))
    given: dict[str, Any] = {"heads": op.heads, "rel": "table", "proj": "qkv", "bias": op.bias}
    given |= {"w": windows[0] if len({*windows}) == 1 else windows} if windows != x.spatial else {}
    return given | ({"shift": shifts[0] if len({*shifts}) == 1 else shifts} if any(shifts) else {})


def values(network: Network, *, keys: bool = True) -> dict[str, str]:
    """The layers of a network by what their values follow from; without `keys` the names of weights say only which are the same."""
    known = {input_.name: f"input {at}" for at, input_ in enumerate(network.inputs)}
    names: dict[str, str] = {}
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    ends: list[str] = []
    for place in walk(network, ends):
        op, types = place.node.op, place.graph.types_of(place.node)
        sources = [known[source] for source in place.sources]
        if op.step in _INERT and (op.step in _INERT[:4] or place.node.type == types[0]):
            known[place.name] = sources[0]
            continue
        if op.step in ("add", "mul"):
            sources.sort()
        key = place.owner or place.name if op.weights(*types) else ""
        key = key if keys or not key else names.setdefault(key, str(len(names)))
        step, told = _told(place)
        size = "x".join([str(one) for one in place.node.type.shape if one != 1])
        known[place.name] = blake2b("\0".join((step, told, key, size, *sources)).encode(), digest_size=12).hexdigest()
        found[known[place.name]] = f"{place.name}: {step} {told} {place.node.type}", tuple(sources)
    pending = [known[end] for output, end in zip(network.outputs, ends, strict=True) if not output.training]
    used = {f"output {at} {end}": f"output {at}" for at, end in enumerate(pending)}
    while pending:
        digest = pending.pop()
        if digest in found and digest not in used:
            used[digest], sources_ = found[digest]
            pending += sources_
    return {digest: used[digest] for digest in (*found, *used) if digest in used}


def difference(one: Network, other: Network, *, keys: bool = True) -> list[str]:
    """The layers and outputs that the first has and the second lacks, and the other way round."""
    mine, theirs = values(one, keys=keys), values(other, keys=keys)
    lost = [f"- {told}" for digest, told in mine.items() if digest not in theirs]
    more = [f"+ {told}" for digest, told in theirs.items() if digest not in mine]
    return lost + more
