"""What two elements have to agree in, so that one can use the weights of the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from archspec.ir.graph import Call, Further, Graph, Layered, Node, Owner, Part
from archspec.ir.walk import Visit, events
from archspec.types import Type

P = TypeVar("P", bound=Part)


class Slot(NamedTuple):
    """A stored tensor of an element: its key within that, its shape, and the layer that has it, in its graph; None for the element."""

    key: str
    shape: tuple[int, ...]
    node: Node
    graph: Graph | None = None

    @property
    def size(self) -> str:
        """The shape in words."""
        return "x".join(map(str, self.shape))


def slots(element: Layered, types: Iterable[Type]) -> dict[str, Slot]:
    """The tensors that an element stores, by their keys within it; those of equal rounds once. `types` are those of what it reads."""
    if isinstance(element, Node):
        return {w.name: Slot(w.name, w.shape, element) for w in element.op.weights(*types)}
    found = {}
    for met in events(element.graph, fold=True):
        if isinstance(met, Visit) and met.owner is None:
            for name, shape, _ in met.node.op.weights(*met.graph.types_of(met.node)):
                key = f"{met.name}.{name}" if name else met.name
                found[key] = Slot(key, shape, met.node, met.graph)
    return found


def lending(graph: Graph) -> list[int]:
    """The positions of the elements of a graph that have weights."""
    return [at for at, element in graph.layered if slots(element, graph.types_of(element))]


def rounds(element: Layered) -> int:
    """How often an element runs in a row."""
    return element.times if isinstance(element, Call) else 1


def relinked(element: P, change: Callable[[Owner, int], Owner], depth: int = 0) -> P:
    """An element, and the graphs that it calls, with the owners changed that are not inside of it.

    `change` takes such an owner and how deep in the element it is named: an owner that is `up` as many levels stands beside the element.
    """
    if isinstance(element, Further):
        return element
    changed: Any = element
    if element.owner is not None and element.owner.up >= depth:
        changed = element._replace(owner=change(element.owner, depth))
    if isinstance(element, Call) and element.graph.lends:
        graph = element.graph
        inner = tuple([relinked(each, change, depth + 1) for each in graph.elements])
        if any(new is not old for new, old in zip(inner, graph.elements, strict=True)):
            changed = changed._replace(graph=Graph(graph.inputs, inner, graph.results, graph.naming, graph.instance, graph.names))
    kept: P = changed
    return kept
