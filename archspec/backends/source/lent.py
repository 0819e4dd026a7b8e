"""Calls with the weights of another call whose module would do something else: they get a class of their own, of layers that are lent.

What a module does may depend on the size of what it reads, as an enlargement to a size does, or on which of its values are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from archspec.backends.registry import Unsupported
from archspec.backends.source.alike import Make, check_alike
from archspec.backends.source.body import Shared
from archspec.ir.graph import Call, Element, Graph, Layered, Network, Owner
from archspec.ir.shared import lending, relinked
from archspec.ir.walk import inner_element


def lent_by(owner: Owner, graphs: Sequence[Graph]) -> tuple[Layered, Graph]:
    """The element whose weights another uses, and its graph; `graphs` are those around the other, the innermost last."""
    graph = graphs[~owner.up]
    return inner_element(graph, (owner.element, *owner.inside))


class Lent:
    """Rewrites the graphs of a network: a call that cannot use the module of another uses those of its layers."""

    def __init__(self, make: Make) -> None:
        self.make = make
        self.made: dict[Graph, Graph] = {}
        self.came: dict[Graph, Graph] = {}
        """Those that layers are lent to, and the graphs that they were."""

    def network(self, network: Network) -> Network:
        """The network with such calls rewritten."""
        graph = self.graph(network.graph, ())
        if graph is network.graph:
            return network
        return Network(network.name, graph, network.inputs, network.outputs, network.meta, network.params)

    def graph(self, graph: Graph, around: tuple[Graph, ...]) -> Graph:
        """Rewrite a graph, once; `around` are the graphs that call it, the innermost last. One in which nothing is lent stays as it is."""
        if not graph.lends:
            return graph
        if graph not in self.made:
            elements = [self.element(element, (*around, graph)) for element in graph.elements]
            same = all(new is old for new, old in zip(elements, graph.elements, strict=True))
            self.made[graph] = graph if same else _with(graph, elements)
            self.came.setdefault(self.made[graph], graph)
        return self.made[graph]

    def element(self, element: Element, graphs: tuple[Graph, ...]) -> Element:
        """Rewrite the graph of a call in `graphs`, the innermost last; one that cannot use its lender's module uses its layers' weights.

        Raises Unsupported where that is no way out either: in a repeat, and in a graph with inline calls.
        """
        if not isinstance(element, Call):
            return element
        inner = element.graph
        if element.owner is not None:
            lender, theirs = lent_by(element.owner, graphs)
            assert isinstance(lender, Call), "a call uses the weights of a call"
            try:
                check_alike(element, graphs[-1], lender, theirs, self.make)
                return element
            except Unsupported:
                if element.times > 1 or any(isinstance(each, Call) and each.inline for each in inner.elements):
                    raise
            inner = borrowed(inner, element.owner, lender.graph)
            self.came[inner] = element.graph
        changed = self.graph(inner, graphs)
        return element if changed is element.graph else element._replace(graph=changed, owner=None)


def borrowed(graph: Graph, owner: Owner, lender: Graph) -> Graph:
    """The graph of a call with each layer using the weights of that of the lender, which an `owner` of the call names."""
    pairs = dict(zip(lending(graph), lending(lender), strict=True))

    def change(named: Owner, depth: int) -> Owner:
        if named.up > depth:
            return named
        return Owner(owner.element, owner.up + 1 + depth, named.tied, (*owner.inside, pairs[named.element], *named.inside))

    elements = list(graph.elements)
    for at, element in graph.layered:
        elements[at] = relinked(element, change)
        if at in pairs and (element.owner is None or element.owner.tied):
            elements[at] = relinked(element, change)._replace(owner=change(Owner(at), 0))
    return _with(graph, elements)


def from_borrower(owner: Owner, named: Owner) -> Owner:
    """Rewrite `named`, an owner as the graph of the lender names it, as the graph of the borrower names it; the borrower has this `owner`."""
    way, deep = (owner.element, *owner.inside), len(owner.inside)
    if named.up >= deep:
        return named._replace(up=owner.up + named.up - deep)
    way = (*way[: deep - named.up], named.element, *named.inside)
    return Owner(way[0], owner.up, named.tied, way[1:])


def seen_from(borrower: Owner | None, shared: Shared) -> Shared:
    """What a module is given, as it is called where a call stands that uses its weights."""
    return shared if borrower is None else shared._replace(owner=from_borrower(borrower, shared.owner))


def _with(graph: Graph, elements: Sequence[Element]) -> Graph:
    return Graph(graph.inputs, tuple(elements), graph.results, graph.naming, graph.instance, graph.names)
