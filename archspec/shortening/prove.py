"""Whether two networks are the same: values by what they follow from, with the names of weights."""

from __future__ import annotations

from hashlib import blake2b

from archspec.ir.graph import Network
from archspec.ir.walk import walk

_FREE = ("add", "mul")
"""Merges whose order is free."""


def difference(one: Network, other: Network) -> str | None:
    """Where two networks differ, in words; None where they are the same."""
    found = differing(one, other)
    if found is None:
        return None
    return f"the layers {', '.join(found[:3])}" if found else "the inputs or outputs"


def differing(one: Network, other: Network) -> list[str] | None:
    """The layers that one of two networks has and the other lacks, in order, those of the first network before the others; None where
    the networks are the same.
    """
    if [(i.name, i.type) for i in one.inputs] != [(i.name, i.type) for i in other.inputs]:
        return []
    mine, theirs = _values(one), _values(other)
    lost = [name for digest, name in mine[0].items() if digest not in theirs[0]]
    more = [name for digest, name in theirs[0].items() if digest not in mine[0]]
    return lost + more if lost or more or mine[1] != theirs[1] else None


def _values(network: Network) -> tuple[dict[str, str], list[tuple[str, str, bool]]]:
    """The layers by digests, and the outputs: their names, digests, and whether they serve training alone."""
    known = {input_.name: _digest("input", input_.name) for input_ in network.inputs}
    found: dict[str, str] = {}
    joined: dict[str, list[str]] = {}
    """What each `concat` joins, without those in it."""
    ends: list[str] = []
    for place in walk(network, ends):
        op, types = place.node.op, place.graph.types_of(place.node)
        sources = [known[source] for source in place.sources]
        if op.step == "flatten":  # a fully connected layer has one before it, written or not
            known[place.name] = _digest("flatten", op.config(*types), *sources)
            continue
        if op.step in _FREE:
            sources.sort()
        elif op.step == "concat":
            config = op.config(*types)
            sources = [part for source in sources for part in joined.get(f"{config} {source}", [source])]
        key = place.owner or place.name if op.weights(*types) else ""
        known[place.name] = _digest(op.step, op.config(*types), key, place.tied or "", str(place.node.type), *sources)
        if op.step == "concat":
            joined[f"{config} {known[place.name]}"] = sources
        for at in range(len(place.node.further)):
            known[f"{place.name}:{at + 1}"] = _digest(known[place.name], str(at))
        found[known[place.name]] = place.name
    return found, [(output.name, known[end], output.training) for output, end in zip(network.outputs, ends, strict=True)]


def _digest(*parts: str) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
