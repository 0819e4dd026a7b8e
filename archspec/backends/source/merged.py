"""One body for classes that differ in what guards drop.

Instances of a block whose guards decide differently have different bodies. In the body for all of them an item that some lack has the
guard's condition: a module is an identity there, a merge its first value. A number is the formula that is right for all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from archspec.backends.source.body import Body, Item
from archspec.backends.source.constructor import If, Many, New, written
from archspec.backends.source.dialect import Dialect
from archspec.elaborate.naming import Origin
from archspec.numeric import Spelled, combined, joined, value_of
from archspec.source import Span


class Variant(NamedTuple):
    """The body of instances of a block or label in which guards decide alike, and the origins of these instances."""

    key: object
    """What tells it apart."""
    word: str
    body: Body
    origins: list[Origin]


_DIGITS = re.compile(r"(?<=\.)\d+(?=\.|$)")
MOST = 32
"""Variants of a block or label among which those that can be one are looked for."""

Found = Mapping[int, Any]
"""What variants have at a place, by their positions; some may have nothing."""


def merged(variants: Sequence[Variant], dialect: Dialect) -> Body | None:
    """The body for all variants; None where they differ in more than conditions."""
    if (
        len({variant.word for variant in variants}) > 1
        or not any(v.origins[0].guards for v in variants)
        or any(v.body.shared or v.body.picks for v in variants)
    ):
        return None
    try:
        return _Merge(variants, dialect).body()
    except _Different:
        return None


class _Different(Exception):
    """Variants cannot be one."""


class _Merge:
    def __init__(self, variants: Sequence[Variant], dialect: Dialect) -> None:
        self.bodies = [variant.body for variant in variants]
        self.given = [[origin.given for origin in variant.origins] for variant in variants]
        self.dialect = dialect
        guards: dict[Span, dict[str, Any]] = {}
        for origin in (origin for variant in variants for origin in variant.origins):
            for place, guard in origin.guards.items():
                guards.setdefault(place, {})[written(guard)] = guard
        self.guards = [(place, *found.values()) for place, found in sorted(guards.items(), key=lambda item: item[0][1:]) if len(found) == 1]
        """Guards that have the same words in all instances, by what they guard, the outer ones first."""
        self.held = [sum(self.holds(guard, {at: True}) for _, guard in self.guards) for at in range(len(variants))]
        """How many guards hold in each variant: a formula is that of the lines that most guards let in, `t * channels` rather than `channels`."""

    def body(self) -> Body:
        inputs = {at: body.inputs for at, body in enumerate(self.bodies)}
        count = self.same({at: len(found) for at, found in inputs.items()})
        values = [list(range(count)) for _ in self.bodies]
        """For each variant what a value here is there."""
        items: list[Item] = []
        numbers = [0] * len(self.bodies)
        for found in _aligned([body.items for body in self.bodies], positions=self.dialect.positions):
            item = self.item(found, values)
            for at, known in enumerate(values):
                known.append(count + numbers[at] if at in found else known[item.reads[0]])
                numbers[at] += at in found
            items.append(item)
        stored = [item.attribute for item in items if item.module is not None and item.owner is None]
        flags = [item.flag for item in items if item.guard is not None]
        if len({*stored, *flags}) < len(stored) + len(flags) or any(other.startswith(f"{name}.") for name in stored for other in stored):
            raise _Different  # one name would be two modules, or a module and what holds others
        fields = self.same({at: body.fields for at, body in enumerate(self.bodies)})
        results = zip(*[body.results for body in self.bodies], strict=True)
        given = self.same({at: body.given for at, body in enumerate(self.bodies)})
        ends = tuple([_value(values, dict(enumerate(found))) for found in results])
        return Body(inputs[0], given, tuple(items), ends, fields=fields, texts=self.bodies[0].texts)

    def item(self, found: Mapping[int, Item], values: list[list[int]]) -> Item:
        """The item of variants; those that lack it go on from its first value."""
        first = next(iter(found.values()))
        self.same({at: self.way(item) for at, item in found.items()})
        reads = tuple(_value(values, {at: item.reads[i] for at, item in found.items()}) for i in range(len(first.reads)))
        attribute, places = self.attribute(found)
        item = first._replace(reads=reads, module=self.module(found), attribute=attribute, places=places)
        condition = self.presence(found, range(len(self.bodies)))
        if condition is None:
            return item
        if item.module is None:
            return item._replace(guard=condition)
        if isinstance(item.module, If) or len(reads) > 1 or item.flat or item.owner is not None or item.step in self.dialect.expressions:
            raise _Different
        return item._replace(module=If(condition, item.module))

    def module(self, found: Mapping[int, Item]) -> Any:
        """The module of an item; of a label that two guarded lines have one or the other."""
        apart: dict[Span | None, dict[int, Any]] = {}
        for at, item in found.items():
            apart.setdefault(item.span, {})[at] = item
        modules = [each and self.number({at: item.module for at, item in each.items()}) for each in apart.values()]
        if len(modules) == 1:
            return modules[0]
        if len(modules) > 2:
            raise _Different
        return If(self.presence(next(iter(apart.values())), found), *modules)

    def way(self, item: Item) -> tuple[object, ...]:
        """Return how an item is written."""
        step = item.step if item.module is None or item.step in self.dialect.expressions else ""
        return step, len(item.reads), item.kinds, item.flat, item.owner, item.lent, item.module and self.attribute_of(item)

    def attribute_of(self, item: Item) -> str:
        """What an item is called in all variants, whatever its positions are."""
        return _DIGITS.sub("#", item.attribute) if self.dialect.positions else item.attribute

    def attribute(self, found: Mapping[int, Item]) -> tuple[str, tuple[Any, ...]]:
        """What an item is called: where its position depends on what is dropped before it, that is computed; and the conditions for it."""
        if all(item.module is None for item in found.values()):  # what has no module is called by nothing
            return next(iter(found.values())).attribute, ()
        levels = zip(*[item.attribute.split(".") for item in found.values()], strict=True)
        parts, places = [], list[Any]()
        for level in levels:
            if len(set(level)) == 1:
                parts.append(level[0])
                continue
            if not all(map(str.isdecimal, level)) or any(
                item.owner is not None or item.lent for body in self.bodies for item in body.items
            ):
                raise _Different
            numbers = dict(zip(found, map(int, level), strict=True))
            conditions = self.counted(numbers)
            places += conditions
            parts.append(f"{{{self.sum_of(min(numbers.values()), conditions)}}}")
        return ".".join(parts), tuple(places)

    def sum_of(self, least: int, conditions: Sequence[Any]) -> str:
        """The text of a position: its least, and one more for each condition that holds."""
        texts = []
        for condition in conditions:
            text = written(condition)
            values = [value for at in range(len(self.bodies)) for value in self.computed(condition, at)]
            if not all(isinstance(value, bool) for value in values):
                text = f"bool({text})"
            texts.append(f"({text})" if " " in text and not text.startswith("bool(") else text)
        if least == 0 and len(texts) == 1:
            text = f"int({written(conditions[0])})"
        else:
            text = " + ".join([*[str(least)] * (least > 0), *texts])
        if "." in text or '"' in text:  # levels are parted by dots, and names are texts in quotes
            raise _Different
        return text

    def counted(self, numbers: Mapping[int, int]) -> tuple[Any, ...]:
        """The guards whose number, of those that hold, is what a position is above its least."""
        least = min(numbers.values())
        for count in (1, 2, 3):
            for chosen in combinations([guard for _, guard in self.guards], count):
                met = {at: zip(*[self.computed(guard, at) for guard in chosen], strict=True) for at in numbers}
                if all({sum(map(bool, each)) for each in met[at]} == {number - least} for at, number in numbers.items()):
                    return chosen
        raise _Different

    def same(self, found: Found) -> Any:
        """Return the value that all variants share."""
        first, *others = found.values()
        if any(other != first for other in others):
            raise _Different
        return first

    def number(self, found: Found) -> Any:
        """A value that is right for all variants that have one: a number, a module, or what these are made of."""
        first, *others = found.values()
        if all(written(other) == written(first) for other in others):
            return first
        types = {type(value) for value in found.values()}
        if types <= {Spelled, int, float}:
            value = found[max(found, key=self.held.__getitem__)]
            if all(repr(self.computed(value, at)) == repr(self.computed(other, at)) for at, other in found.items()):
                return value
            return self.choice(found)
        if types == {New} and len({value.name for value in found.values()}) == 1:
            arguments = {at: value.arguments for at, value in found.items()}
            if first.name == self.dialect.chain:
                return first._replace(arguments=tuple(("", module) for module in self.modules(arguments)))
            if len(set(map(len, arguments.values()))) > 1:  # no variant overwrites unless all may
                arguments = {at: tuple(each for each in given if each[0] != self.dialect.in_place) for at, given in arguments.items()}
            names = self.same({at: tuple(name for name, _ in each) for at, each in arguments.items()})
            values = self.number({at: tuple(value for _, value in each) for at, each in arguments.items()})
            return first._replace(arguments=tuple(zip(names, values, strict=True)))
        if types == {Many} and len({value.times for value in found.values()}) == 1:
            return first._replace(module=self.number({at: value.module for at, value in found.items()}))
        if types == {tuple} and len({len(value) for value in found.values()}) == 1:
            return tuple(self.number({at: value[i] for at, value in found.items()}) for i in range(len(first)))
        raise _Different

    def modules(self, found: Found) -> Iterator[Any]:
        """The modules of chains, in a row."""
        moved = False  # whether the position of what follows depends on a condition
        for each in _aligned([[module for _, module in found.get(at, ())] for at in range(len(self.bodies))]):
            if moved and self.dialect.positions:
                raise _Different
            module, condition = self.number(each), self.presence(each, found)
            moved = moved or condition is not None
            yield module if condition is None else If(condition, module)

    def choice(self, found: Found) -> Any:
        """A number that a guard chooses between two."""
        texts = {written(value): value for value in found.values()}
        if len(texts) != 2:
            raise _Different
        yes, no = texts.values()
        wanted = {at: written(value) == written(yes) for at, value in found.items()}
        for _, guard in self.guards:
            if self.holds(guard, wanted):
                return If(guard, yes, no)
            if self.holds(combined("not", guard), wanted):
                return If(guard, no, yes)
        raise _Different

    def presence(self, found: Found, among: Iterable[int]) -> Any:
        """The condition for what only some variants have: what guards its line; None where all have it."""
        wanted = {at: at in found for at in among}
        if all(wanted.values()):
            return None
        span = next(iter(found.values())).span
        around = [
            guard
            for place, guard in self.guards
            if span is not None and _covers(place, span) and not self.holds(guard, dict.fromkeys(among, True))
        ]
        condition = joined("and", around) if around else None
        if not self.holds(condition, wanted):
            raise _Different
        return condition

    def holds(self, condition: Any, wanted: Mapping[int, bool]) -> bool:
        """Whether a condition holds in all instances of the variants where it is wanted, and in none of the others."""
        return all(value is not None and bool(value) == want for at, want in wanted.items() for value in self.computed(condition, at))

    def computed(self, number: Any, at: int) -> list[Any]:
        """A number in the instances of a variant; None where it has no value."""
        return [_computed(number, given) for given in self.given[at]]


def _computed(number: Any, given: Mapping[str, Any]) -> Any:
    try:
        return value_of(number.replaced(given)) if isinstance(number, Spelled) else number
    except ArithmeticError:
        return None


def _key(item: Item | New | Many, positions: bool) -> object:
    """What an item is in all variants: its label, or its place."""
    if not isinstance(item, Item):
        return item.span
    if positions and _DIGITS.search(item.attribute):
        return _DIGITS.sub("#", item.attribute), item.span
    return item.attribute if item.label is not None else (item.attribute if item.module is not None else item.step, item.span)


def _covers(span: Span, place: Span) -> bool:
    return span.source is place.source and span.start <= place.start and place.end <= span.end


def _value(values: list[list[int]], wanted: Mapping[int, int]) -> int:
    """The last value that is the wanted one in each variant."""
    for value in reversed(range(len(values[0]))):
        if all(values[at][value] == number for at, number in wanted.items()):
            return value
    raise _Different


def _aligned(sequences: Sequence[Sequence[Any]], *, positions: bool = False) -> Iterator[dict[int, Any]]:
    """Align items that are the same, keeping the order of each sequence, otherwise that of the text."""
    left: list[dict[Any, Any]] = []
    for sequence in sequences:
        counts: Counter[object] = Counter()
        keyed = {}
        for item in sequence:
            key = _key(item, positions)
            counts[key] += 1
            keyed[key, counts[key]] = item
        left.append(dict(reversed(keyed.items())))
    while any(left):
        heads = dict([next(reversed(one.items())) for one in left if one])
        free = [key for key in heads if all(key not in one or next(reversed(one)) == key for one in left)]
        if not free:
            raise _Different
        key = min(free, key=lambda key: heads[key].span.start if heads[key].span is not None else 0)
        yield {at: one.pop(key) for at, one in enumerate(left) if key in one}
