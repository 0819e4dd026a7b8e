"""The pieces of a picture, one within another, measured from the inside out and placed about a common axis.

Each piece has an axis, which what enters and leaves it is on where it can be. Places within a piece are measured from its axis and
its top. A zone is room for wires between two rows, where they change sides. `joins` say which values pass between which
parts of a piece: -1 is what is above it, the number of its parts what is below.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archspec.views.figures.cards import SIGN_SIZE
from archspec.views.figures.channel import Track
from archspec.views.figures.diagram import Box, Group
from archspec.views.figures.plan import Rect
from archspec.views.figures.spacing import PORT, Sizes


class Turn(NamedTuple):
    """A change of sides: above which part, and to which place; or else, where nothing is in between, `aside` into the box that is aimed at."""

    zone: int
    x: float
    aside: bool = False


class Piece:
    """A part of a picture. `x` and `y` say where its axis and its top are: in the piece around it while that is measured, on the page at last."""

    def __init__(self, parts: Iterable[Piece] = ()) -> None:
        self.parts = [*parts]
        self.up: Piece | None = None
        self.at = 0
        self.x = self.y = self.left = self.right = self.height = 0.0
        self.axis = 0.0
        """Where its axis is in what its parts are placed by: 0 while it is measured, `x` on the page."""
        self.joins: dict[tuple[int, int, Box], None] = {}
        for at, part in enumerate(self.parts):
            part.up, part.at = self, at

    @property
    def count(self) -> int:
        """The number of its parts."""
        return len(self.parts)

    def inner(self) -> Iterator[Piece]:
        """Itself and the pieces in it, outer ones first."""
        yield self
        for part in self.parts:
            yield from part.inner()

    def path(self) -> Iterator[tuple[Piece, int]]:
        """The pieces around it, inner ones first, and which part of each it is in."""
        piece = self
        while piece.up is not None:
            yield piece.up, piece.at
            piece = piece.up

    def join(self, tail: int, head: int, value: Box) -> None:
        """Enter that a value passes from one part to another."""
        if tail != head:
            self.joins[tail, head, value] = None

    def entered(self, value: Box) -> list[int]:
        """The parts that a value enters from above."""
        return sorted(head for tail, head, by in self.joins if tail < 0 and by is value)

    def left_at(self, value: Box) -> int:
        """The part that a value which goes on below comes from."""
        return next(tail for tail, head, by in self.joins if head == self.count and by is value)

    def measure(self, sizes: Sizes) -> None:
        """Place the parts and find the extent."""
        self.axis = 0.0
        for part in self.parts:
            part.measure(sizes)

    def enter(self, value: Box) -> float:
        """Where a value comes in at the top."""
        return 0.0

    def leave(self, value: Box) -> float:
        """Where a value goes out at the foot."""
        return 0.0

    def start(self, tail: int, value: Box) -> float:
        """Where a value from a part, or from above, comes down."""
        return self.parts[tail].x + self.parts[tail].leave(value) if tail >= 0 else self.axis + self.enter(value)

    def turns(self, tail: int, head: int, value: Box) -> Iterable[Turn]:
        """How a value that passes from one part to another changes sides."""
        return ()

    def ceiling(self, zone: int) -> float:
        """Where the room for wires above a part begins."""
        return self.y

    def tracks(self, zone: int) -> list[Track]:
        """How values change sides above a part."""
        found: list[Track] = []
        for tail, head, value in self.joins:
            x = self.start(tail, value)
            for turn in self.turns(tail, head, value):
                if turn.zone == zone and not (turn.aside and isinstance(self.parts[head], Leaf)):
                    found.append((value, x, turn.x))
                x = turn.x
        return found

    def give_ports(self) -> None:
        """Let values that get into one box from above into different places."""
        met: dict[Leaf, list[tuple[float, Box]]] = defaultdict(list)
        for tail, head, value in self.joins:
            turns = [*self.turns(tail, head, value)]
            if head < self.count and turns and not (turns[-1].aside and isinstance(self.parts[head], Leaf)):
                x = turns[-2].x if len(turns) > 1 else self.start(tail, value)
                for leaf in self.parts[head].tops(value):
                    met[leaf].append((x - self.parts[head].x, value))
        for leaf, tails in met.items():
            if len(tails) > 1:
                leaf.give_places(tails)

    def tops(self, value: Box) -> list[Leaf]:
        """The boxes that a value gets into straight from the top."""
        return []

    def rects(self) -> list[Rect]:
        """What takes room."""
        return [rect for part in self.parts for rect in moved(part.rects(), part.x, part.y)]

    def place(self, x: float, y: float) -> None:
        """Go to a place on the page with all parts."""
        self.x, self.y, self.axis = x, y, x
        for part in self.parts:
            part.place(x + part.x, y + part.y)


def moved(rects: Iterable[Rect], x: float, y: float) -> list[Rect]:
    """Rectangles moved to the right and down."""
    return [(x0 + x, y0 + y, x1 + x, y1 + y) for x0, y0, x1, y1 in rects]


class Leaf(Piece):
    """A box. `ports` are the places at its top that values come in at. A `rider` is on an arc."""

    def __init__(self, box: Box) -> None:
        super().__init__()
        self.box = box
        self.rider = False
        self.ports: dict[Box, float] = {}

    def measure(self, sizes: Sizes) -> None:
        wide, self.height = sizes.outer[self.box]
        self.left = self.right = wide / 2

    def enter(self, value: Box) -> float:
        return self.ports.get(value, 0.0)

    def tops(self, value: Box) -> list[Leaf]:
        return [self]

    def rects(self) -> list[Rect]:
        return [(-self.left, 0.0, self.right, self.height)]

    @property
    def sign(self) -> bool:
        """Whether it is drawn as a circle."""
        return 2 * self.left == SIGN_SIZE

    def give_places(self, tails: list[tuple[float, Box]]) -> None:
        """Let values that come from some places in at the top beside each other; the one from right above stays on the axis."""
        order = sorted({value: x for x, value in tails}.items(), key=lambda item: item[1])
        room = self.left - min(12.0, self.left / 2)
        straight = [at for at, (_, x) in enumerate(order) if abs(x) < 1]
        middle = straight[0] if straight else (len(order) - 1) / 2
        step = min(PORT, room / max(middle, len(order) - 1 - middle, 1))
        self.ports |= {value: (at - middle) * step for at, (value, _) in enumerate(order)}


class Through(Piece):
    """The straight way of a value past what hangs beside it, or past the parts of a row."""


class Framed(Piece):
    """A group's frame around a piece."""

    def __init__(self, group: Group, inner: Piece) -> None:
        super().__init__([inner])
        self.group = group

    def measure(self, sizes: Sizes) -> None:
        super().measure(sizes)
        inner = self.parts[0]
        left, top, right, foot = sizes.frame
        inner.x, inner.y = 0.0, top
        self.left = max(inner.left + left, sizes.titles.get(self.group, 0.0))
        self.right, self.height = inner.right + right, top + inner.height + foot

    def enter(self, value: Box) -> float:
        return self.parts[0].enter(value)

    def leave(self, value: Box) -> float:
        return self.parts[0].leave(value)

    def tops(self, value: Box) -> list[Leaf]:
        return self.parts[0].tops(value)

    def rects(self) -> list[Rect]:
        return [(-self.left, 0.0, self.right, self.height)]


def steps(tail: Leaf, head: Leaf) -> Iterator[tuple[Piece, int, int]]:
    """The pieces that an arrow passes, with the parts that it goes from and to in each: out of those around its tail, and into those around its head."""
    into = [*head.path()]
    around = dict(into)
    for piece, at in tail.path():
        yield piece, at, around.get(piece, piece.count)
        if piece in around:
            inner = into[: [other for other, _ in into].index(piece)]
            yield from ((other, -1, at) for other, at in reversed(inner))
            return


def passed(piece: Piece, tail: Leaf, head: Leaf) -> Box:
    """The box by which a piece knows what passes: on an arc with a rider that is the rider."""
    return head.box if head.rider and head.up is piece else tail.box
