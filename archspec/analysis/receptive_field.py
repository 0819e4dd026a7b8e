"""Receptive fields: which inputs a position of a value depends on.

Along each axis position i of a value depends on the inputs from step*i + low to step*i + high: its field has high - low + 1 inputs,
neighbouring fields lie `step` (the jump) apart, and -low is the padding. Through a window of size F, stride S and padding P
    low' = low - step*P,  high' = high + step*(F - 1 - P),  step' = step*S.
Where paths meet the field is the union. Araujo, Norris & Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks".

The rule is linear in (low, high, step), so a shared graph is walked once, from (0, 0, 1) at each of its inputs, and the result composed
with each place where it is called. The network's own graph is called nowhere: its values are seen from all inputs together.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor

from archspec.ir.graph import Call, Graph, Network, Node
from archspec.ops.base import POINT, WHOLE, Field_, Rational, Reach
from archspec.types import Map, Type

Field = Field_
"""A field seen from a graph's inputs: per axis, WHOLE, or None where it is not known."""
Fields = tuple[Field, ...]
"""For each input of a graph, how far a value of it reads; POINT stands for itself only, and "" for not at all."""

NOT = ""


def extent(field: Field) -> tuple[int, ...] | None:
    """The size of a field along each axis, or None where it is the whole input or not known."""
    if not isinstance(field, tuple):
        return None
    return tuple(floor(reach.high - reach.low) + 1 for reach in field)


def chain(outer: Field, inner: Field) -> Field:
    """The field of a value that reads `inner` of what has field `outer`."""
    if outer == NOT or inner == NOT:
        return NOT
    if outer is None or inner is None:
        return None
    if outer == WHOLE or inner == WHOLE:
        return WHOLE
    if inner == POINT:
        return outer
    if outer == POINT:
        return inner
    assert isinstance(outer, tuple) and isinstance(inner, tuple)
    if len(outer) != len(inner):
        return None
    return tuple(
        Reach(_plain(a.low + a.step * b.low), _plain(a.high + a.step * b.high), _plain(a.step * b.step))
        for a, b in zip(outer, inner, strict=True)
    )


def union(a: Field, b: Field) -> Field:
    """The field of a value made of two. Values whose steps differ have no common step: unknown."""
    if a == b or b == NOT:
        return a
    if a == NOT:
        return b
    if a == WHOLE or b == WHOLE:
        return WHOLE
    if a is None or b is None:
        return None
    if a == POINT or b == POINT:
        other = b if a == POINT else a
        assert isinstance(other, tuple)
        a, b = other, tuple(Reach(0, 0, 1) for _ in other)
    assert isinstance(a, tuple) and isinstance(b, tuple)
    if len(a) != len(b) or any(x.step != y.step for x, y in zip(a, b, strict=True)):
        return None
    return tuple(Reach(min(x.low, y.low), max(x.high, y.high), x.step) for x, y in zip(a, b, strict=True))


def _plain(value: Rational) -> Rational:
    return int(value) if value.denominator == 1 else value


_MOST = 2**18
"""Fields that are kept of one graph, a value's from each input. Beyond, as where a label stands over lines that read thousands of values,
they are not known, from all inputs together."""


