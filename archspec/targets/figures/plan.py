"""Graphviz's layout as a plan of the picture: places of boxes, paths of arrows, frames, and where words stand free."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from archspec.targets.figures.cards import Cards
from archspec.targets.figures.diagram import Arrow, Box, Diagram, Group
from archspec.targets.figures.layout import Layout, Point
from archspec.targets.figures.text import fitting, shown, width

Rect = tuple[float, float, float, float]
"""Left, top, right, bottom."""
TITLE, BAND = 11.0, 20.0
LABEL = 10.0


class Wire(NamedTuple):
    """The path of an arrow, its tip last: a Bezier curve's control points, or corners where it is `straight`."""

    arrow: Arrow
    points: list[Point]
    straight: bool = False

    def samples(self) -> list[Point]:
        """Points along the path, close to each other."""
        found: list[Point] = []
        if self.straight:
            for a, b in zip(self.points, self.points[1:], strict=False):
                steps = int(max(abs(b[0] - a[0]), abs(b[1] - a[1])) / 3) + 1
                found += [(a[0] + (b[0] - a[0]) * t / steps, a[1] + (b[1] - a[1]) * t / steps) for t in range(steps)]
            return [*found, self.points[-1]]
        for at in range(0, len(self.points) - 3, 3):
            found += _curve(self.points[at : at + 4])
        return [*found, self.points[-1]]


def _curve(points: list[Point]) -> list[Point]:
    a, _b, _c, d = points
    steps = int(max(abs(d[0] - a[0]), abs(d[1] - a[1])) / 3) + 1
    found = []
    for step in range(steps + 1):
        t = step / steps
        s = 1 - t
        weights = (s**3, 3 * s * s * t, 3 * s * t * t, t**3)
        found.append(
            (sum(w * p[0] for w, p in zip(weights, points, strict=True)), sum(w * p[1] for w, p in zip(weights, points, strict=True)))
        )
    return found


class Frame(NamedTuple):
    """A group's frame, or a piece of it in a further column. The title stands at its head, or at its `foot`."""

    group: Group
    box: Rect
    first: bool = True
    foot: bool = False


class Words(NamedTuple):
    """A text and the left end of its baseline."""

    text: str
    spot: Point


class Plan(NamedTuple):
    size: Point
    places: dict[Box, Point]
    wires: list[Wire]
    frames: list[Frame]


def plan(diagram: Diagram, cards: Cards, found: Layout) -> Plan:
    places = {box: found.nodes[f"n{at}"] for at, box in enumerate(diagram.boxes)}
    wires = [Wire(arrow, found.edges[f"e{at}"]) for at, arrow in enumerate(diagram.arrows)]
    frames = [Frame(group, found.clusters[f"cluster_{at}"]) for at, group in enumerate(diagram.groups())]
    return _straightened(Plan(found.size, places, wires, frames), cards)


_SLANTS = (48.0, 38.0, 30.0, 22.0, 14.0)
_MARGIN = 10.0


