"""What one position of a layer sees of the maps before it, back to the input (Araujo et al. 2019, Computing receptive fields)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archspec.analysis.layers import Report, Row
from archspec.ops.base import POINT, WHOLE, Field_, Reach
from archspec.types import Map, Type

Range = tuple[int, int]
"""The first and the last position along an axis, beyond the map where padding is read."""


class Seen(NamedTuple):
    """A map, and per axis the range of its positions that are seen; the kind is that of the layer that makes it."""

    name: str
    kind: str
    spatial: tuple[int, ...]
    region: tuple[Range, ...]

    @property
    def inside(self) -> tuple[Range, ...]:
        """The ranges without what lies beyond the map."""
        return tuple((max(0, low), min(size - 1, high)) for (low, high), size in zip(self.region, self.spatial, strict=True))


def seen(report: Report, layer: str) -> list[Seen]:
    """The maps that the middle position of a layer sees, those of the inputs first and the layer's own last.

    Where ways of different reach meet, a range is from the first to the last position of all. Raises ValueError where there is no such layer,
    where it has no positions, and where it is not known how far a layer before it reads.
    """
    rows = report.named(layer)
    if len(rows) > 1:
        raise ValueError(f"expected one layer, found the group `{layer}` with {len(rows)} layers")
    last = rows[0]
    if not isinstance(last.node.type, Map):
        raise ValueError(f"`{last.name}` ({last.written}) has no positions: every number of it sees the whole input")
    regions: dict[str, tuple[Range, ...]] = {last.name: tuple((size // 2, size // 2) for size in last.node.type.spatial)}
    spatial: dict[str, tuple[int, ...]] = {last.name: last.node.type.spatial}
    before = report.layers[: report.layers.index(last) + 1]
    wholly: set[str] = set()
    for row in reversed(before):
        if row.name in regions:
            for source, type_, field in _read(row):
                if row.name in wholly or field == WHOLE:
                    wholly.add(source)
                ranges = _ranges(WHOLE if source in wholly else field, type_, regions[row.name])
                spatial[source] = type_.spatial if isinstance(type_, Map) else ()
                regions[source] = ranges if source in wholly else _union(regions.get(source, ranges), ranges)
    named = [(name, "other") for name in report.inputs] + [(row.name, row.node.op.kind) for row in before]
    return [Seen(name, kind, spatial[name], regions[name]) for name, kind in named if regions.get(name)]


def _read(row: Row) -> Iterator[tuple[str, Type, Field_]]:
    """The values that a layer reads, and how far: those without positions as a whole."""
    op = row.node.op
    fields = op.reaches(*row.types[:1]) * len(row.types) if op.variadic else op.reaches(*row.types)
    made = row.node.type
    if len(fields) != len(row.types) or None in fields:
        raise ValueError(f"it is not known how far `{row.name}` ({row.written}) reads")
    for source, type_, field in zip(row.sources, row.types, fields, strict=True):
        same = isinstance(type_, Map) and isinstance(made, Map) and len(made.spatial) == len(type_.spatial)
        # Of a merge, a vector or a smaller map is broadcast: every position reads it.
        spread = op.variadic and isinstance(type_, Map) and isinstance(made, Map) and type_.spatial != made.spatial
        yield source, type_, field if same and not spread else WHOLE


def _ranges(field: Field_, type_: Type, region: tuple[Range, ...]) -> tuple[Range, ...]:
    if field == WHOLE:
        return tuple((0, size - 1) for size in type_.spatial) if isinstance(type_, Map) else ()
    if field == POINT:
        return region
    assert isinstance(field, tuple)
    return tuple(_range(reach, *each) for reach, each in zip(field, region, strict=True))


def _range(reach: Reach, low: int, high: int) -> Range:
    """What the positions from `low` to `high` read: the first and the last of each phase bound all others."""
    count = len(reach.taps)
    at = {*range(low, min(high, low + count) + 1), *range(max(low, high - count), high + 1)}
    ends = []
    for position in at:
        taps = reach.taps[position % count]
        if taps is not None:
            moved = position // count * reach.step
            ends += [taps.low + moved, taps.high + moved]
    return (min(ends), max(ends)) if ends else (low, low)


def _union(one: tuple[Range, ...], other: tuple[Range, ...]) -> tuple[Range, ...]:
    return tuple((min(a, c), max(b, d)) for (a, b), (c, d) in zip(one, other, strict=True))
