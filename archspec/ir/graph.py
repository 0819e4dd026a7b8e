"""Graphs of ops and calls.

A graph is a function of one or more values. Its elements are nodes (an op applied) and calls (another graph applied, `times` in a
row). Equal block instances are one graph, shared by every call, so the size of a network in memory is that of its text.

Values are numbered: 0 to len(inputs) - 1 are the graph's inputs, the rest its elements in order. An element reads only values
before it.

Names. Each element has a stem (`conv`, `bottleneck`) and perhaps a label. In a graph whose names are `ordinal` (the top level and
block bodies) an element without a label is called stem + its ordinal among all elements of that stem. Where they are `index` (a
label over several steps) it is called by its position, as in nn.Sequential. An `inline` call adds no level: its elements count in
the graph around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from archspec.diagnostics import Diagnostic
from archspec.ops.base import Op
from archspec.source import Span
from archspec.types import Type

SHORTCUT = "downsample"
"""The stem of shortcuts; the first of them in a graph is called so without an ordinal."""


class Node(NamedTuple):
    """An op applied to values.

    `type` is None where a mistake was reported. `numbered` is False for merges and implied layers, which take no position among
    the elements of a label. `span` is where it was written.
    """

    op: Op | None
    inputs: tuple[int, ...]
    type: Type | None
    stem: str
    label: str | None
    span: Span | None
    numbered: bool = True
    implied: bool = False


class Call(NamedTuple):
    """A graph applied to values, `times` in a row: each round takes the result of the round before as its first input."""

    graph: Graph
    inputs: tuple[int, ...]
    type: Type | None
    stem: str
    label: str | None
    span: Span | None
    times: int = 1
    inline: bool = False
    numbered: bool = True


Element = Node | Call


class Graph:
    """Elements between input types and a result. Compared by identity: sharing is what makes equal parts equal."""

    __slots__ = ("elements", "inputs", "layers", "naming", "result", "title")

    def __init__(self, inputs: tuple[Type | None, ...], elements: tuple[Element, ...], result: int, naming: str, title: str) -> None:
        self.inputs = inputs
        self.elements = elements
        self.result = result
        self.naming = naming
        """`ordinal` or `index`."""
        self.title = title
        """What it is an instance of: the block call as written with its arguments resolved, or empty."""
        self.layers = sum(1 if isinstance(e, Node) else e.times * e.graph.layers for e in elements)
        """Nodes when flattened."""

    def type_of(self, value: int) -> Type | None:
        count = len(self.inputs)
        return self.inputs[value] if value < count else self.elements[value - count].type

    @property
    def output(self) -> Type | None:
        return self.type_of(self.result)


class Input(NamedTuple):
    name: str
    type: Type
    span: Span | None


class Output(NamedTuple):
    """A result of the network. `training` heads are absent in inference."""

    name: str
    value: int
    training: bool = False


@dataclass(slots=True)
class Network:
    """A whole spec, elaborated. `diagnostics` holds warnings and notes; a network with errors is not made."""

    name: str
    graph: Graph
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    meta: dict[str, str] = field(default_factory=dict)
    params: dict[str, object] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()

    def graphs(self) -> list[Graph]:
        """Every distinct graph, callees before callers."""
        seen: dict[Graph, None] = {}
        pending: list[tuple[Graph, bool]] = [(self.graph, False)]
        while pending:
            graph, done = pending.pop()
            if done:
                seen[graph] = None
            elif graph not in seen:
                pending.append((graph, True))
                pending.extend((e.graph, False) for e in graph.elements if isinstance(e, Call) and e.graph not in seen)
        return list(seen)


class Names:
    """Names the elements of one graph as they are met, inline calls included."""

    __slots__ = ("counts", "naming", "position", "prefix")

    def __init__(self, prefix: str, naming: str) -> None:
        self.prefix = prefix
        self.naming = naming
        self.counts: dict[str, int] = {}
        self.position = 0

    def local(self, element: Element) -> str:
        """The element's name within its graph."""
        stem = element.stem
        ordinal = self.counts[stem] = self.counts.get(stem, 0) + 1
        position = self.position
        self.position += element.numbered
        if element.label is not None:
            return element.label
        if self.naming == "index" and element.numbered:
            return str(position)
        if stem == SHORTCUT and ordinal == 1:
            return stem
        return f"{stem}{ordinal}"

    def __call__(self, element: Element) -> str:
        return self.prefix + self.local(element)


class Place(NamedTuple):
    """A node met on a walk: its full name, the names of what it reads, the graph it stands in, and how often it stands there.

    `times` is above 1 only on a folded walk, where `rounds` tells which rounds the name stands for.
    """

    name: str
    node: Node
    graph: Graph
    sources: tuple[str, ...]
    times: int


def walk(network: Network, *, fold: bool = False) -> Iterator[Place]:
    """The layers of a network in order, lazily. Folded, each call is entered once and its places carry how often it runs."""
    names = Names("", network.graph.naming)
    yield from _walk(network.graph, names, tuple(i.name for i in network.inputs), 1, fold)


def _walk(graph: Graph, names: Names, sources: tuple[str, ...], times: int, fold: bool) -> Iterator[Place]:
    """Walks a graph; the generator's value is the name of what its result comes from."""
    producers = list(sources)
    for element in graph.elements:
        read = tuple(producers[value] for value in element.inputs)
        if isinstance(element, Node):
            name = names(element)
            yield Place(name, element, graph, read, times)
            producers.append(name)
            continue
        inner, rounds = element.graph, element.times
        first = read[0]
        for _ in range(1 if fold else rounds):
            if element.inline:
                scope = names
            else:
                local = names(element)
                if fold and rounds > 1:
                    for _ in range(rounds - 1):
                        last = names.local(element)
                    local = f"{local}..{last}"
                scope = Names(local + ".", inner.naming)
            first = yield from _walk(inner, scope, (first, *read[1:]), times * rounds if fold else times, fold)
        producers.append(first)
    return producers[graph.result]
