"""The text in each box of a diagram, and how large the box must be for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import fsum
from typing import TYPE_CHECKING, NamedTuple

from archspec.views.figures.diagram import Box, Diagram, Group, whose
from archspec.views.figures.wording import folded_name, text_of
from archspec.views.graphics.text_width import fitting, leading, named, shown, width

if TYPE_CHECKING:
    from archspec.views.figures.plan import Plan

NAME, DETAIL, NOTE = 11.5, 10.5, 9.5
STRIP = 6.0
"""Width of the coloured strip at a card's left."""
PAD = 9.0
_LEAST, _MOST = 118.0, 285.0
SIGNS = {"add": "+", "sub": "–", "mul": "×"}
SIGN_SIZE = 24.0
_ROUND = 5
"""Arrows that get into a circle at most."""
_ARRIVING = 4.0, 7.0
"""Height that each arrow into a box asks for: from above, from the left."""
_NARROW = 56.0
_BELOW = 6.0
_ROUNDING = 0.01
SPACE = 7.0
"""Between what stands beside each other at the left of a line."""


class CardLine(NamedTuple):
    """A line of a card: a text at the left with a mark and arguments after it, and one at the right; each may be empty."""

    text: str
    right: str
    size: float
    bold: bool = False
    mark: str = ""
    arguments: str = ""


class Miniature(NamedTuple):
    """The inside of a block in small, at the right of its words or `below` them."""

    plan: Plan
    below: bool = False


class Card(NamedTuple):
    """`size` is that of the drawn box, `outer` that of the room it takes; `sign` is drawn in a circle in place of lines."""

    lines: tuple[CardLine, ...]
    size: tuple[float, float]
    outer: tuple[float, float]
    sign: str = ""
    small: Miniature | None = None

    @property
    def room(self) -> tuple[float, float]:
        """The width and the height that lines have."""
        (wide, high), small = self.size, self.small
        if small is None:
            return wide, high
        return (wide, high - small.plan.size[1] - _BELOW) if small.below else (wide - small.plan.size[0] - PAD, high)

    def scaled(self, scale: float) -> Card:
        """The card at another size."""
        (wide, high), (outer, tall) = self.size, self.outer
        return self._replace(size=(wide * scale, high * scale), outer=(outer * scale, tall * scale))

    def transposed(self) -> Card:
        """The card with its width as its height."""
        return self._replace(size=self.size[::-1], outer=self.outer[::-1])


def signed(step: str) -> Card:
    """The circle of a merge."""
    return Card((), (SIGN_SIZE, SIGN_SIZE), (SIGN_SIZE, SIGN_SIZE), SIGNS[step])


class Cards(dict[Box, Card]):
    """The cards of a diagram: of one width, except those that show a block in small; to the `right`, each as wide as its words."""

    def __init__(self, diagram: Diagram, small: dict[Box, Miniature] | None = None, *, right: bool = False) -> None:
        small = small or {}
        self.right = right
        arrows = Counter(arrow.head for arrow in diagram.arrows)
        lines = {box: _lines(box, arrows[box]) for box in diagram.boxes}
        needs = [(_need(line) + STRIP + 2 * PAD, box.form) for box, those in lines.items() for line in those]
        # a sum that is cut in any case, as that of many heads, makes no other card wide
        self.width = max([_LEAST, *(min(need, _MOST) for need, form in needs if need <= _MOST or form != "merge")])
        joined = {box: _lines(box, arrows[box], joined=True) for box in diagram.boxes}
        long = {box.step for box, those in joined.items() if any(_need(line) > self.width - STRIP - 2 * PAD for line in those)}
        lines |= {box: those for box, those in joined.items() if box.step not in long}
        super().__init__({box: self._card(box, lines[box], arrows[box], small.get(box)) for box in diagram.boxes})

    def group_title(self, group: Group) -> str:
        """A frame's title, shortened to half a card."""
        return fitting(group.title, self.width / 2, 11.0) + (" (training)" if group.training else "")

    def _card(self, box: Box, lines: list[CardLine], arrows: int, small: Miniature | None) -> Card:
        if not lines:
            return signed(box.step)
        wide = self.width
        if small or self.right:
            wide = min(max(_NARROW, max(map(_need, lines)) + STRIP + 2 * PAD), wide)
        fitted = tuple(each for line in lines for each in _fitted(line, wide - STRIP - 2 * PAD + _ROUNDING))
        height = max(22.0 if len(fitted) == 1 else 12.0 + fsum(line.size + 4 for line in fitted), _ARRIVING[self.right] * arrows)
        if small and small.below:
            wide, height = max(wide, small.plan.size[0] + STRIP + 2 * PAD), height + small.plan.size[1] + _BELOW
        elif small:
            wide, height = max(wide + small.plan.size[0] + PAD, self.width), max(height, small.plan.size[1] + 10)
        more = 8 if box.times > 1 else 0
        return Card(fitted, (wide, height), (wide + more, height + more), small=small)


