"""Writing SVG: elements, escaped by XML's rule, with numbers that look the same on every machine."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from html import escape
from math import dist
from typing import NamedTuple

from archspec.ops.base import KINDS
from archspec.views.graphics.text_width import FONTS, shown, width, wrapped
from archspec.views.theme import TITLES, Theme

Point = tuple[float, float]


def number(value: float) -> str:
    """At most two decimals, none that are zero."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def pair(point: Point) -> str:
    """A point."""
    return f"{number(point[0])},{number(point[1])}"


def element(tag: str, content: str | None = None, /, **attributes: object) -> str:
    """An element. Attributes that are None are left out; `_` stands for `-`, a trailing one avoids Python's keywords."""
    parts = [tag]
    for name, value in attributes.items():
        if value is not None:
            text = number(value) if isinstance(value, float) else str(value)
            written = _content(text).replace('"', "&quot;")
            parts.append(f'{name.rstrip("_").replace("_", "-")}="{written}"')
    head = " ".join(parts)
    return f"<{head}/>" if content is None else f"<{head}>{content}</{tag}>"


def _content(text: str) -> str:
    return escape(text, quote=False)


def label(x: float, y: float, text: str, size: float, fill: str, more: str = "", /, **attributes: object) -> str:
    """One line of text with its baseline at y. `text` must be safe to show and is escaped here; `more` is markup that follows it."""
    return element("text", _content(text) + more, x=float(x), y=float(y), font_size=number(size), fill=fill, **attributes)


def span(text: str, **attributes: object) -> str:
    """More of a line of text, in another colour or weight; safe to show, and escaped here."""
    return element("tspan", _content(text), **attributes)


def tooltip(text: str) -> str:
    """Make the text that shows while the pointer rests on the element."""
    return element("title", _content(shown(text)))


def path(points: Iterable[Point]) -> str:
    """Straight lines through points."""
    return "M" + "L".join(map(pair, points))


def stroke(points: Iterable[Point], colour: str, width: float, **attributes: object) -> str:
    """Straight lines through points as an element."""
    return element("path", d=path(points), stroke=colour, stroke_width=width, **attributes)


def rounded(points: list[Point], radius: float) -> str:
    """Straight lines through points, with round corners."""
    made = f"M{pair(points[0])}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        made += f"L{pair(towards(corner, before, radius, 0.5))}Q{pair(corner)} {pair(towards(corner, after, radius, 0.5))}"
    return f"{made}L{pair(points[-1])}"


def towards(start: Point, end: Point, distance: float, most: float = float("inf")) -> Point:
    """The place on a line so far from its start, at most a share of its length: in front of an arrowhead or a round corner."""
    share = min(distance / (dist(start, end) or 1.0), most)
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def arrowhead(tip: Point, back: Point, colour: str, size: float = 7.0) -> str:
    """A filled triangle with its tip at a point, coming from another."""
    scale = size / (dist(tip, back) or 1.0)
    dx, dy = (tip[0] - back[0]) * scale, (tip[1] - back[1]) * scale
    wing = 0.42
    points = (tip, (tip[0] - dx - dy * wing, tip[1] - dy + dx * wing), (tip[0] - dx + dy * wing, tip[1] - dy - dx * wing))
    return element("polygon", points=" ".join(map(pair, points)), fill=colour)


def arrow(points: list[Point], colour: str, dashes: str | None = None) -> str:
    """A line with round corners through points, and an arrowhead at the last."""
    tip, back = points[-1], points[-2]
    d = rounded([*points[:-1], towards(tip, back, 5.0)], 9.0)
    line = element("path", d=d, fill="none", stroke=colour, stroke_width=1.3, stroke_dasharray=dashes)
    return line + arrowhead(tip, back, colour)


class Heading(NamedTuple):
    """The text above a picture: title, a line of facts, and a description for readers who do not see the picture."""

    title: str
    facts: str
    description: str
    legend: bool = True
    ground: bool = True

    def bare(self) -> Heading:
        """Only the description, for a page that shows the rest and has a ground itself."""
        return Heading("", "", self.description, ground=False)


