"""The picture of a network before it is drawn: boxes, arrows between them, and groups around them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest

from archspec.ops.base import Op
from archspec.types import Type

_ALIKE = 0.75
"""Sides of maps that are of about one size, the smaller to the larger: convolutions without padding take a little off."""
Parts = dict[str, tuple[int, int]]
"""Parameters and MACs by kind of layer."""


def count(found: Parts, more: Parts, times: int = 1) -> None:
    """Add `more` to a count, several times."""
    for kind, (params, macs) in more.items():
        before = found.get(kind, (0, 0))
        found[kind] = before[0] + params * times, before[1] + macs * times


class TooLarge(Exception):
    """More boxes or arrows than are drawn."""


@dataclass(slots=True, eq=False)
class Group:
    """A frame around boxes. `name` is the full name of what it frames, `title` its name within the frame around it.

    `owner` is what the weights in it are those of, empty where they are its own; of a Box too.
    """

    name: str
    title: str
    parent: Group | None
    training: bool = False
    owner: str = ""


def outward(group: Group | None) -> Iterator[Group]:
    """A group and those around it, inner ones first."""
    while group is not None:
        yield group
        group = group.parent


def whose(item: Group | Box) -> str:
    """What the weights of a frame or a box are those of, as tables write it, ` = NAME`; nothing where they are its own, or a frame around says it."""
    around = item.parent if isinstance(item, Group) else item.group
    return f" = {item.owner}" if item.owner and not any(frame.owner for frame in outward(around)) else ""


@dataclass(slots=True, eq=False)
class Box:
    """A box.

    `form` is `layer` (with what normalises and activates it), `minor` (one of those alone), `block`, `merge`, `input` or `output`.
    `name` is the full name of the layer or block; where equal ones are folded it is that of the first, and `last` of the last.
    `kinds` are the kinds of its layers in their order. It is repeated `times` times. `equal` is the same object or value
    for boxes that compute the same. `volume` is what a picture of volumes shows for its output: that before it is flattened, and `before` what is
    written with it and leads to it. `parts` are the parameters and MACs
    of one by kind of layer. `spans` are the layers it stands for: ranges, ends excluded, of positions in the order of the network. `within` are
    the boxes that it was made of, if any.
    """

    name: str
    form: str
    title: str
    detail: str
    kind: str
    output: Type
    kinds: tuple[str, ...] = ()
    times: int = 1
    last: str = ""
    inside: str = ""
    group: Group | None = None
    training: bool = False
    equal: object = None
    minors: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    changes: bool = False
    volume: Type | None = None
    op: Op | None = None
    parts: Parts = field(default_factory=dict)
    spans: list[tuple[int, int]] = field(default_factory=list)
    within: Diagram | None = None
    owner: str = ""

    @property
    def step(self) -> str:
        """The step of the layer; empty if the box is not a layer."""
        return self.op.step if self.op is not None else ""

    @property
    def rows(self) -> str | None:
        """The positions of its layers, as pictures write them: `4-13 17`."""
        starts, ends = ({span[side] for span in self.spans} for side in (0, 1))
        joined = zip(sorted(starts - ends), sorted(ends - starts), strict=True)
        return " ".join(str(start) if end == start + 1 else f"{start}-{end - 1}" for start, end in joined) or None

    @property
    def by_kind(self) -> Parts:
        """Parameters and MACs of all its rounds, as in the totals: heads that exist in training only cost nothing in inference."""
        return {kind: (params * self.times, 0 if self.training else macs * self.times) for kind, (params, macs) in self.parts.items()}

    @property
    def params(self) -> int:
        """Parameters of all kinds."""
        return sum(params for params, _ in self.by_kind.values())

    @property
    def macs(self) -> int:
        """MACs of all kinds."""
        return sum(macs for _, macs in self.by_kind.values())


@dataclass(slots=True, eq=False)
class Arrow:
    """A value that one box puts out and another reads. `label` is its shape, where that is worth saying; `skip` goes past a box.

    `past` carries a value past the boxes that compute the others it is merged with: a skip connection. `main` lies on the longest way through the network from its tail on: such arrows go straight down.
    """

    tail: Box
    head: Box
    label: str = ""
    skip: bool = False
    past: bool = False
    main: bool = True


@dataclass(slots=True, eq=False)
class Diagram:
    """`boxes` are in the order of the network; `level` is what each represents."""

    level: str
    boxes: list[Box]
    arrows: list[Arrow]

    def groups(self) -> list[Group]:
        """The groups that boxes are in, outer ones first."""
        return list(dict.fromkeys(group for box in self.boxes for group in reversed([*outward(box.group)])))

    def nested(self) -> Iterator[tuple[int, Box | Group | None]]:
        """Boxes and groups with their depth, each group before what it holds, where its boxes are first; None where one ends."""
        groups = self.groups()

        def within(group: Group | None, depth: int) -> Iterator[tuple[int, Box | Group | None]]:
            yield from ((depth, box) for box in self.boxes if box.group is group)
            for inner in groups:
                if inner.parent is group:
                    yield depth, inner
                    yield from within(inner, depth + 1)
                    yield depth, None

        return within(None, 1)

    def sources(self) -> dict[Box, list[Box]]:
        """The boxes that each box reads."""
        found: dict[Box, list[Box]] = {box: [] for box in self.boxes}
        for arrow in self.arrows:
            found[arrow.head].append(arrow.tail)
        return found

    @property
    def inner(self) -> int:
        """The number of boxes that are neither inputs nor outputs."""
        return sum(box.form not in ("input", "output") for box in self.boxes)


def alike(one: Type, other: Type) -> bool:
    """Whether two maps are of about one size; vectors are not."""
    sides = [*zip_longest(one.shape[:-1], other.shape[:-1], fillvalue=0)]
    return bool(sides) and all(_ALIKE * max(pair) <= min(pair) for pair in sides)


def carried_across(boxes: list[Box], arrows: list[Arrow]) -> bool:
    """Whether somewhere two values or more are carried past what goes on, one within the other, as in a U.

    What one box each represents in a coarser diagram is no place for that if it is none here.
    """
    order = {box: at for at, box in enumerate(boxes)}
    heads: dict[int, list[int]] = defaultdict(list)
    for arrow in arrows:
        heads[order[arrow.tail]].append(order[arrow.head])
    over: dict[int, list[int]] = {}
    for place in range(len(order)):
        over[place] = heads[place]
        over = {tail: after for tail, those in over.items() if (after := [head for head in those if head > place])}
        carried = [*over.values()][:-1]
        if len(carried) > 1 and all(max(inner) < min(outer) for outer, inner in pairwise(carried)):
            return True
    return False
