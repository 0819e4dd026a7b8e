"""The table of a difference: what repeats is folded, and counts stand with both numbers."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.analysis.layers import Row
from archspec.diagnostics.visible import visible
from archspec.views.comparison.diff import ADDED, CHANGED, EQUAL, FOLLOWS, REMOVED, Diff, Edit, Fold, Item, folded, words_of
from archspec.views.tables.grid import Grid

_MARKS = {EQUAL: "=", FOLLOWS: ":", CHANGED: "~", REMOVED: "-", ADDED: "+"}
_STYLES = {EQUAL: "dim", FOLLOWS: "", CHANGED: "yellow", REMOVED: "red", ADDED: "good"}
_LONGEST = 48
"""Characters of a layer's words."""

LEGEND = (
    "= equal, + added, - removed, ~ changed (as the first has it → as the second has it), : written as before, with other numbers because "
    "its input differs. Folded rows show sums."
)


def edits(diff: Diff) -> Grid:
    """The edits of a difference, a row each or folded."""
    rows: list[list[str]] = []
    styles: list[str] = []
    for fold in folded(diff.edits):
        for row, style in _fold(fold):
            rows.append(row)
            styles.append(style)
    return Grid(["", "layer", "as written", "parameters", "MACs"], [False, False, False, True, True], rows, spare=[4], styles=styles)


def summary(diff: Diff, before: str, after: str) -> str:
    """The difference in one line."""
    told = [(EQUAL, "layers equal"), (FOLLOWS, "with other numbers"), (CHANGED, "changed"), (REMOVED, "removed"), (ADDED, "added")]
    counts = [f"{diff.count(kind):,} {words}" for kind, words in told if diff.count(kind)]
    params, macs = (_sums(diff.edits, name) for name in ("params", "macs"))
    return f"{before} → {after}: {', '.join(counts)}; {params[1] - params[0]:+,} parameters, {macs[1] - macs[0]:+,} MACs"


def _fold(fold: Fold) -> Iterator[tuple[list[str], str]]:
    """The rows of a fold: one item as it is; several under a row that says how often they come."""
    times, first, last = len(fold), fold[0], fold[-1]
    every = [tuple(edit for item in items for edit in item.edits) for items in zip(*fold, strict=True)]
    if times == 1 or len(first) == 1:
        for at, item in enumerate(first):
            names = _span(item.edits[0].row, last[at].edits[-1].row)
            yield _row(item, names, every[at], f" ×{times}" if times > 1 else ""), _STYLES[item.kind]
        return
    yield ["", f"{_span(first[0].edits[0].row, last[-1].edits[-1].row)} ×{times}:", "", "", ""], "head"
    for at, item in enumerate(first):
        yield _row(item, "  " + _span(item.edits[0].row, item.edits[-1].row), every[at], ""), _STYLES[item.kind]


def _row(item: Item, names: str, every: tuple[Edit, ...], times: str) -> list[str]:
    return [_MARKS[item.kind], names, _words(item) + times, _both(item.kind, every, "params"), _both(item.kind, every, "macs")]


def _span(first: Row, last: Row) -> str:
    """The names from the first to the last; the last without the levels that both are in."""
    if first is last:
        return visible(first.name)
    one, two = first.name.split("."), last.name.split(".")
    same = next((at for at, (a, b) in enumerate(zip(one[:-1], two[:-1], strict=False)) if a != b), min(len(one), len(two)) - 1)
    return visible(f"{first.name} … {'.'.join(two[same:])}")


def _words(item: Item) -> str:
    """What the layers are: as they are written, or how many."""
    edit = item.edits[0]
    if len(item.edits) > 1:
        return f"{len(item.edits):,} layers"
    before, after = _cut(words_of(edit.before)), _cut(words_of(edit.after))
    if edit.reads:
        before, after = f"{before}{_reads(edit.before)}", f"{after}{_reads(edit.after)}"
    return f"{before} → {after}" if item.kind == CHANGED else before or after


def _reads(row: Row | None) -> str:
    return f" of {_cut(', '.join(row.sources))}" if row is not None else ""


def _cut(words: str) -> str:
    words = visible(words)
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


def _sums(edits: tuple[Edit, ...], count: str) -> tuple[int, int]:
    pairs = [getattr(edit, count) for edit in edits]
    return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)


def _both(kind: str, edits: tuple[Edit, ...], count: str) -> str:
    """A count before and after; once where it is the same, and not at all where nothing is to be said."""
    before, after = _sums(edits, count)
    if kind == EQUAL or not (before or after):
        return ""
    if kind in (ADDED, REMOVED):
        return f"{after - before:+,}"
    return f"{before:,} → {after:,}" if before != after else f"{after:,}"
