"""From the hierarchy of graphs to the classes of a source file.

A block is a class. Its instances that differ only in numbers share one: the numbers become parameters, called as the block calls
them where they are the same. A label over a plain chain is an `nn.Sequential`, one over anything else a class of its own.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from typing import NamedTuple

from archspec.ir.graph import Call, Element, Graph, Names, Network, Node
from archspec.targets.torch.helpers import source
from archspec.targets.torch.new import Many, New, numbers, replaced, shape_of
from archspec.targets.torch.rows import Unsupported, module
from archspec.types import Type


class Item(NamedTuple):
    """An element of a class body: its attribute, the module (None for a merge), the values it reads, and its value's number."""

    attribute: str
    module: New | None
    node: Node | None
    reads: tuple[int, ...]
    types: tuple[Type | None, ...]
    type: Type | None
    line: int
    top: int
    """The position of its element in the graph."""


class Body(NamedTuple):
    """A graph flattened of its inline calls: values 0 up to `inputs` are its inputs, the rest the items in order."""

    inputs: tuple[Type | None, ...]
    items: tuple[Item, ...]
    result: int
    values: tuple[int, ...]
    """For each value of the graph, its number here."""


class Emitted(NamedTuple):
    """A class to be written; `parameters` are the arguments of its constructor, with their types."""

    name: str
    about: str
    body: Body
    parameters: tuple[tuple[str, str], ...]


