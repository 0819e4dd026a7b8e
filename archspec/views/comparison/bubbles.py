"""Networks as bubbles: work to the right, accuracy upwards, parameters as areas.

The chart of Canziani, Paszke & Culurciello 2016, An analysis of deep neural network models for practical applications, figure 2. The
accuracies are those that the specs cite; where one cites none, the height is the parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt

from archspec.analysis.layers import Report
from archspec.ops.base import KINDS
from archspec.views.comparison.bubble_names import SIZE, Spot, tags
from archspec.views.comparison.measures import Model
from archspec.views.comparison.scales import Scale, round_step, scale
from archspec.views.graphics.svg import (
    HEADING,
    MARGIN,
    SMALL,
    Heading,
    document,
    element,
    footer,
    heading_width,
    kinds_of,
    label,
    stroke,
    swatch,
    tooltip,
)
from archspec.views.graphics.text_width import fitting, shown
from archspec.views.tables.columns import short
from archspec.views.theme import Theme

_FEW = 12
_SIZES = {True: (700.0, 440.0, 44.0), False: (940.0, 640.0, 36.0)}
"""Width and height of the plot and the largest radius, for few networks and for many."""
_MOST = 80
"""Networks that get their names; of more there is no reading them."""
_NAME = 150.0
_SIDE = 150.0
"""Width of the legend."""


def _kind(model: Model) -> str:
    """The kind of layer that holds most of a network's parameters."""
    sums = dict.fromkeys(KINDS, 0)
    for row in Report(model.network).rows(fold=True):
        sums[row.node.op.kind] += row.params * row.times
    return max(sums, key=lambda kind: sums[kind]) if any(sums.values()) else "other"


