"""Where the boxes and arrows of a picture are, measured on the SVG."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import combinations, pairwise

from tests.helpers.svg import SVG, Drawn, overlap

CELL = 128


def boxes(drawn: Drawn):
    """The name and the rectangle of each box."""
    for node in drawn.find("node"):
        rects = [e for e in node.iter(f"{SVG}rect") if e.get("stroke")]
        if rects:
            x, y, w, h = (float(rects[-1].get(name)) for name in ("x", "y", "width", "height"))
            yield node.get("data-name"), (x, y, x + w, y + h)
        else:
            circle = next(node.iter(f"{SVG}circle"))
            x, y, r = (float(circle.get(name)) for name in ("cx", "cy", "r"))
            yield node.get("data-name"), (x - r, y - r, x + r, y + r)


def lines(drawn: Drawn):
    """The ends of each arrow and the corners of its line."""
    for edge in drawn.find("edge"):
        d = edge.find(f"{SVG}path").get("d")
        corners = [tuple(map(float, pair.split(","))) for pair in re.findall(r"-?[\d.]+,-?[\d.]+", d)]
        yield edge.get("data-from"), edge.get("data-to"), corners


def boxes_on_boxes(drawn: Drawn) -> list[tuple[str, str]]:
    order = sorted(boxes(drawn), key=lambda box: box[1][1])
    return [(a, b) for (a, at), (b, by) in combinations(order, 2) if by[1] < at[3] and overlap(at, by)]


def arrows_through_boxes(drawn: Drawn) -> list[tuple[str, str, str]]:
    near = defaultdict(list)
    for name, rect in boxes(drawn):
        for cell in _cells(rect):
            near[cell].append((name, rect))
    found = set()
    for tail, head, corners in lines(drawn):
        for (x0, y0), (x1, y1) in pairwise(corners):
            line = (min(x0, x1) - 0.3, min(y0, y1) - 0.3, max(x0, x1) + 0.3, max(y0, y1) + 0.3)
            for name, rect in (each for cell in _cells(line) for each in near[cell]):
                if name not in (tail, head) and overlap(line, (rect[0] + 2, rect[1] + 2, rect[2] - 2, rect[3] - 2)):
                    found.add((tail, head, name))
    return sorted(found)


def shared_lines(drawn: Drawn) -> list[tuple[str, str]]:
    """Pairs of values that go along one line."""
    along = defaultdict(list)
    for tail, _, corners in lines(drawn):
        for a, b in pairwise(corners):
            for axis in (0, 1):
                if abs(a[axis] - b[axis]) < 0.6 and abs(a[1 - axis] - b[1 - axis]) > 3:
                    ends = sorted((a[1 - axis], b[1 - axis]))
                    along[axis, round(a[axis])].append((*ends, tail, a[axis]))
    found = set()
    for (axis, at), those in along.items():
        for a, b in combinations(those + along.get((axis, at + 1), []), 2):
            if a[2] != b[2] and abs(a[3] - b[3]) < 1.5 and min(a[1], b[1]) - max(a[0], b[0]) > 3:
                found.add((a[2], b[2]))
    return sorted(found)


def _cells(rect):
    x0, y0, x1, y1 = (int(v // CELL) for v in rect)
    return [(x, y) for x in range(x0, x1 + 1) for y in range(y0, y1 + 1)]
