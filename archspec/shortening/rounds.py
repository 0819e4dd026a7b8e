"""What comes several times in a row: items that are rounds of a repeat."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from archspec.shortening.items import From, Group, Head, Item, Layer, Mark, Out, Repeat
from archspec.shortening.saying import BEGIN, counting_part

_INNER = 0
"""Replaces the number of the round inside a repeat that the round contains: lists and counting labels there belong to the inner repeat."""
_LONGEST = 8
"""Items of a round at most."""
_ROW = 4
"""Calls at least that are rounds although a parameter changes from each to the next."""


def run(body: Sequence[Item], at: int, *, ordinal: bool) -> tuple[int, int]:
    """How many items make a round that begins at a position, and how many rounds follow; the round by which most items are saved."""
    best = 1, 1
    for period in range(1, min(_LONGEST, (len(body) - at) // 2) + 1):
        first = body[at : at + period]
        if any(item.seen or isinstance(item, (From, Mark, Out)) for item in first) or not _begins(first[0]):
            break
        names = [item.name for item in first if isinstance(item, Layer) and item.keyed and not item.name.isdecimal()]
        if not ordinal and not all("." in name for name in names):
            break  # a block says more than labels that count
        count = 1
        while (count + 1) * period <= len(body) - at:
            before, items = (body[at + n * period : at + (n + 1) * period] for n in (count - 1, count))
            if not all_same(first, before, items, count):
                break
            count += 1
        count = max(count, _listed(body[at:])) if period == 1 else count
        whole = any(isinstance(item, (Group, Head)) for item in first) or period * count > 3
        if whole and period * (count - 1) > best[0] * (best[1] - 1):
            best = period, count
    return best


def _listed(body: Sequence[Item]) -> int:
    """How many calls of one block follow each other in which one parameter has other values in all; 1 where they are few."""
    changes: set[str] = set()
    seen: set[tuple[str, ...]] = set()
    count = 0
    for before, item in pairwise([body[0], *body]):
        if not isinstance(item, Group) or item.block is None or not isinstance(before, Group) or item.block is not before.block:
            break
        params = item.block.params.found
        changes |= {param.name for param in params if param.values[item.index] != param.values[before.index]}
        values = tuple([param.values[item.index] for param in params])
        if len(changes) > 1 or values in seen or (count and not _follows(before, item, 1)):
            break
        seen.add(values)
        count += 1
    return count if count >= _ROW else 1


def is_laboured(items: Sequence[Item], period: int, *, ordinal: bool) -> bool:
    """Whether two calls read better than two rounds of them, which take several lists, or a list and a label that counts."""
    first, second, *others = items
    if others or period > 1 or not isinstance(first, Group) or not isinstance(second, Group) or first.block is None:
        return False
    changed = sum(param.values[first.index] != param.values[second.index] for param in first.block.params.found)
    counts = first.keyed and not first.name.isdecimal() and not (ordinal and first.name.rstrip("0123456789") == first.block.name)
    return changed + counts > 1 and changed > 0


def _begins(item: Item) -> bool:
    """Whether a round reads well that begins with an item."""
    return not isinstance(item, Layer) or item.step in BEGIN


def _same(first: Item, before: Item, item: Item, count: int) -> bool:
    """Whether an item is that of a later round: as in the first, except for names that count up and for arguments of calls that change
    after the first round.
    """
    if not _follows(first, item, count):
        return False
    match first, before, item:
        case Layer(), _, Layer():
            return first.step == item.step and first.arguments == item.arguments and not item.owner and not first.owner
        case Group(), Group(), Group() if first.block is not None:
            if item.block is not first.block:
                return False
            changed = [param for param in first.block.params.found if param.values[item.index] != param.values[before.index]]
            return not changed or (count == 1 and all(param.default is not None for param in changed))  # a list over the rounds
        case Group(), Group(), Group():
            return item.block is None and all_same(first.body, before.body, item.body, count)
        case Head(), Head(), Head():
            alike = first.kind == item.kind and first.argument == item.argument and len(first.branches) == len(item.branches)
            return alike and all(all_same(*three, count) for three in zip(first.branches, before.branches, item.branches, strict=True))
        case Repeat(), Repeat(), Repeat():
            alike = len(first.rounds) == len(before.rounds) == len(item.rounds)
            return alike and all(all_same(*three, _INNER) for three in zip(first.rounds, before.rounds, item.rounds, strict=True))
        case _:
            return False


def _follows(first: Item, item: Item, count: int) -> bool:
    """Whether the name of an item counts up from that of the first round, and it reads the same."""
    if item.seen or (item.keyed and item.name != first.name and not counted(first, item, count)):
        return False
    if isinstance(item, (Layer, Group)) and isinstance(first, (Layer, Group)):
        return [*map(id, item.refs)] == [*map(id, first.refs)]
    return True


def all_same(first: Sequence[Item], before: Sequence[Item], items: Sequence[Item], count: int) -> bool:
    """Whether items are those of a later round, the third of three side by side."""
    if not len(first) == len(before) == len(items):
        return False
    return all(_same(*three, count) for three in zip(first, before, items, strict=True))


def counted(first: Item, item: Item, count: int) -> bool:
    """Whether two names differ in one number only, and that counts the rounds, or all that are called so."""
    found = counting_part(first.name, item.name)
    if found is None:
        return False
    before, one, other, behind = found
    stem = first.step if isinstance(first, Layer) else first.block.name if isinstance(first, Group) and first.block is not None else ""
    return (before in ("", stem) and not behind) or (count != _INNER and other == one + count)