class Chart:
    """The chart of networks in a theme."""

    def __init__(self, every: Sequence[Model], theme: Theme) -> None:
        models = [model for model in every if model.cited.top1 is not None]
        self.cited = len(models) > 1 or len(models) == len(every)
        """Whether the height is the accuracy. Networks without one are left out then; where fewer than two have one, it is the parameters."""
        self.models = models = models if self.cited else list(every)
        self.left_out = [model for model in every if self.cited and model.cited.top1 is None]
        self.theme = theme
        wide, high, self.largest = _SIZES[len(models) <= _FEW]
        self.heading = self.headed()
        wide = max(wide, heading_width(self.heading) - _SIDE - 70)
        self.frame = (MARGIN + 48, MARGIN + HEADING + 26, MARGIN + 48 + wide, MARGIN + HEADING + 26 + high)
        left, top, right, bottom = self.frame
        pad = self.largest + 10
        self.most = max(model.totals.params for model in models)
        self.across = scale([float(m.totals.macs) for m in models], left + pad, right - pad)
        self.up = scale([self.height(m) for m in models], bottom - pad, top + pad)
        self.kinds = [_kind(model) for model in models]
        """The kinds of layer that give the colours."""
        titles = [model.title for model in models]
        names = [fitting(model.title if titles.count(model.title) == 1 else model.name, _NAME, SIZE) for model in models]
        self.spots = [
            Spot(self.across(model.totals.macs), self.up(self.height(model)), max(self.radius(model.totals.params), 2.0), name)
            for model, name in zip(models, names, strict=True)
        ]
        self.tags = tags(self.spots, self.frame) if len(models) <= _MOST else [None] * len(models)

    def height(self, model: Model) -> float:
        """What a network is as high as: its cited accuracy, or its parameters."""
        return model.cited.top1 if self.cited and model.cited.top1 is not None else float(model.totals.params)

    def radius(self, params: float) -> float:
        """The radius of a bubble whose area is so many parameters."""
        return self.largest * sqrt(params / self.most) if self.most else 0.0

    def headed(self) -> Heading:
        """The heading: the networks, what is drawn, and for which no accuracy is cited."""
        models = self.models
        names = [fitting(model.title, 260, 18, bold=True) for model in models]
        title = " and ".join(names) if len(names) < 3 else f"{len(models)} networks"
        missing = [model for model in models if model.cited.top1 is None]
        if self.cited:
            facts = "multiply-accumulates and cited top-1 accuracy; areas are parameters"
        else:
            of = fitting(missing[0].title, 200, SMALL) if len(missing) == 1 else f"{len(missing)} of {len(models)}"
            facts = f"multiply-accumulates and parameters (no accuracy is cited for {of}); areas are parameters"
        each = [f"{short(m.totals.params)} parameters, {short(m.totals.macs)} MACs{m.totals.left_out}{_cited(m)}" for m in models]
        counts = "; ".join(f"{name}: {counts}" for name, counts in zip(names, each, strict=True))
        return Heading(title, facts, f"A chart of {title}: {facts}. {shown(counts)}.")

    def draw(self) -> str:
        """The SVG."""
        wide, low = self.frame[2] + _SIDE + 24 + MARGIN, self.frame[3] + 44
        lines, high = footer(shown(self.note, 10_000), self.theme, low + 14, wide - 2 * MARGIN) if self.note else ([], 0.0)
        body = [*self.axes(), *self.circles(), *self.named(), *self.legend(), *lines]
        size = wide, low + high + MARGIN
        return document(self.heading, self.theme, size, body, data_as="bubbles")

    @property
    def note(self) -> str:
        """Which networks are left out, and why; empty where none is."""
        names = "; ".join(dict.fromkeys(fitting(model.title, _NAME, SIZE) for model in self.left_out))
        return f"Not in the chart, since no accuracy is cited for them: {names}." if names else ""

    def axes(self) -> Iterator[str]:
        """Draw the frame with its ticks."""
        (left, top, right, bottom), theme = self.frame, self.theme
        yield element("rect", x=left, y=top, width=right - left, height=bottom - top, fill=theme.panel)
        for value in self.across.ticks(left + 4, right - 4):
            x = self.across(value)
            yield stroke([(x, top), (x, bottom)], theme.frame, 0.8)
            yield label(x, bottom + 16, short(value), SMALL, theme.muted, text_anchor="middle")
        for value in self.up.ticks(bottom - 4, top + 4):
            if self.cited and value > 100:
                continue
            y = self.up(value)
            yield stroke([(left, y), (right, y)], theme.frame, 0.8)
            yield label(left - 7, y + 3.5, f"{value:g}%" if self.cited else short(value), SMALL, theme.muted, text_anchor="end")
        height = "top-1 accuracy, cited" if self.cited else "parameters" + _scaled(self.up)
        yield label(left, top - 9, height, 11.0, theme.ink, font_weight="bold")
        work = f"multiply-accumulates (MACs){_scaled(self.across)}"
        yield label(right, bottom + 36, work, 11.0, theme.ink, text_anchor="end", font_weight="bold")

    def circles(self) -> Iterator[str]:
        """The largest first, so that none is hidden; a dot marks the centre, however small the circle is."""
        for model, kind, spot in sorted(zip(self.models, self.kinds, self.spots, strict=True), key=lambda one: -one[0].totals.params):
            totals, colour = model.totals, self.theme.accent[kind]
            counts = f"{totals.params:,} parameters, {totals.macs:,} MACs{totals.left_out}{_cited(model)}"
            story = f"{model.title}: {counts}; from {model.cited.source or 'its spec'}"
            radius = self.radius(totals.params)
            drawn = element("circle", cx=spot.x, cy=spot.y, r=radius, fill=colour, fill_opacity=0.25, stroke=colour, stroke_width=1.3)
            dot = element("circle", cx=spot.x, cy=spot.y, r=1.8, fill=colour)
            yield element(
                "g", tooltip(story) + drawn + dot, class_="bubble", data_name=shown(model.name), data_params=totals.params,
                data_macs=totals.macs, data_top1=f"{model.cited.top1:g}" if model.cited.top1 is not None else None,
            )  # fmt: skip

    def named(self) -> Iterator[str]:
        """Draw the names of the networks, with lines to those that are apart."""
        for spot, tag in zip(self.spots, self.tags, strict=True):
            if tag is None:
                continue
            if tag.line is not None:
                yield stroke(tag.line, self.theme.line, 0.7)
            x0, _, x1, y1 = tag.rect
            x = {"start": x0, "middle": (x0 + x1) / 2, "end": x1}[tag.anchor]
            yield label(x, y1 - 3.2, spot.name, SIZE, self.theme.ink, text_anchor=tag.anchor, class_="tag")

    def legend(self) -> Iterator[str]:
        """Circles of round numbers of parameters, and which kind of layer a colour is."""
        x, y = self.frame[2] + 24, self.frame[1]
        yield label(x, y + 9, "area: parameters", SMALL, self.theme.ink, font_weight="bold")
        y += 22
        largest = round_step(self.most / 2.5) if self.most else 0
        for params in (largest, largest / 5, largest / 20) if largest else ():
            radius = self.radius(params)
            yield element("circle", cx=x + self.largest, cy=y + radius, r=radius, fill="none", stroke=self.theme.line, stroke_width=1.1)
            yield label(x + 2 * self.largest + 10, y + radius + 3.5, short(params), SMALL, self.theme.ink)
            y += max(2 * radius, 12) + 9
        y += 18
        yield label(x, y, "colour: where most", SMALL, self.theme.ink, font_weight="bold")
        yield label(x, y + 13, "parameters are", SMALL, self.theme.ink, font_weight="bold")
        y += 24
        for sample in kinds_of(self.kinds, self.theme):
            yield from swatch(x, y, sample.colour, sample.words, self.theme)
            y += 17
        unnamed = self.tags.count(None)
        if unnamed:
            yield label(x, y + 16, f"{unnamed} without room for a name", SMALL, self.theme.muted)


def _cited(model: Model) -> str:
    return f", top-1 {model.cited.top1:g}%" if model.cited.top1 is not None else ""


def _scaled(scale_: Scale) -> str:
    return ", logarithmic" if scale_.logarithmic else ""
