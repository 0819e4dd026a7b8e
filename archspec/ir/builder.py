"""Graphs and networks that are being built. Values get their final numbers when a graph is finished, since inputs may still come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from archspec.ir.graph import Call, Graph, Hole, Instance, Node, Part
from archspec.ops.base import Op
from archspec.source import Span
from archspec.types import Type


class GraphBuilder:
    """A graph being built. Values of the graphs around it become inputs when they are read: `capture`.

    Its inputs are the values 0, 1, ..., its elements ~0, ~1, ...
    """

    def __init__(self, naming: str = "ordinal", parent: GraphBuilder | None = None, *, round_: bool = False) -> None:
        self.round = round_
        self.naming = naming
        self.parent = parent
        self.inputs: list[Type | None] = []
        self.elements: list[Part] = []
        self.alike: Counter[str] = Counter()
        """Elements by stem, those of a repeat once for each round."""
        self.position: int = parent.position if round_ and parent is not None else 0
        """The position of the next element, where names are positions."""
        self.captured: dict[int, int] = {}
        self.pending: list[int] = []
        """Values of the parent that are read here, in the order of the inputs after the first."""

    def input(self, type_: Type | None) -> int:
        """Add an input; returns the number of its value. The type is None while it is not known."""
        self.inputs.append(type_)
        return len(self.inputs) - 1

    def type_of(self, value: int) -> Type | None:
        """The type of a value; None after a mistake."""
        return self.inputs[value] if value >= 0 else self.elements[~value].type

    def add(self, element: Part) -> int:
        """Append an element; returns its value."""
        self.elements.append(element)
        self.alike[element.stem] += _times(element)
        if element.label is not None and element.label.isdecimal():
            self.position = int(element.label) + 1
        else:
            self.position += _positions(element)
        return ~(len(self.elements) - 1)

    def apply(
        self, op: Op, values: Sequence[int], label: str | None, span: Span | None, settled: Callable[[Type], Type] = lambda type_: type_
    ) -> int:
        """Append an op on values of known types, or the primitives that it stands for; the last of these has the label.

        `settled` makes of a type the one that is kept. Raises Misfit.
        """
        types = [type_ for type_ in map(self.type_of, values) if type_ is not None]
        for primitive in op.expand(types):
            own = primitive is op
            type_ = settled(*primitive.infer(types))
            numbered = own and (label is not None or not op.variadic)
            values = [self.add(Node(primitive, tuple(values), type_, primitive.step, label if own else None, span, numbered, not own))]
            types = [type_]
        return values[0]

    def restem(self, stem: str) -> None:
        """Call the last element, which has no label, by another stem that takes no position."""
        element = self.elements.pop()
        self.alike[element.stem] -= _times(element)
        self.position -= _positions(element)
        self.add(element._replace(stem=stem, numbered=False))

    def capture(self, owner: GraphBuilder, value: int) -> int:
        """The number here of a value of this or an enclosing graph."""
        if owner is self or self.parent is None:
            return value
        outer = self.parent.capture(owner, value)
        if outer not in self.captured:
            self.captured[outer] = self.input(self.parent.type_of(outer))
            self.pending.append(outer)
        return self.captured[outer]

    def next_name(self, stem: str) -> str:
        """What the next element of a stem will be called, for messages; a round's names run on from the graph around it."""
        if self.naming == "index":
            return str(self.position)
        alike = 0
        builder: GraphBuilder | None = self
        while builder is not None:
            alike += builder.alike[stem]
            builder = builder.parent if builder.round else None
        return f"{stem}{alike + 1}"

    def finish(self, result: int, instance: Instance | None = None) -> Graph | None:
        """The graph, its values renumbered as `Graph` has them; None where it has holes."""
        inputs = [type_ for type_ in self.inputs if type_ is not None]
        elements = [element for element in self.elements if not isinstance(element, Hole)]
        if len(inputs) < len(self.inputs) or len(elements) < len(self.elements):
            return None
        count = len(inputs)
        fixed = tuple(e._replace(inputs=tuple(v if v >= 0 else count + ~v for v in e.inputs)) for e in elements)
        return Graph(tuple(inputs), fixed, result if result >= 0 else count + ~result, self.naming, instance)

    def splice(self, inner: GraphBuilder, result: int, value: int) -> int:
        """Take over the elements of a builder of one round, whose input is `value`; returns what its result is here."""
        mapping = {0: value, **{number: outer for outer, number in inner.captured.items()}}
        for at, element in enumerate(inner.elements):
            mapping[~at] = self.add(element._replace(inputs=tuple(mapping[v] for v in element.inputs)))
        return mapping[result]

    def without_holes(self) -> tuple[GraphBuilder, dict[int, int]]:
        """What does not depend on a hole, as another builder, and the numbers there of the values that are left."""
        left = GraphBuilder(self.naming)
        numbers = {at: left.input(type_) for at, type_ in enumerate(self.inputs) if type_ is not None}
        for at, element in enumerate(self.elements):
            if not isinstance(element, Hole) and all(value in numbers for value in element.inputs):
                numbers[~at] = left.add(element._replace(inputs=tuple([numbers[value] for value in element.inputs])))
        return left, numbers


def _times(element: Part) -> int:
    return element.times if isinstance(element, Call) else 1


def _positions(element: Part) -> int:
    """How many positions an element takes."""
    if isinstance(element, Call):
        return element.times * (sum(map(_positions, element.graph.elements)) if element.inline else element.numbered)
    return int(element.numbered)