class ReceptiveFields:
    """Fields within the graphs of one network, each graph walked once."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._graphs: dict[Graph, list[Fields]] = {}
        self._last_maps: dict[Graph, tuple[int | None, Fields]] = {}

    def inside(self, graph: Graph) -> list[Fields]:
        """For each value of a graph its field seen from each of the graph's inputs; of the network's, from all inputs together."""
        known = self._graphs.get(graph)
        if known is None:
            known = self._graphs[graph] = self._inside(graph)
        return known

    def _inside(self, graph: Graph) -> list[Fields]:
        count = len(graph.inputs)
        if graph is self._network.graph:
            values: list[Fields] = [(_start(type_),) for type_ in graph.inputs]
        elif count * (count + len(graph.elements)) > _MOST:
            return [(None,)] * (count + len(graph.elements))
        else:
            values = [tuple(POINT if i == j else NOT for j in range(count)) for i in range(count)]
        for element in graph.elements:
            read = [values[value] for value in element.inputs]
            if isinstance(element, Node):
                types = [graph.type_of(value) for value in element.inputs]
                values.append(_through_node(element, read, types))
            else:
                values.append(self.through_call(element, read))
        return values

    def through_call(self, call: Call, read: Sequence[Fields]) -> Fields:
        inner = self.inside(call.graph)[call.graph.result]
        if call.times == 1:
            return _compose(inner, read)
        # Round r reads the first input through r of the rounds, and a value from outside (c) through the rounds after its own. The rule
        # being linear, the union over all rounds is that of the first and the last of them.
        outside = _compose((NOT, *inner[1:]), read)
        through = tuple(chain(field, _power(inner[0], call.times)) for field in read[0])
        again = tuple(chain(field, _power(inner[0], call.times - 1)) for field in outside)
        return tuple(union(a, union(b, c)) for a, b, c in zip(through, outside, again, strict=True))

    def last_map(self, graph: Graph) -> tuple[int | None, Fields]:
        """The last map on the way back from a graph's result, seen as `inside` sees it.

        Where the way ends at one of the inputs, without a map, it is that input, and its number comes first.
        """
        known = self._last_maps.get(graph)
        if known is None:
            known = self._last_maps[graph] = self._way_back(graph)
        return known

    def _way_back(self, graph: Graph) -> tuple[int | None, Fields]:
        count, value = len(graph.inputs), graph.result
        inside = self.inside(graph)
        while value >= count:
            element = graph.elements[value - count]
            if isinstance(element, Node):
                assert element.op is not None
                local = element.op.reach(graph.type_of(element.inputs[0])) not in (WHOLE, None)
                if local and isinstance(element.type, Map) and max(element.type.spatial) > 1:
                    return None, inside[value]
                value = element.inputs[0]
                continue
            end, inner = self.last_map(element.graph)
            if end is None:
                read = [inside[v] for v in element.inputs]
                if element.times > 1:
                    read[0] = self.through_call(element._replace(times=element.times - 1), read)
                return None, _compose(inner, read)
            value = element.inputs[end]
        return value, inside[value]


def _through_node(node: Node, read: Sequence[Fields], types: Sequence[Type | None]) -> Fields:
    assert node.op is not None
    result: list[Field] = [NOT] * len(read[0])
    for fields, type_ in zip(read, types, strict=True):
        inner: Field = node.op.reach(type_)
        if (
            node.op.many
            and type_ != node.type
            and isinstance(node.type, Map)
            and not (isinstance(type_, Map) and type_.spatial == node.type.spatial)
        ):
            inner = WHOLE  # a vector or 1x1 map that is broadcast: every position reads it
        result = [union(a, chain(field, inner)) for a, field in zip(result, fields, strict=True)]
    return tuple(result)


def seen(reads: Fields, fields: Sequence[Field]) -> Field:
    """The field of a value of a graph, given the fields of the graph's inputs."""
    if len(reads) == 1:
        return chain(fields[0], reads[0])
    result: Field = NOT
    for inner, outer in zip(reads, fields, strict=True):
        result = union(result, chain(outer, inner))
    return result


def _compose(inner: Fields, read: Sequence[Fields]) -> Fields:
    """`seen`, from each of the inputs that the values read are seen from."""
    return tuple(seen(inner, outer) for outer in zip(*read, strict=True))


def _power(field: Field, times: int) -> Field:
    """A field chained to itself, by squaring. Unknown once a step passes 2^63."""
    result: Field = POINT
    while times:
        if times & 1:
            result = chain(result, field)
        field = chain(field, field)
        if isinstance(field, tuple) and any(reach.step > 2**63 for reach in field):
            return None
        times >>= 1
    return result


def network_field(network: Network, fields: ReceptiveFields) -> Field:
    """The field of the last map before the network looks at everything at once; the whole input where that map's own layers do.

    This is what papers call the receptive field of a network: 212 for VGG-16, 483 for ResNet-50 with the stride in the 1x1.
    """
    return fields.last_map(network.graph)[1][0]


def _start(type_: Type | None) -> Field:
    """The field of an input: each position of a map reads itself."""
    return tuple(Reach(0, 0, 1) for _ in type_.spatial) if isinstance(type_, Map) else None
