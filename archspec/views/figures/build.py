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

    def build(self, names: list[str]) -> Diagram:
        """Walk the graph, whose inputs are called so."""
        inputs = zip(names, self.graph.inputs, strict=True)
        sources = [self.add(Box(name, "input", name, "", "other", type_, volume=type_), []) for name, type_ in inputs]
        values = list(sources)
        groups: list[Group | None] = [None]
        for event in events(self.graph, closed=self.is_closed):
            if isinstance(event, Enter):
                group = Group(event.name, event.name, groups[-1], not self.needed[event.top], event.owner or "")
                groups.append(groups[-1] if event.call.inline else group)
            elif isinstance(event, Leave):
                groups.pop()
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
        """Whether a call is one box. Rounds with the weights of something outside are seen, since a box says whose it has."""
        several = self.level == "stage" and call.times > 1 and call.graph.reaches < 1
        return self.level in ("stage", "block") and (call.graph.instance is not None or several)

    def node(self, met: Visit, read: list[Box], group: Group | None, training: bool) -> Box:
        """The box of a layer: its own, or that of the layer before it."""
        graph, node = met.graph, met.node
        if self.level != "layer" and self.joins(graph, node):
            return self.join(read[0], met)
        op = node.op
        types = tuple(graph.type_of(value) for value in node.inputs)
        merges = len(types) > 1 and op.variadic
        form = "merge" if merges else "minor" if is_minor(op) else "layer"
        detail = worked(op, types, node.type).get("output", "") if merges else step(op, *types)
        detail += f" weights={met.tied}" if met.tied else ""
        box = Box(met.name, form, met.name, detail, op.kind, node.type, (op.kind,), group=group, training=training, op=op)
        box.equal, box.changes, box.volume = (op, types), types[:1] != (node.type,), node.type
        box.parts, box.owner = self.drawn(node, graph, met.owner)
        self.cover(box)
        return self.add(box, read)

    def joins(self, graph: Graph, node: Node) -> bool:
        """Whether a layer is drawn with the one before it, which nothing else in the graph may read."""
        value, first = next(iter(node.inputs), 0), len(graph.inputs)
        if len(node.inputs) != 1 or value < first or not is_minor(node.op):
            return False
        before = graph.elements[value - first]
        return isinstance(before, Node) and not before.op.variadic and self.readers(graph)[value] == 1

    def join(self, box: Box, met: Visit) -> Box:
        graph, node = met.graph, met.node
        x = graph.type_of(node.inputs[0])
        parts, owner = self.drawn(node, graph, met.owner)
        box.minors.append(step(node.op, x) + (f" = {owner}" if owner and not box.owner else ""))
        box.kinds += (node.op.kind,)
        count(box.parts, parts)
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
            box = self.block(met, 0, group, training)
            box.times = call.times
            self.cover(box, call.times * call.graph.layers)
            # A box of one layer is called as that is, to the last round's; one of several, from the first of them to the last.
            box.last = rounds[-1][0 if box.form == "layer" else 1] if call.times > 1 else ""
            return [self.add(box, read)] * call.times
        made = []
        for round_ in range(call.times):
            box = self.block(met, round_, group, training)
            self.cover(box, call.graph.layers)
            made.append(self.add(box, read))
            read = [box, *read[1:]]
        return made

    def block(self, met: Closed, round_: int, group: Group | None, training: bool) -> Box:
        call, name = met.call, met.rounds[round_][0]
        graph = call.graph
        output = graph.output
        lead, minors = self.unit(graph)
        if lead is not None:
            x = graph.type_of(lead.inputs[0])
            box = Box(name, "layer", name, step(lead.op, x), lead.op.kind, output, minors=minors, op=lead.op)
        else:
            found = [each.graph.instance for each in graph.elements if isinstance(each, Call) and len(graph.elements) == 1]
            instance = graph.instance or next(iter(found), None)
            detail = "repeat" if instance is None else str(instance)
            box = Box(name, "block", name, detail, "block", output, inside=inside(graph_steps(graph)))
        box.kinds, box.group, box.training = kinds_inside(graph), group, training
        box.parts, box.owner = self.drawn(call, graph, met.owners[round_])
        box.equal, box.changes, box.volume = graph, output != graph.inputs[0], output
        return box

    def drawn(self, element: Layered, graph: Graph, owner: str | None) -> tuple[Parts, str]:
        """What a box counts for a node or one round of a call, and what its weights are those of where they are not its own."""
        found = self.counts(element, graph)
        cost = self.costs.node(element, graph) if isinstance(element, Node) else self.costs.graph(element.graph)
        if owner is None or not any(cost.tensors):
            return found, ""
        return {kind: (0, macs) for kind, (_, macs) in found.items()}, owner

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
