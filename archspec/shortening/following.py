"""The order of the items of a level: each follows what it reads, where that takes fewer lines `from` than the order in which they are given."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.shortening.items import Exit, Group, Item, Layer, every


def in_chains(items: Sequence[Item], start: Item | None, result: Item | None, *, top: bool) -> Sequence[Item]:
    """Items in an order in which more of them follow what they read, after `start`, on the way to `result`; as they are where there is none,
    and at the `top` where there are rounds, which have the order of their program.

    Of two values that an item reads, the first comes right before it; of more they come as it reads them, as rounds have them.
    """
    breaks = _breaks(items, start)
    if breaks < _FEW:
        return items
    found = _backwards(items, result)
    if len(found) < len(items) or _breaks(found, start) >= breaks or _places(found) != _places(items):
        return items
    bound = any(isinstance(item, Exit) or (isinstance(item, Group) and item.exits) for item in items)
    lent = any(isinstance(item, Layer) and (item.owner or item.lends) for item in every(items))
    return items if bound or lent or (top and _has_rounds(items)) else found  # weights are used again below the line that has them


def _places(items: Sequence[Item]) -> list[str]:
    """The names of items that are positions, in order."""
    return [item.name for item in items if item.nameless]


_FEW = 2
"""Lines `from` that no other order spares: a level that is no chain has one at least."""

_PAIR = 2
_ROUNDS = 3
"""Parts, one behind the other, at least that are taken for the rounds of the program that they come from."""


def _has_rounds(items: Sequence[Item]) -> bool:
    """Whether parts of several unlike items are there again and again, one behind the other."""
    steps = [item.step if isinstance(item, Layer) else str(len(item.body)) if isinstance(item, Group) else "" for item in items]
    for period in range(2, len(steps) // _ROUNDS + 1):
        alike, wanted = 0, period * (_ROUNDS - 1)
        for at, (one, other) in enumerate(zip(steps, steps[period:], strict=False)):
            alike = alike + 1 if one == other else 0
            if alike >= wanted and len({*steps[at : at + period]}) > 1:
                return True
    return False


def _backwards(items: Sequence[Item], result: Item | None) -> list[Item]:
    """Items in the order in which each is needed, from the result on back, without those that lead elsewhere."""
    left = {id(item): item for item in items}
    found: list[Item] = []
    pending = [result] if result is not None and id(result) in left else []
    while pending:
        item = pending[-1]
        reads = item.reads if len(item.reads) == _PAIR else item.reads[::-1]
        waiting = [read for read in reads if read is not None and id(read) in left]
        pending += waiting
        if not waiting:
            pending.pop()
            if left.pop(id(item), None) is not None:
                found.append(item)
    return found


def _breaks(items: Sequence[Item], start: Item | None) -> int:
    """Count the items that go on from another value than that of the item before."""
    found, current = 0, start
    for item in items:
        if isinstance(item, Exit) or (isinstance(item, Layer) and item.aside) or not item.reads:
            continue
        free = isinstance(item, Layer) and item.step in ("add", "mul") and not item.arguments
        found += current not in (item.reads if free else item.reads[:1])
        current = item
    return found
