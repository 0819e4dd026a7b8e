"""What is no nesting, in rows: parts below all that they read, and values that go past rows in lanes between.

Sugiyama, Tagawa, Toda 1981, Methods for visual understanding of hierarchical system structures; places within a row by the
regression of pool-adjacent-violators.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import fsum

from archspec.views.figures.channel import clash, height, tracks
from archspec.views.figures.diagram import Box
from archspec.views.figures.pieces import Piece, Through, Turn
from archspec.views.figures.plan import Rect
from archspec.views.figures.spacing import APART, BESIDE, PLAIN, Sizes

_SWEEPS = 8
_NUDGES = 6
"""Places that are tried for a row, until no two values share a line above it."""


class Layered(Piece):
    """Parts in `rows`. Lanes above the first and below the last row are where values come in and go out."""

    def __init__(self, parts: Iterable[Piece], links: set[tuple[int, int]]) -> None:
        super().__init__(parts)
        self.row = [0] * self.count
        for tail, head in sorted(links, key=lambda link: link[1]):
            self.row[head] = max(self.row[head], self.row[tail] + 1)
        heads = defaultdict(list)
        for tail, head in links:
            heads[tail].append(self.row[head])
        read = {head for _, head in links}
        for at in range(self.count):
            if at not in read and heads[at]:  # what reads nothing here is right above what reads it
                self.row[at] = min(heads[at]) - 1
        self.last = max(self.row) + 1
        self.rows: list[list[Piece]] = []
        self.lanes: dict[tuple[Box, int], Through] = {}

    def ends(self, tail: int, head: int) -> tuple[int, int]:
        """The rows of both ends of a join."""
        return self.row[tail] if tail >= 0 else -1, self.row[head] if head < self.count else self.last

    def source(self, value: Box, tail: int, row: int) -> Piece:
        """What a value comes from into the row below."""
        return self.parts[tail] if tail >= 0 and self.row[tail] == row else self.lanes[value, row]

    def measure(self, sizes: Sizes) -> None:
        super().measure(sizes)
        self.lanes = {}
        self.rows = [[part for at, part in enumerate(self.parts) if self.row[at] == row] for row in range(-1, self.last + 1)]
        for tail, head, value in sorted(self.joins, key=lambda join: join[:2]):
            first, last = self.ends(tail, head)
            for row in range(first if tail < 0 else first + 1, last + (head == self.count)):
                if (value, row) not in self.lanes:
                    self.lanes[value, row] = lane = Through()
                    self.rows[row + 1].append(lane)
        self.order()
        self.spread()
        self.give_ports()
        self.part_lines()
        y = 0.0
        for row, parts in enumerate(self.rows, -1):
            if row >= 0:
                y += self.gap(row, sizes)
            tall = max((part.height for part in parts), default=0.0)
            for part in parts:
                part.y = y + (tall - part.height) / 2
            y += tall
        self.height = y
        self.left = max(part.left - part.x for part in self.parts)
        self.right = max(part.right + part.x for part in self.parts)
        for lane in self.lanes.values():
            self.left, self.right = max(self.left, 4 - lane.x), max(self.right, lane.x + 4)

    def near(self) -> tuple[dict[Piece, list[Piece]], dict[Piece, list[Piece]]]:
        """What each part is joined with in the row above, and in the row below."""
        above: dict[Piece, list[Piece]] = defaultdict(list)
        below: dict[Piece, list[Piece]] = defaultdict(list)
        pairs = {(a, b): None for row in range(self.last + 1) for a, b, _ in self.links(row)}
        for a, b in pairs:
            above[b].append(a)
            below[a].append(b)
        return above, below

    def links(self, row: int) -> list[tuple[Piece, Piece, Box]]:
        """What is joined with what across the zone above a row."""
        found: dict[tuple[Piece, Piece, Box], None] = {}
        for tail, head, value in sorted(self.joins, key=lambda join: join[:2]):
            first, last = self.ends(tail, head)
            if first < row <= last:
                lower = self.parts[head] if last == row and head < self.count else self.lanes[value, row]
                found[self.source(value, tail, row - 1), lower, value] = None
        return [*found]

    def order(self) -> None:
        """Order each row by where its neighbours are."""
        above, below = self.near()
        for sweep in range(_SWEEPS):
            near, rows = (above, self.rows) if sweep % 2 == 0 else (below, self.rows[::-1])
            at = {part: n / len(row) for row in self.rows for n, part in enumerate(row)}
            for row in rows:
                wanted = {part: fsum(at[other] for other in near[part]) / len(near[part]) if near[part] else at[part] for part in row}
                row.sort(key=lambda part: wanted[part])
                at |= {part: n / len(row) for n, part in enumerate(row)}

    def spread(self) -> None:
        """Place the parts of each row as near as can be to their neighbours."""
        above, below = self.near()
        for row in self.rows:
            x = 0.0
            for part in row:
                part.x = x + part.left
                x += part.left + part.right + BESIDE
            for part in row:
                part.x -= x / 2
        for sweep in range(_SWEEPS):
            near, rows = (above, self.rows) if sweep % 2 == 0 else (below, self.rows[::-1])
            for row in rows:
                wanted = [fsum(other.x for other in near[part]) / len(near[part]) if near[part] else part.x for part in row]
                for part, x in zip(row, _apart(row, wanted), strict=True):
                    part.x = x
        ends = [part.x for part in self.parts]
        middle = (min(ends) + max(ends)) / 2
        for row in self.rows:
            for part in row:
                part.x -= middle

    def part_lines(self) -> None:
        """Move a row a little to the side while two values would share a line above it."""
        for row, parts in enumerate(self.rows[1:]):
            for step in range(1, _NUDGES + 1):
                if not clash(self.tracks(row)):
                    break
                for part in parts:
                    part.x += APART / 2 * (step if step % 2 else -step)  # from the left to the right of where it was, and farther out

    def turns(self, tail: int, head: int, value: Box) -> Iterator[Turn]:
        first, last = self.ends(tail, head)
        for row in range(first + 1, last + 1):
            lower = self.parts[head] if row == last and head < self.count else self.lanes[value, row]
            yield Turn(row, lower.x + lower.enter(value))

    def ceiling(self, zone: int) -> float:
        return max((part.y + part.height for part in self.rows[zone]), default=self.y)

    def gap(self, row: int, sizes: Sizes) -> float:
        """The room above a row."""
        links = self.links(row)
        room = height(tracks(self.tracks(row)))
        if row in (0, self.last):
            return room
        return max(room, sizes.between((value for _, _, value in links), PLAIN))

    def enter(self, value: Box) -> float:
        return self.lanes[value, -1].x - self.axis

    def leave(self, value: Box) -> float:
        return self.lanes[value, self.last].x - self.axis

    def rects(self) -> list[Rect]:
        return [(-self.left, 0.0, self.right, self.height)]

    def place(self, x: float, y: float) -> None:
        super().place(x, y)
        for lane in self.lanes.values():
            lane.place(x + lane.x, y + lane.y)


def _apart(row: list[Piece], wanted: list[float]) -> list[float]:
    """Places as near as can be to the wanted ones, in their order, and with room between."""
    offsets: list[float] = []
    for before, part in zip([None, *row], row, strict=False):
        gap = 12.0 if isinstance(part, Through) or isinstance(before, Through) else BESIDE
        offsets.append(offsets[-1] + before.right + gap + part.left if before is not None else 0.0)
    pools: list[tuple[float, int]] = []
    for x, offset in zip(wanted, offsets, strict=True):
        mean, size = x - offset, 1
        while pools and pools[-1][0] >= mean:
            other, more = pools.pop()
            mean, size = (mean * size + other * more) / (size + more), size + more
        pools.append((mean, size))
    spots = [mean for mean, size in pools for _ in range(size)]
    return [spot + offset for spot, offset in zip(spots, offsets, strict=True)]
