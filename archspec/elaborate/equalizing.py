"""Steps after which values of different shapes can be merged."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.types import Map, Tokens, Type, Vector


def equalizing(kind: str, types: Sequence[Type]) -> list[str] | None:
    """For each value the steps to put behind it, empty where none are needed; None where no few steps do.

    >>> equalizing("add", [Map((14, 14), 128), Map((28, 28), 64)])
    ['', 'pool 2 | conv k=1 f=128']
    """
    if kind == "concat":
        return _side_by_side(types)
    target = max(types, key=lambda value: value.size) if kind == "mul" else types[0]
    found: list[str | None] = []
    for value, size in zip(types, _sizes(types, spread=kind == "mul"), strict=True):
        if isinstance(value, Map) and isinstance(target, Map):
            found.append(None if size is None else " | ".join(filter(None, (size, _channels(value, target.channels)))))
        elif type(value) is type(target):
            lengths_differ = isinstance(value, Tokens) and value.shape[:-1] != target.shape[:-1]
            found.append(None if lengths_differ else _channels(value, target.channels))
        elif isinstance(value, Vector) and kind == "mul":
            found.append(_channels(value, target.channels))
        else:
            found.append(f"fc {target.channels}" if isinstance(target, Vector) else None)
    return None if None in found else [steps or "" for steps in found]


def _side_by_side(types: Sequence[Type]) -> list[str] | None:
    if any(type(value) is not type(types[0]) for value in types):
        return ["" if isinstance(value, Vector) else "flatten" for value in types]
    sizes = _sizes(types, spread=False)
    return None if None in sizes else [size or "" for size in sizes]


def _sizes(types: Sequence[Type], *, spread: bool) -> list[str | None]:
    """For each value the step that makes a map as large as the smallest; where values are `spread`, maps of one position count not."""
    ranks = [value.spatial for value in types if isinstance(value, Map) and not (spread and set(value.spatial) == {1})]
    if not ranks or any(len(spatial) != len(ranks[0]) for spatial in ranks):
        return [None if isinstance(value, Map) or not isinstance(value, Vector) else "" for value in types]
    least = tuple(map(min, *ranks)) if len(ranks) > 1 else ranks[0]
    return [_smaller(value.spatial, least) if isinstance(value, Map) and value.spatial in ranks else "" for value in types]


def _smaller(spatial: tuple[int, ...], least: tuple[int, ...]) -> str:
    """A pool where the size is a multiple, otherwise a crop."""
    if spatial == least:
        return ""
    ratios = {a // b if a % b == 0 else 1 for a, b in zip(spatial, least, strict=True)}
    if len(ratios) == 1 and min(ratios) > 1:
        return f"pool {ratios.pop()}"
    return f"crop {'x'.join(map(str, least if len(set(least)) > 1 else least[:1]))}"


def _channels(value: Type, channels: int) -> str:
    if value.channels == channels:
        return ""
    return f"conv k=1 f={channels}" if isinstance(value, Map) else f"fc {channels}" if isinstance(value, Vector) else f"linear {channels}"
