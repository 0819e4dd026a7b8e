"""Which layers of two networks stand for one another: an alignment of least cost.

The layers of each network are a sequence. What they cost to be paired grows with what differs: least a name, then shapes, then arguments,
then the step; to stand alone costs more than any of these, and layers of different kinds are never paired. The pairs of least total cost
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
_AKIN = frozenset({"convolution", "fully connected", "pooling", "normalisation", "activation"})
"""Kinds of which one step can take the place of another."""
MOST_CELLS = 4_000_000
"""Pairs that are weighed at most: about 1 s."""

_PAIR, _REMOVE, _ADD = 0, 1, 2


class TooLong(Exception):
    """The networks have too many layers to be aligned."""


class Pair(NamedTuple):
    """Layers of the first and the second network that stand for one another; one of them is None where a layer stands alone."""

    before: Row | None
    after: Row | None


class Sign(NamedTuple):
    """What is compared of a layer but its name."""

    step: str
    kind: str
    arguments: frozenset[str]
    inputs: tuple[Shape, ...]
    output: Shape


def align(a: Sequence[Row], b: Sequence[Row]) -> list[Pair]:
    """The pairs, in order. Raises TooLong."""
    one, two = [_sign(row) for row in a], [_sign(row) for row in b]
    start, most = 0, min(len(a), len(b))
    while start < most and one[start] == two[start] and a[start].name == b[start].name:
        start += 1
    end = 0
    while end < most - start and one[-1 - end] == two[-1 - end] and a[-1 - end].name == b[-1 - end].name:
        end += 1
    x, y = range(start, len(a) - end), range(start, len(b) - end)
    if len(x) * len(y) > MOST_CELLS:
        raise TooLong
    middle = _least([one[i] for i in x], [two[i] for i in y], [a[i].name for i in x], [b[i].name for i in y])
    pairs = [Pair(a[i], b[i]) for i in range(start)]
    pairs += [Pair(a[start + i] if i is not None else None, b[start + j] if j is not None else None) for i, j in middle]
    return _slid(pairs + [Pair(a[len(a) - i], b[len(b) - i]) for i in range(end, 0, -1)])


def _slid(pairs: list[Pair]) -> list[Pair]:
    """The pairs with runs that stand alone moved down to where they begin with a weight layer, where that is as true.

    Of `conv relu conv relu` in place of `conv relu` the last two are new, not the two in the middle.
    """
    at = 0
    while at < len(pairs):
        side = 0 if pairs[at].after is None else 1
        end = at
        while end < len(pairs) and pairs[end][1 - side] is None:
            end += 1
        move = _move(pairs, at, end, side)
        for to in range(at, at + move):
            alone, partner = pairs[to][side], pairs[to + end - at][1 - side]
            pairs[to] = Pair(alone, partner) if side == 0 else Pair(partner, alone)
        for to in range(end, end + move):
            alone = pairs[to][side]
            pairs[to] = Pair(alone, None) if side == 0 else Pair(None, alone)
        at = max(end + move, at + 1)
    return pairs


def _move(pairs: list[Pair], at: int, end: int, side: int) -> int:
    """By how many rows to move the run from `at` to `end`: 0 where no move makes it begin with a weight layer."""
    for move in range(min(end - at, len(pairs) - end)):
        alone, (row, partner) = pairs[at + move][side], (pairs[end + move][side], pairs[end + move][1 - side])
        assert alone is not None
        if is_weight_layer(alone.cost):
            return move
        if row is None or partner is None or _sign(alone) != _sign(row):
            break
    return 0


def _sign(row: Row) -> Sign:
    return Sign(row.op, row.node.op.kind, frozenset(row.config.split()), row.inputs, row.output)


def _least(a: list[Sign], b: list[Sign], names: list[str], others: list[str]) -> list[tuple[int | None, int | None]]:
    """The alignment of least cost, as places in the two lists."""
    known: dict[Sign, list[int]] = {}
    best = [_ALONE * j for j in range(len(b) + 1)]
    ways = [bytearray([_ADD]) * (len(b) + 1)]
    for i, sign in enumerate(a):
        costs = known.get(sign)
        if costs is None:
            costs = known[sign] = [_cost(sign, other) for other in b]
        name = names[i]
        row, way = [best[0] + _ALONE], bytearray([_REMOVE])
        for j, cost in enumerate(costs):
            least, how = best[j] + cost + (name != others[j]), _PAIR
            if best[j + 1] + _ALONE < least:
                least, how = best[j + 1] + _ALONE, _REMOVE
            if row[j] + _ALONE < least:
                least, how = row[j] + _ALONE, _ADD
            row.append(least)
            way.append(how)
        best = row
        ways.append(way)
    return _traced(ways)


def _traced(ways: list[bytearray]) -> list[tuple[int | None, int | None]]:
    """The pairs that the ways lead through; of layers that stand alone between two pairs those of the first network come first."""
    found: list[tuple[int | None, int | None]] = []
    i, j = len(ways) - 1, len(ways[0]) - 1
    while i or j:
        way = ways[i][j]
        i, j = i - (way != _ADD), j - (way != _REMOVE)
        found.append((i if way != _ADD else None, j if way != _REMOVE else None))
    ordered: list[tuple[int | None, int | None]] = []
    for _, run in groupby(reversed(found), key=lambda pair: None in pair):
        ordered += sorted(run, key=lambda pair: pair[0] is None)
    return ordered


def _cost(a: Sign, b: Sign) -> int:
    if a == b:
        return 0
    if a.step != b.step:
        return _STEP if a.kind == b.kind and a.kind in _AKIN else _NEVER
    differing = len({part.partition("=")[0] for part in a.arguments ^ b.arguments})
    return min(_ARGUMENT * differing, _MOST_ARGUMENTS) + _INPUT * (a.inputs != b.inputs) + _OUTPUT * (a.output != b.output)
