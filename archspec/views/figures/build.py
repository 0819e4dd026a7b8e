"""From a network to a diagram, at a level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import NamedTuple

from archspec.analysis.cost import Costs, needed_elements
from archspec.ir.graph import Call, Graph, Layered, Network, Node
from archspec.ir.walk import Closed, Enter, Leave, Visit, events
from archspec.ops.worked import worked
from archspec.views.figures.diagram import Arrow, Box, Diagram, Group, Parts, TooLarge, count
from archspec.views.figures.grouping import grouped
from archspec.views.figures.refine import finish, folded
from archspec.views.figures.wording import graph_steps, inside, kinds_inside, step
from archspec.views.theme import is_minor

FROM_FINEST = ("layer", "part", "block", "stage", "group")
MOST = 1500
"""Boxes and arrows that are laid out at all: more nobody reads."""
_UNFOLDED = 100_000


def build(network: Network, level: str, most: int = MOST) -> Diagram:
    """The diagram of a network at a level: `group`, `stage`, `block`, `part` or `layer`. Raises TooLarge."""
    walked = "stage" if level == "group" else level
    outputs = [_Output(output.name, output.value, output.training) for output in network.outputs]
    builder = _Builder(network.graph, outputs, needed_elements(network), walked, _UNFOLDED if walked == "stage" else most)
    diagram = builder.build([i.name for i in network.inputs])
    if walked == "stage":
        diagram = folded(diagram)
    if len(diagram.boxes) > most or len(diagram.arrows) > 2 * most:
        raise TooLarge
    finish(diagram)
    if level == "group":
        diagram = folded(grouped(diagram))
        finish(diagram)
    return diagram


def build_inside(graph: Graph, level: str, most: int) -> Diagram:
    """The diagram of a block's inside, without frames and shapes. Raises TooLarge."""
    outputs = [_Output("output", value) for value in graph.results]
    made = _Builder(graph, outputs, [True] * len(graph.elements), level, most).build(["input"] * len(graph.inputs))
    for box in made.boxes:
        box.group = None
    finish(made)
    for arrow in made.arrows:
        arrow.label = ""
    return made


def diagrams(network: Network, levels: Iterable[str], most: int = MOST) -> Iterator[Diagram]:
    """The diagrams of a network at some levels, without those that are too large."""
    for level in levels:
        with suppress(TooLarge):
            yield build(network, level, most)


class _Output(NamedTuple):
    name: str
    value: int
    training: bool = False


