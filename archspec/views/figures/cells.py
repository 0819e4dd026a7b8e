"""Volumes with their words, as a picture of volumes places them: one with what leads to it, or several of about one size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from archspec.views.figures.cards import DETAIL, SIGN_SIZE, SIGNS, Card
from archspec.views.figures.diagram import Box
from archspec.views.figures.runs import captions_of, is_sign, shape_of
from archspec.views.figures.stacks import Cuboid, Scale, Volume, positions_of, volume, words_of
from archspec.views.figures.wording import folded_name
from archspec.views.graphics.text_width import leading, named, width

NAME, CAPTION, SHAPE = 9.5, DETAIL, 11.0
LINE = 13.0
_ROOM = 150.0
"""Room for a caption or a name."""
_LEAD = 34.0
"""Between a stack of sheets and what leads to it, at least."""
_ASIDE = 6.0
"""From words to a volume, and between the channels of neighbours."""


class Text(NamedTuple):
    """Words about a place: to the right of the cell's left end and down from its axis, or up from its foot if `foot`."""

    x: float
    y: float
    words: str
    size: float
    muted: bool = False
    bold: bool = False
    foot: bool = False


class Placed(NamedTuple):
    """A volume, and how far it is from the left end of its cell; its middle is on the axis."""

    box: Box
    volume: Volume
    x: float

    def moved(self, x: float) -> Placed:
        """It, so far to the right."""
        return self._replace(x=self.x + x)


@dataclass(slots=True)
class Cell:
    """Volumes and words; it reaches `half` up and down from its axis."""

    wide: float = SIGN_SIZE
    half: float = SIGN_SIZE / 2
    volumes: list[Placed] = field(default_factory=list)
    words: list[Text] = field(default_factory=list)
    sign: str = ""

    @property
    def card(self) -> Card:
        """The room that it takes."""
        size = self.wide, 2 * self.half
        return Card((), size, size, self.sign)

    def ends(self) -> tuple[float, float]:
        """Where arrows end and begin, from the left end of the cell."""
        first, last = self.volumes[0], self.volumes[-1]
        return first.x + first.volume.back, last.x + last.volume.face


def cell_of(run: list[Box], scale: Scale, room: float = _ROOM) -> Cell:
    """The cell of some boxes; lines of words are as wide as the room, or as wide as one operation asks for."""
    if is_sign(run[0]):
        return Cell(sign=SIGNS[run[0].step])
    if scale.style == "boxes":
        return _boxes(run, scale, room)
    cells = [_sheets(box, scale) for box in run]
    whole = Cell(0.0, max(cell.half for cell in cells))
    for cell in cells:
        whole.volumes += [placed.moved(whole.wide) for placed in cell.volumes]
        whole.words += [text._replace(x=text.x + whole.wide) for text in cell.words]
        whole.wide += cell.wide
    return whole


def _sheets(box: Box, scale: Scale) -> Cell:
    """A stack of sheets below its name and shape, with the operation at the foot of the room that leads to it."""
    made, captions = volume(shape_of(box), scale), [leading(line, _ROOM, CAPTION) for line in captions_of(box)]
    (wide, high), name, shape = made.extent, _name([box]), words_of(shape_of(box))
    room = max(wide, _widest(name, NAME), width(shape, SHAPE, bold=True))
    below = _widest(captions, CAPTION) + _ASIDE
    lead = max(_LEAD, below - room / 2) if captions else 0.0  # words go on below the volume
    middle = lead + room / 2
    words = [Text(middle, -high / 2 - 7 - LINE * (len(name) - at), line, NAME, muted=True) for at, line in enumerate(name)]
    words.append(Text(middle, -high / 2 - 7, shape, SHAPE, bold=True))
    words += [
        Text(max(lead, below) / 2, LINE * (at + 1 - max(2, len(captions))) - 4, line, CAPTION, muted=at > 0, foot=True)
        for at, line in enumerate(captions)
    ]
    return Cell(lead + room, high / 2 + 8 + LINE * max(1 + len(name), len(captions)), [Placed(box, made, middle - wide / 2)], words)


def _boxes(run: list[Box], scale: Scale, room: float) -> Cell:
    """Boxes beside each other: above them the operations and the size, below them the channels and the name."""
    made = [volume(shape_of(box), scale, times=box.times, active=_active(box), thin=_thin(box)) for box in run]
    high = max(one.extent[1] for one in made)
    volumes, words = [], []
    x = end = 0.0
    for box, one in zip(run, made, strict=True):
        assert isinstance(one, Cuboid)
        channels = "" if _thin(box) and not all(map(_thin, run)) else str(shape_of(box).channels)
        front = one.extent[0] - (one.slant if not one.back else 0.0)
        slot = max(front, width(channels, SHAPE, bold=True) + _ASIDE if channels else 0.0)
        volumes.append(Placed(box, one, x + (slot - front) / 2))
        words += [Text(x + slot / 2, high / 2 + 12, channels, SHAPE, bold=True)] if channels else []
        x += slot
        end = max(x, volumes[-1].x + one.extent[0])
    above, name = _above(run, room), _name(run)
    wide = max(end, _widest(above, CAPTION), _widest(name, NAME)) + 4
    aside = (wide - end) / 2
    words = [word._replace(x=word.x + aside) for word in words]
    for at, line in enumerate(above):
        words.append(Text(wide / 2, LINE * (at + 1 - len(above)) - high / 2 - 6, line, CAPTION, muted=line == _sizes(run)))
    words += [Text(wide / 2, high / 2 + 12 + LINE * at, line, NAME, muted=True) for at, line in enumerate(name, 1)]
    half = high / 2 + max(LINE * len(above) + 8, LINE * (1 + len(name)) + 4)
    return Cell(wide, half, [placed.moved(aside) for placed in volumes], words)


def _above(run: list[Box], room: float) -> list[str]:
    """The operations of a run, each once, in lines of at most so much room, and the size of its maps."""
    lines: list[str] = []
    for captions in dict.fromkeys(tuple(captions_of(box)) for box in run if box.form != "input" or box.minors):
        words = ", ".join(captions)
        if width(words, CAPTION) > room:
            lines += [leading(line, room, CAPTION) for line in captions]
        elif lines and width(f"{lines[-1]}; {words}", CAPTION) <= room:
            lines[-1] += f"; {words}"
        else:
            lines.append(leading(words, room, CAPTION))
    return [*dict.fromkeys(lines), *filter(None, [_sizes(run)])]


def _sizes(run: list[Box]) -> str:
    return " → ".join(dict.fromkeys((positions_of(shape_of(run[0])), positions_of(shape_of(run[-1])))))


def _widest(lines: Iterable[str], size: float) -> float:
    return max((width(line, size) for line in lines), default=0.0)


def _thin(box: Box) -> bool:
    """Whether it is a slab: pooling leaves the channels as they are."""
    return box.op is not None and box.op.kind == "pooling"


def _active(box: Box) -> bool:
    return box.op is not None and box.op.kind in ("convolution", "fully connected") and any(kind == "activation" for kind in box.kinds)


def _name(run: list[Box]) -> list[str]:
    """The lines of the name of a box, or of the first and what differs in the last."""
    last = run[-1].last or (run[-1].name if len(run) > 1 else "")
    return named(folded_name(replace(run[0], last=last), run[0].name), _ROOM, NAME)
