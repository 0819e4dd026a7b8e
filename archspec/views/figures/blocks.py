"""The picture of boxes and arrows, drawn over a plan."""

from __future__ import annotations

from collections.abc import Iterator
from math import fsum

from archspec.views.figures.captions import LABEL, TITLE, Labels, Words, titles
from archspec.views.figures.cards import DETAIL, NOTE, PAD, SPACE, STRIP, Card, Miniature
from archspec.views.figures.diagram import Box, Diagram
from archspec.views.figures.neighbours import Near
from archspec.views.figures.plan import Frame, Plan, Shift, Wire
from archspec.views.figures.wording import story
from archspec.views.graphics.svg import (
    MARGIN,
    Heading,
    Point,
    Sample,
    document,
    element,
    heading_width,
    kinds_of,
    label,
    legend,
    number,
    rounded,
    span,
    stroke,
    tooltip,
)
from archspec.views.graphics.svg import arrow as arrow_of
from archspec.views.graphics.text_width import shown
from archspec.views.theme import Theme


def draw(diagram: Diagram, plan: Plan, theme: Theme, heading: Heading) -> str:
    """The SVG of a diagram whose boxes have their places."""
    wide, high = plan.size
    room = max(wide, heading_width(heading), 380.0)
    rows, end = legend(_legend(diagram, plan, theme) if heading.legend else [], theme, room)
    shift = Shift(MARGIN + (room - wide) / 2, end + 10)
    frames = [frame._replace(box=shift.rect(frame.box)) for frame in plan.frames]
    plan = plan.moved(dict.fromkeys(diagram.boxes, shift), frames)
    near = Near(plan.wires)
    heads = titles(plan, near)
    page = room + 2 * MARGIN
    shapes = Labels(plan, heads, near, page).find()
    painter = _Painter(theme, plan.turned)
    body = [
        *rows,
        *map(painter.frame, plan.frames, heads),
        *(painter.wire(wire, words) for wire, words in sorted(zip(plan.wires, shapes, strict=True), key=lambda one: not one[0].arrow.past)),
        *(painter.box(box, at, plan.cards[box], plan.places[box]) for at, box in enumerate(diagram.boxes)),
    ]
    return document(heading, theme, (page, shift.dy + high + MARGIN), body, data_as="blocks", data_level=diagram.level)


def _legend(diagram: Diagram, plan: Plan, theme: Theme) -> list[Sample]:
    entries = kinds_of({kind for box in diagram.boxes for kind in box.kinds}, theme)
    small = [card.small.plan.wires for card in plan.cards.values() if card.small]
    if any(wire.arrow.past for wires in (plan.wires, *small) for wire in wires):
        entries.append(Sample("line", theme.accent["convolution"], "skip connection"))
    if any(box.params for box in diagram.boxes):
        entries.append(Sample("", theme.muted, "at the right: parameters"))
    return entries


