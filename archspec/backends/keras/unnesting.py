"""Labels over several steps, and repeats without names, written out into the graph around them.

A label is a level of names in PyTorch, `layer1.0.conv1`; in Keras it is a part of a name, `layer1_0_conv1`, of one flat list of layers.
"""

from __future__ import annotations

from collections.abc import Sequence

from archspec.backends.registry import Unsupported
from archspec.ir.graph import Call, Element, Further, Graph, Network, Node
from archspec.ir.walk import Names

MOST = 20_000
"""Layers and calls of a graph, after which its repeats are not written out."""
Rounds = list[list[int]]
"""The values of the results of each round of an element."""


class Unnested:
    """Rewrites the graphs of a network; those that share weights stay as they are, since owners are named by positions."""

    def __init__(self, *, blocks: bool = False) -> None:
        self.blocks = blocks
        """Whether calls of blocks are written out too."""
        self.unlabelled: set[str] = set()
        """The names of layers without a label, in no labelled group."""
        self.made: dict[Graph, Graph] = {}
        self.came: dict[Graph, Graph] = {}
        """The graphs that the new ones were."""

    def network(self, network: Network) -> Network:
        """The network with flat graphs, each element labelled with its name."""
        if network.graph.lends:
            return network
        flat = _Flat(self, network.graph)
        outputs = tuple([output._replace(value=flat.values[output.value]) for output in network.outputs])
        return Network(network.name, flat.graph, network.inputs, outputs, network.meta, network.params)

    def graph(self, graph: Graph) -> Graph:
        """Make the flat graph of a block that is still called, once for all of its calls."""
        if graph not in self.made:
            self.made[graph] = _Flat(self, graph).graph
            self.came[self.made[graph]] = graph
        return self.made[graph]


class _Flat:
    """One graph, flat: `values` has the numbers that its values have in the new `graph`."""

    def __init__(self, rules: Unnested, graph: Graph) -> None:
        self.rules = rules
        self.count = len(graph.inputs)
        self.elements: list[Element] = []
        self.values = self.append(graph, list(range(self.count)), Names("", graph.naming))
        results = tuple([self.values[result] for result in graph.results])
        self.graph = Graph(graph.inputs, tuple(self.elements), results, "ordinal", graph.instance, graph.names)

    def append(self, graph: Graph, values: list[int], names: Names) -> list[int]:
        """Append the elements of a graph whose inputs have these numbers; returns the numbers of all its values."""
        values = list(values)
        rounds: dict[int, Rounds] = {}
        for at, element in enumerate(graph.elements, len(graph.inputs)):
            if isinstance(element, Further):
                values.append(rounds[element.of][element.round][element.result])
                continue
            reads = [values[value] for value in element.inputs]
            if isinstance(element, Node):
                name = names(element)
                if element.label is None and not names.prefix:
                    self.rules.unlabelled.add(name)
                rounds[at] = [self.add(element._replace(inputs=tuple(reads), label=name), element.further)]
            else:
                rounds[at] = self.call(element, reads, names)
            values.append(rounds[at][-1][0])
        return values

    def add(self, element: Node | Call, further: Sequence[object]) -> list[int]:
        """Append an element and what picks its further results; returns the numbers of all."""
        if len(self.elements) > MOST:
            raise Unsupported(f"more than {MOST:,} layers of one level are not written out", element.span)
        self.elements.append(element)
        value = self.count + len(self.elements) - 1
        found = [value]
        for result, type_ in enumerate(further, 1):
            self.elements.append(Further((value,), result, 0, type_))  # type: ignore[arg-type]
            found.append(self.count + len(self.elements) - 1)
        return found

    def call(self, call: Call, reads: list[int], names: Names) -> Rounds:
        """Append the rounds of a call."""
        inner = call.graph
        found: Rounds = []
        for _ in range(call.times):
            if call.inline:
                values = self.append(inner, reads, names)
            elif inner.instance is None or self.rules.blocks:
                values = self.append(inner, reads, Names(f"{names(call)}.", inner.naming))
            else:
                one = call._replace(graph=self.rules.graph(inner), inputs=tuple(reads), times=1, label=names(call))
                types = [call.type_of(result) for result in range(1, len(inner.results))]
                found.append(self.add(one, types))
                reads = [found[-1][0], *reads[1:]]
                continue
            found.append([values[result] for result in inner.results])
            reads = [found[-1][0], *reads[1:]]
        return found
