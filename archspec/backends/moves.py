"""How layers that move axes do it on tensors: an axis is split, the parts are put into another order, and joined again."""

from __future__ import annotations

from typing import Any, NamedTuple

from archspec.ops.arrange import Arranged
from archspec.types import Tokens, Type, channels_second


class Moves(NamedTuple):
    """The steps, on axes counted without the batch and in the order of tensors; each is empty where it would do nothing."""

    split: tuple[tuple[int, tuple[Any, ...]], ...]
    """Axes with the sizes of their parts, -1 for one that follows from the others."""
    order: tuple[int, ...]
    """The parts in their new order."""
    join: tuple[tuple[int, int], ...]
    """First and last of the parts that become one axis."""
    sizes: tuple[Any, ...]
    """The sizes of all parts, before they are moved."""


def moves(op: Arranged, x: Type, y: Type) -> Moves:
    """Find the steps of a layer, for its input and output."""
    plan = op.plan(x)
    parts = plan.parts(x)
    left, right = channels_second(plan.left, x), channels_second(plan.right, y)
    names = [name for group in left for name in group]
    order = tuple([names.index(name) for group in right for name in group])
    ends = [sum(map(len, right[: at + 1])) for at in range(len(right))]
    return Moves(
        tuple([(at, tuple([plan.sizes.get(name, -1) for name in group])) for at, group in enumerate(left) if len(group) > 1]),
        order if order != tuple(sorted(order)) else (),
        tuple([(end - len(group), end - 1) for end, group in zip(ends, right, strict=True) if len(group) > 1]),
        tuple([parts[name] for name in names]),
    )


def is_last(axis: str, x: Type) -> bool:
    """Whether the axis c or t is the last of a tensor: channels are the last of tokens, and the second of a map."""
    return isinstance(x, Tokens) is (axis == "c")
