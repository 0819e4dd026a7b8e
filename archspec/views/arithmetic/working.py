"""Computes small maps as the lectures do: every number of the output with the sum that gives it.

Where the windows lie is what the layer itself says (`ops/window.py`); numbers are exact fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

from archspec.analysis.layers import Row
from archspec.ops.window import Slide
from archspec.views.arithmetic.matrices import Maps, shown, size_of

MOST = 50_000
"""The most terms of all sums of a layer."""
WIDEST = 256
"""The most positions along an axis, padding included."""
_ALONE = Slide(1, 1, 1, 1, 1, 0, 0)
"""The window on an axis that a map of one axis lacks."""


class Cell(NamedTuple):
    """A number of the output and what it is computed from.

    `terms` are the products, or the numbers that are compared or averaged, by input channel: a weight is None where there is none. `places`
    are the channels, rows and columns of the input that are read, those outside of it included.
    """

    channel: int
    row: int
    column: int
    terms: tuple[tuple[tuple[Fraction, Fraction | None], ...], ...]
    places: frozenset[tuple[int, int, int]]
    bias: Fraction | None
    divisor: int
    value: Fraction


class Worked(NamedTuple):
    """A layer at work: what it is called, how its size comes about, its windows by height and width, and its numbers.

    `kind` is sum, max, mean, or the name of a function of a number.
    """

    step: str
    size: str
    kind: str
    slides: tuple[Slide, Slide] | None
    input: Maps
    kernels: tuple[Maps, ...]
    biases: tuple[Fraction, ...]
    output: Maps
    cells: tuple[Cell, ...]


FUNCTIONS: dict[str, Callable[[Any, Fraction], Fraction]] = {
    "relu": lambda _, x: max(Fraction(0), x),
    "relu6": lambda _, x: min(max(Fraction(0), x), Fraction(6)),
    "leaky": lambda op, x: x if x > 0 else Fraction(str(op.slope)) * x,
    "abs": lambda _, x: abs(x),
}
"""Functions of a number, exact ones."""
_WINDOWED = {"conv": "sum", "dwconv": "sum", "pool": "max", "avgpool": "mean", "gap": "mean", "gmp": "max"}
STEPS = (*_WINDOWED, *FUNCTIONS, "bias")
"""The layers that are computed."""


def work_layer(row: Row, given: Maps, kernels: tuple[Maps, ...], biases: tuple[Fraction, ...]) -> Worked:
    """Compute a layer on maps, with kernels and biases where it has them. Raises ValueError where that is too much to write out."""
    op = row.node.op
    size = row.work.get("output", "")
    if op.step in FUNCTIONS:
        return _elementwise(row.written, op.step, given, lambda x: FUNCTIONS[op.step](op, x))
    height, width = size_of(given)
    slides = op.window(*row.types)
    both = (
        (*(_ALONE,) * (2 - len(slides)), *slides) if slides else (Slide(height, 1, height, 1, 1, 0, 0), Slide(width, 1, width, 1, 1, 0, 0))
    )
    kind, channels = _WINDOWED[op.step], row.output[-1]
    depth = len(kernels[0]) if kernels else 1
    for slide in both:
        if slide.padded > WIDEST:
            raise ValueError(
                f"`{row.written}` reads {slide.padded:,} positions along an axis with the padding, too many to draw: {WIDEST} at most"
            )
    taps = both[0].k * both[1].k * depth
    if both[0].out * both[1].out * channels * taps > MOST:
        raise ValueError(f"`{row.written}` gives {both[0].out}x{both[1].out}x{channels} sums of {taps:,} terms, too many to write out")
    groups = len(given) // depth if kernels else channels
    cells = []
    for channel, y, x in product(range(channels), range(both[0].out), range(both[1].out)):
        read = range(channel * groups // channels * depth, (channel * groups // channels + 1) * depth) if kernels else [channel]
        maps = {at: given[at] for at in read}
        bias = biases[channel] if biases else None
        cells.append(_cell(kind, channel, (y, x), both, maps, kernels[channel] if kernels else None, bias, _counts(op)))
    return Worked(row.written, size, kind, both, given, kernels, biases, _maps(cells, channels, both[0].out, both[1].out), tuple(cells))


def add_bias(given: Maps, biases: tuple[Fraction, ...]) -> Worked:
    """Add a number per channel, or the same one to all."""
    each = biases * len(given) if len(biases) == 1 else biases
    cells = tuple(_point(given, place, each[place[0]], given[place[0]][place[1]][place[2]] + each[place[0]]) for place in _places(given))
    words = "bias " + " ".join(map(shown, biases))
    height, width = size_of(given)
    return Worked(words, "", "bias", None, given, (), each, _maps(cells, len(given), height, width), cells)


def _elementwise(step: str, kind: str, given: Maps, function: Callable[[Fraction], Fraction]) -> Worked:
    cells = tuple(_point(given, place, None, function(given[place[0]][place[1]][place[2]])) for place in _places(given))
    height, width = size_of(given)
    return Worked(step, "", kind, None, given, (), (), _maps(cells, len(given), height, width), cells)


def _places(given: Maps) -> Iterator[tuple[int, int, int]]:
    height, width = size_of(given)
    return product(range(len(given)), range(height), range(width))


def _point(given: Maps, place: tuple[int, int, int], bias: Fraction | None, value: Fraction) -> Cell:
    channel, y, x = place
    return Cell(channel, y, x, (((given[channel][y][x], None),),), frozenset({place}), bias, 1, value)


def _counts(op: Any) -> bool:
    """Whether zeros of the padding count in a mean."""
    return bool(getattr(op, "count_pad", True))


def _cell(
    kind: str, channel: int, at: tuple[int, int], slides: tuple[Slide, ...], maps: Mapping[int, Any], kernel: Maps | None, bias: Fraction | None,
    counts: bool,
) -> Cell:  # fmt: skip
    """A number of the output whose window is at a place of it."""
    tall, wide = slides
    rows = [(i, at[0] * tall.s - tall.before + i * tall.d) for i in range(tall.k)]
    columns = [(j, at[1] * wide.s - wide.before + j * wide.d) for j in range(wide.k)]
    padding = kind == "sum" or (kind == "mean" and counts)
    terms = []
    for depth, matrix in enumerate(maps.values()):
        found: list[tuple[Fraction, Fraction | None]] = []
        for (i, y), (j, x) in product(rows, columns):
            inside = 0 <= y < tall.size and 0 <= x < wide.size
            # The mean of a window that overhangs is over what it covers of the padded map: torch.nn.AvgPool2d.
            if not inside and (not padding or (kind == "mean" and (y >= tall.size + tall.after or x >= wide.size + wide.after))):
                continue
            found.append((matrix[y][x] if inside else Fraction(0), kernel[depth][i][j] if kernel is not None else None))
        terms.append(tuple(found))
    value, divisor = _result(kind, terms)
    places = frozenset((read, y, x) for read, (_, y), (_, x) in product(maps, rows, columns))
    return Cell(channel, *at, tuple(terms), places, bias, divisor, value + (bias or 0))


def _result(kind: str, terms: Sequence[Sequence[tuple[Fraction, Fraction | None]]]) -> tuple[Fraction, int]:
    values = [value if weight is None else value * weight for channel in terms for value, weight in channel]
    if kind == "max":
        return max(values), 1
    divisor = len(values) if kind == "mean" else 1
    return sum(values, Fraction(0)) / divisor, divisor


def _maps(cells: Sequence[Cell], channels: int, height: int, width: int) -> Maps:
    values = iter(cells)
    return tuple(tuple(tuple(next(values).value for _ in range(width)) for _ in range(height)) for _ in range(channels))
