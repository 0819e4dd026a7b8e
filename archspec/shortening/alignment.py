"""Bodies of several instances side by side: items that correspond are a column, which an instance may lack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from archspec.ir.graph import SHORTCUT
from archspec.shortening.items import From, Group, Head, Item, Layer, Mark, Out, Repeat, bodies
from archspec.shortening.parameters import Unsayable

_LARGEST = 250_000
"""Pairs of items that are compared at most for two bodies."""

_OPEN = ("add", "concat", "mul")
"""Heads of which some instances may have fewer branches."""
_ALIKE = 0.6
"""What must be gained for each line of the larger of two bodies, of which one is a residual, at most 2, that they are taken for one."""


@dataclass(slots=True, eq=False)
class Column:
    """Items by instance that are one line."""

    items: dict[int, Item]

    @property
    def first(self) -> Item:
        """The item of the first instance that has one."""
        return next(iter(self.items.values()))

    @property
    def read(self) -> bool:
        """Whether other lines refer to an item by its label."""
        return any(item.label for item in self.items.values())

    @property
    def told(self) -> bool:
        """Whether other lines read what a group gives, by its name."""
        return any(isinstance(item, Group) and item.told for item in self.items.values())


def shape(item: Item) -> tuple[object, ...]:
    """What an item is, its arguments left out."""
    named = item.name if item.keyed and not item.name.isdecimal() else ""
    match item:
        case Layer():
            return "layer", item.step, named, len(item.refs), item.owner
        case Group() if item.block is not None:
            return "call", id(item.block), named
        case Group():
            return "group", named, len(item.refs), *map(shape, item.body)
        case Head():
            return "head", item.kind, item.argument, *[tuple(map(shape, branch)) for branch in item.branches]
        case Repeat():
            return "repeat", *map(shape, item.body)
        case _:
            return (type(item).__name__,)


def size(item: Item) -> int:
    """The layers of an item; a call counts as two, and rounds count once."""
    match item:
        case Group() if item.block is not None:
            return 2
        case Group() | Repeat():
            return 1 + sum(map(size, item.body))
        case Head():
            return 1 + sum(size(part) for branch in item.branches for part in branch)
        case _:
            return 1


def alike(one: Sequence[Item], other: Sequence[Item]) -> float:
    """How much is gained by the lines that two bodies have in common."""
    return _best(_gains(one, other))[0][0]


def _gains(one: Sequence[Item], other: Sequence[Item]) -> list[list[float]]:
    """How much is gained by one line for two items of two bodies; 0 where they cannot be one."""
    if len(one) * len(other) > _LARGEST:
        raise Unsayable("bodies that are too long to be compared")
    shapes = list(map(shape, other))
    return [[_gain(a, b, same=own == theirs) for b, theirs in zip(other, shapes, strict=True)] for a in one for own in [shape(a)]]


def _gain(one: Item, other: Item, *, same: bool) -> float:
    if isinstance(one, Repeat) != isinstance(other, Repeat) and isinstance(one, (Repeat, Group)) and isinstance(other, (Repeat, Group)):
        return alike(_rounds(one)[0], _rounds(other)[0])
    if type(one) is not type(other):
        return 0.0
    if one.keyed and other.keyed and one.name != other.name and not (one.name.isdecimal() and other.name.isdecimal()):
        return 0.0
    if same:
        return 2.0 * size(one)
    match one, other:
        case Head(), Head() if (one.kind, one.argument, len(one.branches)) == (other.kind, other.argument, len(other.branches)):
            gain = sum(alike(a, b) for a, b in zip(one.branches, other.branches, strict=True))
            return 1.0 + gain if gain else 0.0
        case Head(), Head() if one.kind in _OPEN and (one.kind, one.argument) == (other.kind, other.argument):
            return _fewer(_branches(one), _branches(other))
        case Head(), Head() if _is_free_residual(one) and _is_sum(other, one):
            return _summed(one, other)
        case Head(), Head() if _is_sum(one, other) and _is_free_residual(other):
            return _summed(other, one)
        case Group(), Group() if one.block is None and other.block is None:
            return alike(one.body, other.body)
        case Repeat(), Repeat():
            longest = max(len(one.body), len(other.body))
            return alike(_in_rounds(one, longest).body, _in_rounds(other, longest).body)
        case _:
            return 0.0


def _best(gains: Sequence[Sequence[float]]) -> list[list[float]]:
    """The most that can be gained from positions in two bodies on."""
    width = max(map(len, gains), default=0)
    best = [[0.0] * (width + 1) for _ in range(len(gains) + 1)]
    for i in range(len(gains) - 1, -1, -1):
        for j in range(width - 1, -1, -1):
            gain = gains[i][j]
            best[i][j] = max(best[i + 1][j], best[i][j + 1], gain + best[i + 1][j + 1] if gain else 0.0)
    return best


def columns(bodies: Mapping[int, Sequence[Item]]) -> list[Column]:
    """The bodies of instances in columns, in an order that is that of each body."""
    found: list[Column] = []
    for instance, body in _with_residuals(bodies).items():
        found = _merged(found, instance, body)
    for column in found:
        if any(isinstance(item, Repeat) for item in column.items.values()):
            repeats = {at: _repeat(item) for at, item in column.items.items()}
            longest = max(len(item.body) for item in repeats.values())
            column.items = {at: _in_rounds(item, longest) for at, item in repeats.items()}
        sums = [item for item in column.items.values() if isinstance(item, Head) and item.kind == "add" and len(item.branches) > 1]
        if 0 < len(sums) < len(column.items):
            column.items = {at: _sum(item, sums[0]) for at, item in column.items.items()}
        if len({len(item.branches) for item in column.items.values() if isinstance(item, Head)}) > 1:
            column.items = _filled(column.items)
    return found


def _branches(head: Head) -> list[Item]:
    """The branches of a head as groups."""
    return [Group("", body=branch) for branch in head.branches]


def _fewer(one: Sequence[Item], other: Sequence[Item]) -> float:
    """How much is gained by the branches of two heads, each of the one that has fewer being like one of the other; else 0."""
    rows = _merged([Column({0: item}) for item in one], 1, other)
    if len(rows) > max(len(one), len(other)):
        return 0.0
    return 1.0 + alike(one, other)


def _filled(items: Mapping[int, Item]) -> dict[int, Item]:
    """Heads of one kind, with an empty branch wherever others have one."""
    heads = {at: item for at, item in items.items() if isinstance(item, Head)}
    rows = columns({at: _branches(head) for at, head in heads.items()})
    found: dict[int, Item] = {}
    for at, head in heads.items():
        own = [row.items.get(at) for row in rows]
        branches = [item.body if isinstance(item, Group) else [] for item in own]
        found[at] = replace(head, branches=branches, without=frozenset(n for n, item in enumerate(own) if item is None))
    return found


def rounds_in_columns(parts: Mapping[int, Sequence[Item]], instance: Callable[[int], int]) -> list[Column]:
    """Bodies in columns; the rounds of an `instance`, which is that of a key, have their items at the same positions."""
    first: dict[int, int] = {}
    for key in parts:
        first.setdefault(instance(key), key)
    found = columns({key: parts[key] for key in first.values()})
    if len(first) == len(parts):
        return found
    wide = []
    for column in found:
        items: dict[int, Item] = {}
        for key, body in parts.items():
            begin = first[instance(key)]
            if begin in column.items:
                at = next((at for at, item in enumerate(parts[begin]) if item is column.items[begin]), len(body))
                if at >= len(body):
                    raise Unsayable("rounds of unlike lines")
                items[key] = body[at]
        wide.append(Column(items))
    return wide


def _is_sum(head: Head, residual: Head) -> bool:
    """Whether a head is a sum of two branches, none of which is the identity; or of more, where a residual has no identity either."""
    return (
        head.kind == "add" and all(head.branches) and (len(head.branches) == 2 or (len(head.branches) > 2 and bool(residual.branches[1])))
    )


def _summed(residual: Head, other: Head) -> float:
    """How much is gained by one line for a residual and a sum."""
    if not residual.branches[1]:
        return max(alike(residual.branches[0], branch) for branch in other.branches)
    return _gain(_sum(residual, other), other, same=False)


def _sum(item: Item, pattern: Head) -> Item:
    """A residual as a sum of its main path and the other one, as the branches of a pattern come."""
    if not isinstance(item, Head) or not _is_free_residual(item):
        return item
    main, short = item.branches
    first = alike(pattern.branches[0], main) > alike(pattern.branches[1], main)
    return replace(item, kind="add", branches=[main, short] if first else [short, main])


def _rounds(item: Item) -> list[list[Item]]:
    """The rounds of an item: one, where it is no repeat."""
    return item.rounds if isinstance(item, Repeat) else [[item]]


def _repeat(item: Item) -> Repeat:
    """An item as a repeat."""
    return item if isinstance(item, Repeat) else Repeat(item.name, item.reads, item.keyed, rounds=[[item]])


def _in_rounds(item: Repeat, length: int) -> Repeat:
    """A repeat with rounds of as many items, where its own are shorter and fit."""
    items = [one for body in item.rounds for one in body]
    if len(item.body) == length or length % len(item.body) or len(items) % length:
        return item
    return replace(item, rounds=[items[at : at + length] for at in range(0, len(items), length)])


def _merged(found: list[Column], instance: int, body: Sequence[Item]) -> list[Column]:
    """The columns with those of one more instance."""
    gains = _gains([column.first for column in found], body)
    best = _best(gains)
    merged: list[Column] = []
    i = j = 0
    while i < len(found) or j < len(body):
        gain = gains[i][j] if i < len(found) and j < len(body) else 0.0
        if gain and best[i][j] == gain + best[i + 1][j + 1]:
            found[i].items[instance] = body[j]
            merged.append(found[i])
            i, j = i + 1, j + 1
        elif i < len(found) and (j == len(body) or best[i][j] == best[i + 1][j]):
            merged.append(found[i])
            i += 1
        else:
            merged.append(Column({instance: body[j]}))
            j += 1
    return merged


def _with_residuals(bodies: Mapping[int, Sequence[Item]]) -> dict[int, Sequence[Item]]:
    """The bodies, in each of which the residual that others have stands around like lines, absent where it has none."""
    pattern = next((body for body in bodies.values() if sum(map(_is_plain_residual, body)) == 1), None)
    if pattern is None:
        return dict(bodies)
    before = next(at for at, item in enumerate(pattern) if _is_plain_residual(item))
    behind = len(pattern) - before - 1
    residual = pattern[before]
    main = residual.branches[0] if isinstance(residual, Head) else []
    found: dict[int, Sequence[Item]] = {}
    for instance, body in bodies.items():
        found[instance] = body
        if any(map(_is_apart, body)):
            continue
        ways = [(start, len(body) - left) for start in {before, 0} for left in range(behind, -1, -1) if len(body) - left > start]
        gain, start, stop = max(((alike(body[start:stop], main), start, stop) for start, stop in ways), default=(0.0, 0, 0))
        inner = list(body[start:stop])
        own, other = sum(map(size, inner)), sum(map(size, main))
        if 2 * min(own, other) > max(own, other) and gain > _ALIKE * max(own, other):
            found[instance] = [*body[:start], Head("", kind="residual", branches=[inner, []], absent=True), *body[stop:]]
    return found


def _is_apart(item: Item) -> bool:
    """Whether an item is a residual, or part of a listing."""
    return isinstance(item, (From, Mark, Out)) or (isinstance(item, Head) and item.kind == "residual")


def _is_plain_residual(item: Item) -> bool:
    return isinstance(item, Head) and item.kind == "residual" and not item.branches[1]


def _is_free_residual(item: Item) -> bool:
    """Whether an item is a residual whose shortcut would have the same names as a branch of a sum."""
    return (
        isinstance(item, Head) and item.kind == "residual" and not any(inner.keyed and inner.name == SHORTCUT for inner in item.branches[1])
    )


def shared(parts: Mapping[int, Sequence[Item]]) -> tuple[int, int]:
    """The layers of bodies side by side, and how many of them all have, those within branches and groups counted one by one."""
    whole = common = 0
    for column in columns(parts):
        everywhere = len(column.items) == len(parts)
        inner = {at: _opened(item) for at, item in column.items.items()}
        count = len(next(iter(inner.values())))
        if not count or any(len(one) != count for one in inner.values()):
            own = max(map(size, column.items.values()))
            whole, common = whole + own, common + own * everywhere
            continue
        sizes = [shared({at: own[n] for at, own in inner.items()}) for n in range(count)]
        whole += 1 + sum(own for own, _ in sizes)
        common += everywhere * (1 + sum(own for _, own in sizes))
    return whole, common


def _opened(item: Item) -> list[list[Item]]:
    """The bodies within an item, of rounds the first; a call has none."""
    return [] if isinstance(item, Group) and item.block is not None else bodies(item)[: 1 if isinstance(item, Repeat) else None]
