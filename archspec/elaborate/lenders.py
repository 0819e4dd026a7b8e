"""What stores the weights that another element uses: the element that was built first, wherever its graph is called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from archspec.ir.builder import GraphBuilder
from archspec.ir.graph import Call, Further, Graph, Hole, Layered, Owner, Part
from archspec.ir.shared import Slot, lending, slots
from archspec.types import Type


class Stored(NamedTuple):
    """An element with weights: its position in its builder, what it reads, and its tensors by their keys."""

    at: int
    element: Layered
    types: tuple[Type, ...]
    slots: dict[str, Slot]


def stored(builder: GraphBuilder, made: Iterable[int]) -> list[Stored] | None:
    """Those of some elements that have weights; None where one is not known."""
    found = []
    for at in made:
        element = builder.elements[at]
        if isinstance(element, Further):
            continue
        types = [builder.type_of(value) for value in element.inputs]
        if isinstance(element, Hole) or None in types:
            return None
        known = tuple([type_ for type_ in types if type_ is not None])
        tensors = slots(element, known)
        if tensors:
            found.append(Stored(at, element, known, tensors))
    return found


def owner_of(borrower: GraphBuilder, home: GraphBuilder, at: int, *, tied: bool = False) -> Owner:
    """What an element of a graph has the weights of, by the element of `home` that it names: that, or what this has its own weights of.

    What is `tied` takes the `weight` alone, which that element may have of another too.
    """
    chain = [at]
    while home.called is not None and borrower.levels(home) is None:
        home, value = home.called
        chain.insert(0, ~value)
    lent = _lent(home, chain, tied)
    while lent is not None:
        home, chain = lent
        lent = _lent(home, chain, tied)
    up = borrower.levels(home)
    assert up is not None, "what lends is seen from what borrows"
    return Owner(chain[0], up, tied, tuple(chain[1:]))


def _lent(home: GraphBuilder, chain: list[int], tied: bool) -> tuple[GraphBuilder, list[int]] | None:
    """Where the weights are stored of an element inside of others, where one of these uses those of another; None where none does."""
    for depth, element in enumerate(_along(home, chain)):
        owner = element.owner
        if owner is None or (owner.tied and not tied):
            continue
        for _ in range(owner.up - depth):
            assert home.parent is not None
            home = home.parent
        first = [*chain[: max(0, depth - owner.up)], owner.element, *owner.inside]
        mine, theirs = element, _along(home, first)[-1]
        for at in chain[depth + 1 :]:
            assert isinstance(mine, Call) and isinstance(theirs, Call)
            first.append(lending(theirs.graph)[lending(mine.graph).index(at)])
            mine, theirs = _at(mine.graph, at), _at(theirs.graph, first[-1])
        return home, first
    return None


def _along(home: GraphBuilder, chain: list[int]) -> list[Layered]:
    """The elements on a way inwards."""
    elements: tuple[Part, ...] = tuple(home.elements)
    found: list[Layered] = []
    for at in chain:
        element = elements[at]
        assert not isinstance(element, Further | Hole), "what is not known lends nothing"
        found.append(element)
        elements = element.graph.elements if isinstance(element, Call) else ()
    return found


def _at(graph: Graph, at: int) -> Layered:
    element = graph.elements[at]
    assert not isinstance(element, Further), "a further result has no weights"
    return element
