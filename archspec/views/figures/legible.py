"""The level at which a picture is read best: the finest whose words are legible on a slide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from archspec.ir.graph import Network
from archspec.views.figures.build import FROM_FINEST, MOST, diagrams
from archspec.views.figures.cards import Cards
from archspec.views.figures.diagram import Diagram, carried_across
from archspec.views.figures.miniature import miniatures
from archspec.views.figures.parts import part as cut
from archspec.views.figures.placement import plan
from archspec.views.figures.plan import LEGIBLE, SLIDE, Page, Plan

T = TypeVar("T")

_CLEARLY = 1.05
"""How much larger the words of a coarser picture are that is taken though neither is legible."""
_MOST = 150
"""Boxes above which nothing is legible."""


def laid_out(diagram: Diagram, page: Page = SLIDE, *, small: bool = True) -> Plan:
    """The plan of a diagram, with blocks in small."""
    return plan(diagram, Cards(diagram, miniatures(diagram, right=page.right) if small else None, right=page.right), page)


class Laid(NamedTuple):
    """A diagram with its plan, where that is known already, and notes for the reader."""

    diagram: Diagram
    plan: Plan | None = None
    notes: tuple[str, ...] = ()


def automatic(network: Network, page: Page = SLIDE, part: str | None = None) -> Laid | None:
    """The diagram, or that of a part, at the finest level that is legible on a slide, or else at the one that is most.

    Where none is legible with its blocks in small, these are left out. Where all have too many boxes it is the coarsest; None where
    that is too large too.
    """
    found = (
        (diagram, laid_out(diagram, page, small=small))
        for small in (True, False)
        for diagram in few(network, FROM_FINEST, part)
        if small or any(box.form == "block" for box in diagram.boxes)
    )
    best = most_legible(((Laid(*each), each[1]) for each in found), page.aspect)
    if best is None and (coarsest := at_level(network, FROM_FINEST[-1], part)) is not None:
        return Laid(coarsest, laid_out(coarsest, page))
    return best


def at_level(network: Network, level: str, part: str | None = None) -> Diagram | None:
    """The diagram at a level or at the next coarser one that is not too large, that of a part at the next finer one where it is in boxes of its own."""
    at = FROM_FINEST.index(level)
    found = diagrams(network, FROM_FINEST[at:] if part is None else FROM_FINEST[at::-1])
    return next((diagram for whole in found if (diagram := whole if part is None else cut(whole, part)) is not None), None)


def few(network: Network, levels: Iterable[str], part: str | None) -> Iterator[Diagram]:
    """The diagrams of a network or of a part at some levels, without those of too many boxes to be legible."""
    for whole in diagrams(network, levels, _MOST if part is None else MOST):
        diagram = whole if part is None else cut(whole, part)
        if diagram is not None and len(diagram.boxes) <= _MOST:
            yield diagram


def most_legible(found: Iterable[tuple[T, Plan]], aspect: float, bent: float = 1.0) -> T | None:
    """The first of some pictures, with their plans, that is legible on a page, or else the one that is most; None of none.

    A U, whose words may be smaller by a factor, goes before what is finer and no U. Coarser pictures are asked for only where one may be a U.
    """
    first: T | None = None
    best: T | None = None
    least = float("inf")
    for picture, placed in found:
        high = Page(aspect).height(placed.size)
        if placed.turned and high <= bent * LEGIBLE:
            return picture
        if high <= LEGIBLE and first is None:
            first = picture
        if first is not None and not carried_across([*placed.places], [wire.arrow for wire in placed.wires]):
            return first
        if _CLEARLY * high < least:
            best, least = picture, high
    return first or best
