"""Scopes: the names and labels that are seen from a place."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.elaborate.expressions import Missing, Value
from archspec.ir.builder import GraphBuilder


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

    def inner(self, frame: Frame | None = None, index: str | None = None) -> Scope:
        """A suite inside this one; with a frame, the body of a repeat."""
        return Scope({}, self, frame or self.frame, index, self.read)

    def outwards(self) -> Iterator[Scope]:
        """The scope, and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def value_of(self, name: str) -> Value | Missing | None:
        for scope in self.outwards():
            if name == scope.index and scope.frame is not None:
                scope.frame.reads_index = True
                return scope.frame.round
            if name in scope.names:
                self.read.add(name)
                return scope.names[name]
        return None

    def known(self) -> Iterator[str]:
        for scope in self.outwards():
            yield from scope.names
            if scope.index is not None:
                yield scope.index
