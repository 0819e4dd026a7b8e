"""The picture of textbooks: feature maps as stacked sheets, vectors as bars, operations between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from archspec.diagnostics import Diagnostic, SpecError
from archspec.ir.graph import Network
from archspec.types import Map
from archspec.views.figures.build import diagrams
from archspec.views.figures.diagram import Box, Diagram
from archspec.views.figures.stacks import CAPTION, NAME, SHAPE, Volume, arrow, paint, scale_of, sides, spread, volume, window
from archspec.views.figures.svg import MARGIN, Heading, document, element, footer, heading_width, kinds_of, label, legend, tooltip
from archspec.views.figures.text_width import fitting, shown, width
from archspec.views.figures.wording import caption, folded_name, kernel, story, text_of
from archspec.views.theme import Theme

WIDEST = 1500.0
"""A row longer than this is wrapped."""
MOST = 45
"""Volumes at most; a deeper network is drawn with a volume for each block."""
_GAP = 44.0
_ROW_GAP = 30.0
_ROOM = 150.0
"""Room for a caption or a name."""


@dataclass(slots=True)
class Item:
    """A volume in the picture, the box that puts it out, and the words of the operation that leads to it.

    `gap` is the room before the first volume of a row.
    """

    box: Box
    volume: Volume
    title: str
    captions: list[str]
    gap: float = 0.0

    @property
    def head(self) -> float:
        """The width of what is above it."""
        return max(width(self.title, NAME), width(self.volume.words, SHAPE, bold=True))

    @property
    def wide(self) -> float:
        """The width of the words below."""
        return max((width(line, CAPTION) for line in self.captions), default=0.0)

    @property
    def right(self) -> float:
        """Where its right end is, with what is above it."""
        return self.volume.middle + max(self.volume.extent[0], self.head) / 2


def volumes(network: Network, level: str, theme: Theme, heading: Heading) -> str:
    """The SVG. Raises SpecError where the network is no chain even with its blocks closed."""
    diagram = _chain(network, level)
    boxes = [box for box in diagram.boxes if box.form != "output"]
    scale = scale_of([box.volume or box.output for box in boxes])
    items: list[Item] = []
    for box in boxes:
        if box.form == "minor" and items:  # it changes nothing that could be seen
            items[-1].box.spans += box.spans
            _join(items[-1], box)
        else:
            items.append(
                Item(box, volume(box.volume or box.output, scale), fitting(folded_name(box, box.name), _ROOM, NAME), _captions(box))
            )
    return _draw(diagram, _rows(items), theme, heading)


def _chain(network: Network, level: str) -> Diagram:
    """The network as a chain of boxes: each layer where that gives one, blocks otherwise. Heads for training are left out."""
    levels = {"auto": ("part", "stage"), "layer": ("part",)}.get(level, (level,))
    found: Diagram | None = None
    for diagram in diagrams(network, levels):
        found = _inference(diagram)
        if found.chain() and (len(found.boxes) <= MOST or found.level == levels[-1]):
            return found
    span = network.inputs[0].span
    help_ = "`--as blocks` draws any network; a part that branches can be written as a block, which is drawn as one volume"
    if found is None:
        raise SpecError([Diagnostic("A520", "the network is too large to draw as volumes", span, help=help_)])
    raise SpecError([Diagnostic("A521", f"volumes show a chain, but {_branch(found)}", span, help=help_)])


def _inference(diagram: Diagram) -> Diagram:
    boxes = [box for box in diagram.boxes if not box.training]
    return Diagram(diagram.level, boxes, [a for a in diagram.arrows if not a.tail.training and not a.head.training])


def _branch(diagram: Diagram) -> str:
    """Say in words where a diagram is not a chain."""
    inputs = sum(box.form == "input" for box in diagram.boxes)
    if inputs > 1:
        return f"there are {inputs} inputs"
    for box in diagram.boxes:
        heads = [arrow_.head for arrow_ in diagram.arrows if arrow_.tail is box]
        if len(heads) > 1:
            names = " and ".join(f"`{shown(head.name, 80)}`" for head in heads[:3])
            return f"`{shown(box.name, 80)}` is read by {names}"
    return "its layers do not follow one another"


def _captions(box: Box) -> list[str]:
    if box.form == "input":
        return []
    times = f" ×{box.times}" if box.times > 1 else ""
    first, second = box.detail.split(" ")[0], box.inside
    if box.op is not None:
        made = box.volume or box.output
        first = caption(box.op, len(made.spatial) if isinstance(made, Map) else 1)
        second = " · ".join(word for word in box.minors if word != "flatten")
    return [fitting(line, _ROOM, CAPTION) for line in (first + times, second) if line]


def _join(item: Item, box: Box) -> None:
    """Name a layer outside all blocks together with the one before it."""
    if item.captions and box.detail != "flatten":
        first, *rest = item.captions
        item.captions = [first, fitting(" · ".join([*rest, box.detail]), _ROOM, CAPTION)]


def _rows(items: list[Item]) -> list[list[Item]]:
    """Break the items into rows of about the same length, each item with its place in its row."""
    total = max(item.right for item in _placed(items))
    rows: list[list[Item]] = []
    for count in range(int(total // WIDEST) + 1, len(items) + 1):
        rows, rest = [], items
        while rest:
            at = len(rest) if len(rows) == count - 1 else _fitting(rest, total / count)
            rows.append(list(_placed(rest[:at])))
            rest = rest[at:]
        if max(item.volume.end for item in items) <= WIDEST * 1.25:
            break
    return rows


def _fitting(items: list[Item], room: float) -> int:
    """How many items fill a row."""
    return max(1, sum(1 for _ in takewhile(lambda item: item.volume.end <= room + _GAP, _placed(items))))


def _placed(items: list[Item]) -> Iterator[Item]:
    """Items as they are placed in one row from 0 on, so far apart that nothing above or below them touches."""
    before: Item | None = None
    for item in items:
        made, long = item.volume, item.volume.extent[0]
        if before is None:
            item.gap = max(_GAP, item.wide + 14 - long) if item.captions else 0.0
            lead = max(item.gap, item.wide / 2 + item.gap / 2) if item.captions else 0.0
            made.x = max(lead, item.head / 2 - long / 2)
        else:
            # Captions are in the middle of the gaps: with so much room on each side neighbours cannot touch.
            gap = max(_GAP, item.wide + 14 - min(before.volume.extent[0], long))
            apart = before.volume.middle + (before.head + item.head) / 2 + 12 - long / 2
            made.x = max(before.volume.end + gap, apart)
        before = item
        yield item


def _draw(diagram: Diagram, rows: list[list[Item]], theme: Theme, heading: Heading) -> str:
    items = [item for row in rows for item in row]
    long = max(item.right for item in items)
    room = max(long, heading_width(heading), 380.0)
    kinds = [_kind(item.box) for item in items if item.box.form != "input"]
    body, y = legend(kinds_of(kinds, theme) if heading.legend else [], theme, room)
    y += 16
    for row in rows:
        deep = max(item.volume.extent[1] for item in row)
        axis, base = y + 34 + deep / 2, y + 34 + deep + 18
        for item in row:
            item.volume.x += MARGIN + (room - long) / 2
            item.volume.y = axis - item.volume.extent[1] / 2
        body += [_one(item, theme) for item in row]
        for before, item in zip([None, *row], row, strict=False):
            if item.box.form != "input":
                body += _operation(item, before, axis, base, theme)
        lines = max(len(item.captions) for item in row)
        y = base + max((lines - 1) * 13 + 8, 0) + _ROW_GAP
    note = "Sides of maps and lengths of vectors on a square-root scale; height to width as they are; at most 8 sheets of a map are drawn."
    made, tall = footer(note, theme, y - 4, room)
    return document(heading, theme, (room + 2 * MARGIN, y + tall + MARGIN - 18), body + made, data_as="volumes", data_level=diagram.level)


def _kind(box: Box) -> str:
    if box.op is not None:
        return box.op.kind
    telling = ("attention", "convolution", "fully connected", "pooling")
    return next((kind for kind in telling if kind in box.kinds), "other")


def _one(item: Item, theme: Theme) -> str:
    """A volume with what is above it."""
    box, made = item.box, item.volume
    words = [
        label(made.middle, made.y - 20, item.title, NAME, theme.muted, text_anchor="middle"),
        label(made.middle, made.y - 7, made.words, SHAPE, theme.ink, text_anchor="middle", font_weight="bold"),
    ]
    return element(
        "g", tooltip(story(box)) + "".join([*paint(made, _kind(box), theme), *words]), class_="volume", data_name=shown(box.name),
        data_shape=text_of(box.volume or box.output), data_sheets=made.sheets, data_rows=box.rows,
    )  # fmt: skip


def _operation(item: Item, before: Item | None, axis: float, base: float, theme: Theme) -> Iterator[str]:
    """What leads to a volume, with words below: a window where a kernel moves, lines where all is read, an arrow otherwise."""
    after, kernel = item.volume, _kernel(item.box)
    start = before.volume.end if before else after.x - item.gap
    if before and kernel and before.volume.sheets and after.sheets:
        yield window(before.volume, kernel, after, theme)
    elif before and after.sheets == 0 and item.box.op is not None:
        yield spread(before.volume, after, theme)
    else:
        yield arrow((start + 5 if before else after.x - _GAP, axis), (after.x - 5, axis), theme)
    for at, words in enumerate(item.captions):
        colour = theme.muted if at else theme.ink
        yield label((start + after.x) / 2, base + 13 * at, words, CAPTION, colour, text_anchor="middle")


def _kernel(box: Box) -> tuple[int, int] | None:
    """Height and width of a box's window."""
    size = kernel(box.op, 2) if box.op is not None and sides(box.volume or box.output) else ()
    *_, high, wide = (1, 1, *size)
    return (high, wide) if size else None
