"""From the hierarchy of graphs to the classes of a source file.

A block is a class. Its instances that differ only in numbers share one: the numbers become parameters, called as the block calls
them where they are the same. A label over a plain chain is an `nn.Sequential`, one over anything else a class of its own.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from typing import NamedTuple

from archspec.analysis.aliases import Uses
from archspec.backends.registry import Unsupported
from archspec.backends.torch.calls import EXPRESSIONS, INDEPENDENT, OVERWRITES, POINTWISE, module
from archspec.backends.torch.constructor import RESERVED, Many, New, Number, is_number, new, numbers, replaced, shape_of
from archspec.backends.torch.sharing import annotation, share
from archspec.backends.torch.templates import source
from archspec.ir.graph import Call, Element, Graph, Network, Node
from archspec.ir.walk import Names
from archspec.types import Type

UNREAD = -1
"""The number of a value that is handed to a graph and not read there."""


class Item(NamedTuple):
    """An element of a class body: its attribute, the module (None for a merge), the values it reads, and its value's number."""

    attribute: str
    module: New | None
    step: str
    """The op's step; empty for a call."""
    label: str | None
    reads: tuple[int, ...]
    types: tuple[Type | None, ...]
    type: Type | None
    line: int
    top: int
    """The position of its element in the graph."""
    flat: bool = False
    """Whether the module takes a vector where a map is given: a `flatten` that was moved before it."""
    borrowed: bool = False
    """Whether the attribute is that of an item before it, whose weights it uses."""


class Body(NamedTuple):
    """A graph flattened of its inline calls: values 0 up to `inputs` are the inputs that it takes, the rest the items in order."""

    inputs: tuple[Type | None, ...]
    items: tuple[Item, ...]
    result: int
    values: tuple[int, ...]
    """For each value of the graph, its number here."""

    @property
    def chained(self) -> bool:
        """Whether the items are modules in a row, as an nn.Sequential has them."""
        return (
            len(self.inputs) == 1
            and self.result == len(self.items) > 0
            and all(
                item.module is not None
                and item.reads == (at,)
                and not item.flat
                and not item.borrowed
                and "." not in item.attribute
                and "{own}" not in EXPRESSIONS.get(item.step, "")
                for at, item in enumerate(self.items)
            )
        )


class Emitted(NamedTuple):
    """A class to be written; `parameters` are the arguments of its constructor, with their types."""

    name: str
    about: str
    body: Body
    parameters: tuple[tuple[str, str], ...]


class Made(NamedTuple):
    """How a graph is made as a module; `flat` as in Item."""

    module: New
    flat: bool = False


