"""Names beside bubbles: each near its own, over no other name, and off other bubbles where there is room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import cos, fsum, hypot, inf, pi, sin
from typing import NamedTuple

from archspec.views.figures.plan import Rect
from archspec.views.graphics.text_width import width

SIZE, HEIGHT = 10.5, 13.0
_GAP = 4.0
_FAR = 11.0
"""A name farther from its bubble has a line to it."""
_CLEAR = 9.0
"""By how much other bubbles must be farther from a name than its own, or it has a line too."""
_DISTANCES = (_GAP, 9.0, 16.0, 26.0, 38.0, 54.0, 74.0, 100.0, 130.0)
_DIRECTIONS = tuple(at * pi / 8 for at in (0, 8, 4, 12, 1, 15, 7, 9, 2, 14, 6, 10, 3, 13, 5, 11))
"""Right, left, below, above, and between them."""
_ROUNDS = 4


class Spot(NamedTuple):
    """A circle that has a name."""

    x: float
    y: float
    radius: float
    name: str


Segment = tuple[tuple[float, float], tuple[float, float]]


class Tag(NamedTuple):
    """The place of a name and its fixed end; `line` leads to its bubble's centre where that is not obvious."""

    rect: Rect
    anchor: str
    line: Segment | None


def tags(spots: Sequence[Spot], frame: Rect) -> list[Tag | None]:
    """A place in the frame for each name, or None where there is no room."""
    found: list[Tag | None] = [None] * len(spots)
    crowd = [sum(hypot(a.x - b.x, a.y - b.y) < 90 for b in spots) for a in spots]
    order = sorted(range(len(spots)), key=lambda at: (-crowd[at], spots[at].radius, at))
    for _ in range(_ROUNDS):
        before = list(found)
        for at in order:
            found[at] = None
            found[at] = _best(spots, at, [tag for tag in found if tag is not None], frame)
        if found == before:
            break
    return found


def _best(spots: Sequence[Spot], at: int, others: list[Tag], frame: Rect) -> Tag | None:
    best, cost = None, inf
    rivals = [spot for other, spot in enumerate(spots) if other != at]
    for least, tag in _candidates(spots[at], rivals):
        if least >= cost:
            break
        whole = least + fsum(_covered(tag.rect, spot) for spot in rivals)
        if whole < cost and _free(tag, others, rivals, frame):
            best, cost = tag, whole
    return best


def _candidates(spot: Spot, rivals: list[Spot]) -> Iterator[tuple[float, Tag]]:
    """Places, and what each costs at least, in the order of that cost."""
    wide = width(spot.name, SIZE)
    below = 4 + HEIGHT / 2
    if hypot(wide / 2, below + HEIGHT / 2) <= spot.radius:
        rect = (spot.x - wide / 2, spot.y + below - HEIGHT / 2, spot.x + wide / 2, spot.y + below + HEIGHT / 2)
        yield 0.0, Tag(rect, "middle", None)
    for ring, distance in enumerate(_DISTANCES):
        for turn, angle in enumerate(_DIRECTIONS):
            reach = spot.radius + distance
            x, y = spot.x + reach * cos(angle), spot.y + reach * sin(angle)
            side = _side(cos(angle))
            left = x - wide / 2 + wide / 2 * side
            top = y - HEIGHT / 2 + HEIGHT / 2 * _side(sin(angle))
            rect = (left, top, left + wide, top + HEIGHT)
            plain = distance <= _FAR and all(_gap(rect, other) > distance + _CLEAR for other in rivals)
            line = None if plain else ((spot.x, spot.y), (x, y))
            anchor = "start" if side > 0.9 else "end" if side < -0.9 else "middle"
            yield 1.0 + ring * 2.0 + turn * 0.1 + (0 if plain else 1.5), Tag(rect, anchor, line)


def _side(component: float) -> float:
    """Return the side of its anchor on which a name lies: -1, 0 or 1, with what lies between for slanted directions."""
    return max(-1.0, min(1.0, component * 1.5))


def _gap(rect: Rect, spot: Spot) -> float:
    """Measure how far a name is from a bubble's edge; below 0 where it overlaps it."""
    x, y = min(max(spot.x, rect[0]), rect[2]), min(max(spot.y, rect[1]), rect[3])
    return hypot(spot.x - x, spot.y - y) - spot.radius


def _free(tag: Tag, others: list[Tag], rivals: list[Spot], frame: Rect) -> bool:
    """Whether a name lies in the frame, over no name or line or centre, and its line over no name."""
    (x0, y0, x1, y1), line = tag.rect, tag.line
    if x0 < frame[0] + 2 or y0 < frame[1] + 2 or x1 > frame[2] - 2 or y1 > frame[3] - 2:
        return False
    for x, y, _, _ in rivals:
        if x0 - 3 < x < x1 + 3 and y0 - 3 < y < y1 + 3:
            return False
        if line is not None and hypot(x - line[0][0], y - line[0][1]) >= 10 and _hits(line, (x - 4, y - 4, x + 4, y + 4)):
            return False
    for (a0, b0, a1, b1), _, other in others:
        if x0 < a1 + 4 and a0 < x1 + 4 and y0 < b1 and b0 < y1:
            return False
        if line is not None and (_hits(line, (a0, b0, a1, b1)) or (other is not None and _cross(line, other))):
            return False
        if other is not None and _hits(other, tag.rect):
            return False
    return True


def _covered(rect: Rect, spot: Spot) -> float:
    """Return the cost of overlapping other bubbles: how much of the name does."""
    if _gap(rect, spot) >= 0:
        return 0.0
    x0, y0, x1, y1 = rect
    wide = min(x1, spot.x + spot.radius) - max(x0, spot.x - spot.radius)
    high = min(y1, spot.y + spot.radius) - max(y0, spot.y - spot.radius)
    return 3.0 + 4.0 * wide * high / ((x1 - x0) * (y1 - y0))


def _hits(line: Segment, rect: Rect) -> bool:
    """Whether a line comes into a rectangle (Liang & Barsky 1984, A new concept and method for line clipping)."""
    (x, y), (a, b) = line
    first, last = 0.0, 1.0
    for step, room in ((x - a, x - rect[0]), (a - x, rect[2] - x), (y - b, y - rect[1]), (b - y, rect[3] - y)):
        if step == 0:
            if room < 0:
                return False
        elif step < 0:
            first = max(first, room / step)
        else:
            last = min(last, room / step)
    return first < last


def _cross(a: Segment, b: Segment) -> bool:
    def turn(p: tuple[float, float], q: tuple[float, float], r: tuple[float, float]) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return turn(*a, b[0]) * turn(*a, b[1]) < 0 and turn(*b, a[0]) * turn(*b, a[1]) < 0
