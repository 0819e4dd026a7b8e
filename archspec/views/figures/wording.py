"""Layers and blocks in a few words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise

from archspec.ir.graph import Graph, Node
from archspec.ops.base import Op, counted, show
from archspec.types import Map, Type
from archspec.views.figures.diagram import Box
from archspec.views.theme import is_minor

_UNSAID = frozenset({"bias", "round", "eps", "momentum", "affine", "count_pad", "init"})
"""Arguments that a picture leaves out: they change no shape, and hardly a count."""
_MOST_STEPS = 5


def layer_count(weighty: int, all_: int) -> str:
    """Count layers as the names of networks do: `16 weight layers`, convolutions, fully connected layers and attention; all where none is one."""
    return counted(weighty, "weight layer") if weighty else counted(all_, "layer")


def step(op: Op, *inputs: Type) -> str:
    """A layer as the spec writes it, without the arguments that no picture shows."""
    parts = [part for part in op.config(*inputs).split() if part.partition("=")[0] not in _UNSAID]
    if is_minor(op):
        parts = [part for part in parts if part.isdigit() and op.kind == "normalisation"]  # the groups of a group norm
    return " ".join([op.step, *parts])


def folded_name(box: Box, first: str) -> str:
    """The name of a box, whose own is `first`; where equal ones are folded also what differs in the last's."""
    if not box.last:
        return first
    parts, last = box.name.split("."), box.last.split(".")
    same = next((at for at, (a, b) in enumerate(zip(parts, last, strict=False)) if a != b), len(parts) - 1)
    end = ".".join(last[same:])
    if same < len(parts) and end.rstrip("0123456789") == ".".join(parts[same:]).rstrip("0123456789"):
        end = end[len(end.rstrip("0123456789")) :]  # the number in `layer_0` and `layer_11`
    return f"{first} – {end}"


def inside(found: list[tuple[str, str]]) -> str:
    """The layers of a block that do the work, with their windows: `conv 1x1, 3x3, 1x1`, or how many there are of each."""
    if len(found) <= _MOST_STEPS and not any(a == b and not b[1] for a, b in pairwise(found)):
        before = ["", *(name for name, _ in found)]
        return ", ".join(
            size if name == last and size else f"{name} {size}".rstrip() for last, (name, size) in zip(before, found, strict=False)
        )
    counts = Counter(name for name, _ in found)
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def nodes_inside(graph: Graph) -> Iterator[tuple[Node, Graph]]:
    """The layers of a graph in order, those of blocks in it as often as they are run through, and the graph that each is in."""
    for _, element in graph.layered:
        if isinstance(element, Node):
            yield element, graph
        else:
            inner = [*nodes_inside(element.graph)]
            for _ in range(min(element.times, 1000)):
                yield from inner


def graph_steps(graph: Graph) -> list[tuple[str, str]]:
    """The steps of a graph that do the work, with their windows."""
    return [pair for node, own in nodes_inside(graph) if node.inputs for pair in _working(node.op, own.type_of(node.inputs[0]))]


def box_steps(boxes: Iterable[Box]) -> list[tuple[str, str]]:
    """The steps of boxes, and the blocks among them."""
    found: list[tuple[str, str]] = []
    for box in boxes:
        if box.op is not None:
            own = _working(box.op, box.output)
        else:
            own = box_steps(box.within.boxes) if box.within is not None else [(box.detail.split(" ")[0], "")] * bool(box.detail)
        found += own * min(box.times, 1000)
    return found


def _working(op: Op, x: Type) -> list[tuple[str, str]]:
    idle = is_minor(op) or op.variadic or op.kind == "other"
    return [] if idle else [(op.step, window(op, len(x.spatial) if isinstance(x, Map) else 1))]


def kernel(op: Op, rank: int) -> tuple[int, ...]:
    """The window of a layer on a map of `rank` axes, a size per axis; empty where it has none."""
    size = getattr(op, "w" if "w" in op.fields else "k", None)
    if isinstance(size, tuple):
        return size
    return (size,) * rank if isinstance(size, int) and not isinstance(size, bool) else ()


def window(op: Op, rank: int) -> str:
    """The window of a layer in words: `5×5`."""
    return "×".join(map(str, kernel(op, rank)))


def caption(op: Op, rank: int) -> str:
    """An operation on a map of `rank` axes as a textbook's figure names it: `5×5 conv`, with its stride where it is not the usual one."""
    size = window(op, rank)
    stride = getattr(op, "s", None)
    usual = getattr(op, "w", 1)
    moved = f", s={show(stride).replace('x', '×')}" if stride not in (None, usual) and size else ""
    return f"{size} {_SPOKEN.get(op.step, op.step)}{moved}".strip()


_SPOKEN = {
    "pool": "max-pool",
    "avgpool": "average pool",
    "gap": "global average",
    "adaptpool": "adaptive average",
    "dwconv": "depthwise conv",
}


MOST_KINDS = 64


def kinds_inside(graph: Graph) -> tuple[str, ...]:
    """The kinds of a graph's layers in order, the first of them where there are many."""
    return tuple(node.op.kind for node, _ in islice(nodes_inside(graph), MOST_KINDS))


def text_of(type_: Type) -> str:
    """A shape as pictures write it."""
    return str(type_).replace("x", "×")


def story(box: Box) -> str:
    """A box in words, for the pointer that rests on it."""
    parts = [box.name + (f" to {box.last}, {box.times} times" if box.last else ""), box.detail, *box.minors, box.inside]
    parts += [f"gives {text_of(box.output)}", f"{box.params:,} parameters" if box.params else "", f"{box.macs:,} MACs" if box.macs else ""]
    parts.append("in training only" if box.training else "")
    return "; ".join(part for part in parts if part)
