"""Masks of attention that let each position see itself and those before it, however they are computed."""

from __future__ import annotations

from struct import pack
from typing import Any, NamedTuple

from archspec.imports.flat import Unsaid
from archspec.imports.onnx.lowering import Call, row
from archspec.imports.onnx.numbers import LETTERS, Numbers
from archspec.imports.onnx.regions import Parted, chosen, compared
from archspec.imports.onnx.weights import Weight
from archspec.imports.products import Scores

_MOST = 4096
"""Positions of a stored mask that is read."""
_LOW = -1e4
"""What is added to scores that count for nothing is this or less."""


class Triangle(NamedTuple):
    """Which of so many keys each of as many queries sees: those up to its own place, or with `hidden` does not see: those behind it.

    With `added` it is the numbers that are added to scores.
    """

    size: int
    added: bool = False
    hidden: bool = False

    @property
    def sizes(self) -> tuple[int, int]:
        """The size of each dimension."""
        return self.size, self.size


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


@row("Equal", "Not")
def _turned(call: Call) -> Triangle | Parted:
    """What is not seen: where a mask is 0."""
    x = call.any(0)
    if isinstance(x, Parted):
        return compared(x, call.node.operator, call.number(1) if call.has(1) else None)
    mask = _mask(call, 0)
    if mask is None or mask.added or (call.node.operator == "Equal" and call.number(1) != 0):
        raise Unsaid("it compares values")
    return mask._replace(hidden=not mask.hidden)


@row("Where")
def _chosen(call: Call) -> Any:
    condition = call.any(0)
    if isinstance(condition, Parted):
        return chosen(condition, *[call.number(at) if call.number(at) is not None else call.any(at) for at in (1, 2)])
    mask = _mask(call, 0)
    if mask is None or mask.added:
        raise Unsaid("it chooses between values")
    kept, other = (2, 1) if mask.hidden else (1, 2)
    low = call.number(other)
    if low is None or low > _LOW:
        raise Unsaid("it chooses between values")
    if call.number(kept) == 0:
        return Triangle(mask.size, added=True)
    scores = call.any(kept)
    if isinstance(scores, Scores) and not scores.weighed and scores.mask is None:
        return seen(scores, mask)
    raise Unsaid("it chooses between values")


def _mask(call: Call, at: int) -> Triangle | None:
    """An input that is a mask; None for any other."""
    found = call.any(at)
    if isinstance(found, Numbers):
        return triangle_of(found)
    if isinstance(found, Weight):
        return _stored(call, found)
    return found if isinstance(found, Triangle) else None


def _stored(call: Call, weight: Weight) -> Triangle | None:
    """A stored mask of yes and no, or of ones and zeros, which is compared row by row."""
    size = weight.shape[-1] if weight.shape else 0
    tensor = call.lowering.graph.tensors[weight.name]
    letter = LETTERS.get(weight.kind, "")
    whole = len(tensor.values) == 1 and tensor.values[0][0] == 9 and weight.total == size * size and weight.start == 0
    if not whole or not letter or size > _MOST or weight.shape[-2:] != (size, size) or tensor.external is not None:
        return None
    yes, no = pack(f"<{letter}", 1), pack(f"<{letter}", 0)
    _, _, start, stop = tensor.values[0]
    width = size * len(yes)
    if stop - start != size * width:
        return None
    wire = call.lowering.graph.wire
    rows = (wire.whole(tensor.data, start + at * width, start + (at + 1) * width) for at in range(size))
    return Triangle(size) if all(line == yes * (at + 1) + no * (size - at - 1) for at, line in enumerate(rows)) else None


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
    if size < 2:
        return None
    rows = [numbers.values[at * size : (at + 1) * size] for at in range(size)]
    seen_ = [[key <= at for key in range(size)] for at in range(size)]
    truth = [[bool(number) for number in line] for line in rows]
    if set(numbers.values) <= {0, 1}:
        if truth == seen_:
            return Triangle(size)
        return Triangle(size, hidden=True) if truth == [[not one for one in line] for line in seen_] else None
    kept = all(
        (number == 0) if see else number <= _LOW
        for line, sees in zip(rows, seen_, strict=True)
        for number, see in zip(line, sees, strict=True)
    )
    return Triangle(size, added=True) if numbers.real and kept else None


def seen(scores: Scores, triangle: Triangle) -> Scores:
    """Scores of which each query sees those of the keys up to its own place. Raises Unsaid."""
    if scores.queries.sizes[-2] != triangle.size or scores.keys.sizes[-2] != triangle.size:
        raise Unsaid("the mask is of another size than the scores")
    if scores.causal:
        raise Unsaid("its scores get two masks")
    return scores._replace(causal=True)