class Classes:
    """The classes that a network needs, callees first."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.found: list[Emitted] = []
        self.made: dict[Graph, New] = {}
        self.taken = {"Model", "Outputs", "Tensor", "NamedTuple"}
        self.labels = {e.graph: e.label or e.stem for g in network.graphs() for e in g.elements if isinstance(e, Call)}
        self.index = {graph: at for at, graph in enumerate(network.graphs())}
        inline = {e.graph for g in network.graphs() for e in g.elements if isinstance(e, Call) and e.inline}
        self.graphs = [g for g in network.graphs() if g is not network.graph and g not in inline]

    def run(self) -> Body:
        """Make the classes; returns the body of the whole."""
        families: dict[str, list[Graph]] = {}
        for graph in self.graphs:
            families.setdefault(self.family(graph), []).append(graph)
        for family in self.ordered(families):
            self.make_family(families[family])
        return self.body(self.network.graph)

    def family(self, graph: Graph) -> str:
        return graph.instance.block if graph.instance is not None else f"group {self.index[graph]}"

    def ordered(self, families: dict[str, list[Graph]]) -> list[str]:
        """Families, callees first: blocks do not call themselves, so there is such an order."""
        done: dict[str, None] = {}
        pending = [(name, False) for name in reversed(families)]
        while pending:
            name, finished = pending.pop()
            if finished:
                done[name] = None
            elif name not in done:
                pending.append((name, True))
                callees = {self.family(callee) for graph in families[name] for callee in _callees(graph)}
                pending += [(callee, False) for callee in sorted(callees - {name}) if callee not in done]
        return list(done)

    def make_family(self, graphs: list[Graph]) -> None:
        if graphs[0].instance is None and (chain := self.sequential(graphs[0])) is not None:
            self.made[graphs[0]] = chain
            return
        alike: dict[object, list[tuple[Graph, Body]]] = {}
        for graph in graphs:
            body = self.body(graph)
            alike.setdefault(_skeleton(body), []).append((graph, body))
        for members in alike.values():
            self.make_class(members)

    def make_class(self, members: list[tuple[Graph, Body]]) -> None:
        """One class for instances of one structure."""
        graph, body = members[0]
        name = self.name(graph.instance.block if graph.instance is not None else self.labels[graph])
        columns = list(zip(*([n for item in b.items for n in numbers(item.module)] for _, b in members), strict=True))
        names, values = _parameters(columns, [_known(g) for g, _ in members])
        left = list(names)
        items = tuple(item._replace(module=replaced(item.module, left) if item.module is not None else None) for item in body.items)
        parameters = tuple((name, "float" if any(isinstance(v, float) for v in column) else "int") for name, column in values.items())
        about = f"Block `{graph.instance.block}`." if graph.instance is not None else f"`{self.labels[graph]}`."
        self.found.append(Emitted(name, about, body._replace(items=items), parameters))
        for at, (member, _) in enumerate(members):
            self.made[member] = New(name, tuple((p if len(values) > 3 else "", column[at]) for p, column in values.items()))

    def name(self, word: str) -> str:
        """A class name of a block's or label's, not yet taken."""
        base = "".join(part[:1].upper() + part[1:] for part in word.replace(".", "_").split("_")) or "Part"
        if not base[0].isalpha():
            base = "Part" + base
        name, count = base, 1
        while name in self.taken or source(name) is not None:
            count += 1
            name = f"{base}{count}"
        self.taken.add(name)
        return name

    def sequential(self, graph: Graph) -> New | None:
        """An nn.Sequential, where a group is a plain chain whose names are its positions."""
        if graph.naming != "index" or len(graph.inputs) != 1:
            return None
        arguments: list[tuple[str, New | Many]] = []
        value = 0
        for at, element in enumerate(graph.elements):
            if element.inputs != (value,) or element.label is not None or not element.numbered:
                return None
            value = at + 1
            if isinstance(element, Node):
                arguments.append(("", self.node(element, graph)))
            elif element.inline:
                inner = self.sequential_of(element.graph)
                if inner is None:
                    return None
                arguments += inner * element.times
            else:
                made = self.made[element.graph]
                arguments.append(("", Many(made, element.times) if element.times > 1 else made))
        return New("nn.Sequential", tuple(arguments)) if graph.result == value else None

    def sequential_of(self, graph: Graph) -> list[tuple[str, New | Many]] | None:
        made = self.sequential(graph)
        return list(made.arguments) if made is not None else None

    def node(self, node: Node, graph: Graph) -> New:
        assert node.op is not None
        assert node.type is not None
        type_ = graph.type_of(node.inputs[0])
        assert type_ is not None
        try:
            return module(node.op, type_, node.type)
        except Unsupported as unsupported:
            unsupported.span = node.span
            raise

    def body(self, graph: Graph) -> Body:
        """A graph as a class body."""
        items: list[Item] = []
        names = Names("", graph.naming)
        count = len(graph.inputs)
        values = list(range(count))
        for at, element in enumerate(graph.elements):
            values.append(self.append(element, graph, [values[v] for v in element.inputs], names, items, count, at))
        return Body(graph.inputs, tuple(items), values[graph.result], tuple(values))

    def append(self, element: Element, graph: Graph, reads: list[int], names: Names, items: list[Item], count: int, top: int) -> int:
        """Append an element, all its rounds; returns the number of its value."""
        line = element.span.line if element.span is not None else 0
        types = tuple(graph.type_of(v) for v in element.inputs)
        if isinstance(element, Node):
            assert element.op is not None
            made = None if element.op.many else self.node(element, graph)
            items.append(Item(names(element), made, element, tuple(reads), types, element.type, line, top))
            return count + len(items) - 1
        for _ in range(element.times):
            if element.inline:
                values = [*reads]
                for sub in element.graph.elements:
                    values.append(self.append(sub, element.graph, [values[v] for v in sub.inputs], names, items, count, top))
                reads[0] = values[element.graph.result]
            else:
                items.append(Item(names(element), self.made[element.graph], None, tuple(reads), types, element.type, line, top))
                reads[0] = count + len(items) - 1
        return reads[0]


def _callees(graph: Graph) -> Iterator[Graph]:
    for element in graph.elements:
        if isinstance(element, Call):
            if element.inline:
                yield from _callees(element.graph)
            else:
                yield element.graph


def _skeleton(body: Body) -> object:
    """What instances of one class have in common."""
    items = tuple(
        (i.attribute, shape_of(i.module), i.node.op.step if i.node and i.node.op else "", i.reads, _kinds(i.types)) for i in body.items
    )
    return len(body.inputs), items, body.result


def _kinds(types: tuple[Type | None, ...]) -> tuple[object, ...]:
    return tuple((type(t).__name__, len(t.shape)) for t in types if t is not None)


def _known(graph: Graph) -> dict[str, int | float]:
    """What a block's parameters are called, and their values in an instance."""
    type_ = graph.inputs[0]
    known: dict[str, int | float] = {"channels": type_.channels} if type_ is not None else {}
    if graph.instance is not None:
        known |= {name: v for name, v in graph.instance.arguments if isinstance(v, (int, float)) and not isinstance(v, bool)}
    return known


def _parameters(
    columns: list[tuple[int | float, ...]], known: list[dict[str, int | float]]
) -> tuple[list[str | None], dict[str, list[int | float]]]:
    """For each number the parameter that it is, or None where it is the same in all instances; and the parameters' values."""
    values: dict[tuple[int | float, ...], str] = {}
    shared = [name for name in known[0] if all(name in k for k in known)]
    for name in shared:
        values.setdefault(tuple(k[name] for k in known), f"{name}_" if keyword.iskeyword(name) or name == "self" else name)
    known_names = len(values)
    used: dict[str, list[int | float]] = {}
    names: list[str | None] = []
    for column in columns:
        if len(set(column)) == 1:
            names.append(None)
            continue
        if column not in values:
            values[column] = f"width{len(values) - known_names + 1}"
        used.setdefault(values[column], list(column))
        names.append(values[column])
    return names, used
