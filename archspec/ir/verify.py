"""The invariants of every network, on which analyses and targets rely."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archspec.ir.graph import Call, Further, Graph, Layered, Network, Node, Owner
from archspec.ir.shared import slots
from archspec.ops.base import Misfit
from archspec.types import Type


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
    free: dict[Graph, list[Borrower]] = {}
    for part in network.graphs():
        free[part] = list(_owners(part, _graph(part), free))
    for borrower in free[graph]:
        raise ValueError(f"{borrower.what} uses the weights of an element that is {borrower.owner.up} levels around the whole network")


class Borrower(NamedTuple):
    """An element that uses the weights of one in a graph around its own, as seen from the graph that it is looked for in."""

    what: str
    owner: Owner
    element: Layered
    graph: Graph


def _owners(graph: Graph, where: str, free: dict[Graph, list[Borrower]]) -> Iterator[Borrower]:
    """Check the owners of weights in a graph; gives what borrows from a graph around it."""
    for at, element in graph.layered:
        borrowers = (
            [b._replace(owner=b.owner._replace(up=b.owner.up - 1)) for b in free[element.graph]] if isinstance(element, Call) else []
        )
        if element.owner is not None:
            borrowers.append(Borrower(f"element {at} (`{element.label or element.stem}`) of {where}", element.owner, element, graph))
        for borrower in borrowers:
            if borrower.owner.up > 0:
                yield borrower
            else:
                _lent(borrower, graph, at)


def _lent(borrower: Borrower, graph: Graph, at: int) -> None:
    what, owner = borrower.what, borrower.owner
    if owner.up < 0 or not 0 <= owner.element < at:
        raise ValueError(f"{what} uses the weights of an element that does not stand before it")
    lender = graph.elements[owner.element]
    for at in owner.inside:
        if not isinstance(lender, Call) or lender.inline or lender.times > 1 or lender.owner or not 0 <= at < len(lender.graph.elements):
            raise ValueError(f"{what} uses the weights of element {at} of what is no call of one round with weights of its own")
        graph = lender.graph
        lender = graph.elements[at]
    if isinstance(lender, Further):
        raise ValueError(f"{what} uses the weights of a further result, which has none")
    name = f"`{lender.label or lender.stem}`"
    if lender.owner is not None and (owner.tied or not lender.owner.tied):
        raise ValueError(f"{what} uses the weights of {name}, which are another's")
    own, other = stored_in(borrower.element, borrower.graph), stored_in(lender, graph)
    if own is None or other is None:
        raise ValueError(f"{what} uses the weights of {name}; an inline call has no name that its weights are found under")
    for key in ("weight",) if owner.tied else {**own, **other}:
        if own.get(key) != other.get(key):
            shapes = [" x ".join(map(str, shape)) if (shape := found.get(key)) is not None else "missing" for found in (own, other)]
            raise ValueError(f"{what} uses the weights of {name}: `{key}` is {shapes[0]} here and {shapes[1]} there")


def stored_in(element: Layered, graph: Graph) -> dict[str, tuple[int, ...]] | None:
    """The shapes of the tensors that an element stores in each round, by their keys within it; None for an inline call."""
    if isinstance(element, Call) and element.inline:
        return None
    found = {key: slot.shape for key, slot in slots(element, graph.types_of(element)).items()}
    return {"rounds": (element.times,), **found} if isinstance(element, Call) else found


def _graph(graph: Graph) -> str:
    """Check the elements of a graph; gives what messages call it."""
    first = len(graph.inputs)
    where = f"graph `{graph.instance}`" if graph.instance is not None else "a graph"
    if not graph.inputs or not all(0 <= result < first + len(graph.elements) for result in graph.results):
        raise ValueError(f"{where} has no input, or a result of it is no value of it")
    if len(set(graph.names)) != len(graph.names) or len(graph.results) != 1 + len(graph.names):
        raise ValueError(f"{where} has {len(graph.results)} results, and its further ones are called {_shown(graph.names) or 'nothing'}")
    if graph.naming not in ("ordinal", "index"):
        raise ValueError(f"{where} names its elements by `{graph.naming}`")
    for at, element in enumerate(graph.elements):
        what = f"element {at} ({_called(element)}) of {where}"
        if (isinstance(element, Call) and not element.inputs) or any(not 0 <= value < first + at for value in element.inputs):
            raise ValueError(f"{what} reads a value that does not stand before it")
        said: tuple[Type, ...] = (element.type,)
        if isinstance(element, Further):
            given = _picked(element, graph, what)
        elif isinstance(element, Call):
            given = _call(element, graph.types_of(element), what)
        else:
            given, said = _node(element, graph.types_of(element), what), element.types
        if given != said:
            raise ValueError(f"{what} is said to give {_shown(said)}, but gives {_shown(given)}")
    return where


def _picked(further: Further, graph: Graph, what: str) -> tuple[Type, ...]:
    at = further.of - len(graph.inputs)
    element = graph.elements[at] if at >= 0 else None
    if isinstance(element, Call):
        types, times = [element.graph.type_of(result) for result in element.graph.results], element.times
    elif isinstance(element, Node):
        types, times = [element.type, *element.further], 1
    else:
        raise ValueError(f"{what} is a result of neither a node nor a call")
    if not (0 <= further.result < len(types) and 0 <= further.round < times and (further.result, further.round) != (0, times - 1)):
        raise ValueError(f"{what} is result {further.result} of round {further.round}; there are {len(types)} results, {times} rounds")
    return (types[further.result],)


def _called(element: Layered | Further) -> str:
    return "a further result" if isinstance(element, Further) else f"`{element.label or element.stem}`"


def _call(call: Call, read: tuple[Type, ...], what: str) -> tuple[Type, ...]:
    if read != call.graph.inputs:
        raise ValueError(f"{what} is called with {_shown(read)}, but takes {_shown(call.graph.inputs)}")
    if call.times < 1 or (call.times > 1 and call.type != call.graph.inputs[0]):
        raise ValueError(f"{what} runs {call.times} times, from {call.graph.inputs[0]} to {call.type}")
    return (call.graph.output,)


def _node(node: Node, read: tuple[Type, ...], what: str) -> tuple[Type, ...]:
    if not node.op.takes_values(len(read)):
        raise ValueError(f"{what} reads {len(read)} values")
    try:
        return node.op.infer(read)
    except Misfit as misfit:
        raise ValueError(f"{what}: {misfit.message}") from None


def _shown(types: tuple[object, ...]) -> str:
    return ", ".join(map(str, types))