class _Painter:
    def __init__(self, theme: Theme, turned: frozenset[Box]) -> None:
        self.theme = theme
        self.turned = turned

    def frame(self, frame: Frame, words: Words) -> str:
        theme, group = self.theme, frame.group
        x0, y0, x1, y1 = frame.box
        rect = element(
            "rect", x=x0, y=y0, width=x1 - x0, height=y1 - y0, rx=8, fill=theme.panel, stroke=theme.frame,
            stroke_dasharray="4 3" if group.training else None,
        )  # fmt: skip
        if words.text:
            rect += label(*words.spot, words.text, TITLE, theme.muted, font_weight="bold")
        return element("g", tooltip(group.name) + rect, class_="cluster", data_name=shown(group.name))

    def wire(self, wire: Wire, words: Words | None) -> str:
        arrow = wire.arrow
        colour = self.theme.accent["convolution"] if arrow.past else self.theme.line
        made = arrow_of(wire.points, colour, "4 3" if arrow.head.training else None)
        if words is not None:
            made += label(*words.spot, words.text, LABEL, self.theme.muted)
        return element("g", made, class_="edge", data_from=shown(arrow.tail.name), data_to=shown(arrow.head.name))

    def box(self, box: Box, at: int, card: Card, middle: Point) -> str:
        if card.sign:
            inner = sign(card.sign, middle, card.size[0] / 2, self.theme)
        elif box.form in ("input", "output"):
            inner = self.terminal(card, *middle)
        else:
            inner = self.card(box, card, *middle)
        return element(
            "g", tooltip(story(box)) + inner, class_="node", data_id=f"n{at}", data_name=shown(box.name), data_form=box.form,
            data_times=box.times, data_params=box.params, data_macs=box.macs, data_rows=box.rows,
        )  # fmt: skip

    def terminal(self, card: Card, x: float, y: float) -> str:
        theme = self.theme
        w, h = card.size
        rect = element("rect", x=x - w / 2, y=y - h / 2, width=w, height=h, rx=h / 2, fill=theme.page, stroke=theme.line, stroke_width=1.2)
        line = card.lines[0]
        return (
            rect
            + label(x - w / 2 + 13, y + 3.8, line.text, line.size, theme.ink, font_weight="bold")
            + label(x + w / 2 - 13, y + 3.8, line.right, NOTE, theme.ink, text_anchor="end")
        )

    def card(self, box: Box, card: Card, x: float, y: float) -> str:
        theme = self.theme
        w, h = card.size
        if box.times > 1:
            x, y = x - 4, y - 4
        left, top = x - w / 2, y - h / 2
        made = [
            element("rect", x=left + step, y=top + step, width=w, height=h, rx=4, fill=theme.card, stroke=theme.frame)
            for step in ((8.0, 4.0) if box.times > 1 else ())
        ]
        fill = theme.tint.get(box.kind, theme.card)
        stroke = theme.accent.get(box.kind, theme.line)
        made.append(element("rect", x=left, y=top, width=w, height=h, rx=4, fill=fill, stroke=stroke, stroke_width=1.1))
        made += self.strip(box, left, top, h)
        made += self.words(card, left, top)
        if card.small:
            wide, high = card.small.plan.size
            spot = (left + (w + STRIP - wide) / 2, top + h - 8 - high) if card.small.below else (left + w - PAD - wide, y - high / 2)
            made += self.small(card.small, *spot, turned=box in self.turned)
        return "".join(made)

    def strip(self, box: Box, left: float, top: float, height: float) -> Iterator[str]:
        inset = 1.5
        each = (height - 2 * inset) / max(len(box.kinds), 1)
        for at, kind in enumerate(box.kinds):
            yield element("rect", x=left + inset, y=top + inset + at * each, width=STRIP - inset, height=each, fill=self.theme.accent[kind])

    def words(self, card: Card, left: float, top: float) -> Iterator[str]:
        theme = self.theme
        wide, high = card.room
        y = top + (high - fsum(line.size + 4 for line in card.lines)) / 2 - 1
        for line in card.lines:
            y += line.size + 4
            base = y - 2.2
            fill = theme.muted if line.size == NOTE else theme.ink
            more = span(line.mark, dx=SPACE, fill=theme.accent["convolution"], font_weight="bold") if line.mark else ""
            if line.arguments:
                more += span(line.arguments, dx=SPACE, font_size=DETAIL, font_weight="normal")
            yield label(left + STRIP + PAD, base, line.text, line.size, fill, more, font_weight="bold" if line.bold else None)
            if line.right:
                yield label(left + wide - PAD, base, line.right, NOTE, theme.muted, text_anchor="end")

    def small(self, small: Miniature, left: float, top: float, *, turned: bool) -> Iterator[str]:
        """A block in small; what a U turns is read upwards, or to the left."""
        theme, plan = self.theme, small.plan
        shift = Shift(left, top)
        if turned:
            shift = Shift(left + plan.size[0], top, -1, 1) if small.below else Shift(left, top + plan.size[1], 1, -1)
        for wire in sorted(plan.wires, key=lambda wire: not wire.arrow.past):
            colour = theme.accent["convolution"] if wire.arrow.past else theme.line
            yield element("path", d=rounded([*map(shift.point, wire.points)], 3.0), fill="none", stroke=colour, stroke_width=0.9)
        for box, middle in plan.places.items():
            (x, y), card = shift.point(middle), plan.cards[box]
            w, h = card.size
            if card.sign:
                yield sign(card.sign, (x, y), w / 2, theme, 0.9)
            elif h:
                fill, corner = theme.accent.get(box.kind, theme.line), (x - w / 2, y - h / 2)
                if box.times > 1:
                    edge = corner[0] + w + 1.7, corner[1] + h + 1.7
                    yield stroke([(corner[0] + 2, edge[1]), edge, (edge[0], corner[1] + 2)], fill, 0.8, fill="none")
                yield element("rect", x=corner[0], y=corner[1], width=w, height=h, rx=1.5, fill=fill)


def sign(which: str, middle: Point, radius: float, theme: Theme, line: float = 1.4, rim: str = "") -> str:
    """A plus, a minus or a cross in a circle, as lines: no font draws it off its middle. A `rim` of a colour is inside the circle."""
    (x, y), arm = middle, radius / 2
    if which == "×":
        a = arm * 0.75
        d = f"M{number(x - a)},{number(y - a)}L{number(x + a)},{number(y + a)}M{number(x - a)},{number(y + a)}L{number(x + a)},{number(y - a)}"
    else:
        d = f"M{number(x - arm)},{number(y)}H{number(x + arm)}"
        if which == "+":
            d += f"M{number(x)},{number(y - arm)}V{number(y + arm)}"
    circle = element("circle", cx=x, cy=y, r=radius, fill=theme.card, stroke=theme.ink, stroke_width=line)
    if rim:
        circle += element("circle", cx=x, cy=y, r=radius - 2.2, fill="none", stroke=rim, stroke_width=3.0, class_="rim")
    return circle + element("path", d=d, fill="none", stroke=theme.ink, stroke_width=1.5)
