"""The most numbers alive at once while a network runs, layer after layer, in inference.

A value lives from the layer that makes it to the last one that reads it. A layer that may work in place takes over the memory of an
input that nobody reads later.
"""

from __future__ import annotations

from archspec.analysis.cost import needed_elements
from archspec.ir.graph import Call, Element, Graph, Network, Node

Owned = tuple[bool, ...]
"""For each input of a graph, whether nobody outside reads it later, so that its memory may be given back."""


class Peaks:
    """Peaks of the graphs of one network, each computed once for each way in which its inputs are owned."""

    def __init__(self) -> None:
        self._graphs: dict[tuple[Graph, Owned], int] = {}
        self._reads: dict[Graph, frozenset[int]] = {}

    def network(self, network: Network) -> int:
        """Numbers alive at the worst moment, inputs included."""
        graph = network.graph
        kept = {output.value for output in network.outputs if not output.training}
        return self._run(graph, (True,) * len(graph.inputs), kept, needed_elements(network))

    def graph(self, graph: Graph, owned: Owned) -> int:
        key = (graph, owned)
        peak = self._graphs.get(key)
        if peak is None:
            peak = self._graphs[key] = self._run(graph, owned, {graph.result}, None)
        return peak

    def _run(self, graph: Graph, owned: Owned, kept: set[int], needed: list[bool] | None) -> int:
        first = len(graph.inputs)
        last = self._last_reads(graph, needed)
        alive = sum(_size(graph, value) for value in range(first) if owned[value])
        peak = alive
        for at, element in enumerate(graph.elements):
            if needed is not None and not needed[at]:
                continue
            ends = {v for v in self._read_by(element) if last[v] == at and v not in kept and (v >= first or owned[v])}
            freed = sum(_size(graph, value) for value in ends)
            size = _size(graph, first + at)
            if isinstance(element, Call):
                peak = max(peak, self._call(element, ends, alive, freed))
            elif element.inputs[0] in ends and _reuses(element, graph):
                peak = max(peak, alive)
            else:
                peak = max(peak, alive + size)
            alive += size - freed
            if last[first + at] < 0 and first + at not in kept:
                alive -= size  # nobody reads it
        return peak

    def _call(self, call: Call, ends: set[int], alive: int, freed: int) -> int:
        """The peak while a call runs. Over several rounds, what is read from outside lives on to the last of them."""
        if call.times == 1:
            owned = tuple(value in ends for value in call.inputs)
            return alive - freed + self.graph(call.graph, owned)
        handed = call.inputs[0] in ends and call.inputs[0] not in call.inputs[1:]
        rest = (False,) * (len(call.inputs) - 1)
        size = call.graph.inputs[0].size if call.graph.inputs[0] is not None else 0
        once = alive - (size if handed else 0) + self.graph(call.graph, (handed, *rest))
        again = alive - (size if handed else 0) + self.graph(call.graph, (0 in self._read_in(call.graph), *rest))
        return max(once, again)

    def _last_reads(self, graph: Graph, needed: list[bool] | None) -> list[int]:
        last = [-1] * (len(graph.inputs) + len(graph.elements))
        for at, element in enumerate(graph.elements):
            if needed is None or needed[at]:
                for value in self._read_by(element):
                    last[value] = at
        return last

    def _read_by(self, element: Element) -> list[int]:
        """The values that an element reads: a call is handed a first value even where none of its layers reads it."""
        if isinstance(element, Node):
            return list(element.inputs)
        read = self._read_in(element.graph)
        return [value for at, value in enumerate(element.inputs) if at in read]

    def _read_in(self, graph: Graph) -> frozenset[int]:
        """The inputs of a graph that are read in it, or are its result."""
        known = self._reads.get(graph)
        if known is None:
            read = {value for element in graph.elements for value in self._read_by(element)}
            known = self._reads[graph] = frozenset(value for value in (*read, graph.result) if value < len(graph.inputs))
        return known


def _size(graph: Graph, value: int) -> int:
    type_ = graph.type_of(value)
    return type_.size if type_ is not None else 0


def _reuses(node: Node, graph: Graph) -> bool:
    return node.op is not None and node.op.reuses(graph.type_of(node.inputs[0]), node.type)
