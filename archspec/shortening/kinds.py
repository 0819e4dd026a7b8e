"""What a block is called whose groups have no names but numbers: as what it does is called in the field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archspec.shortening.items import Group, Head, Item, Layer, bodies


def kind(body: Sequence[Item]) -> str:
    """A word for a body."""
    steps = list(_steps(body))
    merges = {item.kind for item in body if isinstance(item, Head)}
    convs = [step for step in steps if step in ("conv", "dwconv")]
    if "attn" in steps or "winattn" in steps or "attend" in steps:
        return "encoder"
    if "dwconv" in convs[1:2] and len(convs) >= 3:
        return "inverted"
    if "residual" in merges or "add" in merges:
        return "bottleneck" if len(convs) >= 3 else "basic"
    if "mul" in merges and len(steps) <= 6:
        return "gate"
    if "concat" in merges:
        return "dense" if len(merges) == len(body) == 1 and len(steps) <= 6 else "mixed"
    return "unit"


def _steps(body: Sequence[Item]) -> Iterator[str]:
    """The steps of the layers in a body, and of the bodies in it, shortcuts left out."""
    for item in body:
        if isinstance(item, Layer):
            yield item.step
        elif isinstance(item, Head) and item.kind == "residual":
            yield from _steps(item.branches[0])
        elif isinstance(item, Group):
            yield from _steps(item.body)
        else:
            for inner in bodies(item)[: 1 if not isinstance(item, Head) else None]:
                yield from _steps(inner)
