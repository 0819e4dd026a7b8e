"""What each position of a random network sees: our field against torch's gradients, position by position.

A second run pads with NaN in place of zeros: positions that come out as numbers see nothing beyond a border, and there equality is
demanded. The others see a part of what we say. Then the same is to be said of the spec expanded, as JSON, and with branches in reverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import nan, prod
from typing import Any

import torch
from torch import Tensor

import archspec
from archspec.analysis.receptive_field import ReceptiveFields
from archspec.backends.arch import expand
from archspec.ir.schema import from_json, to_json
from archspec.ops.base import POINT
from tests.fuzzing.draw import Draw
from tests.fuzzing.networks import Drawn, Generator
from tests.fuzzing.seeing import CHANNELS, Shape

Box = list[tuple[int, int]] | None
MEASURED = 400
"""Positions whose gradients are taken at once."""


def draw(source: Draw) -> Drawn:
    """A network with a position that sees nothing beyond a border."""
    while True:
        found = Generator(source).network()
        if found is not None and inner(found).any():
            return found


def inner(drawn: Drawn) -> Tensor:
    """Which positions of the result see nothing beyond a border."""
    with torch.no_grad():
        return ~drawn.run(torch.ones(1, CHANNELS, *drawn.shape, dtype=torch.float64), nan)[0].sum(0).isnan()


def compare(drawn: Drawn) -> str | None:
    """None, or what differs: what positions see, or what is said of the spec written otherwise."""
    network = archspec.loads(drawn.text)
    report = archspec.analyze(network)
    inside, positions = inner(drawn), shown(drawn)
    ours = field_of(network)
    if report.layers[-1].output[:-1] != tuple(inside.shape):
        return f"the size is {report.layers[-1].output}, but torch: {tuple(inside.shape)}"
    if not isinstance(ours, tuple):
        return f"the field is {ours}"
    found: list[list[int]] = []
    for position, measured in zip(positions, boxes(drawn, positions), strict=True):
        said = box(ours, position)
        clipped = said and [(max(low, 0), min(high, size - 1)) for (low, high), size in zip(said, drawn.shape, strict=True)]
        if inside[position]:
            found.append([high - low + 1 for low, high in said] if said is not None else [0] * len(position))
            if said != measured:
                return f"position {position} sees {measured}, but we say {said}"
        elif measured is not None and not all(a <= c and d <= b for (a, b), (c, d) in zip(clipped or (), measured, strict=True)):
            return f"position {position} sees {measured}, but we say at most {clipped}"
    row, totals = report.layers[-1], report.totals
    if prod(inside.shape) <= MEASURED and all(bool(inside[p]) == within(box(ours, p), drawn.shape) for p in positions):
        least, largest = (tuple(map(end, zip(*found, strict=True))) for end in (min, max))
        if any(largest) and (row.smallest_field, row.receptive_field) != (least, largest):
            return f"positions see {least} to {largest}, but we say {row.smallest_field} to {row.receptive_field}"
    if (totals.smallest_field, totals.receptive_field) != (row.smallest_field, row.receptive_field):
        return f"in total {totals.smallest_field} to {totals.receptive_field}, the last layer {row.smallest_field} to {row.receptive_field}"
    flat, document, other = (
        archspec.analyze(n) for n in (archspec.loads(expand(network)), from_json(to_json(network)), archspec.loads(drawn.reverse))
    )
    for name, again in {"expanded": flat, "as JSON": document}.items():
        if fields(again) != fields(report):
            return f"{name}: {fields(again)}, but {fields(report)}"
    return f"in reverse: {fields(other)[-1]}, but {fields(report)[-1]}" if fields(other)[-1] != fields(report)[-1] else None


def fields(report: archspec.Report) -> list[Any]:
    totals = report.totals
    return [(r.smallest_field, r.receptive_field, r.jump) for r in report.layers] + [(totals.smallest_field, totals.receptive_field)]


def field_of(network: archspec.Network) -> Any:
    """The field of a network's result: its terms, a Reach per axis each."""
    return ReceptiveFields(network).inside(network.graph, (POINT,))(network.graph.result)


def box(field: Any, position: Shape) -> Box:
    """First and last input along each axis that a position sees, borders left aside."""
    found: list[list[tuple[int, int]]] = []
    for term in field:
        ends = []
        for (step, taps), at in zip(term, position, strict=True):
            times, phase = divmod(at, len(taps))
            if taps[phase] is not None:
                ends.append((taps[phase].low + times * step, taps[phase].high + times * step))
        if len(ends) == len(position):
            found.append(ends)
    return [(min(low for low, _ in axis), max(high for _, high in axis)) for axis in zip(*found, strict=True)] or None


def within(box: Box, shape: Shape) -> bool:
    return box is None or all(low >= 0 and high < size for (low, high), size in zip(box, shape, strict=True))


def shown(drawn: Drawn) -> list[Shape]:
    """Positions of the result, evenly spread where they are many."""
    with torch.no_grad():
        size = drawn.run(torch.ones(1, CHANNELS, *drawn.shape, dtype=torch.float64), 0.0).shape[2:]
    many = torch.cartesian_prod(*[torch.arange(n) for n in size]).reshape(-1, len(size)).tolist()
    return [tuple(many[at * len(many) // min(len(many), MEASURED)]) for at in range(min(len(many), MEASURED))]


def boxes(drawn: Drawn, positions: Sequence[Shape]) -> list[Box]:
    """First and last input along each axis on which each of some positions depends, by gradient: one copy of the input for each."""
    x = torch.ones(len(positions), CHANNELS, *drawn.shape, dtype=torch.float64, requires_grad=True)
    y = drawn.run(x, 0.0).sum(1)
    index = torch.tensor(positions).unbind(1)
    (gradient,) = torch.autograd.grad(y[(torch.arange(len(positions)), *index)].sum(), x)
    found: list[Box] = []
    for seen in gradient.abs().sum(1) > 0:
        places = seen.nonzero()
        found.append([(int(axis.min()), int(axis.max())) for axis in places.unbind(1)] if len(places) else None)
    return found
