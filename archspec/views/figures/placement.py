"""From a diagram to a plan, by how it is nested."""

from __future__ import annotations

from collections.abc import Mapping

from archspec.views.figures.captions import LABEL, title_width
from archspec.views.figures.cards import Card
from archspec.views.figures.column_breaks import columns
from archspec.views.figures.diagram import Box, Diagram
from archspec.views.figures.nesting import nested
from archspec.views.figures.pieces import Framed, Leaf, Piece
from archspec.views.figures.plan import Frame, Page, Plan
from archspec.views.figures.spacing import FOOT, HEAD, LABELLED, SIDE, Sizes
from archspec.views.figures.u_shape import bend_of, bent, widen
from archspec.views.figures.wiring import wires
from archspec.views.graphics.text_width import width

_PREFERRED = 1.75
"""How much smaller words may be in a U than in columns: it shows what the network is."""


def column(diagram: Diagram, cards: Mapping[Box, Card], *, right: bool = False) -> Plan:
    """The plan of a diagram in one column, or, to the `right`, with the cards of one turned, in one row."""
    whole = nested(diagram)
    whole.measure(Sizes({box: card.outer for box, card in cards.items()}, {}))
    made = _placed(whole, diagram, cards)
    return made.transposed() if right else made


def plan(diagram: Diagram, cards: Mapping[Box, Card], page: Page) -> Plan:
    """The plan of a diagram for a page: in columns, or as a U. One to the right is laid out with right and down in each other's place."""
    if not page.right:
        labelled = {arrow.tail: LABELLED for arrow in diagram.arrows if arrow.label}
        titles = {group: title_width(group.title) for group in diagram.groups()}
        return _downwards(diagram, cards, Sizes({box: card.outer for box, card in cards.items()}, labelled, titles=titles), page)
    turned = {box: card.transposed() for box, card in cards.items()}
    labelled = {arrow.tail: width(arrow.label, LABEL) + LABELLED for arrow in diagram.arrows if arrow.label}
    sizes = Sizes({box: card.outer for box, card in turned.items()}, labelled, (HEAD, SIDE, FOOT, SIDE))
    return _downwards(diagram, turned, sizes, page).transposed()


def _downwards(diagram: Diagram, cards: Mapping[Box, Card], sizes: Sizes, page: Page) -> Plan:
    whole = nested(diagram)
    whole.measure(sizes)
    made = columns(_placed(whole, diagram, cards), page)
    other = as_u(whole, diagram, cards, sizes)
    return other if other is not None and page.height(other.size) < _PREFERRED * page.height(made.size) else made


def as_u(whole: Piece, diagram: Diagram, cards: Mapping[Box, Card], sizes: Sizes, *, aside: bool = False) -> Plan | None:
    """The plan of pieces that have their places as a U; None where they are none. What is carried across leaves boxes at their foot, or `aside`."""
    bend = bend_of(whole)
    if bend is None:
        return None
    leaves = leaves_of(whole)
    widen(bend, diagram, leaves, aside=aside)
    whole.measure(sizes)
    return bent(_placed(whole, diagram, cards), bend, leaves, aside=aside)


def leaves_of(whole: Piece) -> dict[Box, Leaf]:
    """The pieces of the boxes."""
    return {piece.box: piece for piece in whole.inner() if isinstance(piece, Leaf)}


def _placed(whole: Piece, diagram: Diagram, cards: Mapping[Box, Card]) -> Plan:
    """The plan in one column, of pieces that were measured."""
    whole.place(0.0, 0.0)
    leaves = leaves_of(whole)
    frames = [
        Frame(piece.group, (piece.x - piece.left, piece.y, piece.x + piece.right, piece.y + piece.height))
        for piece in whole.inner()
        if isinstance(piece, Framed)
    ]
    places = {box: (leaves[box].x, leaves[box].y + leaves[box].height / 2) for box in diagram.boxes}
    return Plan(cards, places, wires(diagram, leaves), frames)
