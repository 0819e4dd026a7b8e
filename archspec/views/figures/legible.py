"""The level at which a picture is read best: the finest whose words are legible on a slide."""

from __future__ import annotations

from archspec.ir.graph import Network
from archspec.views.figures.build import FROM_FINEST, MOST, build, diagrams
from archspec.views.figures.cards import Cards
from archspec.views.figures.diagram import Diagram
from archspec.views.figures.miniature import miniatures
from archspec.views.figures.parts import part as cut
from archspec.views.figures.placement import plan
from archspec.views.figures.plan import LEGIBLE, SLIDE, Page, Plan

_MOST = 150
"""Boxes above which nothing is legible."""


def laid_out(diagram: Diagram, page: Page = SLIDE) -> Plan:
    """The plan of a diagram, with blocks in small."""
    return plan(diagram, Cards(diagram, miniatures(diagram, right=page.right), right=page.right), page)


def automatic(network: Network, page: Page = SLIDE, part: str | None = None) -> Diagram:
    """The diagram, or that of a part, at the finest level that is legible on a slide, or else at the one that is most.

    Raises TooLarge where all are.
    """
    best: Diagram | None = None
    least = float("inf")
    for whole in diagrams(network, FROM_FINEST, _MOST if part is None else MOST):
        diagram = whole if part is None else cut(whole, part)
        if diagram is None or len(diagram.boxes) > _MOST:
            continue
        high = Page(page.aspect).height(laid_out(diagram, page))
        if high <= LEGIBLE:
            return diagram
        if high < least:
            best, least = diagram, high
    return best or build(network, FROM_FINEST[-1])