class _Builder:
    """Walks the hierarchy. A value is identified by the box that puts it out."""

    def __init__(self, graph: Graph, outputs: list[_Output], needed: list[bool], level: str, most: int) -> None:
        self.graph = graph
        self.outputs = outputs
        self.level = level
        self.most = most
        self.costs = Costs()
        self.needed = needed
        self.boxes: list[Box] = []
        self.arrows: list[Arrow] = []
        self.parts = cache(self._parts)
        self.readers = cache(self._readers)
        self._passed = 0
        self._borrowed = [False]
        """Whether the weights of what the walk passes now are those of something drawn before, by the calls that it stands in."""

    def build(self, names: list[str]) -> Diagram:
        """Walk the graph, whose inputs are called so."""
        inputs = zip(names, self.graph.inputs, strict=True)
        sources = [self.add(Box(name, "input", name, "", "other", type_, volume=type_), []) for name, type_ in inputs]
        values = list(sources)
        groups: list[Group | None] = [None]
        for event in events(self.graph, closed=self.is_closed):
            if isinstance(event, Enter):
                group = groups[-1] if event.call.inline else Group(event.name, event.name, groups[-1], not self.needed[event.top])
                groups.append(group)
                self._borrowed.append(self._borrowed[-1] or event.call.owner is not None)
            elif isinstance(event, Leave):
                groups.pop()
                self._borrowed.pop()
                last = [values[number] for number in event.values]
            else:
                read, training = [values[source] for source in event.sources], not self.needed[event.top]
                if isinstance(event, Visit):
                    values += [self.node(event, read, groups[-1], training)] * len(event.names)
                else:
                    values += self.closed(event, read, groups[-1], training)
        for output in self.outputs:
            type_ = self.graph.type_of(output.value)
            box = Box(output.name, "output", output.name, "", "other", type_, training=output.training)
            self.add(box, [last[output.value]])
        return Diagram(self.level, self.boxes, self.arrows)

    def add(self, box: Box, read: list[Box]) -> Box:
        if len(self.boxes) >= self.most or len(self.arrows) > 2 * self.most:
            raise TooLarge
        self.boxes.append(box)
        self.arrows += [Arrow(source, box) for source in read]
        return box

    def cover(self, box: Box, layers: int = 1) -> None:
        """Let a box represent the layers that the walk passes now."""
        box.spans.append((self._passed, self._passed + layers))
        self._passed += layers

    def is_closed(self, call: Call) -> bool:
        """Whether a call is one box."""
        at_stage = self.level == "stage"
        return (at_stage or self.level == "block") and (call.graph.instance is not None or (at_stage and call.times > 1))

    def node(self, met: Visit, read: list[Box], group: Group | None, training: bool) -> Box:
        """The box of a layer: its own, or that of the layer before it."""
        graph, node = met.graph, met.node
        if self.level != "layer" and self.joins(graph, node):
            return self.join(read[0], graph, node)
        op = node.op
        types = tuple(graph.type_of(value) for value in node.inputs)
        merges = len(types) > 1 and op.variadic
        form = "merge" if merges else "minor" if is_minor(op) else "layer"
        detail = worked(op, types, node.type).get("output", "") if merges else step(op, *types)
        box = Box(met.name, form, met.name, detail, op.kind, node.type, (op.kind,), group=group, training=training, op=op)
        box.equal, box.parts = (op, types), self.drawn(node, graph)
        box.changes, box.volume = types[:1] != (node.type,), node.type
        self.cover(box)
        return self.add(box, read)

    def joins(self, graph: Graph, node: Node) -> bool:
        """Whether a layer is drawn with the one before it, which nothing else in the graph may read."""
        value, first = next(iter(node.inputs), 0), len(graph.inputs)
        if len(node.inputs) != 1 or value < first or not is_minor(node.op):
            return False
        before = graph.elements[value - first]
        return isinstance(before, Node) and not before.op.variadic and self.readers(graph)[value] == 1

    def join(self, box: Box, graph: Graph, node: Node) -> Box:
        x = graph.type_of(node.inputs[0])
        box.minors.append(step(node.op, x))
        box.kinds += (node.op.kind,)
        count(box.parts, self.drawn(node, graph))
        box.equal = (box.equal, node.op)
        box.changes = box.changes or node.type != x
        if type(node.type) is type(box.output):
            box.volume = node.type
        box.output = node.type
        self.cover(box)
        return box

    def _readers(self, graph: Graph) -> Counter[int]:
        """Count the readers of each value of a graph; its results and the network's outputs count as read."""
        ends = [output.value for output in self.outputs] if graph is self.graph else graph.results
        return Counter([*ends, *(value for element in graph.elements for value in element.inputs)])

    def closed(self, met: Closed, read: list[Box], group: Group | None, training: bool) -> list[Box]:
        """The boxes of the rounds of a block: one for each round at block level, one for all rounds at stage level."""
        call, rounds = met.call, met.rounds
        if self.level == "stage":
            box = self.block(call, rounds[0][0], group, training)
            box.times = call.times
            self.cover(box, call.times * call.graph.layers)
            # A box of one layer is called as that is, to the last round's; one of several, from the first of them to the last.
            box.last = rounds[-1][0 if box.form == "layer" else 1] if call.times > 1 else ""
            return [self.add(box, read)] * call.times
        made = []
        for name, _ in rounds:
            box = self.block(call, name, group, training)
            self.cover(box, call.graph.layers)
            made.append(self.add(box, read))
            read = [box, *read[1:]]
        return made

    def block(self, call: Call, name: str, group: Group | None, training: bool) -> Box:
        graph = call.graph
        output = graph.output
        lead, minors = self.unit(graph)
        if lead is not None:
            x = graph.type_of(lead.inputs[0])
            box = Box(name, "layer", name, step(lead.op, x), lead.op.kind, output, minors=minors, op=lead.op)
        else:
            detail = str(graph.instance) if graph.instance is not None else "repeat"
            box = Box(name, "block", name, detail, "block", output, inside=inside(graph_steps(graph)))
        box.kinds, box.group, box.training = kinds_inside(graph), group, training
        box.parts = self.drawn(call, graph)
        box.equal, box.changes, box.volume = graph, output != graph.inputs[0], output
        return box

    def drawn(self, element: Layered, graph: Graph) -> Parts:
        """What a box counts for a node or one round of a call, where the walk is now."""
        found = self.counts(element, graph)
        return {kind: (0, macs) for kind, (_, macs) in found.items()} if self._borrowed[-1] else found

    def counts(self, element: Layered, graph: Graph) -> Parts:
        """Count a node or one round of a call, by kind of layer; borrowed weights are counted at their owner."""
        if isinstance(element, Node):
            cost = self.costs.element(element, graph)
            return {element.op.kind: (cost.params, cost.macs)}
        found = self.parts(element.graph)
        return {kind: (params if element.owner is None else 0, macs) for kind, (params, macs) in found.items()}

    def _parts(self, graph: Graph) -> Parts:
        """What a graph counts, by kind of layer."""
        found: Parts = {}
        for _, element in graph.layered:
            count(found, self.counts(element, graph), element.times if isinstance(element, Call) else 1)
        return found

    def unit(self, graph: Graph) -> tuple[Node | None, list[str]]:
        """Return the layer of a block and its norms and activations, if the block holds nothing else."""
        nodes = [element for at, element in enumerate(graph.elements) if isinstance(element, Node) and element.inputs == (at,)]
        chain = len(graph.inputs) == 1 and graph.result == len(nodes) == len(graph.elements) > 0
        if not chain or is_minor(nodes[0].op) or not all(is_minor(node.op) for node in nodes[1:]):
            return None, []
        return nodes[0], [step(node.op, graph.type_of(node.inputs[0])) for node in nodes[1:]]
