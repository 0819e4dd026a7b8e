"""The structure of a level: a chain, in which branches that begin with one value and meet in a merge are a head with branches.

What is no series of such parts is listed with labels and `from`, as `expand` writes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from archspec.ir.graph import SHORTCUT
from archspec.shortening.following import in_chains
from archspec.shortening.items import Entry, Exit, From, Group, Head, Item, Layer, Mark, Out, every
from archspec.shortening.saying import counting_part

_HEADS = ("add", "concat", "mul", "sub")
_NOWHERE = -2
"""In place of the number of a value: the first item goes on from none."""
_DEEPEST = 2
"""The depth of nested heads at most; what is deeper is easier to read with labels."""

_MANY, _LONG = 4, 3
"""Branches, and layers of each, at least that are written as rounds."""


class Structure:
    """The structure of levels; those groups that are `plain`, by their full names, are lists with labels."""

    def __init__(self, plain: Collection[str] = ()) -> None:
        self.plain = plain

    def body(
        self, items: Sequence[Item], result: Item | None, start: Item | None = None, path: str = "", *, gives: bool = False
    ) -> list[Item]:
        """The body of a level, and of the groups in it; `result` is the item that gives its value, `start` that which it begins with, if it
        has a name. What a level `gives` besides its value stays beside the lines that lead to that.
        """
        self.inside(items)
        items = _read(items, result)
        if not gives:
            items = in_chains(items, start, result, top=not path)
        read = {id(value) for item in items for value in item.reads}
        unread = [item for item in items if isinstance(item, Layer) and item.aside and id(item) not in read]
        for item in unread:
            item.label = True
        level = _Level(items, start, result)
        for tensor in level.shared:
            tensor.label = True
        return [*level.shared, *(level.listed(range(1, len(level.values)), 0) if path in self.plain else level.body()), *unread]

    def inside(self, items: Iterable[Item]) -> None:
        """Structure the bodies of groups."""
        for item in items:
            if isinstance(item, Group):
                item.body = list(_giving(self.body(item.body, item.end, None, item.path, gives=bool(item.exits)), item.exits))

    def listed(self, items: Sequence[Item], result: Item | None) -> list[Item]:
        """Items that lead to a further output, which begin with values that have labels."""
        self.inside(items)
        level = _Level(_read(items, result), None, result)
        return level.listed(range(1, len(level.values)), _NOWHERE)


class _Level:
    """Items between two values. Values are numbered in order: 0 is the first, 1 that of the first item.

    `depth` counts the heads around it.
    """

    def __init__(self, items: Sequence[Item], start: Item | None, end: Item | None, depth: int = 0, outer: Collection[int] = ()) -> None:
        begun = {id(item.reads[0]) for item in items if item.reads}
        times = Counter(id(read) for item in items for read in set(item.reads))
        asides = [item for item in items if _is_aside(item) and id(item) not in begun]
        placed = {id(item) for item in asides if item.reads and times[id(item)] > 1}
        """Tensors that several items read, and that follow from a value, behind which they stand."""
        self.shared = [item for item in asides if times[id(item)] > 1 and id(item) not in placed]
        """Tensors that several items read."""
        given = {id(read) for item in items for read in item.reads if isinstance(read, Entry) and id(read) not in begun}
        """Further values of the block, which have names, and from which nothing here goes on."""
        self.asides = {*outer, *given, *map(id, asides)}
        """Tensors that stand before what reads them; those that another item goes on from are part of the flow."""
        self.outer = {*outer, *given, *placed, *map(id, self.shared)}
        self.items = [item for item in items if id(item) not in self.asides or id(item) in placed]
        self.values = [start, *self.items]
        self.depth = depth
        self.at = {id(value): at for at, value in enumerate(self.values)}
        self.end = self.at.get(id(end), 0)
        self.users: list[list[int]] = [[] for _ in self.values]
        for at, item in enumerate(self.items, 1):
            for read in set(self.reads(item)):
                self.users[read].append(at)
        self.after = self.joins()

    def reads(self, item: Item | None) -> list[int]:
        """The numbers of the values that an item reads, tensors left out; -1 is one from elsewhere."""
        reads = item.reads if item is not None else []
        return [self.at.get(id(read), -1) for read in reads if id(read) not in self.asides]

    def joins(self) -> list[int]:
        """For each value the nearest one that is on all ways from it to the end; 0 where a way leads elsewhere."""
        after = [0] * len(self.values)
        after[self.end] = self.end
        for at in range(self.end - 1, -1, -1):
            if not self.users[at] or not all(map(after.__getitem__, self.users[at])):
                continue
            found, *others = self.users[at]
            for other in others:
                while found != other:
                    found, other = (after[found], other) if found < other else (found, after[other])
            after[at] = found
        return after

    def body(self) -> list[Item]:
        """The items in the order of their lines."""
        found: list[Item] = []
        everything = range(1, len(self.values))
        if len(everything) > self.end or any(-1 in self.reads(item) or not self.reads(item) for item in self.items):
            return self.listed(everything, 0)
        at = 0
        while at != self.end:
            join = self.after[at]
            if not join:
                return self.listed(everything, 0)
            item = self.values[join]
            if self.users[at] == [join] and self.reads(item) == [at] and join == at + 1:
                found += self.with_tensors(item)
            else:
                head = self.head(at, join)
                deep = head is not None and not self.depth and _depth([head]) > _DEEPEST
                found += _marked([head]) if head is not None and not deep else self.listed(range(at + 1, join + 1), at)
            at = join
        return found

    def with_tensors(self, item: Item | None) -> list[Item]:
        """An item behind the tensors that it reads."""
        assert item is not None, "only the first value has no item"
        tensors = [read for read in item.reads if read is not None and id(read) in self.asides and id(read) not in self.outer]
        if isinstance(item, (Layer, Group)):
            item.refs = item.reads[1:]
        for tensor in tensors:
            tensor.label = True
        return [*tensors, item]

    def head(self, start: int, join: int) -> Head | None:
        """Branches that begin with one value and end in a merge, where they have nothing in common."""
        merge, between = self.values[join], range(start + 1, join)
        if not isinstance(merge, Layer) or merge.step not in _HEADS or len(merge.reads) < 2 or self.depth > _DEEPEST:
            return None
        if any(item is not None and item.seen for item in self.values[start + 1 : join]):
            return None  # labels inside of a head are not seen outside
        reads = self.reads(merge)
        owned = [self.backwards(read, start, between) for read in reads]
        if len(reads) < len(merge.reads) or sorted(at for own in owned for at in (own if own is not None else [0])) != list(between):
            return None
        branches = [self.branch(start, read, own or ()) for read, own in zip(reads, owned, strict=True)]
        if not any(branches):  # `mul x` is shorter
            return None
        argument = " ".join(value if isinstance(name, int) else f"{name}={value}" for name, value in merge.arguments.items())
        kind = merge.step
        if kind == "concat" and _are_rounds(branches):
            return None
        if kind == "add" and len(branches) == 2 and not argument:
            main, short = sorted(branches, key=lambda branch: (not branch or _is_shortcut(branch), -_size(branch), -len(branch)))
            if main and (not short or _is_shortcut(short) or _is_lesser(short, main)):
                kind, branches = "residual", [main, short]
        return Head(merge.name, merge.reads, kind=kind, branches=branches, argument=argument, merge=merge)

    def backwards(self, end: int, start: int, between: range) -> list[int] | None:
        """The items from which a value follows, in order, back to another value; None where they read anything else."""
        found: set[int] = set()
        pending = [end]
        while pending:
            at = pending.pop()
            if at == start or at in found:
                continue
            if at not in between:
                return None
            found.add(at)
            pending += self.reads(self.values[at])
        return sorted(found)

    def branch(self, start: int, end: int, own: Sequence[int]) -> list[Item]:
        """The body of a branch."""
        if end == start:
            return []
        items = [item for at in own if (item := self.values[at]) is not None]
        reads = [value for item in items for value in item.reads]
        tensors = [value for value in reads if value is not None and id(value) in self.asides and id(value) not in self.outer]
        return _Level([*tensors, *items], self.values[start], self.values[end], self.depth + 1, self.outer).body()

    def listed(self, numbers: range, current: int) -> list[Item]:
        """Items with labels and `from`, as they come, from a value on; those that make heads by themselves as such."""
        found: list[Item] = []
        mark, first = Mark("x"), current

        def named(value: Item | None) -> Item:
            known = self.at.get(id(value), -1)
            if value is None or (known == first and not _is_called(value)):
                value = mark
            value.label = True
            if isinstance(value, Exit):
                value.tell()
            return value

        for start, at in self.heads(numbers):
            item = self.values[at]
            assert item is not None, "only the first value has no item"
            if start is None and _is_free(item):  # what it adds to comes first where nothing names it
                item.reads.sort(key=lambda read: self.at.get(id(read), -1) != current)
            reads = [self.values[start]] if start is not None else item.reads
            head = self.head(start, at) if start is not None else None
            for tensor in item.reads if head is None else []:  # before a `from`, which goes on with the next line
                if tensor is not None and id(tensor) in self.asides and id(tensor) not in self.outer:
                    tensor.label = True
                    found.append(tensor)
            if reads and not isinstance(item, Exit) and id(reads[0]) not in self.asides and self.at.get(id(reads[0]), -1) != current:
                found.append(From("", target=named(reads[0])))
            current = at if item.reads and not _is_aside(item) and not isinstance(item, Exit) else current
            if head is not None:
                found.append(head)
                continue
            if isinstance(item, (Layer, Group)):
                item.refs = [read if id(read) in self.asides else named(read) for read in item.reads[1:]]
            found.append(item)
            item.label |= not item.reads or _is_aside(item)
        if current != self.end and numbers.stop > self.end:
            found.append(From("", target=named(self.values[self.end])))
        return [mark, *_marked(found)] if mark.label else list(_marked(found))

    def heads(self, numbers: range) -> Iterator[tuple[int | None, int]]:
        """The numbers of values in order, those that belong to a head left out; with that of a merge the value that its head begins with."""
        found: list[tuple[int | None, int]] = []
        at = numbers.stop - 1
        while at in numbers:
            start = self.start(at, numbers)
            found.append((start, at))
            at = at - 1 if start is None else start
        return reversed(found)

    def start(self, join: int, numbers: range) -> int | None:
        """The value with which the branches of a merge begin, where nothing else reads what is between; None where there is none."""
        reads = set(self.reads(self.values[join]))
        if len(reads) < 2:
            return None
        for at in range(join - 1, numbers.start - 2, -1):
            if len(reads) == 1:
                start = reads.pop()
                head = self.head(start, join) if start >= numbers.start - 1 and start == at else None
                return start if head is not None and (self.depth or _depth([head]) <= _DEEPEST) and not _is_longer(head) else None
            own = self.reads(self.values[at])
            if at not in reads or not own or -1 in own or any(user > join for user in self.users[at]):
                return None
            reads = (reads - {at}) | set(own)
        return None


def _read(items: Iterable[Item], result: Item | None) -> list[Item]:
    """Items without the exits of groups that none of them reads."""
    read = {id(value) for item in items for value in item.reads} | {id(result)}
    return [item for item in items if not isinstance(item, Exit) or id(item) in read]


def _giving(body: Iterable[Item], exits: Iterable[Exit]) -> Iterator[Item]:
    """The items of a body, with a line behind each that has what a further exit of it gives."""
    left = {id(exit_.of.group if isinstance(exit_.of, Exit) else exit_.of): exit_ for exit_ in exits}
    for item in body:
        yield item
        known = item.merge if isinstance(item, Head) else item
        if id(known) in left:
            yield Out("", exit=left.pop(id(known)))


def _is_longer(head: Head) -> bool:
    """Whether a head takes more lines than a list: its branches have several lines each, with labels of other levels."""
    named = [[item for item in branch if item.keyed and "." in item.name] for branch in head.branches]
    return head.kind != "residual" and any(len(branch) > 1 and own for branch, own in zip(head.branches, named, strict=True))


def _are_rounds(branches: Sequence[Sequence[Item]]) -> bool:
    """Whether branches, all or all but the last, take fewer lines as rounds: they are many, of several lines each, and their names count."""
    first, second, before = branches[0], branches[1], branches[-2]
    if len(branches) < _MANY or len(first) < _LONG or not all(isinstance(item, Layer) for branch in (first, before) for item in branch):
        return False
    steps = [[item.step for item in branch if isinstance(item, Layer)] for branch in branches[:-1]]
    names = [counting_part(one.name, other.name) for one, other in zip(first, second, strict=False) if one.keyed]
    return bool(names) and all(own == steps[0] for own in steps) and all(name is not None and name[2] == name[1] + 1 for name in names)


def _is_called(item: Item) -> bool:
    """Whether an item has a name by itself, by which lines may refer to it."""
    return isinstance(item, Mark) or (item.keyed and not item.nameless)


def _is_free(item: Item) -> bool:
    """Whether an item is a merge of values of one shape, in any order."""
    return isinstance(item, Layer) and item.step in ("add", "mul") and not item.arguments


def _is_aside(item: Item) -> bool:
    """Whether an item leaves the current value as it is."""
    return isinstance(item, Layer) and item.aside


def _marked(items: Iterable[Item]) -> Iterator[Item]:
    """Items, each head whose value has a name with a line behind it that gives it."""
    for item in items:
        yield item
        if isinstance(item, Head) and item.merge is not None and item.merge.label:
            yield Mark("x", label=True, of=item.merge)


def _depth(body: Sequence[Item]) -> int:
    """The depth of nested heads; a group begins anew."""
    return max((1 + max(map(_depth, item.branches)) if isinstance(item, Head) else 0 for item in body), default=0)


def _is_shortcut(body: Sequence[Item]) -> bool:
    """Whether a branch is called what a shortcut is, or has layers without weights only."""
    named = len(body) == 1 and body[0].name == SHORTCUT and not isinstance(body[0], Head)
    return named or all(isinstance(item, Layer) and not item.keyed and not item.label for item in body)


def _is_lesser(body: Sequence[Item], main: Sequence[Item]) -> bool:
    """Whether a branch has names for all that has weights, and is so much smaller than another one that it is its shortcut."""
    named = body[0].keyed and all(isinstance(item, Layer) or (isinstance(item, Group) and item.keyed) for item in body)
    small = 2 * _size(body) <= _size(main) or (len(body) == 1 < len(main) and _size(body) <= _size(main))
    return named and small and not any(item.nameless for item in body)


def _size(body: Sequence[Item]) -> int:
    """The layers and levels of a body, without tensors that they read."""
    return sum(1 for item in every(body) if not _is_aside(item))
