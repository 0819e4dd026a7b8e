"""What must hold for every SVG that is drawn, measured without the code that drew it."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"
TAGS = {"svg", "g", "rect", "circle", "path", "polygon", "text", "tspan", "title", "desc"}
# Helvetica, Adobe's font metrics, space to tilde, in thousandths of the size.
WIDTHS = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, *[556] * 10, 278, 278, 584, 584, 584, 556, 1015,
    667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611,
    278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278,
    556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
]  # fmt: skip


class Drawn:
    """A parsed picture: its texts with their boxes, and what else takes room."""

    def __init__(self, text: str) -> None:
        self.root = ElementTree.fromstring(text)
        left, self.top, self.width, high = map(float, self.root.get("viewBox").split())
        self.height = self.top + high
        assert left == 0
        self.parents = {child: parent for parent in self.root.iter() for child in parent}

    def find(self, class_: str) -> list[ElementTree.Element]:
        return [e for e in self.root.iter() if e.get("class") == class_]

    def texts(self, factor: float) -> list[tuple[tuple[float, float, float, float], str, ElementTree.Element]]:
        return [(*measured(e, factor), e) for e in self.root.iter(f"{SVG}text")]

    def owner(self, element: ElementTree.Element) -> ElementTree.Element | None:
        while element is not None and not element.get("class"):
            element = self.parents.get(element)
        return element


def measured(element: ElementTree.Element, factor: float) -> tuple[tuple[float, float, float, float], str]:
    """The box of a text, where its letters are `factor` times as wide as Helvetica's, and the text."""
    size, x, y = (float(element.get(name)) for name in ("font-size", "x", "y"))
    spans = [*element.iter(f"{SVG}tspan")]
    wide = factor * _wide(element.text or "", size, element.get("font-weight"))
    for part in spans:
        own = float(part.get("font-size", size)), part.get("font-weight", element.get("font-weight"))
        wide += float(part.get("dx", 0)) + factor * _wide(part.text, *own)
    text = "".join(element.itertext())
    x -= {"middle": wide / 2, "end": wide}.get(element.get("text-anchor", "start"), 0)
    return (x, y - 0.74 * size, x + wide, y + 0.21 * size), text


def _wide(text: str, size: float, weight: str | None) -> float:
    bold = 1.06 if weight == "bold" else 1.0
    return sum(WIDTHS[ord(c) - 32] if 32 <= ord(c) < 127 else 278 if c == "·" else 600 for c in text) * size / 1000 * bold


def extents(drawn: Drawn):
    """The corners of all shapes."""
    for e in drawn.root.iter():
        if e.tag == f"{SVG}rect":
            x, y = float(e.get("x", 0)), float(e.get("y", 0))
            yield from ((x, y), (x + float(e.get("width")), y + float(e.get("height"))))
        elif e.tag == f"{SVG}circle":
            x, y, r = (float(e.get(name)) for name in ("cx", "cy", "r"))
            yield from ((x - r, y - r), (x + r, y + r))
        elif e.tag == f"{SVG}polygon":
            yield from (tuple(map(float, pair.split(","))) for pair in e.get("points").split())
        elif e.tag == f"{SVG}path":
            yield from points(e.get("d"))


def points(d: str):
    """The points of a path, of a cubic curve 64 on it; its control points lie outside. Those of other curves bound them."""
    x = y = 0.0
    for letter, numbers in re.findall(r"([A-Z])([^A-Z]*)", d):
        values = [float(v) for v in re.findall(r"-?\d+(?:\.\d+)?", numbers)]
        if letter == "H":
            x = values[0]
            yield x, y
        elif letter == "V":
            y = values[0]
            yield x, y
        elif letter == "C":
            for at in range(0, len(values), 6):
                start, x, y = (x, y), *values[at + 4 : at + 6]
                ends = (start, *zip(values[at : at + 6 : 2], values[at + 1 : at + 6 : 2], strict=True))
                for t in (step / 64 for step in range(1, 65)):
                    shares = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
                    yield tuple(sum(share * end[axis] for share, end in zip(shares, ends, strict=True)) for axis in (0, 1))
        else:
            assert letter in "MLQZ", letter
            for x, y in zip(values[::2], values[1::2], strict=True):
                yield x, y


def overlap(a, b) -> bool:
    return min(a[2], b[2]) - max(a[0], b[0]) > 0.5 and min(a[3], b[3]) - max(a[1], b[1]) > 0.5


