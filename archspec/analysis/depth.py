"""Depth: how many weight layers a signal passes at most.

A weight layer multiplies by stored weights: a convolution, a fully connected layer, attention. So VGG-16 has 16 and ResNet-50 has 50
(its projections lie beside longer ways), as Simonyan & Zisserman 2014 and He et al. 2015 count them. Norms, and factors per channel,
are not counted.
"""

from __future__ import annotations

from collections import Counter

from archspec.analysis.cost import Cost, Costs, needed_elements
from archspec.ir.graph import Call, Further, Graph, Network

Lengths = tuple[int | None, ...]
"""For each input of a graph the weight layers on the longest way from it to a value, or None where no way leads there."""


def is_weight_layer(cost: Cost) -> bool:
    """Whether a layer counts towards depth: it multiplies by stored weights, learned or fixed."""
    return cost.macs > 0 and cost.weights + cost.frozen > 0


def depth(network: Network) -> int:
    """The most weight layers on a way from an input to an output, in inference; 0 where there is no way. The time is that of the text."""
    costs = Costs.of(network)
    results: dict[Graph, list[Lengths]] = {}
    lengths: list[Lengths] = []
    for graph in network.graphs():  # the network's own is the last
        lengths = _lengths(graph, costs, results)
        results[graph] = [lengths[result] for result in graph.results]
    ends = [length for output in network.outputs if not output.training for length in lengths[output.value]]
    return max((length for length in ends if length is not None), default=0)


def weight_layers(network: Network) -> dict[str, int]:
    """How many weight layers there are in inference, by the step's name, in the order in which they are met."""
    costs = Costs.of(network)
    found: dict[Graph, Counter[str]] = {}
    for graph in network.graphs():
        needed = needed_elements(network) if graph is network.graph else [True] * len(graph.elements)
        counts = found[graph] = Counter()
        for element in [element for at, element in graph.layered if needed[at]]:
            if isinstance(element, Call):
                for step, count in found[element.graph].items():
                    counts[step] += count * element.times
            elif is_weight_layer(costs.node(element, graph)):
                counts[element.op.step] += 1
    return dict(found[network.graph])


def _lengths(graph: Graph, costs: Costs, results: dict[Graph, list[Lengths]]) -> list[Lengths]:
    """The lengths to each value of a graph; `results` has those to the results of the graphs that it calls."""
    count = len(graph.inputs)
    found: list[Lengths] = [tuple(0 if at == to else None for at in range(count)) for to in range(count)]
    for element in graph.elements:
        last, result = element.times - 1 if isinstance(element, Call) else 0, 0
        if isinstance(element, Further):
            last, result = element.round, element.result
            element = graph.elements[element.of - count]
            assert not isinstance(element, Further)
        read = [found[value] for value in element.inputs]
        if isinstance(element, Call):
            steps = _rounds(results[element.graph], last, result)
        else:
            steps = (int(is_weight_layer(costs.node(element, graph))),) * len(read)
        found.append(tuple(_longest(column, steps) for column in zip(*read, strict=True)) if read else (None,) * count)
    return found


def _rounds(results: list[Lengths], last: int, result: int) -> Lengths:
    """The lengths from what a call reads to a result of a round; each round reads the main result of the one before as its first input."""
    main, steps = results[0], results[result]
    if last == 0 or steps[0] is None:
        return steps
    # Into the round before, and on through the rounds between; what is read in this round, too.
    through = steps[0] + (main[0] or 0) * (last - 1)
    before = [None if step is None else step + through for step in main]
    here = (None, *steps[1:])
    return tuple(max((step for step in pair if step is not None), default=None) for pair in zip(before, here, strict=True))


def _longest(before: Lengths, steps: Lengths) -> int | None:
    """The longest way on to a value from the values that it reads, `before` long, by `steps` from each of them."""
    ways = [a + b for a, b in zip(before, steps, strict=True) if a is not None and b is not None]
    return max(ways, default=None)
