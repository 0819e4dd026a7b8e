"""The table of a difference: what repeats is folded, and counts show both numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archspec.analysis.layers import Row
from archspec.diagnostics.visible import visible
from archspec.views.comparison.diff import ADDED, CHANGED, EQUAL, FOLLOWS, REMOVED, Diff, Edit, Fold, Item, folded
from archspec.views.tables.grid import Grid

_MARKS = {EQUAL: ("=", "dim"), FOLLOWS: (":", ""), CHANGED: ("~", "yellow"), REMOVED: ("-", "red"), ADDED: ("+", "good")}
"""The mark and the style of a row."""
_LONGEST = 48
"""Characters of a layer's words."""

LEGEND = (
    "= equal, + added, - removed, ~ changed (as the first has it → as the second has it), : written as before, with other numbers because "
    "its input differs. Folded rows show sums."
)


def edits(diff: Diff) -> Grid:
    """The edits of a difference, a row each or folded."""
    rows = [row for fold in folded(diff.edits) for row in _fold(fold)]
    titles = ["", "layer", "as written", "parameters", "MACs"]
    return Grid(titles, [False, False, False, True, True], [row for row, _ in rows], spare=[4], styles=[style for _, style in rows])


def summary(diff: Diff, before: str, after: str) -> str:
    """The difference in one line."""
    told = [(EQUAL, "layers equal"), (FOLLOWS, "with other numbers"), (CHANGED, "changed"), (REMOVED, "removed"), (ADDED, "added")]
    counts = [f"{diff.count(kind):,} {words}" for kind, words in told if diff.count(kind)]
    params, macs = (_sums(diff.edits, name) for name in ("params", "macs"))
    return f"{before} → {after}: {', '.join(counts)}; {params[1] - params[0]:+,} parameters, {macs[1] - macs[0]:+,} MACs"


def _fold(fold: Fold) -> Iterator[tuple[list[str], str]]:
    """The rows of a fold, with their styles: one item as it is; several under a row that says how often they come."""
    times, first, last = f" ×{len(fold)}" if len(fold) > 1 else "", fold[0], fold[-1]
    headed = bool(times) and len(first) > 1
    if headed:
        yield ["", f"{_span(first[0][0].row, last[-1][-1].row)}{times}:", "", "", ""], "head"
    for at, item in enumerate(first):
        kind, every = item[0].kind, [edit for items in fold for edit in items[at]]
        names = "  " + _span(item[0].row, item[-1].row) if headed else _span(item[0].row, last[at][-1].row)
        words = _words(item) if headed else _words(item) + times
        mark, style = _MARKS[kind]
        yield [mark, names, words, _both(kind, every, "params"), _both(kind, every, "macs")], style


def _span(first: Row, last: Row) -> str:
    """The names from the first to the last; the last without the levels that both are in."""
    if first is last:
        return visible(first.name)
    one, two = first.name.split("."), last.name.split(".")
    same = next((at for at, (a, b) in enumerate(zip(one[:-1], two[:-1], strict=False)) if a != b), min(len(one), len(two)) - 1)
    return visible(f"{first.name} … {'.'.join(two[same:])}")


def _words(item: Item) -> str:
    """What the layers are: as they are written, or how many."""
    if len(item) > 1:
        return f"{len(item):,} layers"
    kind, before, after, reads = item[0]
    one, two = (_cut(row.written) + (f" of {_cut(', '.join(row.sources))}" if reads else "") if row else "" for row in (before, after))
    return f"{one} → {two}" if kind == CHANGED else one or two


def _cut(words: str) -> str:
    words = visible(words)
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


def _sums(edits: Sequence[Edit], count: str) -> tuple[int, int]:
    pairs = [edit.counts(count) for edit in edits]
    return sum(before for before, _ in pairs), sum(after for _, after in pairs)


def _both(kind: str, edits: Sequence[Edit], count: str) -> str:
    """Write a count before and after, or once if it is the same; empty for equal layers and for zeros."""
    before, after = _sums(edits, count)
    if kind != EQUAL and any(edit.unknown(count) for edit in edits):
        return "?"
    if kind == EQUAL or not (before or after):
        return ""
    if kind in (ADDED, REMOVED):
        return f"{after - before:+,}"
    return f"{before:,} → {after:,}" if before != after else f"{after:,}"
