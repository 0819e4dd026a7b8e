"""Whether one module can serve two elements of a network, of which one uses the weights of the other."""

from __future__ import annotations

from collections.abc import Callable

from archspec.backends.registry import Unsupported
from archspec.backends.source.constructor import New, written
from archspec.ir.graph import Call, Graph, Layered, Node

Make = Callable[[Node, Graph], New]


def check_alike(element: Layered, graph: Graph, lender: Layered, theirs: Graph, make: Make) -> None:
    """Raises Unsupported where the module of another, whose weights an element uses, does something else than the element.

    What a module does may depend on the size of what it reads, as padding does that is `same`, or on its kind.
    """
    if isinstance(element, Node) and isinstance(lender, Node):
        (own, kinds), (other, other_kinds) = _way(element, graph, make), _way(lender, theirs, make)
        if own != other or kinds != other_kinds:
            texts = [written(own), written(other)] if own is not None and other is not None and own != other else [kinds, other_kinds]
            raise Unsupported(f"this would be `{texts[0]}` here, but the module whose weights it uses is `{texts[1]}`", element.span)
    elif isinstance(element, Call) and isinstance(lender, Call) and element.graph is not lender.graph:
        if not set(element.graph.names) <= set(lender.graph.names):
            raise Unsupported("values inside of it are read, which the module whose weights it uses does not put out", element.span)
        parts, others = [[each for _, each in graph.layered] for graph in (element.graph, lender.graph)]
        if len(parts) != len(others):
            raise Unsupported("this has other layers here than the module whose weights it uses", element.span)
        if _wiring(element.graph) != _wiring(lender.graph):
            raise Unsupported("its layers read other values here than in the module whose weights it uses", element.span)
        for mine, its in zip(parts, others, strict=True):
            check_alike(mine, element.graph, its, lender.graph, make)


def _wiring(graph: Graph) -> tuple[object, ...]:
    """What a graph and its elements read, and its main result."""
    return len(graph.inputs), graph.result, *[element.inputs for _, element in graph.layered]


def _way(node: Node, graph: Graph, make: Make) -> tuple[New | None, str]:
    """The module of a layer, if it is one, and the layer with the kinds of what it reads; of one without a module with its arguments."""
    types = graph.types_of(node)
    kinds = " and ".join(f"{type(type_).__name__.lower()} of {len(type_.shape)} axes" for type_ in types)
    if not node.op.variadic:
        return make(node, graph), f"{node.op.step} of {kinds}"
    return None, f"{node.op.step} {node.op.config(*types)}".rstrip() + f" of {kinds}"
