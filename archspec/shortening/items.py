"""What a network consists of while it is written shortly: bodies, which are lists of items.

A body begins with the value that it is given, and each item reads what the one before it gives, except where labels and `from` say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archspec.shortening.instances import Shared


@dataclass(slots=True, eq=False)
class Item:
    """`name` is what it is called within its group; `keyed` says that the names of weights depend on it. `reads` are the items of its
    level that it reads, None standing for the value that the level is given. `label` is set where another line refers to it, by its name
    or `alias`. In the rounds of a repeat its label `counts` where a line of another round refers to it, and it is `late` where the first
    round lacks it.
    """

    name: str
    reads: list[Item | None] = field(default_factory=list)
    keyed: bool = False
    label: bool = False
    alias: str = ""
    counts: bool = False
    late: bool = False

    @property
    def nameless(self) -> bool:
        """Whether no label can name it: it is called by its position, or is a merge with branches."""
        return self.keyed and self.name.isdecimal()

    @property
    def seen(self) -> bool:
        """Whether another line refers to it, or to what is in it."""
        return self.label


@dataclass(slots=True, eq=False)
class Layer(Item):
    """A line of one step. `arguments` are texts by name, positional ones by number, and `usual` those that lines `default` give it;
    `refs` are the further values that it reads.

    `channels` and `width` are those of what it reads and gives. `owner` is the path of the layer whose weights it uses, within
    the group `home`, and `lender` that layer; what is `tied` uses the `weight` alone.
    """

    step: str = ""
    arguments: dict[str | int, str] = field(default_factory=dict)
    usual: dict[str | int, str] = field(default_factory=dict)
    refs: list[Item | None] = field(default_factory=list)
    channels: int = 0
    width: int = 0
    merge: bool = False
    aside: bool = False
    owner: str = ""
    home: str = ""
    lender: Layer | None = None
    lends: bool = False
    tied: bool = False

    @property
    def numbered(self) -> bool:
        """Whether it takes a position in a group, as all do except merges, values for other layers, and layers with another's weights."""
        return not (self.merge or self.aside or (self.owner and not self.tied))


@dataclass(slots=True, eq=False)
class Group(Item):
    """A level of names around a body, whose value is that of its item `end`; `channels` and `width` are those of the values that it is
    given and gives. `path` is its full name. `refs` are the further values that it reads, which its items know as its `entries`; further
    values that it gives are its `exits`. It is `told` where another line reads one of these, for which it needs its name.

    With a `block` it is that block's instance number `index`.
    """

    path: str = ""
    body: list[Item] = field(default_factory=list)
    refs: list[Item | None] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    exits: list[Exit] = field(default_factory=list)
    told: bool = False
    end: Item | None = None
    channels: int = 0
    width: int = 0
    block: Shared | None = None
    index: int = 0

    @property
    def seen(self) -> bool:
        """Whether another line refers to it, or to what is in it."""
        return self.label or self.told

    @property
    def single(self) -> bool:
        """Whether it has one element, which a label alone would name."""
        only = self.body[0]
        return self.keyed and len(self.body) == 1 and (isinstance(only, Layer) or (isinstance(only, Group) and only.name.isdecimal()))


@dataclass(slots=True, eq=False)
class Entry(Item):
    """A value that a group reads besides the one that it is given, for the items inside: a parameter, where the group is that of a block."""

    number: int = 0
    group: Group | None = None

    @property
    def outside(self) -> Item | None:
        """What it is around the group."""
        assert self.group is not None, "an entry is one of a group"
        return self.group.refs[self.number]


@dataclass(slots=True, eq=False)
class Exit(Item):
    """A value that a group gives besides its own: an output, where the group is that of a block. Inside it is that of the item `of`. It has no
    line beside the group.
    """

    of: Item | None = None
    group: Group | None = None

    def tell(self) -> None:
        """Note that another line reads it, by the names of the group and of those in it."""
        inner: Item | None = self
        while isinstance(inner, Exit):
            assert inner.group is not None, "an exit is one of a group"
            inner.group.told = True
            inner = inner.of


@dataclass(slots=True, eq=False)
class Out(Item):
    """A line `output` in a block: a further value that it gives."""

    exit: Exit | None = None


@dataclass(slots=True, eq=False)
class Head(Item):
    """A merge of branches that begin with one value: `add`, `concat`, `mul`, `sub`, or `residual`, whose second branch is its shortcut.

    It is `absent` where it is a residual that other instances have in this place, and this one has not; so are the branches of the numbers in
    `without`.
    """

    kind: str = ""
    branches: list[list[Item]] = field(default_factory=list)
    argument: str = ""
    merge: Layer | None = None
    absent: bool = False
    without: frozenset[int] = frozenset()

    @property
    def nameless(self) -> bool:
        """Always: a label before it names a group, which its branches are in."""
        return True

    @property
    def is_beside(self) -> bool:
        """Whether a line behind one branch says it as well, which merges that with what the other one is: the value that both begin with."""
        places = [at for at, branch in enumerate(self.branches) if not branch]
        named = self.label or self.argument or (self.merge is not None and self.merge.label)
        return (
            len(self.branches) == 2
            and not named
            and (self.kind == "mul" or places == [1])
            and len(places) == 1
            and self.kind in ("mul", "concat")
        )

    @property
    def step(self) -> str:
        """That of the merge."""
        return "add" if self.kind == "residual" else self.kind


@dataclass(slots=True, eq=False)
class From(Item):
    """A line `from`: the next item reads the value of `target`."""

    target: Item | None = None


@dataclass(slots=True, eq=False)
class Mark(Item):
    """A line `x: skip`, by which others refer to the value that a body is given, or to that of an item before it, which no label names; or an
    input, which has its line already.
    """

    of: Item | None = None


@dataclass(slots=True, eq=False)
class Repeat(Item):
    """Rounds, which are bodies that are alike."""

    rounds: list[list[Item]] = field(default_factory=list)

    @property
    def body(self) -> list[Item]:
        """The first round."""
        return self.rounds[0]


def bodies(item: Item) -> list[list[Item]]:
    """The bodies inside of an item."""
    match item:
        case Head():
            return item.branches
        case Repeat():
            return item.rounds
        case Group():
            return [item.body]
        case _:
            return []


def every(body: Iterable[Item]) -> Iterator[Item]:
    """All items of a body, what is inside of each before it."""
    for item in body:
        for inner in bodies(item):
            yield from every(inner)
        yield item
