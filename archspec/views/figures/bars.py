"""Parameters and MACs of each layer, side by side about one axis."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.analysis.cost import Costs
from archspec.diagnostics import Diagnostic, SpecError
from archspec.ir.graph import Network
from archspec.ops.base import KINDS
from archspec.views.figures.build import diagrams
from archspec.views.figures.diagram import Box, Diagram, Parts, count
from archspec.views.figures.wording import folded_name, story
from archspec.views.graphics.svg import (
    HEADING,
    MARGIN,
    SMALL,
    Heading,
    document,
    element,
    footer,
    heading_width,
    label,
    stroke,
    swatch,
    tooltip,
)
from archspec.views.graphics.text_width import fitting, shown, width
from archspec.views.theme import TITLES, Theme

ROW, THICK = 20.0, 13.0
_LONGEST = 300.0
"""The longest bar."""
_DEEP = 40
"""More bars than this and equal blocks are folded."""
_MOST = 400
_NAME = 10.5


def bars(network: Network, level: str, theme: Theme, heading: Heading) -> str:
    """The SVG. Raises SpecError where there are more rows than can be read."""
    diagram = _diagram(network, level)
    rows = [box for box in diagram.boxes if box.params or box.macs]
    without = Costs.of(network).graph(network.graph).idle
    notes = [f"{without} layer{'s' if without != 1 else ''} without parameters and MACs left out"] if without else []
    if any(box.training and box.params for box in diagram.boxes):
        notes.append("heads for training have parameters, and no MACs in inference")
    return _Chart(rows, theme).draw(heading, diagram.level, "; ".join(notes))


def _diagram(network: Network, level: str) -> Diagram:
    """Auto takes layers where there are few, and equal blocks folded where there are many."""
    levels = {"auto": ("part", "block", "stage"), "layer": ("part", "stage")}.get(level, (level, "stage"))
    for diagram in diagrams(network, levels):
        rows = sum(1 for box in diagram.boxes if box.params or box.macs)
        if rows <= (_DEEP if level == "auto" and diagram.level != "stage" else _MOST):
            return diagram
    help_ = "write what repeats as a block or a `repeat`, which is one bar"
    raise SpecError([Diagnostic("A520", f"the network is too large to draw: more than {_MOST} bars", network.inputs[0].span, help=help_)])


class _Chart:
    """Bars to the left for parameters and to the right for MACs, both on one scale: the share of the network's."""

    def __init__(self, rows: list[Box], theme: Theme) -> None:
        self.rows = rows
        self.theme = theme
        self.sums: Parts = {}
        for bar in rows:
            count(self.sums, bar.by_kind)
        self.whole = [sum(counts[side] for counts in self.sums.values()) for side in (0, 1)]
        most = max((self.share(value, side) for bar in rows for side, value in enumerate((bar.params, bar.macs))), default=0.0)
        self.step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if most / step <= 5 or step == 0.2)
        self.ticks = max(int(-(-most // self.step)), 1)
        self.half = max((width(self.name(bar), _NAME) for bar in rows), default=0.0) / 2 + 10
        room = max((width(words, SMALL) for bar in rows for words in self.words(bar)), default=0.0)
        self.middle = MARGIN + _LONGEST + room + 8 + self.half

    def share(self, value: int, side: int) -> float:
        return value / self.whole[side] if self.whole[side] else 0.0

    def name(self, bar: Box) -> str:
        return fitting(folded_name(bar, bar.name) + (f"  ×{bar.times}" if bar.times > 1 else ""), 230.0, _NAME)

    def words(self, bar: Box) -> list[str]:
        """What is beside its bars, at the left and at the right."""
        counts = enumerate((bar.params, bar.macs))
        none = f"= {bar.owner}" if bar.owner else "", ""
        return [f"{value:,} · {_percent(self.share(value, side))}" if value else none[side] for side, value in counts]

    def draw(self, heading: Heading, level: str, note: str) -> str:
        room = max(2 * (self.middle - MARGIN), heading_width(heading))
        self.middle = MARGIN + room / 2
        body: list[str] = []
        y = MARGIN + HEADING
        for kind in [kind for kind in KINDS if any(self.sums.get(kind, ()))]:  # what each kind of layer holds of both
            params, macs = (_percent(self.share(value, side)) for side, value in enumerate(self.sums[kind]))
            words = f"{TITLES.get(kind, kind)}: {params} of the parameters, {macs} of the MACs"
            body += swatch(MARGIN, y, self.theme.accent[kind], words, self.theme, data_kind=kind)
            y += 17
        top = y + 34
        bottom = top + ROW * len(self.rows)
        body += [*self.axis(top, bottom), *(self.row(bar, top + ROW * at) for at, bar in enumerate(self.rows))]
        made, tall = footer(note, self.theme, bottom + 42, room)
        size = room + 2 * MARGIN, bottom + (34 + tall if note else 24) + MARGIN
        return document(heading, self.theme, size, body + made, data_as="bars", data_level=level)

    def axis(self, top: float, bottom: float) -> Iterator[str]:
        theme = self.theme
        for sign, anchor, title in ((-1, "end", "parameters"), (1, "start", "multiply-accumulates (MACs)")):
            base = self.middle + sign * self.half
            yield label(base, top - 14, title, 11.0, theme.ink, text_anchor=anchor, font_weight="bold")
            yield stroke([(base, bottom + 2), (base + sign * _LONGEST, bottom + 2)], theme.line, 0.9)
            for tick in range(self.ticks + 1):
                x = base + sign * _LONGEST * tick / self.ticks
                up = top - 4 if tick == 0 else bottom + 2
                yield stroke([(x, up), (x, bottom + 6)], theme.line, 0.9)
                yield label(x, bottom + 18, f"{tick * self.step:.0%}", 9.5, theme.muted, text_anchor="middle")

    def row(self, bar: Box, y: float) -> str:
        theme = self.theme
        made = [label(self.middle, y + ROW / 2 + 3.5, self.name(bar), _NAME, theme.ink, text_anchor="middle")]
        counts = [(kind, bar.by_kind[kind]) for kind in KINDS if kind in bar.by_kind]
        for side, (sign, anchor, quantity) in enumerate(((-1, "end", "params"), (1, "start", "macs"))):
            x = self.middle + sign * self.half
            for kind, value in ((kind, both[side]) for kind, both in counts if both[side]):
                long = self.share(value, side) / (self.ticks * self.step) * _LONGEST
                made.append(element(
                    "rect", x=min(x, x + sign * long), y=y + (ROW - THICK) / 2, width=max(long, 0.4), height=THICK, fill=theme.accent[kind],
                    class_="bar", data_quantity=quantity, data_kind=kind, data_value=value,
                ))  # fmt: skip
                x += sign * long
            words = self.words(bar)[side]
            if words:
                made.append(label(x + sign * 6, y + ROW / 2 + 3.5, words, SMALL, theme.muted, text_anchor=anchor))
        return element("g", tooltip(story(bar)) + "".join(made), class_="row", data_name=shown(bar.name), data_rows=bar.rows)


def _percent(share: float) -> str:
    """Write a share in per cent; only an exact 0 or 1 reads as 0 or 100 per cent."""
    if share == 0:
        return "0%"
    if share < 0.0005:
        return "<0.1%"
    return ">99.9%" if 0.9995 <= share < 1 else f"{share:.1%}"
