"""From the hierarchy of graphs to the classes of a source file.

A block is a class with the block's parameters, as far as it reads them: it is elaborated once more with named numbers, so that its
constructor calls hold the block's own expressions. Instances share a class where these agree. A label over a plain chain is a chain
of the framework, one over anything else a class of its own, with the parameters of the block around it that it reads.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from archspec.analysis.aliases import Uses
from archspec.backends.registry import Unsupported
from archspec.backends.source.constructor import Many, New, annotation, parameters, parts, short, written
from archspec.backends.source.dialect import Dialect
from archspec.elaborate.naming import named
from archspec.ir.graph import Call, Element, Graph, Network, Node
from archspec.ir.walk import Names
from archspec.numeric import Spelled, value_of
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

    def chained(self, dialect: Dialect) -> bool:
        """Whether the items are modules in a row, as a chain of the framework has them."""
        return (
            len(self.inputs) == 1
            and self.result == len(self.items) > 0
            and all(
                item.module is not None
                and item.reads == (at,)
                and not item.flat
                and not item.borrowed
                and "." not in item.attribute
                and not dialect.holds_tensor(item.step)
                for at, item in enumerate(self.items)
            )
        )


class Class(NamedTuple):
    """A class to be written; `parameters` are the arguments of its constructor, with the values that they are given."""

    name: str
    about: str
    body: Body
    parameters: dict[str, list[Any]]

    def heading(self) -> str:
        """The parameters as a constructor declares them."""
        return "".join(f", {name}: {annotation(values)}" for name, values in self.parameters.items())


class Made(NamedTuple):
    """How a call is made as a module; `flat` as in Item."""

    module: New
    flat: bool = False


class Classes:
    """The classes that a network needs, callees first."""

    def __init__(self, network: Network, dialect: Dialect) -> None:
        self.dialect = dialect
        self.taken = set(dialect.reserved)
        self.order: dict[str, int] = {}
        """The parameters of blocks, the channels first, the others as their blocks declare them."""
        self.network = named(network, self.called)
        self.found: dict[object, Class] = {}
        """Classes by what tells them apart."""
        self.made: dict[Graph, Class | Made] = {}
        self.read: dict[Graph, dict[int, int]] = {}
        self.names: dict[int, dict[int, str]] = {}
        """The attributes of the rounds of elements, by their identity."""
        self.uses = Uses()

    def run(self) -> Body:
        """Make the classes; returns the body of the whole."""
        self.make_callees(self.network.graph)
        return self.body(self.network.graph)

    def called(self, names: Sequence[str]) -> list[str]:
        """What the parameters of a block are called, `cin` first. Names with two underscores mean something in a class."""
        found: list[str] = []
        for name in (*names[1:], "channels"):
            safe = (name.strip("_") or "value") if name.startswith("__") else name
            while keyword.iskeyword(safe) or safe in self.dialect.reserved or safe in found or self.dialect.helper(safe) is not None:
                safe += "_"
            found.append(safe)
        for at, name in enumerate(found):
            self.order.setdefault(name, (at + 1) % len(found))
        return [found[-1], *found[:-1]]

    def make_callees(self, graph: Graph) -> None:
        """Make the modules of the graphs that a graph calls, in the order of the network."""
        for element in graph.elements:
            if isinstance(element, Call) and element.graph not in self.made:
                self.make_callees(element.graph)
                if not element.inline:
                    self.made[element.graph] = self.sequential(element.graph) or self.class_of(element)

    def class_of(self, call: Call) -> Class:
        """The class of a graph; that of an equal one where there is one."""
        graph, body = call.graph, self.body(call.graph)
        word = graph.instance.block if graph.instance is not None else call.label or call.stem
        items = [(i.attribute, i.module and written(i.module), i.step, i.reads, i.flat, i.borrowed, _kinds(i.types)) for i in body.items]
        key = (word, graph.instance is None, len(body.inputs), tuple(items), body.result)
        if key not in self.found:
            read = sorted({name for item in body.items for name in parameters(item.module)}, key=lambda name: (self.order[name], name))
            about = f"Block `{word}`." if graph.instance is not None else f"`{word}`."
            self.found[key] = Class(self.name(word), about, body, {name: [] for name in read})
        return self.found[key]

    def name(self, word: str) -> str:
        """A class name of a block's or label's, not yet taken."""
        base = "".join(part[:1].upper() + part[1:] for part in word.replace(".", "_").split("_")) or "Part"
        if not base[0].isalpha():
            base = "Part" + base
        name, count = base, 1
        while name in self.taken or keyword.iskeyword(name) or self.dialect.helper(name) is not None:
            count += 1
            name = f"{base}{count}"
        self.taken.add(name)
        return name

    def module(self, call: Call) -> Made:
        """A call as a module: a chain, or a class with the arguments that it takes of the block, or of the block around it."""
        made = self.made[call.graph]
        if isinstance(made, Made):
            return made
        given, arguments = dict(call.arguments), []
        leaves = {} if given else {leaf.name: leaf.value for item in made.body.items for leaf in _leaves(item.module)}
        for name, values in made.parameters.items():
            value = given.get(name, Spelled.leaf(leaves.get(name, 0), name))
            value = tuple(value) if isinstance(value, tuple) else value
            values.append(tuple(map(value_of, value)) if isinstance(value, tuple) else value_of(value))
            arguments.append((name if len(made.parameters) > 3 else "", short(value)))
        return Made(New(made.name, tuple(arguments)))

    def sequential(self, graph: Graph) -> Made | None:
        """A chain of the framework, where a group is a plain chain whose names are its positions."""
        if graph.naming != "index" or graph.instance is not None:
            return None
        chain = _Chain(self.dialect)
        if not self.extend(chain, graph):
            return None
        return Made(New(self.dialect.chain, tuple(("", module) for module in chain.modules)), chain.flat)

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
            if self.dialect.holds_tensor(element.stem):
                return False
            chain.append(self.node(element, graph), pointwise=element.stem in self.dialect.pointwise)
            return True
        if element.inline:
            return all(self.extend(chain, element.graph) for _ in range(element.times))
        made = self.module(element)
        if made.flat and not (element.times == 1 and chain.flatten()):
            return False
        chain.append(Many(made.module, element.times) if element.times > 1 else made.module, positions=element.times)
        return True

    def node(self, node: Node, graph: Graph) -> New:
        type_ = graph.type_of(node.inputs[0])
        try:
            return self.dialect.layer(node.op, type_, node.type, self.overwrites(node, graph))
        except Unsupported as unsupported:
            unsupported.span = node.span
            raise

    def overwrites(self, node: Node, graph: Graph) -> bool:
        """Whether a layer may overwrite its input: nothing else reads that, nor does the gradient of what made it."""
        value = node.inputs[0]
        if node.stem not in self.dialect.overwriting or value < len(graph.inputs):
            return False
        maker = graph.elements[value - len(graph.inputs)]
        return isinstance(maker, Node) and maker.stem in self.dialect.independent and self.readers(graph)[value] == 1

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
        lender = graph.elements[element.owner.element] if element.owner is not None else element
        called = lender if isinstance(lender, Call) else element
        made = None if element.inline else self.module(called)
        for round_ in range(element.times):
            if made is None:
                values = [*reads]
                for sub in element.graph.elements:
                    values.append(self.append(sub, element.graph, [values[v] for v in sub.inputs], names, items, count, top))
                reads[0] = values[element.graph.result]
            else:
                name, borrowed = self.attribute(element, graph, names(element), round_)
                taken = self.taken_by(called.graph)
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


def _leaves(value: Any) -> Iterator[Spelled]:
    """The names that spelled numbers hold."""
    pending = [part for part in parts(value) if isinstance(part, Spelled)]
    while pending:
        number = pending.pop()
        pending += number.parts
        if number.name:
            yield number


def _kinds(types: tuple[Type | None, ...]) -> tuple[object, ...]:
    return tuple((type(t).__name__, len(t.shape)) for t in types if t is not None)


class _Chain:
    """The modules of a chain, as they are found."""

    def __init__(self, dialect: Dialect) -> None:
        self.identity = New(dialect.identity)
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
                self.append(self.identity, pointwise=True)
        return element.numbered
