"""The rounds of repeats while they are written: each is an instance as well, a number below 0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from itertools import count as counting

from archspec.shortening.alignment import Column, rounds_in_columns
from archspec.shortening.items import Exit, Item, Layer, Repeat
from archspec.shortening.parameters import Unsayable
from archspec.shortening.saying import progression
from archspec.shortening.scoping import Scope, own_names
from archspec.shortening.written import Guard


class Turns:
    """The rounds of the repeats of a block, and what depends on their numbers."""

    def __init__(self) -> None:
        self.of: dict[int, tuple[int, int]] = {}
        """The instance and the number of each round that is written."""
        self.alone: dict[int, str] = {}
        """The names that the items of rounds have by themselves."""
        self.labels: dict[int, str] = {}
        """The labels of items to which lines of other rounds refer, with the number of the round in braces."""
        self.numbered = False
        """Whether a line of the innermost repeat says the number of the round."""
        self.keys = counting(-1, -1)

    def instance(self, key: int) -> int:
        """The instance of a key, which may be that of a round."""
        while key < 0:
            key = self.of[key][0]
        return key

    def number(self, key: int) -> int:
        """The number of a round; 0 for an instance."""
        return self.of[key][1] if key < 0 else 0

    def guard(self, present: Iterable[int], among: Iterable[int]) -> Guard:
        """The instances that have what some of these have, all rounds of an instance, all but the first, or none. Raises Unsayable."""
        keys = set(present)
        has = frozenset(map(self.instance, keys))
        lacking = {self.number(key) for key in among if key not in keys and self.instance(key) in has}
        if lacking and (lacking != {0} or not all(map(self.number, keys))):
            raise Unsayable("conditions on rounds")
        self.numbered |= bool(lacking)
        return Guard(has, frozenset(map(self.instance, among)), later=bool(lacking))

    def begin(self, repeats: Mapping[int, Repeat], scope: Scope) -> tuple[dict[int, Sequence[Item]], Scope]:
        """The rounds of repeats by keys, and the names in them."""
        parts: dict[int, Sequence[Item]] = {}
        inner = Scope({}, scope.used)
        self.alone = dict(self.alone)
        for at, item in repeats.items():
            for number, body in enumerate(item.rounds):
                key = next(self.keys)
                self.of[key], parts[key], inner.names[key] = (at, number), body, scope.names[at]
                if not all(id(item) in self.alone for item in body):
                    self.alone |= own_names(body, scope.names[at])
        if any(item.counts for body in parts.values() for item in body):
            for column in rounds_in_columns(parts, self.instance):
                self.call(column, scope)
        return parts, inner

    def call(self, column: Column, scope: Scope) -> None:
        """Name the items of rounds to which lines of other rounds refer, unless weights are called so."""
        first = column.first
        if not first.counts or isinstance(first, Exit) or (first.keyed and not first.nameless):
            return
        stem = f"{first.step}_" if isinstance(first, Layer) and not first.nameless else "x"
        most = max(map(self.number, column.items)) + 1
        own = next(
            own
            for own in chain([stem], (f"{stem}{n}_" for n in counting(2)))
            if scope.used.isdisjoint(f"{own}{n + 1}" for n in range(most))
        )
        for key, item in column.items.items():
            item.alias = f"{own}{self.number(key) + 1}"
            scope.used.add(item.alias)
            self.labels[id(item)] = f"{own}{{i+1}}"

    def label(self, item: Item) -> str:
        """The label of an item to which lines of other rounds refer; empty for any other."""
        found = self.labels.get(id(item), "")
        self.numbered |= bool(found)
        return found

    def by_number(self, items: Mapping[int, Item | None]) -> dict[int, list[Item | None]]:
        """What rounds read, by their numbers."""
        found: dict[int, list[Item | None]] = {}
        for key, item in items.items():
            found.setdefault(self.number(key), []).append(item)
        return found

    def ranges(self, texts: Mapping[int, str]) -> dict[int, str] | None:
        """The lengths of ranges that go on from round to round, by what the rounds are in; None for other texts."""
        if not texts or min(texts) >= 0 or len(set(texts.values())) < 2 or ":" not in next(iter(texts.values())):
            return None
        rounds: dict[int, dict[int, str]] = {}
        for key, text in texts.items():
            rounds.setdefault(self.of[key][0], {})[self.number(key)] = text
        found = {at: progression(own) for at, own in rounds.items()}
        return {at: str(length) for at, length in found.items()} if None not in found.values() else None
