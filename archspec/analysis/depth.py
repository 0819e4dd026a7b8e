"""Depth: how many weight layers a signal passes at most.

A weight layer multiplies by stored weights: a convolution, a fully connected layer, attention. So VGG-16 has 16 and ResNet-50 has 50
(its projections lie beside longer ways), as Simonyan & Zisserman 2014 and He et al. 2015 count them. Norms, and factors of a channel,
are not counted.
"""

from __future__ import annotations

from archspec.analysis.cost import Cost, Costs, needed_elements
from archspec.ir.graph import Call, Graph, Network

Lengths = tuple[int | None, ...]
"""For each input of a graph the weight layers on the longest way from it to a value, or None where no way leads there."""


def is_weight_layer(cost: Cost) -> bool:
    """Whether a layer counts towards depth: it multiplies by stored weights, learned or fixed."""
    return cost.macs > 0 and cost.weights + cost.frozen > 0


def depth(network: Network) -> int:
    """The most weight layers on a way from an input to an output, in inference. The time is that of the text."""
    lengths = _Depths().values(network.graph)
    ends = [length for output in network.outputs if not output.training for length in lengths[output.value]]
    return max(length for length in ends if length is not None)


def weight_layers(network: Network) -> dict[str, int]:
    """How many weight layers there are in inference, by the step's name, in the order in which they are met."""
    return _Counts().network(network)


class _Counts:
    """Weight layers of the graphs of a network, each counted once."""

    def __init__(self) -> None:
        self._costs = Costs()
        self._graphs: dict[Graph, dict[str, int]] = {}

    def network(self, network: Network) -> dict[str, int]:
        return self.among(network.graph, needed_elements(network))

    def graph(self, graph: Graph) -> dict[str, int]:
        if graph not in self._graphs:
            self._graphs[graph] = self.among(graph, [True] * len(graph.elements))
        return self._graphs[graph]

    def among(self, graph: Graph, counted: list[bool]) -> dict[str, int]:
        found: dict[str, int] = {}
        for element, counts in zip(graph.elements, counted, strict=True):
            if not counts:
                continue
            if isinstance(element, Call):
                for step, count in self.graph(element.graph).items():
                    found[step] = found.get(step, 0) + count * element.times
            elif is_weight_layer(self._costs.node(element, graph)):
                found[element.op.step] = found.get(element.op.step, 0) + 1
        return found


class _Depths:
    """Longest ways through the graphs of a network, each walked once."""

    def __init__(self) -> None:
        self._costs = Costs()
        self._graphs: dict[Graph, Lengths] = {}

    def graph(self, graph: Graph) -> Lengths:
        """The lengths to a graph's result."""
        if graph not in self._graphs:
            self._graphs[graph] = self.values(graph)[graph.result]
        return self._graphs[graph]

    def values(self, graph: Graph) -> list[Lengths]:
        """The lengths to each value of a graph."""
        count = len(graph.inputs)
        found: list[Lengths] = [tuple(0 if at == to else None for at in range(count)) for to in range(count)]
        for element in graph.elements:
            read = [found[value] for value in element.inputs]
            if isinstance(element, Call):
                steps = _rounds(self.graph(element.graph), element.times)
            else:
                steps = (int(is_weight_layer(self._costs.node(element, graph))),) * len(read)
            found.append(tuple(_longest(column, steps) for column in zip(*read, strict=True)))
        return found


def _longest(before: Lengths, steps: Lengths) -> int | None:
    """The longest way on to a value from the values that it reads, `before` long, by `steps` from each of them."""
    ways = [a + b for a, b in zip(before, steps, strict=True) if a is not None and b is not None]
    return max(ways, default=None)


def _rounds(steps: Lengths, times: int) -> Lengths:
    """The lengths through several rounds, each of which reads the round before in place of the first input."""
    again = steps[0]
    if again is None:
        return steps
    return tuple(None if step is None else step + again * (times - 1) for step in steps)
