"""Groups that are alike become the instances of blocks, and what comes several times in a row becomes a repeat."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from archspec.ir.graph import AGAIN
from archspec.ops import STEPS
from archspec.shortening.alignment import columns, shape, shared, size
from archspec.shortening.composing import Writer
from archspec.shortening.doubts import Doubts
from archspec.shortening.heights import even as shared_heights
from archspec.shortening.heights import heights
from archspec.shortening.items import Group, Head, Item, Layer, Repeat, bodies, every
from archspec.shortening.kinds import kind
from archspec.shortening.parameters import Params, Unsayable
from archspec.shortening.passing import Passing
from archspec.shortening.rounds import is_laboured, run
from archspec.shortening.saying import default
from archspec.shortening.written import Line
from archspec.syntax.lines import KEYWORDS

_LARGEST = 1.35
"""How much larger a block may be than the largest of its instances."""
_GUARDED = 0.65
"""The lines of a block that may have a condition."""
_TAKEN = {*KEYWORDS, AGAIN, "skip"}
"""Words that name no block, besides the steps."""
_TRIED = 30
"""Clusters that a group of another shape is tried with."""


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
        passing = Passing(body)
        at = 0
        while at < len(body):
            if passed := passing.find(at):
                found.append(Repeat(body[at].name, body[at].reads, any(item.keyed for item in passed[0][0]), rounds=passed[0]))
                at = passed[1]
                continue
            period, count = run(body, at, ordinal=ordinal)
            if count > 1 and not is_laboured(body[at : at + period * count], period, ordinal=ordinal):
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


def _names(word: str) -> Iterator[str]:
    """A word, and others like it; calls are numbered, so that a number in a name would not tell them apart."""
    yield word
    letters = "bcdefghijklmnopqrstuvwxyz"
    yield from (f"{word}_{first}{second}" for first in ("", *letters) for second in letters)


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
