"""Pictures of networks: boxes and arrows, volumes, bars."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from archspec.analysis.layers import Report
from archspec.diagnostics import Diagnostic, SpecError
from archspec.extras import require
from archspec.ir.graph import Network
from archspec.views.figures.bars import bars
from archspec.views.figures.blocks import draw as paint
from archspec.views.figures.build import FROM_FINEST, MOST, diagrams
from archspec.views.figures.cards import Cards
from archspec.views.figures.diagram import Diagram, TooLarge
from archspec.views.figures.dot import digraph, dot
from archspec.views.figures.legible import automatic, laid_out
from archspec.views.figures.mermaid import mermaid
from archspec.views.figures.refine import without_numbers
from archspec.views.figures.svg import Heading
from archspec.views.figures.text_width import fitting
from archspec.views.figures.volumes import volumes
from archspec.views.theme import BY_PAGE, THEMES, Theme

if TYPE_CHECKING:
    import graphviz

KINDS_OF_PICTURE = ("blocks", "volumes", "bars")
LEVELS = ("auto", *reversed(FROM_FINEST))
TEXT_FORMS = (".dot", ".mmd")
"""Endings of the names of files that hold boxes and arrows as text, for Graphviz and Mermaid."""
_BOX = {
    "stage": "equal blocks folded",
    "block": "a box for each block",
    "part": "a box for each layer with its norm and activation",
    "layer": "a box for each layer",
}


class Picture(NamedTuple):
    """An SVG, DOT or Mermaid text, with notes for the reader."""

    text: str
    notes: tuple[str, ...] = ()


def draw(network: Network, as_: str = "blocks", level: str = "auto", theme: str = "light") -> Picture:
    """The SVG of a network. Raises SpecError where it cannot be drawn so."""
    return _picture(network, as_, level, THEMES[theme])


def embedded(network: Network, as_: str = "blocks", level: str = "auto") -> Picture:
    """Draw for a page that shows title and totals itself, in the colours that the page sets. Raises as `draw` does."""
    return _picture(network, as_, level, BY_PAGE, bare=True)


def outline(network: Network, level: str = "auto") -> Picture:
    """Boxes and arrows as `embedded`, without the numbers that follow from the spec by arithmetic. Raises as `draw` does."""
    picture = _blocks(network, level, BY_PAGE, bare=True, numbers=False)
    return picture._replace(text=re.sub(r"<title>[^<]*</title>", "", picture.text))  # they give shapes away


def text_form(network: Network, form: str, level: str = "auto", theme: str = "light") -> Picture:
    """The boxes and arrows as `dot` or `mmd` text. Raises SpecError where there are too many."""
    diagram, notes = _diagram(network, level)
    cards, palette = Cards(diagram), THEMES[theme]
    lines = mermaid(diagram, cards, palette) if form == "mmd" else dot(diagram, cards, palette, network.name)
    return Picture("".join(f"{line}\n" for line in lines), notes)


def to_graphviz(model: Network, level: str = "auto", theme: str = "light") -> graphviz.Digraph:
    """The boxes and arrows as an object of the package `graphviz`, to be styled further, and rendered by its `dot` program.

    Nodes are n0, n1, ... in the order of the network; `level` and `theme` are those of `draw`. Raises ImportError where the package is not installed, SpecError where there are too
    many boxes, ValueError for a level or a theme that does not exist.

    >>> archspec.to_graphviz(archspec.load("lenet5")).node_attr["shape"]
    'box'
    """
    require("graphviz")
    for word, known in ((level, LEVELS), (theme, list(THEMES))):
        if word not in known:
            raise ValueError(f"there is no `{word}`; there are {', '.join(known)}")
    diagram, _ = _diagram(model, level)
    return digraph(diagram, Cards(diagram), THEMES[theme], model.name)


def _picture(network: Network, as_: str, level: str, theme: Theme, *, bare: bool = False) -> Picture:
    if as_ == "blocks":
        return _blocks(network, level, theme, bare=bare)
    chart, what = (volumes, "feature maps and vectors") if as_ == "volumes" else (bars, "")
    head = heading(network, what)
    return Picture(chart(network, level, theme, head.bare() if bare else head))


def _blocks(network: Network, level: str, theme: Theme, *, bare: bool = False, numbers: bool = True) -> Picture:
    diagram, notes = _diagram(network, level)
    if not numbers:
        without_numbers(diagram)
    head = heading(network, _BOX[diagram.level])
    if bare:
        head = head.bare() if numbers else Heading("", "", head.title)
    return Picture(paint(diagram, laid_out(diagram), theme, head), notes)


def _diagram(network: Network, level: str) -> tuple[Diagram, tuple[str, ...]]:
    """The diagram at a level, or at the next coarser one that is not too large, and a note that says so."""
    most = f"more than {MOST:,} boxes or {2 * MOST:,} arrows"
    try:
        if level == "auto":
            return automatic(network), ()
        diagram = next(diagrams(network, FROM_FINEST[FROM_FINEST.index(level) :]))
    except (TooLarge, StopIteration):
        raise _too_large(network, f"even with equal blocks folded it has {most}") from None
    return diagram, () if diagram.level == level else (f"`--level {level}` has {most}; drawn at level {diagram.level}",)


def _too_large(network: Network, why: str) -> SpecError:
    span = network.inputs[0].span
    help_ = "write what repeats as a block or a `repeat`, which is drawn once; `archspec draw --as bars` draws any network"
    return SpecError([Diagnostic("A520", f"the network is too large to draw: {why}", span, help=help_)])


def heading(network: Network, what: str) -> Heading:
    """Return the title, the totals, and a description for readers who do not see the picture."""
    totals = Report(network).totals
    title = fitting(network.meta.get("title", network.name), 700, 18, bold=True)
    count = f"{totals.layers:,} layer{'s' if totals.layers != 1 else ''}"
    facts = " · ".join(part for part in (count, f"{totals.params:,} parameters", f"{totals.macs:,} MACs{totals.left_out}", what) if part)
    shapes = ", ".join(str(i.type) for i in network.inputs)
    return Heading(
        title,
        facts,
        f"{title}: {count} from {shapes}; {totals.params:,} parameters, {totals.macs:,} multiply-accumulates{totals.left_out}.",
    )


__all__ = ["KINDS_OF_PICTURE", "LEVELS", "TEXT_FORMS", "THEMES", "Picture", "draw", "embedded", "outline", "text_form", "to_graphviz"]
