"""What holds for every network: the invariants that analyses and targets rely on."""

from __future__ import annotations

from archspec.ir.graph import Call, Graph, Network, Node
from archspec.ops.base import Misfit


def verify(network: Network) -> None:
    """Check a network. Raises ValueError that says which invariant does not hold, and where."""
    graph = network.graph
    if tuple(i.type for i in network.inputs) != graph.inputs:
        raise ValueError("the inputs of the network are not those of its top graph")
    count = len(graph.inputs) + len(graph.elements)
    if not network.outputs or any(not 0 <= output.value < count for output in network.outputs):
        raise ValueError("an output names no value of the top graph")
    names = [i.name for i in network.inputs]
    if len(set(names)) != len(names) or len({o.name for o in network.outputs}) != len(network.outputs):
        raise ValueError("two inputs or two outputs have one name")
    for part in network.graphs():
        _graph(part)


def _graph(graph: Graph) -> None:
    first = len(graph.inputs)
    where = f"graph `{graph.instance}`" if graph.instance is not None else "a graph"
    if not graph.inputs or not 0 <= graph.result < first + len(graph.elements):
        raise ValueError(f"{where} has no input, or its result is no value of it")
    if graph.naming not in ("ordinal", "index"):
        raise ValueError(f"{where} names its elements by `{graph.naming}`")
    for at, element in enumerate(graph.elements):
        what = f"element {at} (`{element.label or element.stem}`) of {where}"
        if not element.inputs or any(not 0 <= value < first + at for value in element.inputs):
            raise ValueError(f"{what} reads a value that does not stand before it")
        if isinstance(element, Call):
            _call(element, graph, what)
        else:
            _node(element, graph, what)


def _call(call: Call, graph: Graph, what: str) -> None:
    read = tuple(graph.type_of(value) for value in call.inputs)
    if read != call.graph.inputs:
        raise ValueError(f"{what} is called with {_shown(read)}, but takes {_shown(call.graph.inputs)}")
    if call.type != call.graph.output:
        raise ValueError(f"{what} is said to give {call.type}, but gives {call.graph.output}")
    if call.times < 1 or (call.times > 1 and call.type != call.graph.inputs[0]):
        raise ValueError(f"{what} runs {call.times} times, from {call.graph.inputs[0]} to {call.type}")


def _node(node: Node, graph: Graph, what: str) -> None:
    read = tuple(graph.type_of(value) for value in node.inputs)
    if len(read) != 1 and not node.op.variadic:
        raise ValueError(f"{what} reads {len(read)} values")
    try:
        result = node.op.infer(read)
    except Misfit as misfit:
        raise ValueError(f"{what}: {misfit.message}") from None
    if result != (node.type,):
        raise ValueError(f"{what} is said to give {node.type}, but gives {_shown(result)}")


def _shown(types: tuple[object, ...]) -> str:
    return ", ".join(map(str, types))
