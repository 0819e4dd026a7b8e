"""The level at which a picture is read best: the finest whose words are legible on a slide."""

from __future__ import annotations

from archspec.ir.graph import Network
from archspec.views.figures.build import FROM_FINEST, MOST, build, diagrams
from archspec.views.figures.cards import DETAIL, Cards
from archspec.views.figures.diagram import Diagram
from archspec.views.figures.look import ASPECT
from archspec.views.figures.miniature import miniatures
from archspec.views.figures.parts import part as cut
from archspec.views.figures.placement import plan
from archspec.views.figures.plan import Plan

_HIGH = 720.0
"""Pixels of a slide's height."""
_LEAST = 28 / 3
"""Pixels of text that are read at a distance: 7 pt."""
_MOST = 150
"""Boxes above which nothing is legible."""


def laid_out(diagram: Diagram, aspect: float = ASPECT) -> Plan:
    """The plan of a diagram, with blocks in small."""
    return plan(diagram, Cards(diagram, miniatures(diagram)), aspect)


def automatic(network: Network, aspect: float = ASPECT, part: str | None = None) -> Diagram:
    """The diagram, or that of a part, at the finest level that is legible on a slide, or else at the one that is most.

    Raises TooLarge where all are.
    """
    best: Diagram | None = None
    largest = 0.0
    for whole in diagrams(network, FROM_FINEST, _MOST if part is None else MOST):
        diagram = whole if part is None else cut(whole, part)
        if diagram is None or len(diagram.boxes) > _MOST:
            continue
        size = text_size(laid_out(diagram, aspect), aspect)
        if size >= _LEAST:
            return diagram
        if size > largest:
            best, largest = diagram, size
    return best or build(network, FROM_FINEST[-1])


def text_size(made: Plan, aspect: float) -> float:
    """How large the words of a picture are that fills a slide, in pixels; margins, heading and legend included."""
    wide, high = made.size[0] + 40, made.size[1] + 120
    return DETAIL * min(_HIGH * aspect / wide, _HIGH / high)
