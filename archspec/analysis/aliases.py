"""Which values a graph reads, and which are only aliases of another.

A call reads only what the layers of its graph read: a value that is handed to it may stay untouched, or be given back as it is, as by a
block that came out empty. The value of such a call is that very value, and whoever reads the one reads the other. Two results of a graph
may be one value, too.
"""

from __future__ import annotations

from itertools import compress
from typing import NamedTuple

from archspec.ir.graph import Call, Element, Further, Graph, Node


class Use(NamedTuple):
    """Uses in a graph: for each value the one it is an alias of; for each input whether a layer reads it, and whether it is taken at
    all: read, given back, or handed to a call that takes it.
    """

    origins: tuple[int, ...]
    reads: tuple[bool, ...]
    takes: tuple[bool, ...]


class Made(NamedTuple):
    """What makes a value of a graph: the value of an element, one of its rounds, and the value inside it, or the number of its result."""

    of: int
    round: int
    inside: int


class Uses:
    """The uses of graphs, each found once."""

    def __init__(self) -> None:
        self._found: dict[Graph, Use] = {}

    def of(self, graph: Graph) -> Use:
        """The use of a graph's values, found once per graph."""
        found = self._found.get(graph)
        if found is None:
            found = self._found[graph] = self._use(graph)
        return found

    def read(self, element: Element, origins: tuple[int, ...] | list[int]) -> list[int]:
        """The values that layers of an element read, each by the value that it is; `origins` are those of its graph."""
        if isinstance(element, Further):
            return []
        if not isinstance(element, Call):
            return [origins[value] for value in element.inputs]
        use = self.of(element.graph)
        read, main = [*compress(element.inputs, use.reads)], use.origins[element.graph.result]
        if element.times > 1 and use.reads[0] and main < len(element.inputs):
            read.append(element.inputs[main])  # a round hands it on, and the next reads it
        return [origins[value] for value in read]

    def made(self, graph: Graph, value: int) -> Made | int:
        """What makes the value of an element of a graph; where it only hands on a value that is read, that one."""
        element = graph.elements[value - len(graph.inputs)]
        of, result, round_ = value, 0, element.times - 1 if isinstance(element, Call) else 0
        if isinstance(element, Further):
            of, result, round_ = element.of, element.result, element.round
            element = graph.elements[of - len(graph.inputs)]
        if not isinstance(element, Call):
            return Made(of, 0, result)
        origins, results = self.of(element.graph).origins, element.graph.results
        origin = origins[results[result]]
        if origin == 0 and round_ > 0:  # a round reads the main result of the one before
            origin, round_ = origins[results[0]], round_ - 1 if origins[results[0]] else 0
        return element.inputs[origin] if origin < len(element.inputs) else Made(of, round_, origin)

    def _use(self, graph: Graph) -> Use:
        count = len(graph.inputs)
        origins, read, taken = list(range(count)), set[int](), set[int]()
        first: dict[Made, int] = {}
        for at, element in enumerate(graph.elements):
            read.update(self.read(element, origins))
            if isinstance(element, Node) and not graph.picks:
                origins.append(count + at)
                continue
            if isinstance(element, Call):
                taken.update(compress([origins[value] for value in element.inputs], self.of(element.graph).takes))
            made = self.made(graph, count + at)
            origins.append(origins[made] if isinstance(made, int) else first.setdefault(made, count + at))
        taken |= read | {origins[result] for result in graph.results}
        return Use(tuple(origins), *(tuple(value in found for value in range(count)) for found in (read, taken)))