def _straightened(plan: Plan, cards: Cards) -> Plan:
    """The plan with runs of boxes that lie nearly below each other exactly so: Graphviz is often off by a few points."""
    for slant in _SLANTS:
        run = _runs(plan, slant)
        moved = {box: sorted(plan.places[b][0] for b in run[box])[len(run[box]) // 2] - x for box, (x, _) in plan.places.items()}
        places = {box: (x + moved[box], y) for box, (x, y) in plan.places.items()}
        wires = [_moved(wire, moved, run) for wire in plan.wires]
        if not _collide(places, cards) and not _through(wires, places, cards):
            return plan._replace(places=places, wires=wires, frames=[_around(frame, places, cards) for frame in plan.frames])
    return plan


def _runs(plan: Plan, slant: float) -> dict[Box, list[Box]]:
    """For each box those that it shares an upright with: main arrows join them, and they are at most `slant` apart."""
    run: dict[Box, list[Box]] = {box: [box] for box in plan.places}
    for wire in plan.wires:
        tail, head = wire.arrow.tail, wire.arrow.head
        if wire.arrow.main and run[tail] is not run[head]:
            joined = run[tail] + run[head]
            xs = [plan.places[box][0] for box in joined]
            if max(xs) - min(xs) <= slant:
                run.update(dict.fromkeys(joined, joined))
    return run


def _collide(places: dict[Box, Point], cards: Cards) -> bool:
    """Whether two boxes touch."""
    order = sorted(places.items(), key=lambda item: item[1][1])
    for at, (a, (ax, ay)) in enumerate(order):
        for b, (bx, by) in order[at + 1 :]:
            if by - ay > 120:
                break
            (aw, ah), (bw, bh) = cards[a].outer, cards[b].outer
            if by - ay < (ah + bh) / 2 and abs(bx - ax) < (aw + bw) / 2 + 14:
                return True
    return False


def _through(wires: list[Wire], places: dict[Box, Point], cards: Cards) -> bool:
    """Whether an arrow past boxes goes through one of them."""
    skips = [wire for wire in wires if wire.arrow.skip]
    near = Near(skips)
    for box, (x, y) in places.items():
        w, h = cards[box].outer
        for _, at in near.struck((x - w / 2 - 2, y - h / 2 - 2, x + w / 2 + 2, y + h / 2 + 2)):
            if box is not skips[at].arrow.tail and box is not skips[at].arrow.head:
                return True
    return False


def _moved(wire: Wire, moved: dict[Box, float], run: dict[Box, list[Box]]) -> Wire:
    """A wire whose ends move; within a run it becomes upright."""
    tail, head = wire.arrow.tail, wire.arrow.head
    last = len(wire.points) - 1
    points = [(x + moved[tail] * (1 - at / last) + moved[head] * at / last, y) for at, (x, y) in enumerate(wire.points)]
    if wire.arrow.main and run[tail] is run[head]:
        x = points[0][0]
        points = [(x, y) for _, y in points]
    return wire._replace(points=points)


def _around(frame: Frame, places: dict[Box, Point], cards: Cards) -> Frame:
    """A frame widened to hold its boxes where they are now."""
    x0, y0, x1, y1 = frame.box
    for box, (x, _) in places.items():
        group, margin = box.group, _MARGIN
        while group is not None and group is not frame.group:
            group, margin = group.parent, margin + _MARGIN
        if group is frame.group:
            half = cards[box].outer[0] / 2
            x0, x1 = min(x0, x - half - margin), max(x1, x + half + margin)
    return frame._replace(box=(x0, y0, x1, y1))


class Near:
    """Points and rectangles by the square of a grid that they lie in: a picture of a thousand boxes is searched square by square."""

    CELL = 64.0

    def __init__(self, wires: list[Wire]) -> None:
        self.points: dict[tuple[int, int], list[tuple[float, float, int]]] = {}
        self.rects: dict[tuple[int, int], list[Rect]] = {}
        self.samples = [wire.samples() for wire in wires]
        for at, points in enumerate(self.samples):
            for x, y in points:
                self.points.setdefault((int(x // self.CELL), int(y // self.CELL)), []).append((x, y, at))

    def add(self, rect: Rect) -> None:
        for cell in self.cells(rect):
            self.rects.setdefault(cell, []).append(rect)

    def cells(self, rect: Rect) -> Iterator[tuple[int, int]]:
        x0, y0, x1, y1 = (int(v // self.CELL) for v in rect)
        return ((x, y) for x in range(x0, x1 + 1) for y in range(y0, y1 + 1))

    def struck(self, rect: Rect) -> list[tuple[float, int]]:
        """The points of wires in a rectangle: how far right they are, and which wire it is."""
        x0, y0, x1, y1 = rect
        cells = (self.points.get(cell, ()) for cell in self.cells(rect))
        return [(x, at) for points in cells for x, y, at in points if x0 < x < x1 and y0 < y < y1]

    def covered(self, rect: Rect) -> int:
        """How many rectangles a rectangle covers in part."""
        x0, y0, x1, y1 = rect
        found = {other for cell in self.cells(rect) for other in self.rects.get(cell, ())}
        return sum(x0 < b[2] and b[0] < x1 and y0 < b[3] and b[1] < y1 for b in found)


def titles(plan: Plan, near: Near) -> list[Words]:
    """The frames' titles: at the top left, or in the widest room at the top that no arrow crosses."""
    found = []
    for group, (x0, y0, x1, y1), first, foot in plan.frames:
        top = y1 - BAND if foot else y0
        struck = sorted(x for x, _ in near.struck((x0, top, x1, top + BAND)))
        ends = [x0, *struck, x1]
        rooms = [(a + 8, b - a - 14) for a, b in itertools.pairwise(ends)]
        more = "" if first else " …"
        name = shown(group.title)
        texts = [f"{name} (training){more}", name + more] if group.training else [name + more]
        spot, title = _room(texts, rooms)
        found.append(Words(title, (spot, top + (13 if foot else 15))))
    return found


def _room(texts: list[str], rooms: list[tuple[float, float]]) -> tuple[float, str]:
    """The first text that has room, and where; otherwise the last in the widest room, shortened."""
    for text in texts:
        need = width(text, TITLE, bold=True)
        for left, room in rooms:
            if room >= need:
                return left, text
    left, room = max(rooms, key=lambda r: r[1])
    text = fitting(texts[-1], room, TITLE, bold=True)
    return left, "" if text == "…" else text


def _beside(x: float, wide: float) -> list[Point]:
    """Left ends of a label about a point, and how far it stands above it: at the right, the left, over it, and farther off."""
    return [
        (x + 5, 0.0),
        (x - 5 - wide, 0.0),
        (x - wide / 2, 10.0),
        (x + 14, 0.0),
        (x - 14 - wide, 0.0),
        (x + 26, 0.0),
        (x - 26 - wide, 0.0),
    ]


class Labels:
    """Finds for each shape a place beside its arrow where it covers nothing."""

    def __init__(self, plan: Plan, cards: Cards, heads: list[Words], near: Near) -> None:
        self.plan = plan
        self.near = near
        self.edges = Near([])
        for box, (x, y) in plan.places.items():
            w, h = cards[box].outer
            near.add((x - w / 2, y - h / 2, x + w / 2, y + h / 2))
        for text, (x, y) in heads:
            near.add((x, y - 10, x + width(text, TITLE, bold=True), y + 3))
        for _, (x0, y0, x1, y1), *_ in plan.frames:
            for side in ((x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)):
                self.edges.add(side)

    def find(self) -> list[Words | None]:
        return [self.label(wire, at) if wire.arrow.label else None for at, wire in enumerate(self.plan.wires)]

    def label(self, wire: Wire, at: int) -> Words:
        text = wire.arrow.label
        wide = width(text, LABEL)
        best: tuple[float, Rect] | None = None
        for order, (x, y) in enumerate(self.spots(wire, at)):
            for side, (left, up) in enumerate(_beside(x, wide)):
                rect = (left, y - up - 6, left + wide, y - up + 6)
                cost = self.cost(rect) + order * 0.2 + side * 0.1
                if best is None or cost < best[0]:
                    best = (cost, rect)
        assert best is not None
        self.near.add(best[1])
        return Words(text, (best[1][0], best[1][3] - 2.5))

    def spots(self, wire: Wire, at: int) -> list[Point]:
        """Places on an arrow: a little after its tail, in its middle, a little before its head, and in between."""
        points = self.near.samples[at]
        if wire.straight:  # beside its upright ends, above the line at the foot
            (x0, y0), (_, foot), *_, (x1, y1) = wire.points
            return [(x0, foot - 8.5), (x0, y0 + 9), (x1, y1 - 14 if y1 > y0 else y1 + 14)]
        start, end = points[0][1], points[-1][1]
        after = next((p for p in points if abs(p[1] - start) >= 9), points[len(points) // 2])
        before = next((p for p in reversed(points) if abs(p[1] - end) >= 14), points[len(points) // 2])
        close = next((p for p in reversed(points) if abs(p[1] - end) >= 8), points[len(points) // 2])
        return [after, *(points[len(points) * part // 8] for part in (4, 3, 5, 2, 6)), before, close]

    def cost(self, rect: Rect) -> float:
        """What a place covers: boxes and words weigh most, then arrows, then frames."""
        x0, y0, x1, y1 = rect
        wires = {at for _, at in self.near.struck((x0 - 2, y0 - 1, x1 + 2, y1 + 1))}
        return 100.0 * self.near.covered(rect) + 10.0 * len(wires) + 3.0 * self.edges.covered(rect)
