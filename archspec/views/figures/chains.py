"""Chains, with arcs past their parts, and branches side by side."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from archspec.views.figures.channel import FORK, height, tracks
from archspec.views.figures.diagram import Box
from archspec.views.figures.pieces import Leaf, Piece, Through, Turn, moved
from archspec.views.figures.plan import Rect, union
from archspec.views.figures.spacing import APART, BESIDE, CLOSE, LABELLED, LANE, PLAIN, Sizes


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
        self.crossing: list[Rect] = []
        """Where values change sides between parts."""

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
        self.crossing = []
        y = 0.0
        for at in range(self.count + 1):
            found = self.tracks(at)
            ends = [x for _, *places in found if abs(places[0] - places[1]) > 0.5 for x in places]
            room = height(tracks(found))
            if ends:
                self.crossing.append((min(ends), y, max(ends), y + room))
            y = max([y + self.gap(at, room, sizes), *(rider.y + rider.height + PLAIN for rider, _ in self.riders if rider.at == at)])
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
        """Arcs are the farther out the more they go past, and the farther out they begin; those of one value share a lane."""
        riders = {rider.box: rider for rider, _ in self.riders}
        laid: list[tuple[int, int, float]] = []
        arcs = self.arcs()
        starts = {value: self.start(tail, value) if tail >= 0 else 0.0 for value, (tail, _) in arcs.items()}
        taken: dict[int, list[float]] = defaultdict(list)
        for tail, head, value in self.joins:
            if tail >= 0 and not self.arc(tail, head, value) and self.aside(tail, head, value):
                taken[tail].append(self.start(tail, value))
        for value, (tail, head) in sorted(arcs.items(), key=lambda arc: (arc[1][1] - arc[1][0], -arc[1][0], starts[arc[0]])):
            last = head if head < self.count and not isinstance(self.parts[head], Leaf) else head - 1
            half = riders[value].left if value in riders else 0.0
            x = max((part.right for part in self.parts[tail + 1 : head + 1]), default=0.0) + LANE
            x = max([x, *(other + APART for a, b, other in laid if a < last + 1 and tail < b)]) + half
            while any(abs(x - other) < APART for other in taken[tail]):
                x += APART
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
            yield Turn(head, part.x + part.enter(value), arc or self.aside(tail, head, value))

    def aside(self, tail: int, head: int, value: Box) -> bool:
        """Whether a value that goes straight down to a part gets into it from the side: into a circle that it is not above."""
        part = self.parts[head] if head == tail + 1 < self.count else None
        return isinstance(part, Leaf) and part.sign and abs(self.start(tail, value) - part.x) > part.left + 8

    def ceiling(self, zone: int) -> float:
        return self.parts[zone - 1].y + self.parts[zone - 1].height if zone else self.y

    def gap(self, at: int, room: float, sizes: Sizes) -> float:
        """The room above a part, that which wires ask for at least."""
        if at in (0, self.count):
            return room if at == 0 else 0.0
        part = self.parts[at]
        passing = {value for tail, head, value in self.joins if tail < at <= head and (tail == at - 1 or head == at)}
        least = sizes.between(passing, PLAIN)
        return max(room - FORK, least - CLOSE) if isinstance(part, Parallel) and part.head else max(room, least)

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
        found = super().rects() + self.crossing
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
        leaving = [(tail, self.parts[tail].leave(value)) for tail, head, value in self.joins if head == self.count]
        taken: list[Rect] = []
        for at, part in enumerate(self.parts):
            feet = [x for tail, x in leaving if tail == at]
            part.y = tall - part.height if feet and at not in entered else 0.0
            own = moved(part.rects(), 0.0, part.y)
            own += [(x - 4, part.y, x + 4, tall + 1) for x in feet or [0.0] * isinstance(part, Through)]
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
        forking = self.forking()
        if value not in forking:
            return self.straight(value)
        first = -(len(forking) - 1) / 2 * APART
        places = {first + at * APART for at in range(len(forking))}
        taken = [self.straight(other) for tail, _, other in self.joins if tail < 0 and other not in forking]
        aside = 0.0
        while any(abs(place + aside - x) < APART / 2 for place in places for x in taken):
            aside = -aside if aside > 0 else APART - aside
        return first + forking.index(value) * APART + aside

    def straight(self, value: Box) -> float:
        """Where a value that enters one branch goes straight down to it."""
        at = self.entered(value)[0]
        return self.parts[at].x - self.axis + self.parts[at].enter(value)

    def forking(self) -> list[Box]:
        """The values that enter on the axis: those of several branches, and one that is alone."""
        entering = Counter(value for tail, _, value in self.joins if tail < 0)
        return sorted((value for value, times in entering.items() if times > 1 or len(entering) == 1), key=lambda value: value.name)

    def leave(self, value: Box) -> float:
        part = self.parts[self.left_at(value)]
        return part.x - self.axis + part.leave(value)

    def tops(self, value: Box) -> list[Leaf]:
        return [leaf for at in self.entered(value) for leaf in self.parts[at].tops(value)]