def document(heading: Heading, theme: Theme, size: Point, body: Iterable[str], **attributes: object) -> str:
    """A whole file: a page in the theme's colour with the heading at its top left. It has no ids, so that a page may hold several.

    Without facts in the heading the picture has none.
    """
    top = 0.0 if heading.facts else HEADING
    w, h = number(size[0]), number(size[1] - top)
    head = [
        element("title", _content(heading.title)),
        element("desc", _content(heading.description)),
        element("rect", y=top or None, width=w, height=h, fill=theme.page),
    ]
    words = [
        label(MARGIN, MARGIN + 15, heading.title, TITLE_SIZE, theme.ink, font_weight="bold"),
        label(MARGIN, MARGIN + 34, heading.facts, FACTS_SIZE, theme.muted),
    ]
    root = {"xmlns": "http://www.w3.org/2000/svg", "width": w, "height": h, "viewBox": f"0 {number(top)} {w} {h}", "role": "img"}
    content = "\n".join(["", *(head if heading.ground else ()), *(words if heading.facts else ()), *body, ""])
    return element("svg", content, **root, aria_label=heading.description, font_family=FONTS, **attributes) + "\n"


_SIZE = re.compile(r' width="([\d.]+)" height="([\d.]+)"')


def size_of(svg: str) -> Point:
    """The width and height of a file, in pixels; nothing of a text that is none."""
    found = _SIZE.search(svg)
    return (float(found[1]), float(found[2])) if found else (0.0, 0.0)


def resized(svg: str, scale: float) -> str:
    """A file that is shown larger or smaller."""
    wide, high = size_of(svg)
    return _SIZE.sub(f' width="{number(wide * scale)}" height="{number(high * scale)}"', svg, count=1)


MARGIN = 20.0
TITLE_SIZE, FACTS_SIZE, SMALL = 18.0, 11.5, 10.0
LINE = 12.0
"""From one line of a footer to the next."""
HEADING = 46.0
"""Height of the heading below the margin."""


def heading_width(heading: Heading) -> float:
    """The width that a heading needs."""
    if not heading.facts:
        return 0.0
    return max(width(heading.title, TITLE_SIZE, bold=True), width(heading.facts, FACTS_SIZE))


def footer(note: str, theme: Theme, y: float, room: float) -> tuple[list[str], float]:
    """A note below a picture in as many lines as the room asks for, the first with its baseline at y; and the height of the lines."""
    lines = wrapped(note, room, SMALL)
    made = [label(MARGIN, y + LINE * at, line, SMALL, theme.muted) for at, line in enumerate(lines)]
    return made, LINE * len(lines)


def swatch(x: float, y: float, colour: str, words: str, theme: Theme, **attributes: object) -> list[str]:
    """A square of a colour, 11 wide, with words at its right."""
    square = element("rect", x=x, y=y, width=11.0, height=11.0, rx=2, fill=colour)
    return [square, label(x + 17, y + 9, words, SMALL, theme.ink, **attributes)]


class Sample(NamedTuple):
    """An entry of a legend: a `fill`, a `line` or `dashes` of a colour (or nothing) with words."""

    form: str
    colour: str
    words: str


def kinds_of(seen: Collection[str], theme: Theme) -> list[Sample]:
    """The entries for the kinds of layer that are seen, in the order of all kinds."""
    return [Sample("fill", theme.accent[kind], TITLES.get(kind, kind)) for kind in KINDS if kind in seen]


def legend(entries: list[Sample], theme: Theme, room: float) -> tuple[list[str], float]:
    """The entries below the heading, wrapped to the room, and where they end."""
    made: list[str] = []
    at, row = MARGIN, MARGIN + HEADING
    for form, colour, words in entries:
        wide = {"fill": 17, "": 0}.get(form, 28)
        need = wide + width(words, SMALL) + 12
        if at > MARGIN and at + need > MARGIN + room:
            at, row = MARGIN, row + 18
        if form in ("line", "dashes"):
            dashes = "5 3" if form == "dashes" else None
            made.append(stroke([(at, row + 5.5), (at + 22, row + 5.5)], colour, 1.5, stroke_dasharray=dashes))
        made += swatch(at, row, colour, words, theme) if form == "fill" else [label(at + wide, row + 9, words, SMALL, theme.ink)]
        at += need
    return made, row + 18 if entries else row
