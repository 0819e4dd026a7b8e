"""The most numbers alive at once while a network runs, layer after layer, in inference.

A value lives from the layer that makes it to the last one that reads it. A layer that may work in place takes over the memory of an
input that nobody reads later.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress

from archspec.analysis.aliases import Uses
from archspec.analysis.cost import needed_elements
from archspec.ir.graph import Call, Graph, Network, Node

Owned = tuple[bool, ...]
"""For each input of a graph, whether nobody outside reads it later, so that its memory may be given back."""
Same = tuple[int, ...]
"""For each input of a graph, the first one that is the same value; the memory is that one's."""
Live = dict[int, dict[int, int]]
"""For each round of an element whose values are read later, those values here, by the values inside the round that they are."""

MADE = -1
"""In place of a value's number: what the round before made."""


class Peaks:
    """Peaks of the graphs of one network, each computed once for each way in which its inputs are owned and the same."""

    def __init__(self) -> None:
        self._graphs: dict[tuple[Graph, Owned, Same, frozenset[int]], int] = {}
        self._uses = Uses()

    def network(self, network: Network) -> int:
        """Numbers alive at the worst moment, inputs included."""
        graph = network.graph
        kept = {output.value for output in network.outputs if not output.training}
        first = len(graph.inputs)
        return self._run(graph, (True,) * first, tuple(range(first)), kept, needed_elements(network))

    def graph(self, graph: Graph, owned: Owned, same: Same, kept: frozenset[int]) -> int:
        """The peak of a graph that has to give some of its values, in numbers; computed once per set of owned and aliased inputs."""
        key = (graph, owned, same, kept)
        peak = self._graphs.get(key)
        if peak is None:
            peak = self._graphs[key] = self._run(graph, owned, same, {*kept}, [True] * len(graph.elements))
        return peak

    def _run(self, graph: Graph, owned: Owned, same: Same, kept: set[int], needed: list[bool]) -> int:
        first = len(graph.inputs)
        origins = [value if value >= first else same[value] for value in self._uses.of(graph).origins]
        # A tensor is among the weights, and takes no other memory.
        stored = {value for value in range(first, first + len(graph.elements)) if graph.is_tensor(value)}
        kept = {origins[value] for value in kept} | stored
        # A call of an empty block does nothing.
        runs = [(at, e) for at, e in graph.layered if needed[at] and (e.inputs if isinstance(e, Node) else e.graph.layers)]
        last = {value: at for at, element in runs for value in self._uses.read(element, origins)}
        types = (*graph.inputs, *(element.type for element in graph.elements))
        sizes = [0 if value in stored else type_.size for value, type_ in enumerate(types)]
        live = self._live(graph, (value for values in (last, kept) for value in values if value >= first))
        peak = alive = sum(compress(sizes, owned))
        for at, element in runs:
            read = self._uses.read(element, origins)
            ends = {v for v in read if last[v] == at and v not in kept and (v >= first or owned[v])}
            given = live.get(first + at, {})
            if isinstance(element, Call):
                peak = max(peak, self._call(element, [origins[value] for value in element.inputs], ends, sizes, alive, given))
            elif origins[element.inputs[0]] in ends and element.op.reuses(*graph.types_of(element), *element.types):
                peak = max(peak, alive)
            else:
                peak = max(peak, alive + sum(type_.size for type_ in element.types))
            if isinstance(element, Node) and not element.further:
                alive += sizes[first + at] if first + at in last or first + at in kept else 0
            alive += sum(sizes[value] for round_ in given.values() for value in round_.values()) - sum(sizes[value] for value in ends)
        return peak

    def _live(self, graph: Graph, wanted: Iterable[int]) -> dict[int, Live]:
        """What is read later of what each element gives, by the element's value; nothing of layers with one result, of which there are many."""
        found: dict[int, Live] = {}
        for value in wanted:
            element = graph.elements[value - len(graph.inputs)]
            if isinstance(element, Node) and not element.further:
                continue
            made = self._uses.made(graph, value)
            assert not isinstance(made, int), "an alias is known by what it is an alias of"
            found.setdefault(made.of, {}).setdefault(made.round, {})[made.inside] = value
        return found

    def _call(self, call: Call, given: list[int], ends: set[int], sizes: list[int], alive: int, live: Live) -> int:
        """The peak while a call runs on some values. Over several rounds, what is read from outside lives on to the last of them."""
        graph, use, count = call.graph, self._uses.of(call.graph), len(given)
        main, final = use.origins[graph.result], call.times - 1
        outside = [*compress(given[1:], use.reads[1:])]
        peak, current, left = 0, given[0], {*ends}
        # The rounds between these are like the one before them.
        for round_ in sorted({at for met in (-1, *live) for at in range(met, met + 3) if 0 <= at <= final} | {final}):
            read = [current, *given[1:]]
            # A round may hand on what it was given, or a value from outside.
            following = read[main] if main < count else MADE
            done = {v for v in read if v in left and (round_ == final or (v not in outside and v != following))}
            own = {main: graph.inputs[0].size} if main >= count and round_ < final and use.reads[0] else {}
            left -= done
            if current == MADE and use.reads[0] and main not in live.get(round_ - 1, {}):
                done.add(MADE)
            freed = sum(graph.inputs[0].size if value == MADE else sizes[value] for value in done)
            own |= {inside: sizes[value] for inside, value in live.get(round_, {}).items()}
            peak = max(peak, alive - freed + self.graph(graph, *_owned(read, done), frozenset(own)))
            alive += sum(own.values()) - freed
            current = following
        return peak


def _owned(given: list[int], ends: set[int]) -> tuple[Owned, Same]:
    """How the inputs of a graph that is given some values, of which some end with it, are owned, and which are the same."""
    places = {value: at for at, value in reversed(list(enumerate(given)))}
    return tuple(value in ends and places[value] == at for at, value in enumerate(given)), tuple(places[value] for value in given)
