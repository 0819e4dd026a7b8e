"""Pooling whose size a source computes by rules of its own, as arguments of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from archspec.imports.flat import Unsaid
from archspec.ops import make
from archspec.types import Map


class Window(NamedTuple):
    """A window that slides along an axis: its size, its stride, what is padded before it, and how many outputs it gives."""

    size: int
    stride: int
    before: int
    out: int


def pooled(step: Callable[..., int], kind: str, value: int, type_: Map, windows: Sequence[Window], **arguments: Any) -> int:
    """Append a `pool`, or an `avgpool` that leaves out the padding, with these windows; `step` appends. Raises Unsaid where none has them."""
    size, stride = (_shared([window[at] for window in windows]) for at in range(2))
    wanted = [(window.before, window.out) for window in windows]
    if min(window.out for window in windows) < 1:
        raise Unsaid(f"a window of {size} does not fit on a map of {type_}")
    for padding in _paddings(type_, windows):
        given = arguments | padding | {"w": size} | ({"s": stride} if stride != size else {})
        if [(slide.before, slide.out) for slide in make(kind, given).window(type_)] == wanted:
            return step(kind, value, **given)
    raise Unsaid(f"no padding of `{kind}` has the size {'x'.join(str(window.out) for window in windows)}")


def _paddings(type_: Map, windows: Sequence[Window]) -> Iterator[dict[str, Any]]:
    """Ways to pad, the plainest first. What stands behind the map makes no difference to these layers."""
    before = _shared([window.before for window in windows])
    yield {"p": before, "round": "floor"}
    yield {"p": "same"}
    yield {"p": before, "round": "ceil"}
    ends = [
        (window.before, (window.out - 1) * window.stride + window.size - window.before - size)
        for window, size in zip(windows, type_.spatial, strict=True)
    ]
    if len(set(ends)) == 1 and ends[0][1] >= 0:
        yield {"p": (ends[0],)}


def _shared(numbers: list[int]) -> Any:
    """One number for all axes, or one for each."""
    return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)
