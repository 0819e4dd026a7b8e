"""The table of a comparison: few models side by side, many below each other, with ratios to the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from archspec.analysis.layers import Shape
from archspec.diagnostics.visible import visible
from archspec.views.comparison.measures import Model
from archspec.views.tables.columns import COUNTED
from archspec.views.tables.grid import Grid

_BESIDE = 3
"""Models that stand side by side; more are a row each."""


class Measure(NamedTuple):
    """`text` is what the table shows of a model; `counted` what its ratio to the first model is taken of, where it has one."""

    title: str
    text: Callable[[Model], str]
    counted: Callable[[Model], int] | None = None


def _counted(title: str, count: Callable[[Model], int]) -> Measure:
    return Measure(title, lambda model: f"{count(model):,}", count)


def size(shape: Shape | None) -> str:
    """A shape as text; `?` where it is not known."""
    return "x".join(map(str, shape)) if shape is not None else "?"


def accuracy(model: Model) -> str:
    """The cited top-1 accuracy in per cent; `?` where none is cited."""
    return f"{model.cited.top1:g}%" if model.cited.top1 is not None else "?"


def _weight_layers(model: Model) -> str:
    return " + ".join(f"{count:,} {step}" for step, count in model.weight_layers.items()) or "0"


MEASURES = (
    _counted("parameters", lambda model: model.totals.params),
    _counted("MACs", lambda model: model.totals.macs),
    _counted("FLOPs", lambda model: model.totals.flops),
    _counted("activations", lambda model: model.totals.activations),
    Measure("depth", lambda model: f"{model.depth:,}"),
    Measure("weight layers", _weight_layers),
    Measure("receptive field", lambda model: size(model.totals.receptive_field)),
    Measure("smallest input", lambda model: size(model.smallest_input)),
    Measure("top-1, cited", accuracy),
)
_SPARED = ("weight layers", "FLOPs", "activations", "receptive field", "smallest input", "depth")
"""Measures that a narrow screen does without, in this order."""


def grid(models: Sequence[Model], width: int | None = None) -> Grid:
    """The table. Ratios stand right of the counts that they are of. Where few models do not fit side by side they are rows as well."""
    if len(models) <= _BESIDE:
        beside = _beside(models)
        if width is None or beside.least <= width:
            return beside
    return _below(models)


def _beside(models: Sequence[Model]) -> Grid:
    titles, numbers = [""], [False]
    for at, model in enumerate(models):
        titles += [visible(model.name)] + [""] * (at > 0)
        numbers += [True] + [True] * (at > 0)
    rows = []
    for measure in MEASURES:
        row = [measure.title]
        for at, model in enumerate(models):
            row += [measure.text(model)] + [_ratio(measure, model, models[0])] * (at > 0)
        rows.append(row)
    spare = list(range(3, len(titles), 2))
    return Grid(titles, numbers, rows, spare=spare)


def _below(models: Sequence[Model]) -> Grid:
    titles, columns, spare = ["model"], [[visible(model.name) for model in models]], {}
    for measure in MEASURES:
        spare[measure.title] = [len(titles)]
        titles.append(measure.title)
        columns.append([measure.text(model) for model in models])
        if measure.counted is not None:
            spare[measure.title].append(len(titles))
            titles.append("")
            columns.append([""] + [_ratio(measure, model, models[0]) for model in models[1:]])
    order = [at for title in _SPARED for at in reversed(spare[title])]
    return Grid(titles, [False] + [True] * (len(titles) - 1), [list(row) for row in zip(*columns, strict=True)], spare=order)


def ratio(measure: Measure, model: Model, first: Model) -> float | None:
    """A count over the first model's; None where there is none, or where the first's is nothing."""
    if measure.counted is None or not measure.counted(first):
        return None
    return measure.counted(model) / measure.counted(first)


def _ratio(measure: Measure, model: Model, first: Model) -> str:
    value = ratio(measure, model, first)
    if value is None:
        return ""
    if 0 < value < 0.005:
        return "<0.01×"
    return f"{value:,.0f}×" if value >= 100 else f"{value:.1f}×" if value >= 10 else f"{value:.2f}×"


def notes(models: Sequence[Model], *, brief: bool = False) -> list[str]:
    """Where the cited accuracies are from, what is missing, and, unless it is brief, what the measures are."""
    found = [f"{model.name}: top-1 {accuracy(model)} from {model.cited.source}" for model in models if model.cited.top1 is not None]
    found += [f"{model.name}: {model.cited.doubt}" for model in models if model.cited.doubt]
    defined = (
        "Depth: weight layers (convolutions, fully connected layers, attention) on the longest way from input to output. "
        "Smallest input: the smallest square input that the spec accepts; `?` marks what is not known. "
        "× is the ratio to the first model."
    )
    return [visible(line) for line in [*found, *([] if brief else [COUNTED, defined])]]
