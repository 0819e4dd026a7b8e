"""Receptive fields: which inputs a position of a value depends on.

What a layer reads is composed with what its inputs see (`phases` has the algebra), and where paths meet the field is the union. A shared
graph is walked once, from each of its inputs, and the result composed with each place where it is called; rounds are composed by squaring.
That is exact as long as what goes in is `even`. Where it is not, as behind a dilated transposed convolution, a hull does not say which
positions are read in between, and the graph is walked again for the call. The network's own graph is called nowhere: its values are seen
from all inputs together. Vectors that come in have no positions, so they count for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from archspec.analysis.phases import NOT, Field, Sizes, chain, even, sizes, still, union
from archspec.ir.graph import Call, Further, Graph, Network, Node
from archspec.ops.base import POINT, WHOLE, Op
from archspec.types import Map, Type

Fields = tuple[Field, ...]
"""For each input of a graph, how far a value of it reads."""

_MOST = 2**18
"""Fields that are kept of one graph, a value's from each input; one that has more, as where a label stands over lines that read thousands
of values, is walked again for each call."""
_WALKED = 2**16
"""Layers that are walked again in all, and calls on the way back to the last maps; beyond them fields are not known."""
_FREE = 16
"""Phases of a field that count for nothing."""
_WORK = 2**19
"""Phases computed in all, of fields that have several; beyond them no further field is known. Those that are not even take longer."""


def _composes(field: Field) -> bool:
    """Whether what a graph reads of a value with this field follows from how the graph reads: what sees everything does so behind gaps too."""
    return field is not WHOLE and even(field)


class _Back(NamedTuple):
    """The way back from a result of a graph to its last maps: values of it, calls that have some inside, and the inputs where it ends.

    Of a call, `times` is the round that is met first, and the number is that of the result through which it is.
    """

    maps: tuple[int, ...]
    calls: tuple[tuple[Call, int], ...]
    ends: frozenset[int]


class ReceptiveFields:
    """Fields within the graphs of one network."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._inputs = [i.type.spatial for i in network.inputs if isinstance(i.type, Map)]
        self._graphs: dict[Graph, list[Fields] | None] = {}
        self._walks: dict[tuple[Graph, Fields], list[Field]] = {}
        self._backs: dict[tuple[Graph, int], _Back] = {}
        self._walked = 0
        self._work = 0

    def inside(self, graph: Graph, outer: Sequence[Field]) -> Callable[[int], Field]:
        """The field of each value of a graph, given those of its inputs; the network's own graph has one, POINT, for all together."""
        known = self._functions(graph) if all(map(_composes, outer)) else None
        if known is None:
            return self._walk(graph, tuple(outer)).__getitem__
        return lambda value: self._seen(known[value], outer)

    def sizes(self, field: Field, type_: Type | None) -> Sizes | None:
        """How much the positions of a value of a type see; None where that is not known, or nothing."""
        axes = len(field[0]) if isinstance(field, tuple) and field else None
        whole = next((spatial for spatial in self._inputs if axes in (None, len(spatial))), None)
        return sizes(field, type_.spatial if isinstance(type_, Map) else None, whole)

    def through(self, call: Call, outer: Sequence[Field]) -> Field:
        """The field of a call's result, given those of its inputs."""
        graph, first, times = call.graph, outer[0], call.times
        while True:
            known = self._functions(graph) if all(map(_composes, (first, *outer[1:]))) else None
            if known is not None and (times == 1 or even(known[graph.result][0])):
                return self._composed(known[graph.result], (first, *outer[1:]), times)
            before, first = first, self._walk(graph, (first, *outer[1:]))[graph.result]
            times -= 1
            if not times or first == before:
                return first

    def _picked(self, call: Call, further: Further, outer: Fields) -> Field:
        """The field of a further result of a call, given those of its inputs."""
        first = self.through(call._replace(times=further.round), outer) if further.round else outer[0]
        return self.inside(call.graph, (first, *outer[1:]))(call.graph.results[further.result])

    def _composed(self, reads: Fields, outer: Fields, times: int) -> Field:
        """What is seen through so many rounds of a graph whose result reads its inputs so."""
        if times == 1:
            return self._seen(reads, outer)
        # The first input is read through all rounds; a value from outside in each of them, and then through the rounds after it.
        all_rounds, some_rounds = self._rounds(reads[0], times, NOT if len(reads) == 1 else POINT)
        return self._bounded(union(chain(outer[0], all_rounds), chain(self._seen((NOT, *reads[1:]), outer), some_rounds)))

    def _rounds(self, field: Field, times: int, one: Field) -> tuple[Field, Field]:
        """A field read through so many rounds, and the union of what `one` is read through fewer of them, none included. By squaring."""
        power: Field = POINT
        fewer: Field = NOT
        for bit in bin(times)[2:]:
            fewer = self._bounded(union(fewer, chain(fewer, power)))
            power = self._bounded(chain(power, power))
            if bit == "1":
                fewer = self._bounded(union(fewer, chain(one, power)))
                power = self._bounded(chain(power, field))
        return power, fewer

    def _functions(self, graph: Graph) -> list[Fields] | None:
        """For each value of a graph its field seen from each of the graph's inputs; of the network's, from all inputs together."""
        if graph not in self._graphs:
            count = len(graph.inputs)
            if graph is self._network.graph:
                maps = [type_.spatial if isinstance(type_, Map) else () for type_ in graph.inputs]
                self._graphs[graph] = self._forward(graph, [(still(len(spatial)) if spatial else NOT,) for spatial in maps])
            elif count * (count + len(graph.elements)) > _MOST:
                self._graphs[graph] = None
            else:
                starts = [tuple([POINT if i == j else NOT for j in range(count)]) for i in range(count)]
                self._graphs[graph] = self._forward(graph, starts)
        return self._graphs[graph]

    def _walk(self, graph: Graph, outer: Fields) -> list[Field]:
        """The fields of a graph's values, found anew."""
        known = self._walks.get((graph, outer))
        if known is None:
            self._walked += len(graph.elements)
            lost = self._walked > _WALKED  # what sees nothing or everything keeps doing so
            starts: list[Fields] = [(None if lost and isinstance(field, tuple) and field else field,) for field in outer]
            known = self._walks[graph, outer] = [field for (field,) in self._forward(graph, starts)]
        return known

    def _forward(self, graph: Graph, values: list[Fields]) -> list[Fields]:
        """Goes on from the fields of a graph's inputs to those of all its values."""
        for element in graph.elements:
            read = [values[value] for value in element.inputs]
            if isinstance(element, Further):
                maker = graph.elements[element.of - len(graph.inputs)]
                if isinstance(maker, Call):
                    read = [values[value] for value in maker.inputs]
                    values.append(tuple([self._picked(maker, element, outer) for outer in zip(*read, strict=True)]))
                else:
                    values.append(values[element.of])
            elif not read:
                values.append((NOT,) * len(values[0]))
            elif isinstance(element, Node):
                reads = self._read(element, [graph.type_of(value) for value in element.inputs])
                values.append(tuple([self._seen(reads, outer) for outer in zip(*read, strict=True)]))
            else:
                values.append(tuple([self.through(element, outer) for outer in zip(*read, strict=True)]))
        return values

    def _reaches(self, op: Op, types: Sequence[Type]) -> list[Field]:
        """How far a layer reads in each of its inputs. To find many phases is work by itself."""
        reaches = op.reaches(*types) if self._work <= _WORK else [None] * len(types)
        return [self._bounded((reach,) if isinstance(reach, tuple) else reach) for reach in reaches]

    def _read(self, node: Node, types: Sequence[Type]) -> list[Field]:
        """What a layer reads of each of its inputs."""
        op, output = node.op, node.type
        if not op.variadic:
            return self._reaches(op, types)
        (reads,) = self._reaches(op, types[:1])
        if not isinstance(output, Map) or reads is None:
            return [reads] * len(types)
        # A vector or 1x1 map that is broadcast is read by every position.
        return [reads if isinstance(type_, Map) and type_.spatial == output.spatial else WHOLE for type_ in types]

    def _seen(self, reads: Sequence[Field], outer: Sequence[Field]) -> Field:
        """The field of a value that reads others."""
        if len(reads) == 1:
            field = chain(outer[0], reads[0])
            return field if field is outer[0] else self._bounded(field)
        result: Field = NOT
        for inner, field in zip(reads, outer, strict=True):
            result = union(result, chain(field, inner))
        return self._bounded(result)

    def _bounded(self, field: Field) -> Field:
        """The field itself, as long as that was not too much work."""
        if not isinstance(field, tuple):
            return field
        phases = sum([len(reach.taps) for term in field for reach in term if len(reach.taps) > 1])
        if phases > _FREE or len(field) > 1:
            self._work += phases * (1 if even(field) else 16) + len(field) ** 2
            if self._work > _WORK:
                return None
        return field

    # the last maps

    def network(self) -> Sizes | None:
        """What is seen by the last maps before the network looks at everything at once; the whole input where their own layers do.

        This is what papers call the receptive field of a network: 212 for VGG-16, 483 for ResNet-50 with the stride in the 1x1. Where
        several ways lead back, it is the largest that a position of any of these maps sees, and the least that one of such a map sees.
        """
        graph = self._network.graph
        found = []
        known: set[tuple[Graph, int, Fields]] = set()
        for field, type_ in self._last(graph, 0, (POINT,), known):
            if field is WHOLE:
                return self.sizes(field, type_)
            if field != NOT:
                found.append(self.sizes(field, type_))
        measured = [size for size in found if size is not None]
        if not found or len(measured) < len(found) or len({len(size.largest) for size in measured}) > 1:
            return None
        largest = tuple(map(max, zip(*[size.largest for size in measured], strict=True)))
        least = tuple([min([size.least[at] for size in measured if size.largest[at] == most]) for at, most in enumerate(largest)])
        jumps = {size.jump for size in measured}
        return Sizes(least, largest, jumps.pop() if len(jumps) == 1 else None)

    def _last(self, graph: Graph, result: int, outer: Fields, known: set[tuple[Graph, int, Fields]]) -> Iterator[tuple[Field, Type | None]]:
        """The fields of the last maps before a result of a graph, those of calls included; of the network also the inputs where no map
        lies on the way.
        """
        if (graph, result, outer) in known:
            return
        known.add((graph, result, outer))
        if len(known) > _WALKED:
            yield None, None
            return
        back, inside = self._back(graph, result), self.inside(graph, outer)
        if self._work > _WORK:
            yield None, None  # then it is not known what layers read, so neither where the way ends
            return
        top = graph is self._network.graph
        for value in (*back.maps, *(sorted(back.ends) if top else ())):
            yield inside(value), graph.type_of(value)
        for call, way in back.calls:
            yield from self._last_inside(call, way, tuple([inside(value) for value in call.inputs]), known)

    def _last_inside(
        self, call: Call, result: int, read: Fields, known: set[tuple[Graph, int, Fields]]
    ) -> Iterator[tuple[Field, Type | None]]:
        """Those before a result of the last round of a call, given the fields of its inputs."""
        if call.times == 1:
            yield from self._last(call.graph, result, read, known)
            return
        before = call._replace(times=call.times - 1)
        yield from self._last(call.graph, result, (self.through(before, read), *read[1:]), known)
        if 0 in self._back(call.graph, result).ends:
            # What rounds see grows or shrinks from one to the next: where the way goes on, the first counts too.
            yield from self._last_inside(before, 0, read, known) if result else self._last(call.graph, 0, read, known)

    def _back(self, graph: Graph, result: int) -> _Back:
        known = self._backs.get((graph, result))
        if known is not None:
            return known
        maps: list[int] = []
        calls: list[tuple[Call, int]] = []
        ends: set[int] = set()
        count, pending, met = len(graph.inputs), [graph.results[result]], {graph.results[result]}
        while pending:
            value = pending.pop()
            if value < count:
                ends.add(value)
                continue
            element, way = graph.elements[value - count], 0
            if isinstance(element, Further):
                maker, way = graph.elements[element.of - count], element.result
                element = maker._replace(times=element.round + 1) if isinstance(maker, Call) else maker
            assert not isinstance(element, Further)
            further: Sequence[int] = element.inputs
            if isinstance(element, Call):
                inner = self._back(element.graph, way)
                reached = inner.ends
                if way and element.times > 1 and 0 in reached:
                    main = self._back(element.graph, 0)
                    reached = (reached - {0}) | main.ends
                    inner = inner._replace(maps=inner.maps + main.maps, calls=inner.calls + main.calls)
                calls += [(element, way)] * bool(inner.maps or inner.calls)
                further = [element.inputs[end] for end in reached]
            elif self._is_map(element, [graph.type_of(v) for v in element.inputs]):
                maps.append(value)
                continue
            pending += [v for v in further if v not in met]
            met.update(further)
        known = self._backs[graph, result] = _Back(tuple(maps), tuple(calls), frozenset(ends))
        return known

    def _is_map(self, node: Node, types: Sequence[Type]) -> bool:
        """Whether a layer's output is a map that windows made: not of everything at once, and not of a single position for each of one."""
        if not any(max(type_.spatial) > 1 for type_ in (node.type, *types) if isinstance(type_, Map)):
            return False
        if not isinstance(node.type, Map) or not types:
            return False
        return self._reaches(node.op, types[:1] if node.op.variadic else types)[0] is not WHOLE
