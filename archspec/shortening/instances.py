"""Groups that are alike become the instances of blocks, and what comes several times in a row becomes a repeat."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from archspec.ir.graph import AGAIN
from archspec.ops import STEPS
from archspec.shortening.alignment import columns, shape, shared, size
from archspec.shortening.composing import BEGIN, Writer
from archspec.shortening.doubts import Doubts
from archspec.shortening.heights import even as shared_heights
from archspec.shortening.heights import heights
from archspec.shortening.items import From, Group, Head, Item, Layer, Mark, Out, Repeat, bodies, every
from archspec.shortening.kinds import kind
from archspec.shortening.parameters import Params, Unsayable
from archspec.shortening.saying import counting_part, default
from archspec.shortening.written import Line
from archspec.syntax.lines import KEYWORDS

_LARGEST = 1.35
"""How much larger a block may be than the largest of its instances."""
_GUARDED = 0.65
"""The lines of a block that may have a condition."""
_TRIED = 30
"""Clusters that a group of another shape is tried with."""
_INNER = 0
"""In place of the number of a round, for what stands in a repeat inside of the round: lists and counting labels there are that one's."""
_TAKEN = {*KEYWORDS, AGAIN, "skip"}
"""Words that name no block, besides the steps."""
_LONGEST = 8
"""Items of a round at most."""
_ROW = 4
"""Calls at least that are rounds although a parameter changes from each to the next."""


@dataclass(slots=True, eq=False)
class Shared:
    """A block, its instances, and once it is written its parameters and lines."""

    name: str
    instances: list[Group]
    params: Params = field(default_factory=lambda: Params({}, {}))
    lines: list[Line] = field(default_factory=list)


class Instances:
    """Finds the blocks of bodies from the innermost groups on, except for what is in doubt."""

    def __init__(self, parts: list[list[Item]], doubts: Doubts, *, even: bool = False) -> None:
        self.top = [item for body in parts for item in body]
        self.taken: set[str] = set()
        self.alike = doubts.alike
        self.listed = doubts.listed
        self.found: list[Shared] = []
        self.barred: set[int] = set()
        """Groups that are better written where they stand."""
        self.groups = [item for item in every(self.top) if isinstance(item, Group)]
        self.barred |= {id(group) for group in self.groups if group.path in doubts.apart}
        self.written = [(group, group.body) for group in self.groups]
        self.mined = {id(group) for group in self.groups if not group.name}
        """Groups that names do not make."""
        self.branches = [(item, item.branches) for item in every(self.top) if isinstance(item, Head)]
        self.heights = heights(self.groups)
        level = shared_heights(self.groups)
        self.uneven = level != self.heights
        """Whether groups whose names differ in numbers alone have several heights; where it is `even`, they have one."""
        self.heights = level if even else self.heights
        self.find(final=False)
        self.barred |= self.lonely()
        self.find(final=True)
        while self.dissolved(parts):
            self.find(final=True)
        self.bodies = [body if "" in self.listed else self.rolled(body, ordinal=True) for body in parts]

    def dissolved(self, parts: list[list[Item]]) -> bool:
        """Put what is in groups without names that are no blocks in their places; False where there are none."""
        loose = {id(group): body for group, body in self.written if id(group) in self.mined and group.block is None}
        self.groups = [group for group in self.groups if id(group) not in loose]
        self.written = [(group, body) for group, body in self.written if id(group) not in loose]
        branches = [branch for _, branches in self.branches for branch in branches]
        for body in [*parts, *(body for _, body in self.written), *branches]:
            body[:] = _spliced(body, loose)
        return bool(loose)

    def find(self, *, final: bool) -> None:
        """Find the blocks of one height after another; at last with their parameters."""
        self.found = []
        self.taken.clear()
        for group, body in self.written:
            group.body, group.block = body, None
        for head, branches in self.branches:
            head.branches = branches
        for height in sorted(set(self.heights.values())):
            level = [group for group in self.groups if self.heights[id(group)] == height]
            for group in level:
                group.body = group.body if group.path in self.listed else self.rolled(group.body)
            for cluster in self.clusters([group for group in level if id(group) not in self.barred and not _is_numbered(group.body)]):
                if len(cluster) > 1 and _is_worth_it(cluster):
                    self.add(cluster, final=final)

    def add(self, cluster: list[Group], *, final: bool) -> None:
        """Make a block of groups; where no parameters say how they differ, of those alone of which some do."""
        block = Shared(self.name(cluster), cluster)
        if final:
            try:
                block.params, block.lines = _said(block.name, cluster)
            except Unsayable:
                self.taken.discard(block.name)
                for part in _sayable(cluster):
                    if len(part) > 1:
                        self.add(part, final=final)
                return
        self.found.append(block)
        for at, group in enumerate(cluster):
            group.block, group.index = block, at

    def clusters(self, groups: Sequence[Group]) -> list[list[Group]]:
        """Groups that fit together."""
        found: list[tuple[list[Group], dict[object, Group]]] = []
        for group in groups:
            own = (len(group.entries), len(group.exits), *map(shape, group.body))
            at = next((at for at, (_, samples) in enumerate(found) if own in samples), None)
            if at is None:
                near = [] if group.path in self.alike else found[-_TRIED:]
                fits = [0.0 if cluster[0].path in self.alike else _fit([*samples.values(), group]) for cluster, samples in near]
                at = len(found) - len(near) + fits.index(max(fits)) if any(fits) else len(found)
            if at == len(found):
                found.append(([], {}))
            found[at][0].append(group)
            found[at][1].setdefault(own, group)
        return [cluster for cluster, _ in found]

    def lonely(self) -> set[int]:
        """The groups of blocks that are called in one place of one other block only."""
        sites: dict[int, set[object]] = {}
        for holder, group in _calls(self.top, None):
            inner = holder is not None and not group.name.isdecimal()
            sites.setdefault(id(group.block), set()).add((id(holder.block), group.name) if inner and holder is not None else id(group))
        alone = {block for block, keys in sites.items() if len(keys) == 1 and all(isinstance(key, tuple) for key in keys)}
        return {id(group) for block in self.found if id(block) in alone for group in block.instances}

    def rolled(self, body: Sequence[Item], *, ordinal: bool = False) -> list[Item]:
        """A body in which what comes several times in a row is a repeat; `ordinal` says that layers count up by themselves in it."""
        for item in body:
            if isinstance(item, Head):
                item.branches = [self.rolled(branch, ordinal=ordinal) for branch in item.branches]
        found: list[Item] = []
        at = 0
        while at < len(body):
            period, count = _run(body, at, ordinal=ordinal)
            if count > 1 and not _is_laboured(body[at : at + period * count], period, ordinal=ordinal):
                rounds = [list(body[start : start + period]) for start in range(at, at + period * count, period)]
                found.append(Repeat(body[at].name, body[at].reads, any(item.keyed for item in rounds[0]), rounds=rounds))
            else:
                found += body[at : at + period * count]
            at += period * count
        return found

    def name(self, cluster: Sequence[Group]) -> str:
        """A word for a block, by what its instances are called."""
        words = {re.sub(r"_?\d+[a-z]?$", "", group.name).rpartition(".")[2] for group in cluster if not group.name.isdecimal()}
        word = words.pop() if len(words) == 1 else ""
        is_free = word.isascii() and word.isidentifier() and len(word) > 2 and word not in STEPS and word not in _TAKEN
        word = word if is_free else kind(max((group.body for group in cluster), key=lambda body: sum(map(size, body))))
        found = next(found for found in _names(word) if found not in self.taken)
        self.taken.add(found)
        return found


