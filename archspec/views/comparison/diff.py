"""The difference of two networks: layers added, removed and changed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, groupby
from typing import NamedTuple

from archspec.analysis.depth import is_weight_layer, weight_layers
from archspec.analysis.layers import Report, Row
from archspec.ir.graph import Network
from archspec.views.comparison.align import Pair, align

NEAR = 0.5
"""Networks are similar where at least this share of their weight layers has a counterpart: the same step with the same name, or
with the same arguments, bias and rounding apart. (Of all layers two strangers share many: norms and activations have no arguments.)"""
_MOST_LAYERS = 20_000
_NO = "The layers are not compared one by one"

EQUAL, FOLLOWS, CHANGED, REMOVED, ADDED = "equal", "follows", "changed", "removed", "added"


class Edit(NamedTuple):
    """What became of a layer.

    It is `equal`, `changed` (another step, other arguments, or it reads another layer), `removed` or `added`; one that `follows` is
    written as before, and its numbers differ because what it reads does. `reads` is set where the layers read are others.
    """

    kind: str
    before: Row | None
    after: Row | None
    reads: bool = False

    def unknown(self, name: str) -> bool:
        """Whether a count is not known, before or after."""
        return any(row is not None and getattr(row, name) is None for row in (self.before, self.after))

    @property
    def row(self) -> Row:
        """The layer, in the second network where it is there."""
        row = self.after or self.before
        assert row is not None
        return row

    def counts(self, name: str) -> tuple[int, int]:
        """`params`, or `macs` in inference, before and after, as sums have them."""
        before, after = (
            (getattr(row, name) or 0) if row and not (row.training and name == "macs") else 0 for row in (self.before, self.after)
        )
        return before, after


class Diff(NamedTuple):
    """All layers of two networks with what became of them; none, and why not, where they are not similar."""

    edits: tuple[Edit, ...]
    why_not: str = ""

    def count(self, kind: str) -> int:
        """How many layers have edits of a kind."""
        return sum(edit.kind == kind for edit in self.edits)


def difference(before: Network, after: Network) -> Diff:
    """The difference of two networks."""
    far = f"{_NO}: {before.name} and {after.name} are too different"
    layers = before.graph.layers, after.graph.layers
    counts = sum(weight_layers(before).values()), sum(weight_layers(after).values())
    if 2 * min(counts) < NEAR * sum(counts):
        return Diff((), f"{far} ({counts[0]:,} and {counts[1]:,} weight layers).")
    pairs = align(Report(before).layers, Report(after).layers) if max(layers) <= _MOST_LAYERS else None
    if pairs is None:
        return Diff((), f"{_NO}: {layers[0]:,} and {layers[1]:,} are too many.")
    share = 2 * sum(map(_akin, pairs)) / sum(counts) if any(counts) else 1.0
    if share < NEAR:
        return Diff((), f"{far} ({share:.0%} of their weight layers have a counterpart).")
    return Diff(tuple(_edits(pairs, before, after)))


def _akin(pair: Pair) -> bool:
    """Whether a pair are weight layers that are true counterparts."""
    a, b = pair
    if a is None or b is None or a.op != b.op or not all(is_weight_layer(row.cost) and not row.training for row in (a, b)):
        return False
    one, two = ([part for part in row.config.split() if part.partition("=")[0] not in ("bias", "round")] for row in (a, b))
    return a.name == b.name or one == two


def _edits(pairs: list[Pair], before: Network, after: Network) -> Iterator[Edit]:
    partners = {i.name: j.name for i, j in zip(before.inputs, after.inputs, strict=False)}
    partners |= {a.name: b.name for a, b in pairs if a is not None and b is not None}
    known = set(partners.values())
    for a, b in pairs:
        if a is None or b is None:
            yield Edit(REMOVED if b is None else ADDED, a, b)
            continue
        # what was added or removed before them is shown there, and is no other source
        others = (partners.get(x, y) != y and y in known for x, y in zip(a.sources, b.sources, strict=False))
        reads = len(a.sources) != len(b.sources) or any(others)
        if reads or (a.op, a.config) != (b.op, b.config):
            kind = CHANGED
        elif (a.inputs, a.output, a.cost, a.training) != (b.inputs, b.output, b.cost, b.training):
            kind = FOLLOWS
        else:
            kind = EQUAL
        yield Edit(kind, a, b, reads)


Item = tuple[Edit, ...]
"""Edits shown together: one, or a run that is equal or follows."""
Fold = tuple[tuple[Item, ...], ...]
"""Items that come several times in a row, each time's."""


def folded(edits: tuple[Edit, ...]) -> list[Fold]:
    """The edits, runs shown together and what repeats folded."""
    runs = groupby(enumerate(edits), key=lambda pair: pair[1].kind if pair[1].kind in (EQUAL, FOLLOWS) else pair[0])
    items = [tuple(edit for _, edit in run) for _, run in runs]
    keys = [_key(item) for item in items]
    found: list[Fold] = []
    at = 0
    while at < len(items):
        period, times = _period(keys, at)
        found.append(tuple(tuple(items[at + period * k : at + period * (k + 1)]) for k in range(times)))
        at += period * times
    return found


def _key(item: Item) -> tuple[object, ...]:
    """Return what makes two items the same to a reader: all except names and counts."""
    kind, before, after, reads = item[0]
    return kind, len(item), reads, kind not in (EQUAL, FOLLOWS) and (before and before.written, after and after.written)


_LONGEST = 100
"""Items of a repeat at most."""


def _period(keys: list[tuple[object, ...]], at: int) -> tuple[int, int]:
    """How many items from a place on repeat, and how often: the choice that folds most, the shortest of equals."""

    def times(period: int) -> int:
        one = keys[at : at + period]
        return next(times for times in count(1) if keys[at + period * times : at + period * (times + 1)] != one)

    periods = range(1, max(1, min(_LONGEST, (len(keys) - at) // 2)) + 1)
    return max(((period, times(period)) for period in periods), key=lambda found: found[0] * (found[1] - 1))
