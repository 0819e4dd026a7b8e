"""Tracks for wires that change sides between two rows, so that no two values share a line, and few cross."""

from __future__ import annotations

from collections.abc import Iterable

from archspec.views.figures.diagram import Box

Track = tuple[Box, float, float]
"""A value, where it comes down, and where it goes on."""
_START, STEP, _TIP = 5.0, 6.0, 11.0
"""From the row above to the first track, from one to the next, and from the last to the row below, with room for an arrowhead."""
FORK = _TIP - STEP
"""What the room takes less above one that follows at once, where no arrowhead is."""
_MANY = 60


class _Bus:
    """All that one value does in a zone."""

    def __init__(self) -> None:
        self.tops: set[float] = set()
        self.feet: set[float] = set()

    @property
    def span(self) -> tuple[float, float]:
        ends = self.tops | self.feet
        return min(ends), max(ends)

    def meets(self, other: _Bus) -> int:
        """Count the lines of both that are on each other if it is above another."""
        return sum(abs(foot - top) < 3 for foot in self.feet for top in other.tops)

    def above(self, other: _Bus) -> float:
        """What it costs to be above another: lines that cross, and lines on each other, which cost most."""
        (lo, hi), (other_lo, other_hi) = self.span, other.span
        cost = 100.0 * self.meets(other) + sum(lo < top < hi for top in other.tops)
        return cost + sum(other_lo < foot < other_hi for foot in self.feet)


def tracks(found: Iterable[Track]) -> dict[Box, int]:
    """The track of each value that changes sides, the upper ones first."""
    made: dict[Box, int] = {}
    order = _order([*_moving(found).items()])
    for at, (value, bus) in enumerate(order):
        lo, hi = bus.span
        before = [made[other] for other, by in order[:at] if by.span[0] < hi + 6 and lo < by.span[1] + 6]
        made[value] = max(before, default=-1) + 1
    return made


def _moving(found: Iterable[Track]) -> dict[Box, _Bus]:
    """What each value does that changes sides."""
    buses: dict[Box, _Bus] = {}
    for value, top, foot in sorted(found, key=lambda track: track[1:]):
        bus = buses.setdefault(value, _Bus())
        bus.tops.add(top)
        bus.feet.add(foot)
    return {value: bus for value, bus in buses.items() if bus.span[1] - bus.span[0] > 0.5}


def _order(buses: list[tuple[Box, _Bus]]) -> list[tuple[Box, _Bus]]:
    """An order from above, each put where it costs least."""
    if len(buses) > _MANY:
        return buses
    order: list[tuple[Box, _Bus]] = []
    for value, bus in buses:
        cost = sum(bus.above(other) for _, other in order)
        costs = [cost]
        for _, other in order:
            cost += other.above(bus) - bus.above(other)
            costs.append(cost)
        order.insert(costs.index(min(costs)), (value, bus))
    return order


def height(made: dict[Box, int]) -> float:
    """The room that tracks take."""
    return _START + STEP * max(made.values()) + _TIP if made else 0.0


def level(track: int) -> float:
    """How far below the row above a track is."""
    return _START + STEP * track
