"""Whether two networks are the same: values by what they follow from, with the names of weights."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

from archspec.ir.graph import Network
from archspec.ir.walk import walk
from archspec.shortening.grouped import depthwise

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


def renamed(one: Network, other: Network) -> tuple[dict[str, str], list[str]]:
    """What the layers with weights of the second network are called in the first; and what is wrong, as `differing` says it, so that nothing
    is where the networks are the same except for these names.
    """
    mine, theirs = _by_digest(one), _by_digest(other)
    wrong = [name for digest, found in mine.items() if len(found) != len(theirs.get(digest, ())) for name in found]
    if wrong or len(mine) != len(theirs):
        return {}, wrong or ["output"]
    same_inputs = [(i.name, i.type) for i in one.inputs] == [(i.name, i.type) for i in other.inputs]
    for order in (_as_written, _by_what_follows):
        first, second = order(one, mine), order(other, theirs)
        names = {name: called for digest, found in second.items() for name, called in zip(found, first[digest], strict=True)}
        before, after = _values(one, {name: name for name in names.values()}), _values(other, names)
        if same_inputs and before[1] == after[1] and before[0].keys() == after[0].keys():
            return names, []
    return names, ["output"]


def _as_written(network: Network, layers: dict[str, list[str]]) -> dict[str, list[str]]:
    """Layers by digests, those of one digest in the order of the network."""
    return layers


def _by_what_follows(network: Network, layers: dict[str, list[str]]) -> dict[str, list[str]]:
    """Layers by digests, those of one digest by what reads them: alike branches of a `concat` may be written in another order than they come in."""
    digests = {name: digest for digest, name in _values(network, {})[2]}
    ends: list[str] = []
    places = list(walk(network, ends))
    uses: dict[str, list[str]] = {}
    for output, end in zip(network.outputs, ends, strict=True):
        uses.setdefault(end, []).append(_digest("output", output.name))
    follows: dict[str, str] = {}
    for place in reversed(places):
        own = [place.name, *(f"{place.name}:{at + 1}" for at in range(len(place.node.further)))]
        follows[place.name] = _digest(*(use for name in own for use in sorted(uses.get(name, ()))))
        use = _digest(digests.get(place.name, place.node.op.step), follows[place.name])
        for at, source in enumerate(place.sources):
            uses.setdefault(source, []).append(use if place.node.op.step in _FREE else _digest(use, str(at)))
        if place.owner is not None:
            uses.setdefault(place.owner, []).append(use)
    return {digest: sorted(found, key=follows.__getitem__) for digest, found in layers.items()}


def _by_digest(network: Network) -> dict[str, list[str]]:
    """The layers with weights of their own, in order, by digests in which there are no names."""
    digests = {name: digest for digest, name in _values(network, {})[2]}
    found: dict[str, list[str]] = {}
    for place in walk(network):
        if place.owner is None and place.node.op.weights(*place.graph.types_of(place.node)):
            found.setdefault(digests[place.name], []).append(place.name)
    return found


def _values(
    network: Network, names: Mapping[str, str] | None = None
) -> tuple[dict[str, str], list[tuple[str, str, bool]], list[tuple[str, str]]]:
    """The layers by digests; the outputs: their names, digests, and whether they serve training alone; the digest and name of each layer.

    `names` are those that count in place of others, and no others do.
    """
    known = {input_.name: _digest("input", input_.name) for input_ in network.inputs}
    found: dict[str, str] = {}
    every: list[tuple[str, str]] = []
    joined: dict[str, list[str]] = {}
    """What each `concat` joins, without those in it."""
    ends: list[str] = []
    for place in walk(network, ends):
        types = place.graph.types_of(place.node)
        op = depthwise(place.node.op, types)
        sources = [known[source] for source in place.sources]
        if op.step == "flatten":  # a fully connected layer has one before it, written or not
            known[place.name] = _digest("flatten", op.config(*types), *sources)
            continue
        if op.step in _FREE:
            sources.sort()
        elif op.step == "concat":
            config = op.config(*types)
            sources = [part for source in sources for part in joined.get(f"{config} {source}", [source])]
        key = place.owner or place.name if place.tied or op.weights(*types) else ""
        tied = place.tied or ""
        if names is not None:
            key, tied = names.get(key, ""), names.get(tied, "")
        known[place.name] = _digest(op.step, op.config(*types), key, tied, str(place.node.type), *sources)
        if op.step == "concat":
            joined[f"{config} {known[place.name]}"] = sources
        for at in range(len(place.node.further)):
            known[f"{place.name}:{at + 1}"] = _digest(known[place.name], str(at))
        found[known[place.name]] = place.name
        every.append((known[place.name], place.name))
    outputs = [(output.name, known[end], output.training) for output, end in zip(network.outputs, ends, strict=True)]
    return found, outputs, every


def _digest(*parts: str) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