def _spliced(body: Sequence[Item], loose: Mapping[int, Sequence[Item]]) -> Iterator[Item]:
    """The items of a body, with what is in loose groups in their places."""
    for item in body:
        yield from _spliced(loose[id(item)], loose) if id(item) in loose else [item]


def _run(body: Sequence[Item], at: int, *, ordinal: bool) -> tuple[int, int]:
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
            if not _all_same(first, before, items, count):
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


def _names(word: str) -> Iterator[str]:
    """A word, and others like it; calls are numbered, so that a number in a name would not tell them apart."""
    yield word
    letters = "bcdefghijklmnopqrstuvwxyz"
    yield from (f"{word}_{first}{second}" for first in ("", *letters) for second in letters)


def _is_laboured(items: Sequence[Item], period: int, *, ordinal: bool) -> bool:
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
            return item.block is None and _all_same(first.body, before.body, item.body, count)
        case Head(), Head(), Head():
            alike = first.kind == item.kind and first.argument == item.argument and len(first.branches) == len(item.branches)
            return alike and all(_all_same(*three, count) for three in zip(first.branches, before.branches, item.branches, strict=True))
        case Repeat(), Repeat(), Repeat():
            alike = len(first.rounds) == len(before.rounds) == len(item.rounds)
            return alike and all(_all_same(*three, _INNER) for three in zip(first.rounds, before.rounds, item.rounds, strict=True))
        case _:
            return False


def _follows(first: Item, item: Item, count: int) -> bool:
    """Whether the name of an item counts up from that of the first round, and it reads the same."""
    if item.seen or (item.keyed and item.name != first.name and not _counted(first, item, count)):
        return False
    others = isinstance(item, (Layer, Group)) and isinstance(first, (Layer, Group))
    return not (others and [*map(id, item.refs)] != [*map(id, first.refs)])


def _all_same(first: Sequence[Item], before: Sequence[Item], items: Sequence[Item], count: int) -> bool:
    if not len(first) == len(before) == len(items):
        return False
    return all(_same(*three, count) for three in zip(first, before, items, strict=True))


def _counted(first: Item, item: Item, count: int) -> bool:
    """Whether two names differ in one number only, and that counts the rounds, or all that are called so."""
    found = counting_part(first.name, item.name)
    if found is None:
        return False
    before, one, other, behind = found
    stem = first.step if isinstance(first, Layer) else first.block.name if isinstance(first, Group) and first.block is not None else ""
    return (before in ("", stem) and not behind) or (count != _INNER and other == one + count)


