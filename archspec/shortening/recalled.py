"""Modules that are called again: layers that use the weights of a module, and are built as it is, are one line `again`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from archspec.ir.graph import AGAIN
from archspec.shortening.items import Layer


@dataclass(slots=True)
class Graph:
    """Layers in order, their names in parts, and the numbers of what they read and of the outputs: the `first` ones are those of inputs."""

    first: int
    layers: list[Layer]
    parts: list[list[str]]
    sources: list[list[int]]
    results: list[int]
    lenders: dict[int, int]
    """For layers that use the weights of others, these."""

    def users(self) -> list[list[int]]:
        """For each value the layers that read it."""
        found: list[list[int]] = [[] for _ in range(self.first + len(self.layers))]
        for at, sources in enumerate(self.sources):
            for source in sources:
                found[source].append(at)
        return found


def fold(graph: Graph) -> set[str]:
    """Put a layer `again` in the place of those that repeat a module; returns the full names of these modules."""
    lent: set[str] = set()
    tried: set[tuple[str, ...]] = set()
    while graph.lenders:
        modules = {tuple(graph.parts[lender][:depth]) for lender in graph.lenders.values() for depth in range(1, len(graph.parts[lender]))}
        module = min(modules - tried, key=lambda module: (len(module), module), default=None)
        if module is None:
            return lent
        tried.add(module)
        calls = list(_calls(graph, module))
        if calls:
            lent.add(".".join(module))
            _replace(graph, module, calls)
    return lent


def _calls(graph: Graph, module: tuple[str, ...]) -> Iterator[tuple[int, int, set[int]]]:
    """For each further call of a module the value that it is given, the layer that gives its result, and all its layers."""
    own, entry, end = _body(graph, module)
    keyed = [at for at in own if graph.layers[at].keyed]
    again = {at: [user for user, lender in graph.lenders.items() if lender == at] for at in keyed}
    times = {len(users) for users in again.values()}
    if not own or len(times) != 1 or not times - {0}:
        return
    users = graph.users()
    for call in range(times.pop()):
        values = _matched(graph, own, entry, {at: found[call] for at, found in again.items()}, users)
        if values is None:
            return
        inside = {values[graph.first + at] - graph.first for at in own}
        last = values[graph.first + end]
        inner = [graph.first + at for at in inside if graph.first + at != last]
        if any(value in graph.results or not inside.issuperset(users[value]) for value in inner):
            return
        yield values[entry], last - graph.first, inside


def _body(graph: Graph, module: tuple[str, ...]) -> tuple[list[int], int, int]:
    """The layers of the first call of a module, the value that it is given and the layer that gives its result; none where it is not closed."""
    every = [at for at, parts in enumerate(graph.parts) if tuple(parts[: len(module)]) == module and len(parts) > len(module)]
    later = {at for at in every if at in graph.lenders}
    own = []
    for at in every:
        if any(source - graph.first in later for source in graph.sources[at]):
            later.add(at)
        if at not in later:
            own.append(at)
    own = _together(graph, own)
    inside = {graph.first + at for at in own}
    entries = {source for at in own for source in graph.sources[at]} - inside
    ends = inside - {source for at in own for source in graph.sources[at]}
    if len(entries) != 1 or len(ends) != 1 or any(not graph.sources[at] for at in own):
        return [], 0, 0
    return own, entries.pop(), ends.pop() - graph.first


def _together(graph: Graph, layers: Sequence[int]) -> list[int]:
    """Those layers that have weights, and those that they lead to or follow from: others of the module's name belong to later calls."""
    found = {at for at in layers if graph.layers[at].keyed}
    reads = {at: {source - graph.first for source in graph.sources[at]} for at in layers}
    for at in layers:
        found |= {at} if reads[at] & found else set()
    for at in reversed(layers):
        found |= reads[at].intersection(layers) if at in found else set()
    return sorted(found)


def _matched(
    graph: Graph, own: Sequence[int], entry: int, again: Mapping[int, int], users: Sequence[Sequence[int]]
) -> dict[int, int] | None:
    """The values of a call by those of the first one; None where it is built otherwise."""
    values: dict[int, int] = {}
    for at in own:
        candidates = [again[at]] if at in again else [user for source in graph.sources[at][:1] for user in users[values.get(source, 0)]]
        for other in candidates:
            pairs = list(zip(graph.sources[at], graph.sources[other], strict=False))
            begins = [source for value, source in pairs if value == entry]
            if entry not in values and begins:
                values[entry] = begins[0]
            alike = graph.layers[at].step == graph.layers[other].step or at in again
            same = at in again or graph.layers[at].arguments == graph.layers[other].arguments
            free = graph.first + other not in values.values() and other not in own
            if (
                alike
                and same
                and free
                and len(graph.sources[at]) == len(graph.sources[other])
                and all(values.get(a) == b for a, b in pairs)
            ):
                values[graph.first + at] = graph.first + other
                break
        else:
            return None
    return values


def _replace(graph: Graph, module: tuple[str, ...], calls: Sequence[tuple[int, int, set[int]]]) -> None:
    """Put one layer in the place of those of each call."""
    gone: set[int] = set()
    for count, (entry, end, inside) in enumerate(calls, 1):
        widths = graph.layers[end].channels, graph.layers[end].width
        name = [*module[:-1], f"{AGAIN}{count}"]
        graph.layers[end] = Layer(name[-1], step=AGAIN, owner=".".join(module), channels=widths[0], width=widths[1])
        graph.parts[end], graph.sources[end] = name, [entry]
        gone |= inside - {end}
        graph.lenders = {at: lender for at, lender in graph.lenders.items() if at not in inside}
    left = [at for at in range(len(graph.layers)) if at not in gone]
    numbers = {value: value for value in range(graph.first)} | {graph.first + at: graph.first + new for new, at in enumerate(left)}
    graph.layers = [graph.layers[at] for at in left]
    graph.parts = [graph.parts[at] for at in left]
    graph.sources = [[numbers[source] for source in graph.sources[at]] for at in left]
    graph.results = [numbers[result] for result in graph.results]
    shift = {at: new for new, at in enumerate(left)}
    graph.lenders = {shift[at]: shift[lender] for at, lender in graph.lenders.items()}