class Classes:
    """The classes that a network needs, callees first."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.found: list[Emitted] = []
        self.made: dict[Graph, Made] = {}
        self.taken = set(RESERVED)
        self.read: dict[Graph, dict[int, int]] = {}
        self.names: dict[int, dict[int, str]] = {}
        """The attributes of the rounds of elements, by their identity."""
        self.uses = Uses()
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
        found = [[number for item in b.items for number in numbers(item.module)] for _, b in members]
        columns = [(keywords[0], values) for keywords, values in (zip(*row, strict=True) for row in zip(*found, strict=True))]
        shared = share(columns, _known([g for g, _ in members]))
        left = list(shared.texts)
        items = tuple(item._replace(module=replaced(item.module, left) if item.module is not None else None) for item in body.items)
        parameters = tuple((parameter, annotation(column)) for parameter, column in shared.parameters.items())
        about = f"Block `{graph.instance.block}`." if graph.instance is not None else f"`{self.labels[graph]}`."
        self.found.append(Emitted(name, about, body._replace(items=items), parameters))
        for at, (member, _) in enumerate(members):
            named = len(parameters) > 3
            arguments = tuple((parameter if named else "", column[at]) for parameter, column in shared.parameters.items())
            self.made[member] = Made(New(name, arguments))

    def name(self, word: str) -> str:
        """A class name of a block's or label's, not yet taken."""
        base = "".join(part[:1].upper() + part[1:] for part in word.replace(".", "_").split("_")) or "Part"
        if not base[0].isalpha():
            base = "Part" + base
        name, count = base, 1
        while name in self.taken or keyword.iskeyword(name) or source(name) is not None:
            count += 1
            name = f"{base}{count}"
        self.taken.add(name)
        return name

    def sequential(self, graph: Graph) -> Made | None:
        """An nn.Sequential, where a group is a plain chain whose names are its positions."""
        if graph.naming != "index":
            return None
        chain = _Chain()
        return Made(new("nn.Sequential", *chain.modules), chain.flat) if self.extend(chain, graph) else None

    def extend(self, chain: _Chain, graph: Graph) -> bool:
        """Append the modules of a graph to a chain; False where that cannot be."""
        in_a_row = all(element.inputs == (at,) for at, element in enumerate(graph.elements))
        plain = len(graph.inputs) == 1 and graph.result == len(graph.elements) and in_a_row
        return plain and all(self.append_to(chain, element, graph) for element in graph.elements)

    def append_to(self, chain: _Chain, element: Element, graph: Graph) -> bool:
        """Append an element's modules to a chain; False where that cannot be."""
        if isinstance(element, Node) and element.implied and element.stem == "flatten":
            return chain.flatten()
        if not chain.reaches(element) or element.owner is not None:
            return False
        if isinstance(element, Node):
            if "{own}" in EXPRESSIONS.get(element.stem, ""):
                return False
            chain.append(self.node(element, graph), pointwise=element.stem in POINTWISE)
            return True
        if element.inline:
            return all(self.extend(chain, element.graph) for _ in range(element.times))
        made = self.made[element.graph]
        if made.flat and not (element.times == 1 and chain.flatten()):
            return False
        chain.append(Many(made.module, element.times) if element.times > 1 else made.module, positions=element.times)
        return True

    def node(self, node: Node, graph: Graph) -> New:
        type_ = graph.type_of(node.inputs[0])
        try:
            made = module(node.op, type_, node.type)
        except Unsupported as unsupported:
            unsupported.span = node.span
            raise
        return New(made.name, (*made.arguments, ("inplace", self.overwrites(node, graph)))) if node.op.step in OVERWRITES else made

    def overwrites(self, node: Node, graph: Graph) -> bool:
        """Whether an activation may overwrite its input: nothing else reads that, nor does the gradient of what made it."""
        value = node.inputs[0]
        if value < len(graph.inputs):
            return False
        maker = graph.elements[value - len(graph.inputs)]
        if not isinstance(maker, Node) or maker.stem not in INDEPENDENT:
            return False
        return self.readers(graph)[value] == 1

    def readers(self, graph: Graph) -> dict[int, int]:
        """How often each value of a graph is read, as a result of it too."""
        if graph not in self.read:
            counts: dict[int, int] = {graph.result: 1}
            outputs = [o.value for o in self.network.outputs[1:]] if graph is self.network.graph else []
            for value in [*outputs, *(value for element in graph.elements for value in element.inputs)]:
                counts[value] = counts.get(value, 0) + 1
            self.read[graph] = counts
        return self.read[graph]

    def body(self, graph: Graph) -> Body:
        """A graph as a class body."""
        items: list[Item] = []
        names = Names("", graph.naming)
        taken = self.taken_by(graph)
        values = [sum(taken[:at]) if read else UNREAD for at, read in enumerate(taken)]
        inputs = tuple(type_ for type_, read in zip(graph.inputs, taken, strict=True) if read)
        for at, element in enumerate(graph.elements):
            values.append(self.append(element, graph, [values[v] for v in element.inputs], names, items, len(inputs), at))
        return Body(inputs, tuple(items), values[graph.result], tuple(values))

    def taken_by(self, graph: Graph) -> tuple[bool, ...]:
        """Which inputs of a graph its class takes. The network takes all of its own."""
        return (True,) * len(graph.inputs) if graph is self.network.graph else self.uses.of(graph).takes

    def append(self, element: Element, graph: Graph, reads: list[int], names: Names, items: list[Item], count: int, top: int) -> int:
        """Append an element, all its rounds; returns the number of its value."""
        line = element.span.line if element.span is not None else 0
        types = tuple(graph.type_of(v) for v in element.inputs)
        if isinstance(element, Node):
            module_ = None if element.op.variadic else self.node(element, graph)
            name, borrowed = self.attribute(element, graph, names(element), 0)
            item = Item(name, module_, element.op.step, element.label, tuple(reads), types, element.type, line, top, borrowed=borrowed)
            items.append(item)
            return count + len(items) - 1
        for round_ in range(element.times):
            if element.inline:
                values = [*reads]
                for sub in element.graph.elements:
                    values.append(self.append(sub, element.graph, [values[v] for v in sub.inputs], names, items, count, top))
                reads[0] = values[element.graph.result]
            else:
                name, borrowed = self.attribute(element, graph, names(element), round_)
                lender = graph.elements[element.owner.element] if element.owner is not None else element
                called = lender.graph if isinstance(lender, Call) else element.graph
                made, taken = self.made[called], self.taken_by(called)
                given = tuple(value for value, read in zip(reads, taken, strict=True) if read)
                kinds = tuple(type_ for type_, read in zip(types, taken, strict=True) if read)
                items.append(Item(name, made.module, "", element.label, given, kinds, element.type, line, top, made.flat, borrowed))
                reads[0] = count + len(items) - 1
        return reads[0]

    def attribute(self, element: Element, graph: Graph, name: str, round_: int) -> tuple[str, bool]:
        """The attribute of a round of an element, and whether it is that of another, whose weights it uses."""
        self.names.setdefault(id(element), {})[round_] = name
        if element.owner is None:
            return name, False
        if element.owner.up:
            raise Unsupported(f"`{element.stem}` uses weights that are outside of its group, which a PyTorch class has no name for")
        return self.names[id(graph.elements[element.owner.element])][round_], True


