"""Depth: how many weight layers a signal passes at most.

A weight layer multiplies by stored weights: a convolution, a fully connected layer, attention. So VGG-16 has 16 and ResNet-50 has 50
(its projections lie beside longer ways), as Simonyan & Zisserman 2014 and He et al. 2015 count them. Norms, and factors per channel,
are not counted.
"""

from __future__ import annotations

from collections import Counter
from itertools import compress

from archspec.analysis.cost import Cost, Costs, needed_elements
from archspec.ir.graph import Call, Graph, Network

Lengths = tuple[int | None, ...]
"""For each input of a graph the weight layers on the longest way from it to a value, or None where no way leads there."""


def is_weight_layer(cost: Cost) -> bool:
    """Whether a layer counts towards depth: it multiplies by stored weights, learned or fixed."""
    return cost.macs > 0 and cost.weights + cost.frozen > 0


def depth(network: Network) -> int:
    """The most weight layers on a way from an input to an output, in inference. The time is that of the text."""
    costs = Costs.of(network)
    results: dict[Graph, Lengths] = {}
    lengths: list[Lengths] = []
    for graph in network.graphs():  # the network's own is the last
        lengths = _lengths(graph, costs, results)
        results[graph] = lengths[graph.result]
    ends = [length for output in network.outputs if not output.training for length in lengths[output.value]]
    return max(length for length in ends if length is not None)


def weight_layers(network: Network) -> dict[str, int]:
    """How many weight layers there are in inference, by the step's name, in the order in which they are met."""
    costs = Costs.of(network)
    found: dict[Graph, Counter[str]] = {}
    for graph in network.graphs():
        needed = needed_elements(network) if graph is network.graph else [True] * len(graph.elements)
        counts = found[graph] = Counter()
        for element in compress(graph.elements, needed):
            if isinstance(element, Call):
                for step, count in found[element.graph].items():
                    counts[step] += count * element.times
            elif is_weight_layer(costs.node(element, graph)):
                counts[element.op.step] += 1
    return dict(found[network.graph])


def _lengths(graph: Graph, costs: Costs, results: dict[Graph, Lengths]) -> list[Lengths]:
    """The lengths to each value of a graph; `results` has those to the results of the graphs that it calls."""
    count = len(graph.inputs)
    found: list[Lengths] = [tuple(0 if at == to else None for at in range(count)) for to in range(count)]
    for element in graph.elements:
        read = [found[value] for value in element.inputs]
        if isinstance(element, Call):
            # Each further round reads the round before in place of the first input.
            steps = results[element.graph]
            again = (steps[0] or 0) * (element.times - 1)
            steps = tuple(None if step is None else step + again for step in steps)
        else:
            steps = (int(is_weight_layer(costs.node(element, graph))),) * len(read)
        found.append(tuple(_longest(column, steps) for column in zip(*read, strict=True)))
    return found


def _longest(before: Lengths, steps: Lengths) -> int | None:
    """The longest way on to a value from the values that it reads, `before` long, by `steps` from each of them."""
    ways = [a + b for a, b in zip(before, steps, strict=True) if a is not None and b is not None]
    return max(ways, default=None)
