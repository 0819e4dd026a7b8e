"""Masks of attention that let each position see itself and those before it, however they are computed."""

from __future__ import annotations

from typing import Any, NamedTuple

from archspec.imports.flat import Unsaid
from archspec.imports.onnx.lowering import Call, row
from archspec.imports.onnx.numbers import Numbers
from archspec.imports.products import Scores

_LOW = -1e4
"""What is added to scores that count for nothing is this or less."""


class Triangle(NamedTuple):
    """Which of so many keys each of as many queries sees: those up to its own place. With `added` the numbers that are added to scores."""

    size: int
    added: bool = False


@row("LessOrEqual", "GreaterOrEqual")
def _compared(call: Call) -> Triangle:
    """Places of keys compared with those of queries."""
    keys, queries = (call.numbers(at) for at in ((0, 1) if call.node.operator == "LessOrEqual" else (1, 0)))
    size = len(keys.values) if keys is not None else 0
    places = tuple(range(size))
    if (
        keys is None
        or queries is None
        or keys.values != places
        or queries.values != places
        or queries.shape[-2:] != (size, 1)
        or keys.shape[-1] != size
    ):
        raise Unsaid("it compares values")
    return Triangle(size)


@row("Where")
def _chosen(call: Call) -> Any:
    condition, kept, other = call.any(0), call.any(1), call.number(2)
    triangle = condition if isinstance(condition, Triangle) else triangle_of(condition) if isinstance(condition, Numbers) else None
    if triangle is None or other is None or other > _LOW:
        raise Unsaid("it chooses between values")
    if call.number(1) == 0:
        return triangle._replace(added=True)
    if isinstance(kept, Scores) and not kept.weighed and kept.mask is None:
        return seen(kept, triangle)
    raise Unsaid("it chooses between values")


@row("Trilu")
def _half(call: Call) -> Triangle:
    x = call.any(0)
    size = x.shape[-1] if isinstance(x, Numbers) else 0
    shift = int(call.number(1) or 0)
    if (
        not isinstance(x, Numbers)
        or len(x.shape) < 2
        or x.shape[-2] != size
        or set(x.values) != {1.0}
        or call.attribute("upper", 1)
        or shift
    ):
        raise Unsaid("it takes a triangle of a tensor")
    return Triangle(size)


def triangle_of(numbers: Numbers) -> Triangle | None:
    """The mask that numbers are: whether each query sees a key, or what is added to the scores; None where they are another."""
    shape = numbers.shape
    if len(shape) < 2 or shape[-1] != shape[-2] or any(size != 1 for size in shape[:-2]):
        return None
    size = shape[-1]
    rows = [numbers.values[at * size : (at + 1) * size] for at in range(size)]
    if not numbers.real and all(list(map(bool, line)) == [key <= at for key in range(size)] for at, line in enumerate(rows)):
        return Triangle(size)
    if (
        numbers.real
        and size > 1
        and all(all((number == 0) if key <= at else number <= _LOW for key, number in enumerate(line)) for at, line in enumerate(rows))
    ):
        return Triangle(size, added=True)
    return None


def seen(scores: Scores, triangle: Triangle) -> Scores:
    """Scores of which each query sees those of the keys up to its own place. Raises Unsaid."""
    if scores.queries.sizes[-2] != triangle.size or scores.keys.sizes[-2] != triangle.size:
        raise Unsaid("the mask is of another size than the scores")
    if scores.causal:
        raise Unsaid("its scores get two masks")
    return scores._replace(causal=True)
