"""Rounds that read what another round gives: their labels count, and what the first round lacks has a condition.

Example: each group of channels of Res2Net is added to the result of the one before it, and all results are joined behind the rounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from archspec.shortening.items import Exit, From, Group, Head, Item, Layer, Mark
from archspec.shortening.rounds import all_same, counted
from archspec.shortening.saying import counting_part, progression

_LONGEST = 8
"""Items of a round at most."""
_LEAST = 2
"""Lines at least that rounds save."""


class Passing:
    """The rounds in a body that has labels."""

    def __init__(self, body: Sequence[Item]) -> None:
        self.body = body
        self.labelled = len(body) > 2 and any(item.seen or isinstance(item, From) for item in body)
        if not self.labelled:
            return
        self.places = {id(part): at for at, item in enumerate(body) for part in (item, getattr(item, "merge", None)) if part is not None}
        kinds = [_kind(item) for item in body]
        self.alike = [_run_lengths(kinds, period) for period in range(min(_LONGEST, len(body) // 2) + 1)]
        """For each period how many items from a position on are of the kinds of those that follow a period later."""

    def find(self, at: int) -> tuple[list[list[Item]], int] | None:
        """Rounds that begin at a position, and the position behind them; those by which most lines are saved. None where there are none."""
        if not self.labelled or isinstance(self.body[at], Exit):
            return None
        best: tuple[list[list[Item]], int] | None = None
        most = _LEAST - 1
        for period in range(1, len(self.alike)):
            for start in range(at + 1, min(at + period, len(self.body) - 2 * period) + 1):
                if self.alike[period][start] < period:
                    continue
                first = self.filled(at, start, period)
                count = self.further(at, start, period) if first is not None else 0
                lines = sum(item.keyed or item.label or isinstance(item, (From, Head)) for item in self.body[start : start + period])
                saved = count * lines - (lines > 1)
                if first is not None and count > 1 and saved > most:
                    rounds = [first, *(list(self.body[begin : begin + period]) for begin in range(start, start + count * period, period))]
                    best, most = (rounds, start + count * period), saved
        if best is not None:
            self.mark(best[0])
        return best

    def further(self, at: int, start: int, period: int) -> int:
        """How many rounds there are from the second on, which begins at `start`; the first one begins at `at`."""
        first = self.body[start : start + period]
        count = 1
        while start + (count + 1) * period <= len(self.body):
            items = self.body[start + count * period : start + (count + 1) * period]
            for one, other in zip(first, items, strict=True):
                pairs = _follows(one, other, count)
                if pairs is None or not all(self.passes(*pair, count, count * period, at) for pair in pairs):
                    return count
            count += 1
        return count

    def filled(self, at: int, start: int, period: int) -> list[Item] | None:
        """The first round with the items of the second: it may lack a merge, and a `from` that takes up the current value."""
        left = list(self.body[at:start])
        found: list[Item] = []
        for item in self.body[start : start + period]:
            pairs = _follows(item, left[0], -1) if left else None
            if pairs is not None and all(self.precedes(*pair, found, start) for pair in pairs):
                found.append(left.pop(0))
            elif isinstance(item, From) and not found and at and _is_value(item.target, self.body[at - 1]):
                found.append(From("", target=item.target))
            elif isinstance(item, Layer) and item.merge and not item.keyed and not item.label and found:
                found.append(replace(item, late=True))
            else:
                return None
        return found if not left else None

    def passes(self, one: Item | None, other: Item | None, count: int, distance: int, begin: int) -> bool:
        """Whether two values that items of two rounds read are one, or have the same place in rounds, which begin at `begin`."""
        place, later = self.places.get(id(one), -1), self.places.get(id(other), -1)
        return one is other or (place >= 0 and later - place == distance and (place >= begin or _counts(one, other, count)))

    def precedes(self, one: Item | None, other: Item | None, found: Sequence[Item], start: int) -> bool:
        """Whether the value that an item of the first round reads is that for an item of the second, which begins at `start`."""
        place, earlier = self.places.get(id(one), -1), self.places.get(id(other), -1)
        if one is other or place < start:
            return one is other or _counts(one, other, -1)
        return earlier >= 0 and earlier == self.places.get(id(found[place - start]))

    def mark(self, rounds: Sequence[Sequence[Item]]) -> None:
        """Note which items of rounds others read than those of their own round."""
        turns = {id(item): (number, place) for number, items in enumerate(rounds) for place, item in enumerate(items)}
        far: set[int] = set()
        for item in [*(item for items in rounds for item in items), *self.body]:
            reader = turns.get(id(item), (-1, -1))[0]
            for value in _reads(item):
                turn, place = turns.get(id(value), (reader, -1))
                if turn != reader:
                    far.add(place)
        for items in rounds:
            for place in far:
                items[place].counts = True


def _reads(item: Item) -> Iterator[Item | None]:
    """The values that the line of an item refers to."""
    if isinstance(item, From):
        yield item.target
    elif isinstance(item, (Layer, Group)):
        yield from item.refs


def _kind(item: Item) -> object:
    """What an item is, roughly; no other is what no round has."""
    match item:
        case Layer():
            return item.step
        case Group():
            return id(item.block)
        case Head():
            return item.kind, len(item.branches)
        case From() | Exit():
            return type(item)
        case _:
            return id(item)


def _run_lengths(kinds: Sequence[object], period: int) -> list[int]:
    found = [0] * (len(kinds) + 1)
    for at in range(len(kinds) - period - 1, -1, -1):
        found[at] = found[at + 1] + 1 if kinds[at] == kinds[at + period] else 0
    return found


def _is_value(target: Item | None, item: Item) -> bool:
    """Whether a value is that of an item."""
    return target is item or (isinstance(item, Mark) and item.of is target) or (isinstance(item, Head) and item.merge is target)


def _follows(one: Item, other: Item, count: int) -> list[tuple[Item | None, Item | None]] | None:
    """The values that an item, and that of a round `count` rounds later, read side by side; None where they are no items of rounds."""
    if one.keyed != other.keyed or (one.keyed and one.name != other.name and not counted(one, other, count)):
        return None
    if one.seen != other.seen and (one.nameless or not one.keyed):
        return None
    match one, other:
        case Layer(), Layer():
            same = one.step == other.step and not one.owner and not other.owner and _go_on(one, other, count)
        case Group(), Group() if one.block is not None:
            same = other.block is one.block and all(
                param.values[one.index] == param.values[other.index] for param in one.block.params.found
            )
        case Group(), Group():
            same = other.block is None and not one.exits and all_same(one.body, one.body, other.body, count)
        case Head(), Head():
            alike = (one.kind, one.argument, len(one.branches)) == (other.kind, other.argument, len(other.branches))
            same = alike and all(all_same(a, a, b, count) for a, b in zip(one.branches, other.branches, strict=True))
        case Exit(), Exit():
            same = _number(one) == _number(other)
        case _:
            same = isinstance(one, From) and isinstance(other, From)
    mine, theirs = list(_reads(one)), list(_reads(other))
    return list(zip(mine, theirs, strict=True)) if same and len(mine) == len(theirs) else None


def _number(exit_: Exit) -> int:
    """Which of the further values of its group it is."""
    return [*map(id, exit_.group.exits)].index(id(exit_)) if exit_.group is not None else 0


def _counts(one: Item | None, other: Item | None, count: int) -> bool:
    """Whether the names of two items count, and weights are called so."""
    if isinstance(one, Exit) and isinstance(other, Exit) and one.group is not None and other.group is not None:
        same = one.group.block is not None and one.group.block is other.group.block and _number(one) == _number(other)
        return same and _counts(one.group, other.group, count)
    if one is None or other is None or not (one.keyed and other.keyed):
        return False
    found = counting_part(one.name, other.name)
    return found is not None and found[2] - found[1] == count


def _go_on(one: Layer, other: Layer, count: int) -> bool:
    """Whether the arguments of a layer of the second round and of one `count` rounds later are the same, or ranges that go on."""
    if one.arguments.keys() != other.arguments.keys():
        return False
    pairs = [(value, other.arguments[name]) for name, value in one.arguments.items()]
    return all(a == b or progression({1: a, 1 + count: b}) is not None for a, b in pairs)
