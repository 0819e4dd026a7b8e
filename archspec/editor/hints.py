"""Numbers beside the text: the shape and the parameters of each line, the totals above it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archspec.analysis.cost import Costs
from archspec.editor.open_text import Document
from archspec.editor.positions import Position, position
from archspec.editor.symbol_table import suites
from archspec.ir.graph import Call, Further, Graph, Layered, Network
from archspec.source import Span
from archspec.syntax import ast
from archspec.types import Type
from archspec.views.tables.columns import short

_MOST_ELEMENTS = 10_000
"""Layers and calls of a text that are counted while it is written."""
_SHAPES = 3
"""Shapes of a line that are shown, where a block is called on several."""


class Hint(NamedTuple):
    """A text at a place, with words that explain it."""

    place: Position
    text: str
    about: str


def hints(document: Document, first: int = 0, last: int | None = None) -> list[Hint]:
    """The shape that each line gives, and its parameters, at its end; lines are counted from 0, the last one included.

    Where a block is called on several, the shapes are those of all calls, and the parameters those of the first.
    """
    source, counts = document.source, parameters(document)
    start = source.starts[first] if first < len(source.starts) else len(source.text)
    stop = source.starts[last + 1] if last is not None and last + 1 < len(source.starts) else len(source.text)
    ends: dict[int, tuple[Span, list[Type]]] = {}
    for span, types in document.types.items():
        if not start < span.end <= stop:
            continue
        line = source.locate(span.end - 1)[0]
        before = ends.get(line)
        if before is None or (span.end, -span.start) > (before[0].end, -before[0].start):
            ends[line] = span, types
    found = []
    for line, (_, types) in sorted(ends.items()):
        shapes = [str(type_) for type_ in types]
        shown = ", ".join(shapes[:_SHAPES]) + (f" and {len(shapes) - _SHAPES} more" if len(shapes) > _SHAPES else "")
        count = counts.get(line, 0)
        weights = f"  {short(count)} params" if count else ""
        about = f"the output is {shown}" + (f"; {count:,} parameters" if count else "")
        end = source.starts[line - 1] + len(source.line(line).rstrip())
        found.append(Hint(position(source, end), f"{shown}{weights}", about))
    return found


def parameters(document: Document) -> dict[int, int]:
    """The parameters of the layers on each line, counted from 1, all rounds of repeats together; of lines in a block those of its first call."""
    network, found = document.compiled.network, dict[int, int]()
    if network is None:
        return found
    costs, taken = Costs.of(network), dict[int, int]()
    graphs = list(network.graphs())[::-1]  # a line that a label names is that of its call, not of the graph called
    if sum(len(graph.elements) for graph in graphs) > _MOST_ELEMENTS:
        return found
    rounds = {element.graph for graph in graphs for element in graph.elements if isinstance(element, Call) and element.inline}
    for at, graph in enumerate(graphs):
        for element, owner, times in _elements(graph, 1) if graph not in rounds else ():
            if element.span is None or element.span.source is not document.source:
                continue
            line = document.source.locate(element.span.end - 1)[0]
            if taken.setdefault(line, at) == at:
                found[line] = found.get(line, 0) + times * costs.element(element, owner).params
    return found


def _elements(graph: Graph, times: int) -> Iterator[tuple[Layered, Graph, int]]:
    """The elements of a graph and of the rounds in it, each with its graph and how often it stands there."""
    for element in graph.elements:
        if isinstance(element, Call) and element.inline:
            yield from _elements(element.graph, times * element.times)
        elif not isinstance(element, Further):
            yield element, graph, times


def lenses(document: Document) -> list[Hint]:
    """The totals of the network above its first line, and above each block how often it is called."""
    network = document.compiled.network
    found = [Hint(Position(0, 0), totals(network), "of the whole network")] if network is not None and document.compiled.complete else []
    called: dict[str, int] = {}
    for graph in network.graphs() if network is not None else ():
        for element in graph.elements:
            if isinstance(element, Call) and element.graph.instance is not None:
                called[element.graph.instance.block] = called.get(element.graph.instance.block, 0) + element.times
    for suite in suites(document.tree.body):
        if isinstance(suite.head, ast.Block):
            count = called.get(suite.head.name.id, 0)
            text = f"{count:,} call{'s' if count != 1 else ''}" if count else "no calls"
            found.append(Hint(position(document.source, suite.head.span.start), text, "in the text, rounds of repeats counted"))
    return found


def totals(network: Network) -> str:
    """The sizes and counts of a network, on one line."""
    cost = Costs.of(network).network(network)
    shapes = " + ".join(str(input_.type) for input_ in network.inputs)
    result = network.graph.type_of(network.graph.result)
    left = f" without {cost.uncounted} layers whose own are not known" if cost.uncounted else ""
    return f"{shapes} -> {result}: {network.graph.layers:,} layers, {short(cost.params)} parameters, {short(cost.macs)} MACs{left}"
