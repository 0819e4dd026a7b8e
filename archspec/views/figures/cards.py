"""What stands in each box of a diagram, and how large the box must be for it."""

from __future__ import annotations

from typing import NamedTuple

from archspec.views.figures.diagram import Box, Diagram, Group
from archspec.views.figures.text_width import fitting, shown, width
from archspec.views.figures.wording import folded_name, text_of

NAME, DETAIL, NOTE = 11.5, 10.5, 9.5
STRIP = 6.0
"""Width of the coloured strip at a card's left."""
PAD = 9.0
_LEAST, _MOST = 118.0, 285.0
SIGNS = {"add": "+", "mul": "×"}
SIGN_SIZE = 24.0
ARC = 16.0
"""Room at the right of a residual block for the arc past it, and at the left likewise, so that the card stays in the middle."""
ABOVE, BELOW = 13.0, 18.0
"""Room above and below a residual block for where the arc leaves and joins."""


class CardLine(NamedTuple):
    """A line of a card: a text at the left with a mark after it, and one at the right; each may be empty."""

    text: str
    right: str
    size: float
    bold: bool = False
    mark: str = ""


class Card(NamedTuple):
    """`size` is that of the drawn box, `outer` that of the room it takes; `sign` stands in a circle in place of lines."""

    lines: tuple[CardLine, ...]
    size: tuple[float, float]
    outer: tuple[float, float]
    sign: str = ""


class Cards:
    """The cards of a diagram, all of one width."""

    def __init__(self, diagram: Diagram) -> None:
        lines = {box: _lines(box) for box in diagram.boxes}
        need = max((_need(line) for box in diagram.boxes for line in lines[box]), default=0.0)
        self.width = min(max(need + STRIP + 2 * PAD, _LEAST), _MOST)
        self._cards = {box: self._card(box, lines[box]) for box in diagram.boxes}

    def __getitem__(self, box: Box) -> Card:
        return self._cards[box]

    def group_title(self, group: Group) -> str:
        """A frame's title, shortened to half a card."""
        return fitting(group.title, self.width / 2, 11.0) + (" (training)" if group.training else "")

    def _card(self, box: Box, lines: list[CardLine]) -> Card:
        sign = SIGNS.get(box.step, "") if box.form == "merge" else ""
        if sign:
            return Card((), (SIGN_SIZE, SIGN_SIZE), (SIGN_SIZE, SIGN_SIZE), sign)
        room = self.width - STRIP - 2 * PAD
        fitted = tuple(_fitted(line, room) for line in lines)
        height = _height(fitted)
        outer = (self.width, height)
        if box.residual:
            outer = (self.width + 2 * ARC, height + ABOVE + BELOW)
        elif box.times > 1:
            outer = (self.width + 8, height + 8)
        return Card(fitted, (self.width, height), outer)


def _height(lines: tuple[CardLine, ...]) -> float:
    return 22.0 if len(lines) == 1 else 12.0 + sum(line.size + 4 for line in lines)


def _need(line: CardLine) -> float:
    gap = 12 if line.text and line.right else 0
    return width(line.text, line.size, bold=line.bold) + _mark(line) + gap + width(line.right, NOTE)


def _mark(line: CardLine) -> float:
    return 7 + width(line.mark, line.size, bold=True) if line.mark else 0.0


def _fitted(line: CardLine, room: float) -> CardLine:
    left = width(line.text, line.size, bold=line.bold) + _mark(line)
    right = fitting(line.right, room - min(left, room / 2) - 11.5, NOTE)
    left = room - (width(right, NOTE) + 11 if right else 0) - _mark(line)
    return line._replace(text=fitting(line.text, left, line.size, bold=line.bold), right=right)


def _lines(box: Box) -> list[CardLine]:
    if box.form in ("input", "output"):
        words = f"{shown(box.title, 60)}{' (training)' if box.training else ''}"
        return [CardLine(words, text_of(box.output), DETAIL)]
    if box.form == "merge":
        if box.step in SIGNS:
            return []
        return [CardLine("concat", box.detail.removesuffix(" channels"), DETAIL)]
    params = f"{box.params // box.times:,}" if box.params else ""
    if params and box.times > 1:
        params = f"{box.times} × {params}"
    title = folded_name(box, box.title)
    mark = f"×{box.times}" if box.times > 1 else ""
    if box.form == "minor":
        detail = "" if not box.detail or box.title.rstrip("0123456789") == box.detail else f" {box.detail}"
        return [CardLine(title + detail, params, DETAIL, mark=mark)]
    note = box.inside or (" · ".join(box.minors))
    plain = box.title.rstrip("0123456789") == box.detail
    lines = [CardLine(title, params, NAME, True, mark), CardLine("" if plain else box.detail, "", DETAIL), CardLine(note, "", NOTE)]
    return [line for line in lines if line.text]
