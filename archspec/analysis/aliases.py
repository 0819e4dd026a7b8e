"""Which values a graph reads, and which are only aliases of another.

A call reads only what the layers of its graph read: a value that is handed to it may stay untouched, or be given back as it is, as by a
block that came out empty. The value of such a call is that very value, and whoever reads the one reads the other.
"""

from __future__ import annotations

from itertools import compress
from typing import NamedTuple

from archspec.ir.graph import Call, Element, Graph


class Use(NamedTuple):
    """Uses in a graph: for each value the one it is an alias of; for each input whether a layer reads it, and whether it is taken at
    all: read, given back, or handed to a call that takes it.
    """

    origins: tuple[int, ...]
    reads: tuple[bool, ...]
    takes: tuple[bool, ...]


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
        read = compress(element.inputs, self.of(element.graph).reads) if isinstance(element, Call) else element.inputs
        return [origins[value] for value in read]

    def _use(self, graph: Graph) -> Use:
        count = len(graph.inputs)
        origins, read, taken = list(range(count)), set[int](), set[int]()
        for at, element in enumerate(graph.elements):
            read.update(self.read(element, origins))
            origin = count + at
            if isinstance(element, Call):
                inner, given = self.of(element.graph), [origins[value] for value in element.inputs]
                taken.update(compress(given, inner.takes))
                result = inner.origins[element.graph.result]
                origin = given[result] if result < len(given) else origin  # a call may hand a value on as it is
            origins.append(origin)
        taken |= read | {origins[graph.result]}
        return Use(tuple(origins), *(tuple(value in found for value in range(count)) for found in (read, taken)))
