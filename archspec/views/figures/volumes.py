"""The picture of textbooks: feature maps as stacked sheets, vectors as bars, operations between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile

from archspec.diagnostics import Diagnostic, SpecError
from archspec.ir.graph import Network
from archspec.types import Map
from archspec.views.figures.build import diagrams
from archspec.views.figures.diagram import Box, Diagram
from archspec.views.figures.stacks import (
    CAPTION,
    NAME,
    SHAPE,
    Volume,
    arrow,
    front,
    paint,
    scale_of,
    sides,
    spread,
    volume,
    window,
    words_width,
)
from archspec.views.figures.svg import HEADING, MARGIN, Heading, document, element, footer, heading_width, kinds_of, label, legend, tooltip
from archspec.views.figures.text_width import fitting, shown, width
from archspec.views.figures.wording import caption, folded_name, kernel, text_of
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

    `head` is the width of what stands above it, `wide` that of the words below; `gap` is the room before the first volume of a row.
    """

    box: Box
    volume: Volume
    captions: list[str] = field(default_factory=list)
    title: str = ""
    head: float = 0.0
    wide: float = 0.0
    x: float = 0.0
    row: int = 0
    gap: float = 0.0

    @property
    def middle(self) -> float:
        """Where its middle is, to the right."""
        return self.x + self.volume.extent[0] / 2

    @property
    def end(self) -> float:
        """Where its right edge is."""
        return self.x + self.volume.extent[0]

    def measure(self) -> None:
        """Fit the title and note the widths of all words."""
        self.title = fitting(folded_name(self.box, self.box.name), _ROOM, NAME)
        self.head = max(width(self.title, NAME), width(self.volume.words, SHAPE, bold=True))
        self.wide = words_width(self.captions, CAPTION)


def volumes(network: Network, level: str, theme: Theme, heading: Heading) -> str:
    """The SVG. Raises SpecError where the network is no chain even with its blocks closed."""
    diagram = _chain(network, level)
    boxes = [box for box in diagram.boxes if box.form != "output"]
    types = [box.volume or box.output for box in boxes]
    scale = scale_of(types)
    items: list[Item] = []
    for box, type_ in zip(boxes, types, strict=True):
        if box.form == "minor" and items:  # it changes nothing that could be seen
            items[-1].box.spans += box.spans
            _join(items[-1], box)
        else:
            items.append(Item(box, volume(type_, scale), _captions(box)))
    rows = _place(items)
    return _draw(diagram, items, rows, theme, heading)


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
    """Where a diagram is no chain, in words."""
    inputs = [box for box in diagram.boxes if box.form == "input"]
    if len(inputs) > 1:
        return f"there are {len(inputs)} inputs"
    readers: dict[Box, list[Box]] = {}
    for arrow_ in diagram.arrows:
        readers.setdefault(arrow_.tail, []).append(arrow_.head)
    for box in diagram.boxes:
        heads = readers.get(box, [])
        if len(heads) > 1:
            names = " and ".join(f"`{shown(head.name, 80)}`" for head in heads[:3])
            return f"`{shown(box.name, 80)}` is read by {names}"
    return "its layers do not follow one another"


def _captions(box: Box) -> list[str]:
    if box.form == "input":
        return []
    times = f" ×{box.times}" if box.times > 1 else ""
    if box.op is None:
        lines = [box.detail.split(" ")[0] + times, box.inside]
    else:
        made = box.volume or box.output
        lines = [
            caption(box.op, len(made.spatial) if isinstance(made, Map) else 1) + times,
            " · ".join(word for word in box.minors if word != "flatten"),
        ]
    return [fitting(line, _ROOM, CAPTION) for line in lines if line]


def _join(item: Item, box: Box) -> None:
    """A layer that stands alone in the network is named with the one before it."""
    if item.captions and box.detail != "flatten":
        first, *rest = item.captions
        item.captions = [first, fitting(" · ".join([*rest, box.detail]), _ROOM, CAPTION)]


