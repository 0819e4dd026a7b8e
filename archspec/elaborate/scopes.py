"""Scopes: the names and labels that are seen from a place."""

from __future__ import annotations

from collections.abc import Iterable

from archspec.elaborate.expressions import Missing, Value
from archspec.ir.builder import GraphBuilder
from archspec.ir.graph import Call


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
        self.labels: dict[str, tuple[GraphBuilder, int]] = {}
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

    def label(self, name: str) -> tuple[GraphBuilder, int] | None:
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


def single_call(builder: GraphBuilder, result: int) -> Call | None:
    """The one call that a round consists of, if it is that and reads nothing but the round's input."""
    if len(builder.elements) == 1 and result == ~0:
        element = builder.elements[0]
        if isinstance(element, Call) and not element.inline and element.label is None and element.times == 1 and element.inputs == (0,):
            return element
    return None
