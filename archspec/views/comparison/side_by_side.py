"""The table of a comparison: few models side by side, many below each other, with ratios to the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from archspec.diagnostics.visible import visible
from archspec.views.comparison.measures import Model
from archspec.views.tables.columns import COUNTED
from archspec.views.tables.grid import Grid

_BESIDE = 3
"""Models that stand side by side; more are a row each."""


class Measure(NamedTuple):
    """`value` is what is shown of a model, None where it is not known; `relative` is set where its ratio to the first model is shown too."""

    title: str
    value: Callable[[Model], Any]
    relative: bool = False

    def text(self, model: Model) -> str:
        """The value as text: shapes by their sides, the accuracy, which alone is no whole number, in per cent."""
        value = self.value(model)
        if value is None:
            return "?"
        if isinstance(value, tuple):
            return "x".join(map(str, value))
        if isinstance(value, dict):
            return " + ".join(f"{count:,} {step}" for step, count in value.items()) or "0"
        return f"{value:,}" if isinstance(value, int) else f"{value:g}%"

    def ratio(self, model: Model, first: Model) -> float | None:
        """A count over the first model's; None where that is nothing."""
        own, other = self.value(model), self.value(first)
        return own / other if other and own is not None else None


def _whole(name: str) -> Callable[[Model], int | None]:
    """A count of a network, None where layers are left out of it."""
    return lambda model: None if model.totals.uncounted else getattr(model.totals, name)


MEASURES = {
    "params": Measure("parameters", attrgetter("totals.params"), True),
    "macs": Measure("MACs", _whole("macs"), True),
    "flops": Measure("FLOPs", _whole("flops"), True),
    "activations": Measure("activations", attrgetter("totals.activations"), True),
    "depth": Measure("depth", attrgetter("depth")),
    "weight_layers": Measure("weight layers", attrgetter("weight_layers")),
    "receptive_field": Measure("receptive field", attrgetter("totals.receptive_field")),
    "smallest_input": Measure("smallest input", attrgetter("smallest_input")),
    "top1": Measure("top-1, cited", attrgetter("cited.top1")),
}
_SPARED = ("weight_layers", "flops", "activations", "receptive_field", "smallest_input", "depth")
"""Measures that a narrow screen does without, in this order."""


def grid(models: Sequence[Model], width: int | None = None) -> Grid:
    """The table. Ratios are at the right of their counts. Where few models do not fit side by side they are rows as well."""
    if len(models) <= _BESIDE:
        beside = _beside(models)
        if width is None or beside.least <= width:
            return beside
    return _below(models)


def _beside(models: Sequence[Model]) -> Grid:
    first, *others = models
    titles = ["", visible(first.name), *(title for model in others for title in (visible(model.name), ""))]
    rows = [
        [measure.title, measure.text(first), *(cell for model in others for cell in (measure.text(model), _ratio(measure, model, first)))]
        for measure in MEASURES.values()
    ]
    return Grid(titles, [False] + [True] * (len(titles) - 1), rows, spare=range(3, len(titles), 2))


def _below(models: Sequence[Model]) -> Grid:
    titles, columns = ["model"], [[visible(model.name) for model in models]]
    for measure in MEASURES.values():
        titles += [measure.title, ""] if measure.relative else [measure.title]
        columns.append([measure.text(model) for model in models])
        if measure.relative:
            columns.append(["", *(_ratio(measure, model, models[0]) for model in models[1:])])
    spare: list[int] = []
    for measure in (MEASURES[name] for name in _SPARED):
        at = titles.index(measure.title)
        spare += [at + 1, at] if measure.relative else [at]
    return Grid(titles, [False] + [True] * (len(titles) - 1), [list(row) for row in zip(*columns, strict=True)], spare=spare)


def _ratio(measure: Measure, model: Model, first: Model) -> str:
    value = measure.ratio(model, first) if measure.relative else None
    if value is None:
        return ""
    if 0 < value < 0.005:
        return "<0.01×"
    return f"{value:,.0f}×" if value >= 100 else f"{value:.1f}×" if value >= 10 else f"{value:.2f}×"


def notes(models: Sequence[Model], *, brief: bool = False) -> list[str]:
    """Where the cited accuracies are from, what is missing, and, unless it is brief, what the measures are."""
    found = [f"{model.name}: top-1 {model.cited.top1:g}% from {model.cited.source}" for model in models if model.cited.top1 is not None]
    found += [f"{model.name}: {model.cited.doubt}" for model in models if model.cited.doubt]
    defined = (
        "Depth: weight layers (convolutions, fully connected layers, attention) on the longest way from input to output. "
        "Smallest input: the smallest square input that the spec accepts; `?` marks what is not known. "
        "× is the ratio to the first model."
    )
    return [visible(line) for line in [*found, *([] if brief else [COUNTED, defined])]]