def _place(items: list[Item]) -> int:
    """Gives each item its place in a row; returns how many rows there are."""
    for item in items:
        item.measure()
    total = _row(items)
    rows = int(total // WIDEST) + 1
    while True:
        at, row, left = 0, 0, len(items)
        for row in range(rows):
            count = _count(items[at:], total / rows)
            if row == rows - 1:
                count = left
            for item in items[at : at + count]:
                item.row = row
            _row(items[at : at + count])
            at, left = at + count, left - count
            if not left:
                break
        if max(item.end for item in items) <= WIDEST * 1.25 or rows >= len(items):
            return row + 1
        rows += 1


def _count(items: list[Item], room: float) -> int:
    """How many items fill a row."""
    return max(1, sum(1 for _ in takewhile(lambda item: item.end <= room + _GAP, _placed(items))))


def _row(items: list[Item]) -> float:
    """Places items in one row; returns its length."""
    *_, last = _placed(items)
    return last.middle + max(last.volume.extent[0], last.head) / 2


def _placed(items: list[Item]) -> Iterator[Item]:
    """Items as they are placed in one row from 0 on, so far apart that nothing above or below them touches."""
    before: Item | None = None
    for item in items:
        half = item.volume.extent[0] / 2
        if before is None:
            item.gap = max(_GAP, item.wide + 14 - item.volume.extent[0]) if item.captions else 0.0
            lead = max(item.gap, item.wide / 2 + item.gap / 2) if item.captions else 0.0
            item.x = max(lead, item.head / 2 - half)
        else:
            # Captions stand in the middle of the gaps: with so much room on each side neighbours cannot touch.
            gap = max(_GAP, item.wide + 14 - min(before.volume.extent[0], item.volume.extent[0]))
            apart = before.middle + (before.head + item.head) / 2 + 12 - half
            item.x = max(before.end + gap, apart)
        before = item
        yield item


def _draw(diagram: Diagram, items: list[Item], rows: int, theme: Theme, heading: Heading) -> str:
    by_row = [[item for item in items if item.row == row] for row in range(rows)]
    long = max(item.middle + max(item.volume.extent[0], item.head) / 2 for item in items)
    room = max(long, heading_width(heading), 380.0)
    kinds = [_kind(item.box) for item in items if item.box.form != "input"]
    body, tall = legend(kinds_of(kinds, theme), theme, MARGIN, MARGIN + HEADING, room)
    y = MARGIN + HEADING + tall + 16
    for row in by_row:
        made, high = _paint_row(row, items, MARGIN + (room - long) / 2, y, theme)
        body += made
        y += high + _ROW_GAP
    note = "Sides of maps and lengths of vectors on a square-root scale; height to width as they are; at most 8 sheets of a map are drawn."
    made, tall = footer(note, theme, y - 4, room)
    return document(heading, theme, (room + 2 * MARGIN, y + tall + MARGIN - 18), body + made, data_as="volumes", data_level=diagram.level)


def _kind(box: Box) -> str:
    if box.op is not None:
        return box.op.kind
    telling = ("attention", "convolution", "fully connected", "pooling")
    return next((kind for kind in telling if kind in box.kinds), "other")


def _paint_row(row: list[Item], items: list[Item], left: float, top: float, theme: Theme) -> tuple[list[str], float]:
    """One row with what stands above and below it; and its height."""
    tall = max(item.volume.extent[1] for item in row)
    axis = top + 34 + tall / 2
    base = top + 34 + tall + 18
    lines = max(len(item.captions) for item in row)
    tops = {id(item): axis - item.volume.extent[1] / 2 for item in row}
    made: list[str] = []
    links: list[str] = []
    for at, item in enumerate(row, items.index(row[0])):
        x, y = left + item.x, tops[id(item)]
        made.append(
            element(
                "g",
                tooltip(_story(item)) + "".join(_one(item, x, y, theme)),
                class_="volume",
                data_name=shown(item.box.name),
                data_shape=text_of(item.box.volume or item.box.output),
                data_sheets=item.volume.sheets,
                data_rows=item.box.rows,
            )
        )
        if at == 0:
            continue
        before = items[at - 1] if items[at - 1].row == item.row else None
        start = left + before.end if before else x - item.gap
        links += _link(item, before, x, y, left, tops, axis, theme)
        links += _caption(item, (start + x) / 2, base, theme)
    return made + links, base + (lines - 1) * 13 + 8 - top if lines else base - top


def _one(item: Item, x: float, y: float, theme: Theme) -> Iterator[str]:
    yield from paint(item.volume, x, y, _kind(item.box), theme)
    middle = x + item.volume.extent[0] / 2
    yield label(middle, y - 20, item.title, NAME, theme.muted, text_anchor="middle")
    yield label(middle, y - 7, item.volume.words, SHAPE, theme.ink, text_anchor="middle", font_weight="bold")


def _link(
    item: Item, before: Item | None, x: float, y: float, left: float, tops: dict[int, float], axis: float, theme: Theme
) -> Iterator[str]:
    """What leads from one volume to the next: a window where a kernel moves, lines where all is read, an arrow otherwise."""
    if before is None:
        yield arrow((x - _GAP, axis), (x - 5, axis), theme)
        return
    made = before.volume
    corner = front(made, left + before.x, tops[id(before)])
    kernel = _kernel(item.box)
    if kernel is not None and made.sheets and item.volume.sheets:
        cx, cy = front(item.volume, x, y)
        target = (cx + item.volume.size[0] * 0.3, cy + item.volume.size[1] * 0.5)
        yield window(made, corner, kernel, target, theme)
    elif item.volume.sheets == 0 and item.box.op is not None:
        yield spread(made, corner, item.volume, (x, y), theme)
    else:
        right = left + before.end
        yield arrow((right + 5, axis), (x - 5, axis), theme)


def _kernel(box: Box) -> tuple[int, int] | None:
    """Height and width of a box's window."""
    op = box.op
    if op is None or sides(box.volume or box.output) is None:
        return None
    *_, high, wide = (1, 1, *kernel(op, 2))
    return (high, wide) if kernel(op, 2) else None


def _caption(item: Item, middle: float, base: float, theme: Theme) -> Iterator[str]:
    for at, words in enumerate(item.captions):
        yield label(middle, base + 13 * at, words, CAPTION, theme.ink if at == 0 else theme.muted, text_anchor="middle")


def _story(item: Item) -> str:
    box = item.box
    parts = [box.name, box.detail, *box.minors, f"gives {text_of(box.output)}"]
    if box.params:
        parts.append(f"{box.params:,} parameters")
    return "; ".join(part for part in parts if part)
