"""What a class calls the values that it takes and gives."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Sequence

from archspec.ir.graph import Graph


def input_names(graph: Graph, taken: Sequence[bool], reserved: Collection[str]) -> tuple[str, ...]:
    """What the inputs that a class takes are called; the values of a block as the block calls them."""
    reads = graph.instance.reads if graph.instance is not None else ()
    if not reads:
        return tuple([f"extra{at}" if at else "x" for at in range(sum(taken))])
    found: list[str] = []
    for name in (name for name, read in zip(("x", *reads), taken, strict=True) if read):
        while name in found or name in reserved or keyword.iskeyword(name):
            name += "_"
        found.append(name)
    return tuple(found)


def result_names(graph: Graph) -> tuple[str, ...]:
    """What the results of a graph are called, the main one first; nothing where there is only that."""
    found: list[str] = ["output"] if graph.names else []
    for name in graph.names:
        # A number that comes first, as that of a round, goes to the end: `0.side` is `side_0`.
        parts = sorted(name.split("."), key=str.isdecimal)
        field = re.sub(r"\W", "_", "_".join(["at", *parts] if parts[0].isdecimal() else parts)).strip("_") or "value"
        field = field if field.isidentifier() else f"at_{field}"
        while field in found or keyword.iskeyword(field) or hasattr(tuple, field):
            field += "_"
        found.append(field)
    return tuple(found)