def _fit(groups: Sequence[Group]) -> float:
    """The share of a block that all groups have; 0 where at the top it is less than half, or much larger there than each of them, or
    where they take as many values not.
    """
    if len({(len(group.entries), len(group.exits)) for group in groups}) > 1:
        return 0.0
    parts = {at: group.body for at, group in enumerate(groups)}
    try:
        sizes = [(max(map(size, column.items.values())), len(column.items) == len(groups)) for column in columns(parts)]
        whole, common = sum(own for own, _ in sizes), sum(own for own, everywhere in sizes if everywhere)
        if whole > _LARGEST * max(sum(map(size, group.body)) for group in groups) or 2 * common < whole:
            return 0.0
        whole, common = shared(parts)
    except Unsayable:
        return 0.0
    return max(common, 0.5) / whole


def _is_numbered(body: Sequence[Item]) -> bool:
    """Whether names of weights in a body are positions, which a block has not."""
    return any(
        (item.keyed and item.name.isdecimal()) if isinstance(item, (Layer, Group)) else any(map(_is_numbered, bodies(item)))
        for item in body
    )


def _is_worth_it(cluster: Sequence[Group]) -> bool:
    """Whether a block says more than its instances written out: its body has heads, names of its own, or many lines."""
    body = max((group.body for group in cluster), key=lambda body: (any(isinstance(item, Head) for item in body), sum(map(size, body))))
    if len(body) == 1 and isinstance(body[0], Layer):
        return False
    if len(body) == 1 and isinstance(body[0], (Repeat, Group)):
        lines = _lines(body)
        return (len(cluster) - 1) * (lines - 1) > 3
    named = any(isinstance(item, (Layer, Group)) and item.keyed and not item.name.isdecimal() for item in body)
    return named or len(body) > 6 or any(isinstance(item, Head) for item in body)


def _lines(body: Sequence[Item]) -> int:
    """The lines of a body of several heads, roughly; what is a chain of layers is one."""
    found = 0
    for item in body:
        inner = [_lines(part) for part in bodies(item)[: 1 if isinstance(item, Repeat) else None] if part]
        if isinstance(item, Head):
            found += 1 + sum(inner) + (item.kind != "residual") * sum(not part for part in item.branches)
        elif not isinstance(item, Group) or item.block is None:
            found += sum(inner)
        else:
            found += 1
    return max(1, found)


def _said(name: str, cluster: Sequence[Group]) -> tuple[Params, list[Line]]:
    """The parameters and lines of a block. Raises Unsayable, also where most of its lines have a condition, or where its forms are shorter
    one by one.
    """
    params, lines = Writer(name).block(cluster)
    if _guarded(lines) > _GUARDED:
        raise Unsayable("more conditions than lines")
    forms: dict[object, list[Group]] = {}
    for group in cluster:
        forms.setdefault(tuple(map(shape, group.body)), []).append(group)
    calls = sum(len(form) == 1 for form in forms.values())
    if len(forms) > 1 and len(list(_every(lines))) + calls > sum(len(list(_every(Writer(name).block(form)[1]))) for form in forms.values()):
        raise Unsayable("more lines than those of its forms")
    return params, lines


def _sayable(cluster: Sequence[Group]) -> list[list[Group]]:
    """The groups of a block that cannot be said, parted: those of one form together, and with them those of others that can be said so."""
    parts: dict[object, list[int]] = {}
    for at, group in enumerate(cluster):
        parts.setdefault((tuple(map(shape, group.body)), _arguments(group)), []).append(at)
    found: list[list[int]] = []
    for part in sorted(parts.values(), key=len, reverse=True)[:_TRIED] if len(parts) > 1 else ():
        for own in found:
            both = sorted([*own, *part])
            if _is_sayable([cluster[at] for at in both]):
                own[:] = both
                break
        else:
            found.append(part)
    return [[cluster[at] for at in own] for own in sorted(found)]


def _is_sayable(cluster: Sequence[Group]) -> bool:
    """Whether groups are one block."""
    try:
        _said("", cluster)
    except Unsayable:
        return False
    return 2 * _fit(cluster) >= 1


def _guarded(lines: Sequence[Line]) -> float:
    """The share of lines that have a condition."""
    every = list(_every(lines))
    return sum(line.guard is not None for line in every) / len(every)


def _every(lines: Sequence[Line]) -> Iterator[Line]:
    for line in lines:
        yield line
        yield from _every(line.inner or ())


def _arguments(group: Group) -> tuple[object, ...]:
    """The names of those arguments in a group that say something by being there."""
    layers = [item for item in every(group.body) if isinstance(item, Layer)]
    return tuple([tuple([name for name in layer.arguments if default(layer.step, name) is None]) for layer in layers])


def _calls(body: Sequence[Item], holder: Group | None) -> Iterator[tuple[Group | None, Group]]:
    """All instances of blocks, with the nearest instance around each."""
    for item in body:
        called = isinstance(item, Group) and item.block is not None
        if isinstance(item, Group) and called:
            yield holder, item
        for inner in bodies(item):
            yield from _calls(inner, item if isinstance(item, Group) and called else holder)
