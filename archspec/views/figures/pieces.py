"""The pieces of a picture, one within another, measured from the inside out and placed about a common axis.

Each piece has an axis, which what enters and leaves it is on where it can be. Places within a piece are measured from its axis and
its top. A zone is room for wires between two rows, where they change sides. `joins` say which values pass between which
parts of a piece: -1 is what is above it, the number of its parts what is below.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archspec.views.figures.cards import SIGN_SIZE
from archspec.views.figures.channel import Track, height, tracks
from archspec.views.figures.diagram import Box, Group
from archspec.views.figures.plan import Rect, union
from archspec.views.figures.spacing import APART, BESIDE, CLOSE, LABELLED, LANE, PLAIN, PORT, Sizes


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
        self.left, self.right, self.height = inner.left + left, inner.right + right, top + inner.height + foot

    def enter(self, value: Box) -> float:
        return self.parts[0].enter(value)

    def leave(self, value: Box) -> float:
        return self.parts[0].leave(value)

    def tops(self, value: Box) -> list[Leaf]:
        return self.parts[0].tops(value)

    def rects(self) -> list[Rect]:
        return [(-self.left, 0.0, self.right, self.height)]


class Series(Piece):
    """Parts below each other, with arcs past them in `lanes` at the right, one for each value."""

    def __init__(self, parts: Iterable[Piece]) -> None:
        super().__init__(parts)
        self.lanes: dict[Box, float] = {}
        self.riders: list[tuple[Leaf, int]] = []
        self.extra: dict[int, float] = {}
        """Room above parts beyond what they need."""
        self.origin: dict[Box, Box] = {}
        """What riders read."""

    def ride(self, rider: Leaf, tail: int, head: int) -> None:
        """Take a box onto the arc between two parts."""
        rider.up, rider.at, rider.rider = self, head, True
        self.riders.append((rider, tail))

    def inner(self) -> Iterator[Piece]:
        yield from super().inner()
        yield from (rider for rider, _ in self.riders)

    def straight(self, tail: int, head: int) -> bool:
        """Whether nothing lies between two parts except what hangs beside."""
        between = self.parts[tail + 1 : head]
        return all(isinstance(part, Parallel) and part.through for part in between)

    def arc(self, tail: int, head: int, value: Box) -> bool:
        """Whether a value goes past what is between two parts."""
        return value in self.origin or not self.straight(tail, head)

    def arcs(self) -> dict[Box, tuple[int, int]]:
        """The parts that the arc of each value goes from, and at most to."""
        found: dict[Box, tuple[int, int]] = {}
        for tail, head, value in self.joins:
            if self.arc(tail, head, value):
                found[value] = tail, max(head, found.get(value, (0, 0))[1])
        return found

    def measure(self, sizes: Sizes) -> None:
        super().measure(sizes)
        for rider, _ in self.riders:
            rider.measure(sizes)
        for part in self.parts:
            part.x = 0.0
        self.lay_lanes()
        self.give_ports()
        y = 0.0
        for at in range(self.count + 1):
            y = max([y + self.gap(at, sizes), *(rider.y + rider.height + PLAIN for rider, _ in self.riders if rider.at == at)])
            y += self.extra.get(at, 0.0)
            if at < self.count:
                self.parts[at].y = y
                y += self.parts[at].height
            for rider in (rider for rider, tail in self.riders if tail == at):
                rider.x, rider.y = self.lanes[rider.box], y + LABELLED
        self.height = y
        self.left = max(part.left for part in self.parts)
        self.right = max(
            [*(part.right for part in self.parts), *(x + 3 for x in self.lanes.values()), *(r.x + r.right for r, _ in self.riders)]
        )

    def lay_lanes(self) -> None:
        """Arcs are the farther out the more they go past; those of one value share a lane."""
        riders = {rider.box: rider for rider, _ in self.riders}
        laid: list[tuple[int, int, float]] = []
        order = sorted(self.arcs().items(), key=lambda item: (item[1][1] - item[1][0], -item[1][0]))
        for value, (tail, head) in order:
            last = head if head < self.count and not isinstance(self.parts[head], Leaf) else head - 1
            half = riders[value].left if value in riders else 0.0
            x = max((part.right for part in self.parts[tail + 1 : last + 1]), default=0.0) + LANE
            x = max([x, *(other + APART for a, b, other in laid if a < last + 1 and tail < b)]) + half
            self.lanes[value] = x
            laid.append((tail, last + 1, x + half))

    def start(self, tail: int, value: Box) -> float:
        return super().start(tail, self.origin.get(value, value))

    def turns(self, tail: int, head: int, value: Box) -> Iterator[Turn]:
        arc = self.arc(tail, head, value)
        if arc:
            yield Turn(tail + 1, self.axis + self.lanes[value])
        elif tail >= 0 and tail + 1 < head < self.count:
            yield Turn(tail + 1, self.axis)
        if 0 < head < self.count:
            part = self.parts[head]
            aside = arc or (isinstance(part, Leaf) and beside(part, self.start(tail, value) - part.x))
            yield Turn(head, part.x + part.enter(value), aside)

    def ceiling(self, zone: int) -> float:
        return self.parts[zone - 1].y + self.parts[zone - 1].height if zone else self.y

    def gap(self, at: int, sizes: Sizes) -> float:
        """The room above a part."""
        room = height(tracks(self.tracks(at)))
        if at in (0, self.count):
            return room if at == 0 else 0.0
        part = self.parts[at]
        passing = {value for tail, head, value in self.joins if tail < at <= head and (tail == at - 1 or head == at)}
        close = sizes.labelled.keys().isdisjoint(passing) and isinstance(part, Parallel) and part.head
        return max(room, sizes.between(passing, CLOSE if close else PLAIN))

    def enter(self, value: Box) -> float:
        entered = self.entered(value)
        return self.parts[0].enter(value) if entered[0] == 0 else 0.0 if self.straight(-1, entered[0]) else self.lanes[value]

    def leave(self, value: Box) -> float:
        tail = self.left_at(value)
        return self.parts[tail].leave(value) if self.straight(tail, self.count) else self.lanes[value]

    def tops(self, value: Box) -> list[Leaf]:
        entered = self.entered(value)
        return self.parts[0].tops(value) if entered and entered[0] == 0 else []

    def rects(self) -> list[Rect]:
        found = super().rects()
        for value, (tail, head) in self.arcs().items():
            top = self.parts[tail].y + self.parts[tail].height if tail >= 0 else 0.0
            foot = self.parts[head].y + self.parts[head].height if head < self.count else self.height
            found.append((self.lanes[value] - 2, top, self.lanes[value] + 2, foot))
        for rider, _ in self.riders:
            found += moved(rider.rects(), rider.x, rider.y)
        return found

    def place(self, x: float, y: float) -> None:
        super().place(x, y)
        for rider, _ in self.riders:
            rider.place(x + rider.x, y + rider.y)


def beside(leaf: Leaf, x: float) -> bool:
    """Whether a value that comes down at a place gets into a box from the side: into a circle that it is not above."""
    return leaf.sign and abs(x) > leaf.left + 8


class Parallel(Piece):
    """Branches side by side. The axis is that of the `main` one, or in the middle. `head` is the room where values fork."""

    def __init__(self, parts: Iterable[Piece], main: int | None) -> None:
        super().__init__(parts)
        self.main = main
        self.head = 0.0

    @property
    def through(self) -> bool:
        """Whether a value goes straight on beside the branches."""
        return isinstance(self.parts[0], Through)

    def measure(self, sizes: Sizes) -> None:
        super().measure(sizes)
        tall = max(part.height for part in self.parts)
        entered = {head for tail, head, _ in self.joins if tail < 0}
        leaving = {tail: self.parts[tail].leave(value) for tail, head, value in self.joins if head == self.count}
        taken: list[Rect] = []
        for at, part in enumerate(self.parts):
            part.y = tall - part.height if at in leaving and at not in entered else 0.0
            own = moved(part.rects(), 0.0, part.y)
            if at in leaving or isinstance(part, Through):
                x = leaving.get(at, 0.0)
                own.append((x - 4, part.y, x + 4, tall + 1))
            part.x = max((a[2] - b[0] + BESIDE for a in taken for b in own if a[1] < b[3] + 10 and b[1] < a[3] + 10), default=0.0)
            taken += moved(own, part.x, 0.0)
        axis = self.parts[self.main].x if self.main is not None else (self.parts[0].x + self.parts[-1].x) / 2
        for part in self.parts:
            part.x -= axis
        x0, _, x1, _ = union(moved(taken, -axis, 0.0))
        self.left, self.right = max(-x0, 0.0), max(x1, 0.0)
        self.head = height(tracks(self.tracks(0)))
        for part in self.parts:
            part.y += self.head
        self.height = tall + self.head

    def turns(self, tail: int, head: int, value: Box) -> Iterator[Turn]:
        if tail < 0:
            yield Turn(0, self.parts[head].x + self.parts[head].enter(value))

    def enter(self, value: Box) -> float:
        entered = self.entered(value)
        forking = self.forking()
        if value in forking:
            return (forking.index(value) - (len(forking) - 1) / 2) * APART
        return self.parts[entered[0]].x - self.axis + self.parts[entered[0]].enter(value)

    def forking(self) -> list[Box]:
        """The values that enter on the axis: those of several branches, and one that is alone."""
        entering = Counter(value for tail, _, value in self.joins if tail < 0)
        return sorted((value for value, times in entering.items() if times > 1 or len(entering) == 1), key=lambda value: value.name)

    def leave(self, value: Box) -> float:
        part = self.parts[self.left_at(value)]
        return part.x - self.axis + part.leave(value)

    def tops(self, value: Box) -> list[Leaf]:
        return [leaf for at in self.entered(value) for leaf in self.parts[at].tops(value)]


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
