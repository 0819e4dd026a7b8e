"""The most numbers alive at once while a network runs, layer after layer, in inference.

A value lives from the layer that makes it to the last one that reads it. A layer that may work in place takes over the memory of an
input that nobody reads later.
"""

from __future__ import annotations

from itertools import compress

from archspec.analysis.aliases import Uses
from archspec.analysis.cost import needed_elements
from archspec.ir.graph import Call, Graph, Network, Node

Owned = tuple[bool, ...]
"""For each input of a graph, whether nobody outside reads it later, so that its memory may be given back."""
Same = tuple[int, ...]
"""For each input of a graph, the first one that is the same value; the memory is that one's."""

MADE = -1
"""In place of a value's number: what the round before made."""


class Peaks:
    """Peaks of the graphs of one network, each computed once for each way in which its inputs are owned and the same."""

    def __init__(self) -> None:
        self._graphs: dict[tuple[Graph, Owned, Same], int] = {}
        self._uses = Uses()

    def network(self, network: Network) -> int:
        """Numbers alive at the worst moment, inputs included."""
        graph = network.graph
        kept = {output.value for output in network.outputs if not output.training}
        first = len(graph.inputs)
        return self._run(graph, (True,) * first, tuple(range(first)), kept, needed_elements(network))

    def graph(self, graph: Graph, owned: Owned, same: Same) -> int:
        """The peak of a graph, in numbers; computed once per set of owned and aliased inputs."""
        key = (graph, owned, same)
        peak = self._graphs.get(key)
        if peak is None:
            peak = self._graphs[key] = self._run(graph, owned, same, {graph.result}, [True] * len(graph.elements))
        return peak

    def _run(self, graph: Graph, owned: Owned, same: Same, kept: set[int], needed: list[bool]) -> int:
        first = len(graph.inputs)
        origins = [value if value >= first else same[value] for value in self._uses.of(graph).origins]
        kept = {origins[value] for value in kept}
        # A call of an empty block does nothing.
        runs = [(at, e) for at, e in enumerate(graph.elements) if needed[at] and (isinstance(e, Node) or e.graph.layers)]
        last = {value: at for at, element in runs for value in self._uses.read(element, origins)}
        sizes = [type_.size for type_ in (*graph.inputs, *(element.type for element in graph.elements))]
        peak = alive = sum(compress(sizes, owned))
        for at, element in runs:
            read = self._uses.read(element, origins)
            ends = {v for v in read if last[v] == at and v not in kept and (v >= first or owned[v])}
            freed = sum(sizes[value] for value in ends)
            size = sizes[first + at] if origins[first + at] == first + at else 0
            if isinstance(element, Call):
                given = tuple(origins[value] for value in element.inputs)
                peak = max(peak, self._call(element, given, ends, alive, freed))
            elif origins[element.inputs[0]] in ends and element.op.reuses(*graph.types_of(element), element.type):
                peak = max(peak, alive)
            else:
                peak = max(peak, alive + size)
            alive += size - freed
            if first + at not in last and first + at not in kept:
                alive -= size  # nobody reads it
        return peak

    def _call(self, call: Call, given: tuple[int, ...], ends: set[int], alive: int, freed: int) -> int:
        """The peak while a call runs on some values. Over several rounds, what is read from outside lives on to the last of them."""
        if call.times == 1:
            return alive - freed + self.graph(call.graph, *_owned(given, ends))
        handed = given[0] in ends and given[0] not in given[1:]
        size = call.graph.inputs[0].size
        alive -= size if handed else 0
        outside, use = (False,) * (len(given) - 1), self._uses.of(call.graph)
        result = use.origins[call.graph.result]
        # A round may hand on what it was given, or a value from outside, which is then nobody's to give back.
        again = use.reads[0] if result >= len(given) else result == 0 and handed
        given_back, same = _owned((MADE, *given[1:]), ends)
        first = alive + self.graph(call.graph, (handed, *outside), _owned(given, ends)[1])
        between = alive + self.graph(call.graph, (again, *outside), same) if call.times > 2 else 0
        last = alive - (freed - (size if handed else 0)) + self.graph(call.graph, (again, *given_back[1:]), same)
        return max(first, between, last)


def _owned(given: tuple[int, ...], ends: set[int]) -> tuple[Owned, Same]:
    """How the inputs of a graph that is given some values, of which some end with it, are owned, and which are the same."""
    places = {value: at for at, value in reversed(list(enumerate(given)))}
    return tuple(value in ends and places[value] == at for at, value in enumerate(given)), tuple(places[value] for value in given)
