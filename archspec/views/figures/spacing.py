"""Distances in pictures of boxes and arrows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from archspec.views.figures.diagram import Box, Group
from archspec.views.figures.plan import Rect
from archspec.views.graphics.svg import Point

PLAIN, LABELLED, CLOSE = 16.0, 24.0, 8.0
"""Between boxes below each other: without and with a shape beside the arrow, and above branches, which have room of their own."""
BESIDE = 26.0
"""Between branches."""
LANE, APART = 12.0, 8.0
"""From boxes to an arc past them, and from one such arc to the next."""
SIDE, HEAD, FOOT = 10.0, 24.0, 9.0
"""A frame's distance from what it holds; the title is in the head."""
PORT = 16.0
"""Between arrows into the top of a box, at most."""


class Sizes(NamedTuple):
    """What pieces are measured by: the room that boxes take, that which a shape beside an arrow from a box asks for, and that which a frame
    keeps free, at its left, top, right and foot. `titles` has the widths of frames' titles; a title stands left of the arrows that enter.
    """

    outer: Mapping[Box, Point]
    labelled: Mapping[Box, float]
    frame: Rect = (SIDE, HEAD, SIDE, FOOT)
    titles: Mapping[Group, float] = {}

    def between(self, values: Iterable[Box], least: float) -> float:
        """The room between boxes that values pass."""
        return max([least, *(self.labelled[value] for value in values if value in self.labelled)])
