"""Parameters, MACs and FLOPs: of a node, of a graph, of a network.

A graph's sums are those of its elements, a call's those of its graph times its rounds, so a network is counted in the time that its
text takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archspec.analysis.aliases import Uses
from archspec.ir.graph import Call, Further, Graph, Layered, Network, Node
from archspec.ops.base import Op
from archspec.types import Type


class Cost(NamedTuple):
    """Counts of a layer, or sums of them.

    `params` = `weights` + `biases`, of which `learned` are learned; `buffers` are stored, not learned; `frozen` are fixed weights, among
    the parameters or, as the codes of `rbf`, beside them: `learned`, `buffers` and `frozen` are all that is stored. `activations` are
    the numbers put out; `stored` those that need memory of their own (a layer that overwrites its input needs none). `idle` are layers
    that have neither parameters nor MACs, and `uncounted` those whose MACs and FLOPs are not known, which these leave out.
    """

    weights: int = 0
    biases: int = 0
    buffers: int = 0
    frozen: int = 0
    learned: int = 0
    macs: int = 0
    flops: int = 0
    activations: int = 0
    stored: int = 0
    connections: int = 0
    idle: int = 0
    uncounted: int = 0

    @property
    def params(self) -> int:
        """Weights and biases: what training learns, unless they are frozen."""
        return self.weights + self.biases

    @property
    def tensors(self) -> tuple[int, ...]:
        """The numbers that are stored, each once."""
        return self.learned, self.buffers, self.frozen

    def borrowing(self) -> Cost:
        """The same with the weights of another."""
        return self._replace(weights=0, biases=0, buffers=0, frozen=0, learned=0)

    def tied(self) -> Cost:
        """The same with the weight of another, and biases of its own."""
        return self._replace(weights=0, frozen=self.frozen and self.biases, learned=self.learned and self.biases)

    def plus(self, other: Cost, times: int = 1) -> Cost:
        """Add another cost, counted several times."""
        return Cost(*[a if type(b) is int and not b else a + b * times for a, b in zip(self, other, strict=True)])


NOTHING = Cost()
_ROLES = {"weight": 0, "bias": 1, "buffer": 2, "frozen": 3}


def _cost_of(op: Op, inputs: tuple[Type, ...], outputs: tuple[Type, ...], stored_: bool, idle_: bool) -> Cost:
    """The cost of one application of an op; `stored`, and `idle` with `connections`, only where they are asked for."""
    types, given = (*inputs, *outputs), sum([output.size for output in outputs])
    tensors = [0, 0, 0, 0]
    for weight in op.weights(*inputs):
        tensors[_ROLES[weight.role]] += weight.size
    stored = 0 if not stored_ or op.reuses(*types) else given
    macs, flops = (0, 0) if op.uncounted else (op.macs(*types), op.flops(*types))
    weights, biases, buffers, frozen = tensors
    idle = idle_ and not (weights or biases or macs or op.uncounted)
    connections = op.connections(*types) if idle_ else 0
    params = weights + biases
    learned, frozen = (0, frozen + params) if op.frozen else (params, frozen)
    return Cost(weights, biases, buffers, frozen, learned, macs, flops, given, stored, connections, idle, int(op.uncounted))


class Costs:
    """Costs of the parts of one network, each computed once, with or without `stored` and `idle`, which ask for decisions."""

    def __init__(self, *, stored: bool = True, idle: bool = True) -> None:
        self._stored, self._idle = stored, idle
        self._nodes: dict[tuple[object, ...], Cost] = {}
        self._graphs: dict[Graph, Cost] = {}

    @classmethod
    def of(cls, network: Network) -> Costs:
        """The costs of a network, which all that ask for them share."""
        costs: Costs = network.known.setdefault("costs", cls())
        return costs

    def node(self, node: Node, graph: Graph) -> Cost:
        """The cost of a node of a graph, computed once per op and types of inputs."""
        inputs = tuple(graph.type_of(value) for value in node.inputs)
        key = (node.op, inputs)
        cost = self._nodes.get(key)
        if cost is None:
            cost = self._nodes[key] = _cost_of(node.op, inputs, node.types, self._stored, self._idle)
        return cost

    def element(self, element: Layered, graph: Graph) -> Cost:
        """The cost of a node, or of all rounds of a call; borrowed weights are counted at their owner."""
        part = NOTHING.plus(self.graph(element.graph), element.times) if isinstance(element, Call) else self.node(element, graph)
        if element.owner is None:
            return part
        return part.tied() if element.owner.tied else part.borrowing()

    def graph(self, graph: Graph) -> Cost:
        """The sums over a graph's elements; graphs that it calls must have been summed or are summed now."""
        total = self._graphs.get(graph)
        if total is None:
            total = NOTHING
            for _, element in graph.layered:
                total = total.plus(self.element(element, graph))
            self._graphs[graph] = total
        return total

    def elements(self, network: Network) -> Iterator[tuple[Layered, Cost]]:
        """What each element of the top graph adds in inference: heads that exist in training only have parameters and nothing else."""
        graph = network.graph
        needed = needed_elements(network)
        for at, element in graph.layered:
            part = self.element(element, graph)
            if not needed[at]:
                part = part._replace(macs=0, flops=0, activations=0, stored=0, connections=0, uncounted=0)
            yield element, part

    def network(self, network: Network) -> Cost:
        """Sums over a network in inference, its inputs among the numbers that are stored."""
        total = NOTHING
        for _, part in self.elements(network):
            total = total.plus(part)
        return total._replace(stored=total.stored + sum(i.type.size for i in network.inputs))


def needed_elements(network: Network) -> list[bool]:
    """For each element of the top graph, whether it exists in inference: all except those that serve only `train` heads.

    A call exists as a whole where one of its results does.
    """
    graph = network.graph
    if not any(output.training for output in network.outputs):
        return [True] * len(graph.elements)
    uses = Uses()
    origins = uses.of(graph).origins
    kept = {origins[output.value] for output in network.outputs if not output.training}
    training = {origins[output.value] for output in network.outputs if output.training}
    needed = [True] * len(graph.elements)
    for at, element in reversed(list(enumerate(graph.elements))):
        value = len(graph.inputs) + at
        known = value if value in kept or value in training else origins[value]  # the call of an empty block gives what it is given
        needed[at] = known in kept or known not in training  # an unread value serves no head
        if not isinstance(element, Further):
            (kept if needed[at] else training).update(uses.read(element, origins))
        elif value in kept or value in training:
            (kept if needed[at] else training).add(element.of)
    return needed
