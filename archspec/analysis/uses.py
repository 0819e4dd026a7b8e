"""Which values a graph reads, and which are but another name of one.

A call reads only what its graph reads or gives back: a value that is handed to it may stay untouched. A call of a block that came out
empty gives back what it was given, so its value is that very value.
"""

from __future__ import annotations

from typing import NamedTuple

from archspec.ir.graph import Call, Element, Graph


class Use(NamedTuple):
    """What is known of a graph: for each value the one that it is, and for each input whether it is read or given back."""

    origins: tuple[int, ...]
    reads: tuple[bool, ...]


class Uses:
    """The uses of graphs, each found once."""

    def __init__(self) -> None:
        self._found: dict[Graph, Use] = {}

    def of(self, graph: Graph) -> Use:
        found = self._found.get(graph)
        if found is None:
            found = self._found[graph] = self._use(graph)
        return found

    def read(self, element: Element, origins: tuple[int, ...] | list[int]) -> list[int]:
        """The values that an element reads, each by the value that it is; `origins` are those of its graph."""
        if not isinstance(element, Call):
            return [origins[value] for value in element.inputs]
        return [origins[value] for value, read in zip(element.inputs, self.of(element.graph).reads, strict=True) if read]

    def _use(self, graph: Graph) -> Use:
        count = len(graph.inputs)
        origins, reads = list(range(count)), [False] * count
        for at, element in enumerate(graph.elements):
            for value in self.read(element, origins):
                if value < count:
                    reads[value] = True
            handed = self._handed_on(element)
            origins.append(count + at if handed is None else origins[handed])
        if graph.result < count:
            reads[graph.result] = True
        return Use(tuple(origins), tuple(reads))

    def _handed_on(self, element: Element) -> int | None:
        """The value that a call hands on as it is."""
        if not isinstance(element, Call):
            return None
        result = self.of(element.graph).origins[element.graph.result]
        return element.inputs[result] if result < len(element.inputs) else None