def _callees(graph: Graph) -> Iterator[Graph]:
    for element in graph.elements:
        if isinstance(element, Call):
            if element.inline:
                yield from _callees(element.graph)
            else:
                yield element.graph


def _skeleton(body: Body) -> object:
    """What instances of one class have in common."""
    items = tuple((i.attribute, shape_of(i.module), i.step, i.reads, i.flat, i.borrowed, _kinds(i.types)) for i in body.items)
    return len(body.inputs), items, body.result


def _kinds(types: tuple[Type | None, ...]) -> tuple[object, ...]:
    return tuple((type(t).__name__, len(t.shape)) for t in types if t is not None)


def _known(graphs: list[Graph]) -> dict[str, tuple[Number, ...]]:
    """What a block's parameters are called, and their values in its instances."""
    found: dict[str, list[Number]] = {}
    for graph in graphs:
        type_ = graph.inputs[0]
        arguments = graph.instance.arguments if graph.instance is not None else ()
        for name, value in (("channels", type_.channels if type_ is not None else None), *arguments):
            if is_number(value):
                found.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in found.items() if len(values) == len(graphs)}


class _Chain:
    """The modules of an nn.Sequential, as they are found."""

    def __init__(self) -> None:
        self.modules: list[New | Many] = []
        self.flat = False
        self.position = 0
        self.pointwise = True
        """Whether all modules so far do the same before and after a `flatten`."""

    def append(self, module: New | Many, *, positions: int = 1, pointwise: bool = False) -> None:
        self.modules.append(module)
        self.position += positions
        self.pointwise &= pointwise

    def flatten(self) -> bool:
        """Move a `flatten` to the front; False where a module before it needs a map."""
        self.flat |= self.pointwise
        return self.pointwise

    def reaches(self, element: Element) -> bool:
        """Go to the position of an element; False where it has none, but a name."""
        if element.label is not None:
            if not element.label.isdecimal():
                return False
            while self.position < int(element.label):
                self.append(new("nn.Identity"), pointwise=True)
        return element.numbered