def _need(line: CardLine) -> float:
    gap = 12 if line.text and line.right else 0
    return width(line.text, line.size, bold=line.bold) + _after(line) + gap + width(line.right, NOTE)


def _after(line: CardLine) -> float:
    """The width of what stands after the text of a line."""
    mark = SPACE + width(line.mark, line.size, bold=True) if line.mark else 0.0
    return mark + (SPACE + width(line.arguments, DETAIL) if line.arguments else 0.0)


def _fitted(line: CardLine, room: float) -> Iterator[CardLine]:
    own = width(line.text, line.size, bold=line.bold)
    right = leading(line.right, room - min(own + _after(line), room / 2) - 11.5, NOTE)
    beside = width(right, NOTE) + 11 if right else 0
    over = room - beside - own - _after(line._replace(arguments=""))
    arguments = leading(line.arguments, over - SPACE, DETAIL) if line.arguments and over > SPACE else ""
    after = _after(line._replace(arguments=arguments))
    if not line.bold:
        texts = [leading(line.text, room - beside - after, line.size)]
    elif len(texts := named(line.text, room - beside - after, line.size, bold=True)) > 1:
        texts = named(line.text, room - max(beside, after), line.size, bold=True)  # one is beside each
    *first, last = texts
    yield from (CardLine(text, right if at == 0 else "", line.size, bold=True) for at, text in enumerate(first))
    yield line._replace(text=last, right="" if first else right, arguments=arguments)


def _lines(box: Box, arrows: int, *, joined: bool = False) -> list[CardLine]:
    """Write the lines of a card, a layer `joined` with its name where that tells what it is; none where a sign replaces them."""
    if box.form in ("input", "output"):
        words = f"{shown(box.title, 60)}{' (training)' if box.training else ''}"
        return [CardLine(words, text_of(box.output), DETAIL)]
    if box.form == "merge":
        signed = box.step in SIGNS and arrows <= _ROUND
        return [] if signed else [CardLine(box.step, box.detail.removesuffix(" channels") if box.step not in SIGNS else "", DETAIL)]
    params = f"{box.params // box.times:,}" if box.params else ""
    mark = ""
    if box.times > 1:
        mark = f"×{box.times}"
        params = f"{box.times} × {params}" if params else ""
    title = folded_name(box, box.title)
    detail = (("" if box.title.rstrip("0123456789") == box.detail else box.detail) + whose(box)).lstrip()
    if box.form == "minor":
        return [CardLine(f"{title} {detail}".rstrip(), params, DETAIL, mark=mark)]
    note = box.inside or " · ".join(box.minors)
    arguments = ""
    if joined and box.step and box.title.rstrip("0123456789") == box.step:
        arguments, detail = detail.removeprefix(box.step).lstrip(), ""
    lines = [CardLine(title, params, NAME, True, mark, arguments), CardLine(detail, "", DETAIL), CardLine(note, "", NOTE)]
    return [line for line in lines if line.text]
