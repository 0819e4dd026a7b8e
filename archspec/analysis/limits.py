"""Counts that no library holds: a network is refused where they pass 2^63 - 1."""

from __future__ import annotations

from archspec.analysis.cost import NOTHING, Cost, Costs
from archspec.diagnostics import Diagnostic, Diagnostics
from archspec.ir.graph import Graph, Layered, Network, Node
from archspec.ops.worked import worked
from archspec.types import LIMIT

_WORDS = {
    "params": "parameters",
    "macs": "MACs",
    "flops": "FLOPs",
    "activations": "activations",
    "connections": "connections",
    "frozen": "fixed weights",
    "buffers": "buffers",
}
"""What is counted, in the order in which it is blamed."""


def check_counts(network: Network, sink: Diagnostics) -> None:
    """Report the layers whose counts pass 2^63 - 1, or else the first place where a sum over layers and rounds does."""
    costs = Costs.of(network)
    for graph in network.graphs():
        found = _too_many(graph, costs)
        for diagnostic in found:
            sink.add(diagnostic)
        if found:  # whatever calls this graph passes the limit, too
            return


def _too_many(graph: Graph, costs: Costs) -> list[Diagnostic]:
    """Find the elements of a graph that are too large, or else the one at which the sum becomes so."""
    if _excess(costs.graph(graph)) is None:
        return []
    found = []
    first: Diagnostic | None = None
    total = NOTHING
    for _, element in graph.layered:
        alone = costs.element(element, graph)
        total = total.plus(alone)
        if (name := _excess(alone)) is not None:
            found.append(_diagnostic(element, graph, name, alone, f"{_what(element)} has"))
        elif first is None and (name := _excess(total)) is not None:
            first = _diagnostic(element, graph, name, total, f"the layers up to {_what(element)} have")
    return found or ([first] if first is not None else [])


def _excess(cost: Cost) -> str | None:
    """The first count above the limit."""
    return next((name for name in _WORDS if getattr(cost, name) > LIMIT), None)


def _what(element: Layered) -> str:
    if isinstance(element, Node):
        return f"`{element.stem}`"
    return f"`{element.label or element.stem}`" + (f" in {element.times:,} rounds" if element.times > 1 else "")


def _diagnostic(element: Layered, graph: Graph, name: str, cost: Cost, subject: str) -> Diagnostic:
    notes: tuple[str, ...] = ()
    if isinstance(element, Node):
        work = worked(element.op, [graph.type_of(value) for value in element.inputs], element.type)
        notes = (f"{_WORDS[name]}: {work[name]}",) if subject.endswith("has") and name in work else ()
    count = getattr(cost, name)
    message = f"{subject} {format(count, ',' if count < 10**24 else '.4g')} {_WORDS[name]}, more than 2^63 - 1"
    return Diagnostic("A207", message, element.span, notes, "most likely a size has a few digits too many")
