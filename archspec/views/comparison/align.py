"""Finds which layers of two networks correspond: an alignment of least cost.

The layers of each network are a sequence. What they cost to be paired grows with what differs: least a name, then shapes, then arguments,
then the step; no counterpart costs more than any of these, and layers of different kinds are never paired. The pairs of least total cost
are found by dynamic programming (Needleman & Wunsch 1970, A general method applicable to the search for similarities in
the amino acid sequence of two proteins).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from archspec.analysis.depth import is_weight_layer
from archspec.analysis.layers import Row, Shape

_NAME, _INPUT, _OUTPUT, _ARGUMENT, _STEP, _ALONE = 1, 3, 10, 20, 70, 100
_MOST_ARGUMENTS = 60
_NEVER = 10**9
_AKIN = frozenset({"convolution", "fully connected", "recurrent", "pooling", "normalisation", "activation"})
"""Kinds whose steps can replace one another."""
MOST_CELLS = 4_000_000
"""The most pairs that are compared: about 1 s."""

_PAIR, _REMOVE, _ADD = 0, 1, 2


class Pair(NamedTuple):
    """Layers of the first and the second network that correspond; one is None where a layer has no counterpart."""

    before: Row | None
    after: Row | None


class Sign(NamedTuple):
    """The compared properties of a layer, except its name."""

    step: str
    kind: str
    arguments: frozenset[str]
    inputs: tuple[Shape, ...]
    output: Shape


def align(a: Sequence[Row], b: Sequence[Row]) -> list[Pair] | None:
    """The pairs, in order; None where there are too many layers."""
    start = _alike(a, b)
    end = _alike(a[start:][::-1], b[start:][::-1])
    x, y = a[start : len(a) - end], b[start : len(b) - end]
    if len(x) * len(y) > MOST_CELLS:
        return None
    return _slid([*map(Pair, a[:start], b[:start]), *_least(x, y), *map(Pair, a[len(a) - end :], b[len(b) - end :])])


def _alike(a: Sequence[Row], b: Sequence[Row]) -> int:
    """Count the layers of equal name and sign with which both begin."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((at for at, (x, y) in pairs if x.name != y.name or _sign(x) != _sign(y)), min(len(a), len(b)))


def _slid(pairs: list[Pair]) -> list[Pair]:
    """Move runs without counterparts down so that they begin with a weight layer, where that alignment costs the same.

    Of `conv relu conv relu` in place of `conv relu` the last two are new, not the two in the middle.
    """
    before, after = [pair.before for pair in pairs], [pair.after for pair in pairs]
    at = 0
    while at < len(pairs):
        alone, other = (before, after) if after[at] is None else (after, before)
        end = next((to for to in range(at, len(pairs)) if other[to] is not None), len(pairs))
        move = _move(alone, other, at, end)
        other[at : end + move] = other[end : end + move] + other[at:end]
        at = max(end + move, at + 1)
    return list(map(Pair, before, after))


def _move(alone: list[Row | None], other: list[Row | None], at: int, end: int) -> int:
    """Count by how many rows to move the run from `at` to `end`: 0 if no move makes it begin with a weight layer."""
    for move in range(min(end - at, len(alone) - end)):
        first, row = alone[at + move], alone[end + move]
        assert first is not None
        if is_weight_layer(first.cost):
            return move
        if row is None or other[end + move] is None or _sign(first) != _sign(row):
            break
    return 0


def _sign(row: Row) -> Sign:
    return Sign(row.op, row.node.op.kind, frozenset(row.config.split()), row.inputs, row.output)


def _least(a: Sequence[Row], b: Sequence[Row]) -> list[Pair]:
    """The alignment of least cost."""
    others = [(row.name, _sign(row)) for row in b]
    known: dict[Sign, list[int]] = {}
    best = [_ALONE * j for j in range(len(b) + 1)]
    ways = [bytearray([_ADD]) * (len(b) + 1)]
    for row in a:
        sign = _sign(row)
        if sign not in known:
            known[sign] = [_cost(sign, other) for _, other in others]
        costs, way = [best[0] + _ALONE], bytearray([_REMOVE])
        for j, (cost, (name, _)) in enumerate(zip(known[sign], others, strict=True)):
            least, how = best[j] + cost + (row.name != name), _PAIR
            if best[j + 1] + _ALONE < least:
                least, how = best[j + 1] + _ALONE, _REMOVE
            if costs[j] + _ALONE < least:
                least, how = costs[j] + _ALONE, _ADD
            costs.append(least)
            way.append(how)
        best = costs
        ways.append(way)
    return _traced(a, b, ways)


def _traced(a: Sequence[Row], b: Sequence[Row], ways: list[bytearray]) -> list[Pair]:
    """Follow the ways back to the pairs; among layers without counterparts those of the first network come first."""
    found: list[Pair] = []
    i, j = len(a), len(b)
    while i or j:
        way = ways[i][j]
        i, j = i - (way != _ADD), j - (way != _REMOVE)
        found.append(Pair(a[i] if way != _ADD else None, b[j] if way != _REMOVE else None))
    runs = groupby(reversed(found), key=lambda pair: pair.before is None or pair.after is None)
    return [pair for _, run in runs for pair in sorted(run, key=lambda pair: pair.before is None)]


def _cost(a: Sign, b: Sign) -> int:
    if a == b:
        return 0
    if a.step != b.step:
        return _STEP if a.kind == b.kind and a.kind in _AKIN else _NEVER
    differing = len({part.partition("=")[0] for part in a.arguments ^ b.arguments})
    return min(_ARGUMENT * differing, _MOST_ARGUMENTS) + _INPUT * (a.inputs != b.inputs) + _OUTPUT * (a.output != b.output)
