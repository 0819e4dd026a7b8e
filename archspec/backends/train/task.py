"""The task of a network: its data, its loss, and the layers that are part of the loss."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from math import inf
from typing import NamedTuple

from archspec.analysis.cost import Costs
from archspec.diagnostics import Diagnostic, SpecError
from archspec.ir.graph import Network
from archspec.ir.walk import Place, flattened
from archspec.source import Span
from archspec.types import Vector, describe

AUX_WEIGHT = 0.3
"""Szegedy et al. 2014, section 5: "the losses of the auxiliary classifiers were weighted by 0.3"."""

_LOSSES = {"softmax": "softmax", "sigmoid": "sigmoid", "rbf": "distance"}
_FOLDED = ("softmax", "sigmoid")
"""Last layers that the loss computes itself, from their inputs: exactly, even where their results round to 0 or 1."""


class Task(NamedTuple):
    """`shape` is the input's, channels first; `last` are the layers that the loss takes over; `heads` the weights of auxiliary heads; `macs` are those of an image in inference."""

    shape: tuple[int, ...]
    outputs: int
    loss: str
    last: tuple[str, ...]
    heads: dict[str, float]
    macs: int


def task_of(network: Network) -> Task:
    """Find the task of a network that classifies. Raises SpecError for any other."""
    return task_among(network, *flattened(network))


def task_among(network: Network, layers: Sequence[Place], ends: list[str]) -> Task:
    """Find the task of a network whose layers, and the names of what its outputs come from, are known. Raises SpecError as `task_of`."""
    if len(network.inputs) != 1:
        raise _refused(f"it has {len(network.inputs)} inputs, and data has images alone", network.inputs[1].span)
    (input_,) = network.inputs
    places = {place.name: place for place in layers}
    for place in layers:
        if _step(place) == "embed":
            raise _refused("it takes words by their numbers, and images are no words", place.node.span)
    main = network.graph.type_of(network.outputs[0].value)
    for output, end in zip(network.outputs, ends, strict=True):
        type_ = network.graph.type_of(output.value)
        if not isinstance(type_, Vector) or type_ != main:
            wanted = "a vector of scores, one per class, is" if output is network.outputs[0] else f"a vector of {main}, as `output` is,"
            raise _refused(f"`{output.name}` is {describe(type_) if type_ else '?'}, where {wanted} wanted", _span(places, end))
    found = [_last(places, end, ends) for end in ends]
    steps = {_LOSSES.get(_step(places.get(name)), "softmax") for name in found}
    if len(steps) > 1:
        raise _refused(f"its heads end in different ways: {', '.join(sorted(steps))}", _span(places, found[1]))
    (loss,) = steps
    assert isinstance(main, Vector)
    if main.channels == 1:  # it says yes or no, by a sigmoid
        if (step := _step(places.get(found[0]))) in ("softmax", "logsoftmax", "rbf"):
            raise _refused(f"one output after `{step}` says nothing: `sigmoid`, or two outputs", _span(places, found[0]))
        loss = "sigmoid"
    shape = input_.type.shape
    last = tuple(name for name in found if _step(places.get(name)) in _FOLDED)
    weight = _weight(network.meta.get("aux_weight"))
    heads = {output.name: weight for output in network.outputs[1:]}
    return Task((shape[-1], *shape[:-1]), main.channels, loss, last, heads, Costs.of(network).network(network).macs)


def _last(places: dict[str, Place], end: str, ends: list[str]) -> str:
    """Find the layer that makes the scores of an output: the last one except `flatten`. No other layer may read its output."""
    while (place := places.get(end)) is not None and _step(place) == "flatten":
        end = place.sources[0]
    if place is not None and _step(place) in _FOLDED:
        readers = [other for other in places.values() if end in other.sources and _step(other) != "flatten"]
        if readers or ends.count(end) > 1:
            raise _refused(f"`{end}` is read by other layers too, so the loss cannot take its place", place.node.span)
    return end


def _step(place: Place | None) -> str:
    return place.node.op.step if place is not None else ""


def _span(places: dict[str, Place], name: str) -> Span | None:
    return places[name].node.span if name in places else None


def _weight(written: str | None) -> float:
    """Find the weight of auxiliary heads: the spec's `meta aux_weight`, else GoogLeNet's."""
    with suppress(ValueError):
        if written is not None and 0 <= (weight := float(written)) < inf:
            return weight
    return AUX_WEIGHT


def _refused(why: str, span: Span | None) -> SpecError:
    help_ = "what can be trained classifies images: one input, a vector of scores. `archspec emit torch` writes any network"
    return SpecError([Diagnostic("A550", f"the network cannot be trained by this: {why}", span, help=help_)])
