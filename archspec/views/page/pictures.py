"""The pictures of a page."""

from __future__ import annotations

from typing import NamedTuple

from archspec.diagnostics import SpecError
from archspec.ir.graph import Network
from archspec.views.figures import embedded, outline
from archspec.views.figures.build import FROM_FINEST, diagrams
from archspec.views.figures.legible import automatic
from archspec.views.page.html import tag

MOST = 300
"""Boxes of a picture that a page holds: more make it large, and are read in the table."""
_TITLES = {"group": "Groups", "stage": "Stages", "block": "Blocks", "part": "Parts", "layer": "Layers"}
_CHARTS = (("volumes", "Volumes", "feature maps and vectors"), ("bars", "Bars", "parameters and MACs"))


class Shown(NamedTuple):
    """A picture: what its tab is called, what it is, its SVG."""

    title: str
    about: str
    svg: str


class Pictures(NamedTuple):
    """`first` is the position of the picture that is shown first; `notes` say which there are not, and why."""

    shown: list[Shown]
    first: int
    notes: tuple[str, ...]


def pictures(network: Network, *, numbers: bool = True, others: bool = True) -> Pictures:
    """All pictures of a network, or without `others` the one that is shown first; those that hold no `numbers` beside a quiz."""
    found: list[Shown] = []
    notes: list[str] = []
    levels, first = _levels(network, others)
    try:
        for level in levels:
            picture = embedded(network, "blocks", level) if numbers else outline(network, level)
            found.append(Shown(_TITLES[level], "boxes and arrows", picture.text))
            notes += picture.notes
    except SpecError as error:
        notes += [f"there are no boxes and arrows: {d.message}" for d in error.diagnostics]
    drawn = len(found)
    for kind, title, about in _CHARTS if numbers and (others or not found) else ():
        try:
            found.append(Shown(title, about, embedded(network, kind).text))
        except SpecError as error:
            notes += [f"there are no {kind}: {d.message}" for d in error.diagnostics]
    return Pictures(found, first if first < drawn else 0, tuple(dict.fromkeys(notes)))


def _levels(network: Network, others: bool) -> tuple[list[str], int]:
    """The levels worth showing, and the position of the one that `auto` takes. Of levels with as many boxes the finest is kept."""
    found = automatic(network)
    if found is None:
        return ["stage"], 0  # drawing it says why it cannot be
    auto = found.diagram.level
    if not others:
        return [auto], 0
    sizes = {len(diagram.boxes): diagram.level for diagram in diagrams(network, reversed(FROM_FINEST), MOST)}
    kept = list(sizes.values()) or [auto]
    return kept, kept.index(auto) if auto in kept else len(kept) - 1


def markup(found: Pictures, model: str) -> str:
    """The pictures as elements that open and close, the first one open."""
    made = []
    for at, picture in enumerate(found.shown):
        summary = tag("summary", picture.title, " ", tag("small", picture.about))
        canvas = tag("div", picture.svg, class_="canvas", tabindex=0, role="region", aria_label=f"{picture.title} of {model}")
        made.append("\n" + tag("details", summary, canvas, class_="picture", open=at == found.first))
    return tag("div", *made, class_="pictures") if made else ""
