"""Borders as TensorFlow puts them: zeros that a window has around its map, said by the word `same` where that gives as many."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from archspec.ops import make
from archspec.ops.base import Op
from archspec.ops.border import Pad
from archspec.ops.declare import is_range
from archspec.ops.window import Windowed
from archspec.types import Map, Type

_ZEROS = ("conv", "dwconv")
"""Windows around which a border holds zeros."""
_STEPS = (*_ZEROS, "pool")


class Read(NamedTuple):
    """A layer, and the values that it reads."""

    op: Op
    inputs: tuple[int, ...]


def with_same(layers: Mapping[int, Read], type_of: Callable[[int], Type], results: Collection[int]) -> dict[int, Read]:
    """Layers, by the values that they give, of which windows have a border `same` if one has more zeros at its end than before; `results` stay.

    Layers that put such zeros around a map for windows alone are left out. A network with one border of TensorFlow's has them everywhere, so that
    layers of one kind are alike, unless it has a window with a stride and another border.
    """
    users: dict[int, list[int]] = {}
    for value, layer in layers.items():
        for one in layer.inputs:
            users.setdefault(one, []).append(value)
    found: dict[int, Read] = {}
    even: dict[int, Read] = {}
    left_out: set[int] = set()
    uneven = other = False
    for value, layer in layers.items():
        if isinstance(layer.op, Pad) and value in users and value not in results:
            windows = {user: _with_border(layers[user].op, layer.op, *map(type_of, (*layer.inputs, value))) for user in users[value]}
            if all(windows.values()):
                found |= {user: Read(op, layer.inputs) for user, op in windows.items() if op is not None}
                uneven |= any(map(is_range, layer.op.arguments().values()))
                left_out.add(value)
        elif value not in found and (op := _same(layer.op, *map(type_of, layer.inputs))) is not None:
            (found if is_range(p := layer.op.arguments().get("p")) else even)[value] = layer._replace(op=op)
            uneven |= is_range(p)
        elif value not in found:
            other |= _strides_otherwise(layer.op)
    if uneven and not other:
        found = {**even, **found}
    return {value: found.get(value, layer) for value, layer in layers.items() if value not in left_out} if uneven else dict(layers)


def _strides_otherwise(op: Op) -> bool:
    """Whether a window moves by more than one position, and has a border in numbers."""
    given = op.arguments()
    return op.step in _STEPS and given.get("s", 1) not in (1, None) and not isinstance(p := given.get("p", 0), str) and p != 0


def _with_border(op: Op, pad: Pad, x: Type, padded: Type) -> Op | None:
    """A window on a map with zeros around it, as one that has them itself; None where `same` puts others."""
    given = op.arguments()
    if op.step not in _ZEROS or given.get("p", 0) != 0 or given.get("offset") or pad.mode != "zero" or x.channels != padded.channels:
        return None
    assert isinstance(op, Windowed) and isinstance(x, Map) and isinstance(padded, Map)
    return _if_alike(op, padded, x, pad.around(x))


def _same(op: Op, *types: Type) -> Op | None:
    """A window of several positions whose border is in numbers that `same` puts too; None for any other layer."""
    if op.step not in _STEPS or isinstance(op.arguments().get("p"), str) or len(types) > 1:
        return None
    (x,) = types
    assert isinstance(op, Windowed) and isinstance(x, Map)
    return _if_alike(op, x, x) if any(size > 1 for size in op.kernel(x)) else None


def _if_alike(op: Windowed, read: Map, x: Map, around: Sequence[tuple[int, int]] = ()) -> Op | None:
    """A window with the border `same` on a map, if its positions are those that it has without on what it read; None elsewhere."""
    found = make(op.step, {**op.arguments(), "p": "same"})
    assert isinstance(found, Windowed)
    slides = op.window(read)
    pairs = around or [(slide.before, slide.after) for slide in slides]
    theirs = [(*pair, slide.out) for pair, slide in zip(pairs, slides, strict=True)]
    return found if [(slide.before, slide.after, slide.out) for slide in found.window(x)] == theirs else None
