"""Weights that a program makes of stored tensors before a layer takes them: parts of a tensor, and weight and spectral normalisation."""

from __future__ import annotations

from typing import Any, NamedTuple

from archspec.imports.imported import Stored
from archspec.imports.stored import Computed, Held
from archspec.imports.torch_nodes import operator
from archspec.ops.weightform import MATRICES

_OWN = MATRICES[2].removesuffix("original")
_SPECTRAL = (("weight_orig", "weight_u", "weight_v"), (MATRICES[2], f"{_OWN}0._u", f"{_OWN}0._v"))
"""How PyTorch calls the three tensors of spectral normalisation, as a hook and as a parametrization."""


class Rows(NamedTuple):
    """Rows of a stored tensor, from `start` up to, not including, `stop`."""

    name: str
    start: int
    stop: int


def placed(rows: Rows | Held) -> Stored:
    """Where a source has a stored tensor, or rows of one."""
    return Stored((rows.name,), rows=((rows.start, rows.stop),)) if isinstance(rows, Rows) else Stored((rows.name,))


def rows_of(reader: Any, tensor: Held | Computed) -> Rows | Held | None:
    """The stored tensor, or the rows of one, that a tensor is; None where it is computed otherwise."""
    if isinstance(tensor, Held):
        return tensor
    found = _rows(reader, tensor.node) if isinstance(tensor, Computed) and tensor.node is not None else None
    return found if found is not None and found.name in reader.learned else None


def _rows(reader: Any, node: Any) -> Rows | None:
    name = operator(node).removeprefix("aten.")
    if node.op == "placeholder":
        key = reader.keys.get(node.name)
        return Rows(key, 0, node.meta["val"].shape[0]) if key and node.meta["val"].dim() else None
    if name == "getitem" and operator(node.args[0]) in ("aten.split", "aten.split_with_sizes", "aten.chunk"):
        parts, at = node.args
        dim = parts.args[2] if len(parts.args) > 2 else parts.kwargs.get("dim", 0)
        before, start = _rows(reader, parts.args[0]), sum(one.shape[0] for one in parts.meta["val"][:at])
    elif name == "slice" and len(node.args) < 5:
        dim, first = (*node.args[1:], 0, 0)[:2]
        before = _rows(reader, node.args[0])
        start = (first or 0) % node.args[0].meta["val"].shape[0]
    else:
        return None
    if before is None or dim != 0:
        return None
    return Rows(before.name, before.start + start, before.start + start + node.meta["val"].shape[0])


def formed(reader: Any, weight: Computed) -> tuple[str, dict[str, Stored], dict[str, Any]] | None:
    """The key of a layer whose weight is normalised, the tensors that this is made of, and the arguments that say so; None for other weights."""
    node = weight.node
    if node is None:
        return None
    if operator(node) == "aten._weight_norm":
        (v, g), dim = node.args[:2], node.args[2] if len(node.args) > 2 else 0
        keys = [reader.keys.get(one.name, "") for one in (g, v)]
        key = keys[0].removesuffix("weight_g").removesuffix(f"{_OWN}original0")
        known = dim == 0 and {*keys} <= reader.learned
        lengths = (g.meta["val"].shape[0], *(1,) * (v.meta["val"].dim() - 1))
        stored = {MATRICES[1][:-1] + "0": Stored((keys[0],), lengths), MATRICES[1]: Stored((keys[1],))}
        return (key.rstrip("."), stored, {"norm": "weight"}) if known else None
    if operator(node) != "aten.div":
        return None
    read = _read(reader, node)
    for names in _SPECTRAL:
        key = next((one.removesuffix(names[0]) for one in read if one.endswith(names[0])), None)
        if key is not None and read == {key + name for name in names}:
            stored = {own: Stored((key + name,)) for own, name in zip(_SPECTRAL[1], names, strict=True)}
            return key.rstrip("."), stored, {"norm": "spectral"}
    return None


def _read(reader: Any, node: Any) -> set[str]:
    """The stored tensors that a tensor is computed from."""
    found, pending, seen = set[str](), [node], set[Any]()
    while pending:
        one = pending.pop()
        if one not in seen:
            seen.add(one)
            pending += one.all_input_nodes
            found |= {reader.keys.get(one.name, "")} if one.op == "placeholder" else set()
    return found
