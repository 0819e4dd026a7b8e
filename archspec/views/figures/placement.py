"""From a diagram to a plan, by how it is nested."""

from __future__ import annotations

from collections.abc import Mapping

from archspec.views.figures.cards import Card
from archspec.views.figures.column_breaks import columns, misfit
from archspec.views.figures.diagram import Box, Diagram
from archspec.views.figures.nesting import nested
from archspec.views.figures.pieces import Framed, Leaf, Piece
from archspec.views.figures.plan import Frame, Plan
from archspec.views.figures.u_shape import bend_of, bent, widen
from archspec.views.figures.wiring import wires


def column(diagram: Diagram, cards: Mapping[Box, Card]) -> Plan:
    """The plan of a diagram in one column."""
    whole = nested(diagram)
    whole.measure(cards, set())
    return _placed(whole, diagram, cards)[0]


def plan(diagram: Diagram, cards: Mapping[Box, Card], aspect: float) -> Plan:
    """The plan of a diagram: in columns, or as a U; `aspect` is the width over the height of the page that it is to fill."""
    labelled = {arrow.tail for arrow in diagram.arrows if arrow.label}
    whole = nested(diagram)
    whole.measure(cards, labelled)
    plain, leaves = _placed(whole, diagram, cards)
    made, least = columns(plain, aspect)
    bend = bend_of(whole)
    if bend is None:
        return made
    widen(bend, diagram, leaves)
    whole.measure(cards, labelled)
    other = bent(_placed(whole, diagram, cards)[0], bend, leaves)
    return other if other is not None and misfit(other, aspect) < least else made


def _placed(whole: Piece, diagram: Diagram, cards: Mapping[Box, Card]) -> tuple[Plan, dict[Box, Leaf]]:
    """The plan in one column, and the pieces of the boxes."""
    whole.place(0.0, 0.0)
    leaves = {piece.box: piece for piece in whole.inner() if isinstance(piece, Leaf)}
    frames = [
        Frame(piece.group, (piece.x - piece.left, piece.y, piece.x + piece.right, piece.y + piece.height))
        for piece in whole.inner()
        if isinstance(piece, Framed)
    ]
    places = {box: (leaves[box].x, leaves[box].y + leaves[box].height / 2) for box in diagram.boxes}
    return Plan(cards, places, wires(diagram, leaves), frames), leaves
