"""Scopes of names and labels, and the builder of one graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from archspec.elaborate.expressions import Missing, Value
from archspec.ir.graph import Call, Element, Graph, Instance
from archspec.types import Type


class Frame:
    """The round of a repeat that is being elaborated. Where the number of rounds is not `known`, one stands for all.

    `reads_index` and `longest` record what a round's meaning depended on: with neither the index read nor a list still to
    be followed, all further rounds are the same.
    """

    __slots__ = ("count", "known", "longest", "reads_index", "round")

    def __init__(self, count: int, known: bool = True) -> None:
        self.count = count
        self.known = known
        self.round = 0
        self.longest = 0
        self.reads_index = False


class Scope:
    """Names and labels that are seen from a place. Blocks start a scope without a parent; suites extend the one around them."""

    __slots__ = ("frame", "index", "labels", "names", "parent", "read")

    def __init__(
        self,
        names: dict[str, Value | Missing],
        parent: Scope | None = None,
        frame: Frame | None = None,
        index: str | None = None,
        read: set[str] | None = None,
    ) -> None:
        self.names = names
        self.parent = parent
        self.frame = frame
        self.index = index
        self.labels: dict[str, tuple[Builder, int]] = {}
        self.read = set() if read is None else read

    def inner(self) -> Scope:
        """A suite inside this one."""
        return Scope({}, self, self.frame, None, self.read)

    def round(self, frame: Frame, index: str | None) -> Scope:
        """The body of a repeat."""
        return Scope({}, self, frame, index, self.read)

    def value_of(self, name: str) -> Value | Missing | None:
        scope: Scope | None = self
        while scope is not None:
            if name == scope.index and scope.frame is not None:
                scope.frame.reads_index = True
                return scope.frame.round
            if name in scope.names:
                self.read.add(name)
                return scope.names[name]
            scope = scope.parent
        return None

    def known(self) -> Iterable[str]:
        scope: Scope | None = self
        while scope is not None:
            yield from scope.names
            if scope.index is not None:
                yield scope.index
            scope = scope.parent

    def label(self, name: str) -> tuple[Builder, int] | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.labels:
                return scope.labels[name]
            scope = scope.parent
        return None

    def visible_labels(self) -> list[str]:
        found: list[str] = []
        scope: Scope | None = self
        while scope is not None:
            found += scope.labels
            scope = scope.parent
        return found


class Builder:
    """A graph being built. Values of the graphs around it become inputs when they are read: `capture`."""

    def __init__(self, naming: str, parent: Builder | None = None, *, round_: bool = False) -> None:
        self.round = round_
        self.naming = naming
        self.parent = parent
        self.inputs: list[Type | None] = []
        self.elements: list[Element] = []
        self.alike: Counter[str] = Counter()
        """Elements by stem, those of a repeat once for each round."""
        self.position: int = parent.position if round_ and parent is not None else 0
        """The position of the next element, where names are positions."""
        self.captured: dict[int, int] = {}
        self.pending: list[int] = []
        """Values of the parent that are read here, in the order of the inputs after the first."""

    def input(self, type_: Type | None) -> int:
        self.inputs.append(type_)
        return len(self.inputs) - 1

    def type_of(self, value: int) -> Type | None:
        return self.inputs[value] if value >= 0 else self.elements[~value].type

    def add(self, element: Element) -> int:
        """Append an element. While a graph is built its elements are numbered ~0, ~1, ..., since inputs may still come."""
        self.elements.append(element)
        self.alike[element.stem] += _times(element)
        if element.label is not None and element.label.isdecimal():
            self.position = int(element.label) + 1
        else:
            self.position += _positions(element)
        return ~(len(self.elements) - 1)

    def restem(self, stem: str) -> None:
        """Call the last element, which has no label, by another stem that takes no position."""
        element = self.elements.pop()
        self.alike[element.stem] -= _times(element)
        self.position -= _positions(element)
        self.add(element._replace(stem=stem, numbered=False))

    def capture(self, owner: Builder, value: int) -> int:
        """The number here of a value of this or an enclosing graph."""
        if owner is self:
            return value
        assert self.parent is not None
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
        builder: Builder | None = self
        while builder is not None:
            alike += builder.alike[stem]
            builder = builder.parent if builder.round else None
        return f"{stem}{alike + 1}"

    def finish(self, result: int, instance: Instance | None = None) -> Graph:
        """The graph, its values renumbered as `Graph` has them."""
        count = len(self.inputs)
        fixed = tuple(e._replace(inputs=tuple(v if v >= 0 else count + ~v for v in e.inputs)) for e in self.elements)
        return Graph(tuple(self.inputs), fixed, result if result >= 0 else count + ~result, self.naming, instance)

    def splice(self, inner: Builder, result: int, value: int) -> int:
        """Take over the elements of a builder of one round, whose input is `value`; returns what its result is here."""
        mapping = {0: value, **{number: outer for outer, number in inner.captured.items()}}
        for at, element in enumerate(inner.elements):
            mapping[~at] = self.add(element._replace(inputs=tuple(mapping[v] for v in element.inputs)))
        return mapping[result]


def _times(element: Element) -> int:
    return element.times if isinstance(element, Call) else 1


def _positions(element: Element) -> int:
    """How many positions an element takes."""
    if isinstance(element, Call):
        return element.times * (sum(map(_positions, element.graph.elements)) if element.inline else element.numbered)
    return int(element.numbered)


def single_call(builder: Builder, result: int) -> Call | None:
    """The one call that a round consists of, if it is that and reads nothing but the round's input."""
    if len(builder.elements) == 1 and result == ~0:
        element = builder.elements[0]
        if isinstance(element, Call) and not element.inline and element.label is None and element.times == 1 and element.inputs == (0,):
            return element
    return None
