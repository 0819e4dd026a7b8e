"""The level at which a picture is read best: the finest whose words are legible on a slide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from archspec.ir.graph import Network
from archspec.views.figures.build import FROM_FINEST, MOST, build, diagrams
from archspec.views.figures.cards import Cards
from archspec.views.figures.diagram import Diagram
from archspec.views.figures.miniature import miniatures
from archspec.views.figures.parts import part as cut
from archspec.views.figures.placement import plan
from archspec.views.figures.plan import LEGIBLE, SLIDE, Page, Plan

T = TypeVar("T")

_CLEARLY = 1.05
"""How much larger the words of a coarser picture are that is taken though neither is legible."""
_BENT = 1.2
"""How much smaller than legible the words of a U may be."""
_MOST = 150
"""Boxes above which nothing is legible."""


def laid_out(diagram: Diagram, page: Page = SLIDE) -> Plan:
    """The plan of a diagram, with blocks in small."""
    return plan(diagram, Cards(diagram, miniatures(diagram, right=page.right), right=page.right), page)


def automatic(network: Network, page: Page = SLIDE, part: str | None = None) -> Diagram:
    """The diagram, or that of a part, at the finest level that is legible on a slide, or else at the one that is most.

    Raises TooLarge where all are.
    """
    found = ((diagram, laid_out(diagram, page)) for diagram in few(network, FROM_FINEST, part))
    return most_legible(found, page.aspect) or build(network, FROM_FINEST[-1])


def few(network: Network, levels: Iterable[str], part: str | None) -> Iterator[Diagram]:
    """The diagrams of a network or of a part at some levels, without those of too many boxes to be legible."""
    for whole in diagrams(network, levels, _MOST if part is None else MOST):
        diagram = whole if part is None else cut(whole, part)
        if diagram is not None and len(diagram.boxes) <= _MOST:
            yield diagram


def most_legible(found: Iterable[tuple[T, Plan]], aspect: float) -> T | None:
    """The first of some pictures, with their plans, that is legible on a page, or else the one that is most; None of none.

    A U goes before what is finer and no U: the finest that is legible, or else the largest whose words are a little smaller.
    """
    pictures = [(picture, Page(aspect).height(placed), bool(placed.turned)) for picture, placed in found]
    legible = [(picture, bent) for picture, high, bent in pictures if high <= LEGIBLE]
    nearly = [(high, at) for at, (_, high, bent) in enumerate(pictures) if bent and high <= _BENT * LEGIBLE]
    for picture, bent in legible:
        if bent or not nearly:
            return picture
    if nearly:
        return pictures[min(nearly)[1]][0]
    best: T | None = None
    least = float("inf")
    for picture, high, _ in pictures:
        if _CLEARLY * high < least:
            best, least = picture, high
    return best