def check_safe(text: str) -> None:
    """No script, no reference to anywhere, nothing that runs."""
    drawn = Drawn(text)
    for e in drawn.root.iter():
        assert e.tag.removeprefix(SVG) in TAGS, e.tag
        for name, value in e.attrib.items():
            assert not name.lower().startswith("on") and "href" not in name.lower() and name != "style", name
            if not name.startswith(("data-", "aria-label")):
                assert "url(" not in value and "javascript:" not in value
    assert "<!" not in text and "<?" not in text
    assert all(char in "\n" or char.isprintable() or ord(char) > 0x2FF for char in text)


def check(text: str) -> Drawn:
    """Everything that holds for a good picture."""
    check_safe(text)
    drawn = Drawn(text)
    assert drawn.root.find(f"{SVG}title").text and drawn.root.find(f"{SVG}desc").text
    for x, y in extents(drawn):
        assert -0.5 <= x <= drawn.width + 0.5 and drawn.top - 0.5 <= y <= drawn.height + 0.5, (x, y)
    for factor in (1.0, 1.25):
        texts = drawn.texts(factor)
        for box, words, e in texts:
            assert float(e.get("font-size")) >= 9.5
            assert box[0] >= 0 and box[1] >= drawn.top and box[2] <= drawn.width and box[3] <= drawn.height, words
        check_apart(texts)
        check_inside(drawn, factor)
    return drawn


def check_apart(texts) -> None:
    """No two texts overlap."""
    order = sorted(texts, key=lambda t: t[0][1])
    for at, (a, words, _) in enumerate(order):
        for b, others, _ in order[at + 1 :]:
            if b[1] >= a[3]:
                break
            assert not overlap(a, b), (words, others)


def check_inside(drawn: Drawn, factor: float) -> None:
    """The words of a box are within it, and no other box or arrow goes over words."""
    frames = []
    for node in drawn.find("node"):
        rects = [e for e in node.iter(f"{SVG}rect") if e.get("stroke")]
        if rects:
            x, y, w, h = (float(rects[-1].get(name)) for name in ("x", "y", "width", "height"))
            frames.append((x, y, x + w, y + h))
            for e in node.iter(f"{SVG}text"):
                box, words = measured(e, factor)
                assert box[0] >= x and box[2] <= x + w and box[1] >= y - 0.5 and box[3] <= y + h + 0.5, words
    for a, b in combinations(frames, 2):
        assert not overlap(a, b)
    free = [(box, words) for box, words, e in drawn.texts(factor) if (o := drawn.owner(e)) is None or o.get("class") in ("edge", "cluster")]
    for box, words in free:
        assert not any(overlap(box, frame) for frame in frames), words
    for edge in drawn.find("edge"):
        own = {"".join(e.itertext()) for e in edge.iter(f"{SVG}text")}
        for x, y in curve(edge.find(f"{SVG}path").get("d")):
            for box, words in free:
                assert not (box[0] + 1 < x < box[2] - 1 and box[1] + 1 < y < box[3] - 1) or words in own, words


def curve(d: str):
    """Points along a path of lines, quadratic and cubic curves."""
    letters = re.findall(r"([A-Z])([^A-Z]*)", d)
    here = (0.0, 0.0)
    for letter, numbers in letters:
        values = [float(v) for v in re.findall(r"-?\d+(?:\.\d+)?", numbers)]
        pairs = list(zip(values[::2], values[1::2], strict=True))
        if letter == "C":
            for at in range(0, len(pairs), 3):
                b, c, e = pairs[at : at + 3]
                for step in range(13):
                    t = step / 12
                    s = 1 - t
                    yield tuple(s**3 * here[i] + 3 * s * s * t * b[i] + 3 * s * t * t * c[i] + t**3 * e[i] for i in (0, 1))
                here = e
        elif letter == "Q":
            b, end = pairs
            for step in range(13):
                t = step / 12
                s = 1 - t
                yield tuple(s * s * here[i] + 2 * s * t * b[i] + t * t * end[i] for i in (0, 1))
            here = end
        elif letter == "L":
            end = pairs[-1]
            for step in range(13):
                yield tuple(here[i] + (end[i] - here[i]) * step / 12 for i in (0, 1))
            here = end
        else:
            here = pairs[-1] if pairs else here
