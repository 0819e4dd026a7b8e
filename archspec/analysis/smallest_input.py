"""The smallest input: the least size, the same along each axis, for which a spec still checks.

Only layers read spatial sizes, so the same graph is given other types: the result is the same as elaborating the
text again. Layers that are as large as what they read (a fully connected one behind a flatten) become smaller with it. Where positions
become channels (`swap`), or an expression reads a size (`h()`), an argument may follow from the size of the input, which the graph does not
know any more; `to=x` does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

from archspec.ir.graph import Further, Graph, Network, Node
from archspec.ops.arrange import Arranged
from archspec.ops.base import Misfit
from archspec.types import Map, Type, Vector

_MEASURED = re.compile(r"\b[dhwt]\(")
"""The size of a value in an expression."""
_LARGEST = 1024
"""Sizes that are tried at most."""
_WORK = 2_000_000
"""Layers that are tried at most, over all sizes."""


def smallest_input(network: Network) -> tuple[int, ...] | None:
    """The spatial size of the smallest square input that fits, at most as large as the spec's own.

    None where it is not known: with several inputs, with one that is no map, where positions become channels or a layer has a size `to`,
    and where it takes too long to find.
    """
    type_ = network.inputs[0].type
    if len(network.inputs) > 1 or not isinstance(type_, Map) or _reads_sizes(network):
        return None
    sizes = _Sizes()
    with suppress(TimeoutError):
        for side in range(1, min(max(type_.spatial), _LARGEST) + 1):
            spatial = (side,) * len(type_.spatial)
            sizes.known.clear()
            with suppress(Misfit):
                sizes.graph(network.graph, (type_._replace(spatial=spatial),))
                return spatial
    return None


def _reads_sizes(network: Network) -> bool:
    """Whether the channels of some value are positions of another, or a layer has a size that may be that of a value: `to=x`, `grid=h()//2`."""
    sources = {each.span.source for graph in network.graphs() for _, each in graph.layered if each.span is not None}
    if any(_MEASURED.search(source.text) for source in sources):
        return True
    for graph in network.graphs():
        for node in graph.elements:
            op = node.op if isinstance(node, Node) and not isinstance(node.type, Vector) else None
            if isinstance(op, Arranged) and op.moves_positions(*graph.types_of(node)):
                return True
            if getattr(op, "to", None) is not None:
                return True
    return False


class _Sizes:
    """Infers types anew; a graph that is called with the same types again is inferred once."""

    def __init__(self) -> None:
        self.work = 0
        self.known: dict[tuple[Graph, tuple[Type, ...]], list[Type]] = {}

    def graph(self, graph: Graph, inputs: tuple[Type, ...]) -> list[Type]:
        """The types of a graph's results. Raises Misfit."""
        found = self.known.get((graph, inputs))
        if found is not None:
            return found
        types = list(inputs)
        made: dict[int, list[Sequence[Type]]] = {}
        """The types of the results of elements' rounds, up to one that those after it equal."""
        for element in graph.elements:
            if isinstance(element, Further):
                rounds = made[element.of]
                types.append(rounds[min(element.round, len(rounds) - 1)][element.result])
                continue
            self.work += 1
            if self.work > _WORK:
                raise TimeoutError
            read = [types[value] for value in element.inputs]
            rounds = made[len(types)] = []
            for _ in range(1 if isinstance(element, Node) else element.times):
                rounds.append(element.op.infer(read) if isinstance(element, Node) else self.graph(element.graph, tuple(read)))
                first = rounds[-1][0]
                if read[:1] in ([], [first]):
                    break  # a round leaves the type as it was, or reads nothing, and so do the others
                read[0] = first
            types.append(rounds[-1][0])
        found = self.known[graph, inputs] = [types[result] for result in graph.results]
        return found
