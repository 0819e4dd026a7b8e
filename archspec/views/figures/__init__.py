"""Pictures of networks: boxes and arrows, volumes, bars."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from archspec.analysis.depth import depth, is_weight_layer, weight_layers
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
from archspec.views.figures.look import PLAIN, Look
from archspec.views.figures.mermaid import mermaid
from archspec.views.figures.parts import part as cut
from archspec.views.figures.placement import plan
from archspec.views.figures.plan import SLIDE, Page
from archspec.views.figures.refine import without_numbers
from archspec.views.figures.svg import Heading
from archspec.views.figures.text_width import fitting
from archspec.views.figures.tikz import tikz
from archspec.views.figures.volumes import volumes
from archspec.views.figures.wording import layer_count
from archspec.views.theme import BY_PAGE, THEMES

if TYPE_CHECKING:
    import graphviz

KINDS_OF_PICTURE = ("blocks", "volumes", "bars")
LEVELS = ("auto", *reversed(FROM_FINEST))
TEXT_FORMS = (".dot", ".mmd", ".tex")
"""Endings of the names of files that hold boxes and arrows as text, for Graphviz, Mermaid and TikZ."""
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


def draw(network: Network, as_: str = "blocks", level: str = "auto", look: Look = PLAIN, part: str | None = None) -> Picture:
    """The SVG of a network, or of a part of it alone. Raises SpecError where it cannot be drawn so, ValueError where there is no such part."""
    picture = _blocks(network, level, look, part=part) if as_ == "blocks" else _chart(network, as_, level, look)
    return picture._replace(text=look.sized(picture.text))


def embedded(network: Network, as_: str = "blocks", level: str = "auto") -> Picture:
    """Draw for a page that shows title and totals itself, in the colours that the page sets. Raises as `draw` does."""
    look = Look(BY_PAGE)
    return _blocks(network, level, look, bare=True) if as_ == "blocks" else _chart(network, as_, level, look, bare=True)


def outline(network: Network, level: str = "auto") -> Picture:
    """Boxes and arrows as `embedded`, without the numbers that follow from the spec by arithmetic. Raises as `draw` does."""
    picture = _blocks(network, level, Look(BY_PAGE), bare=True, numbers=False)
    return picture._replace(text=re.sub(r"<title>[^<]*</title>", "", picture.text))  # they give shapes away


def text_form(network: Network, form: str, level: str = "auto", look: Look = PLAIN) -> Picture:
    """The boxes and arrows as `dot`, `mmd` or `tex` text, which is TikZ. Raises SpecError where there are too many."""
    diagram, notes = _diagram(network, level, look.page)
    cards, palette = Cards(diagram, right=look.page.right), look.palette
    if form == "tex":
        made = tikz(diagram, plan(diagram, cards, look.page), palette)
        return Picture("".join(f"{line}\n" for line in made), notes)
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


def _chart(network: Network, as_: str, level: str, look: Look, *, bare: bool = False) -> Picture:
    chart, what = (volumes, "feature maps and vectors") if as_ == "volumes" else (bars, "")
    head = heading(network, what)
    return Picture(chart(network, level, look.palette, head.bare() if bare else look.heading(head)))


def _blocks(
    network: Network, level: str, look: Look, *, part: str | None = None, bare: bool = False, numbers: bool = True
) -> Picture:  # fmt: skip
    diagram, notes = _diagram(network, level, look.page) if part is None else _part(network, level, part, look.page)
    if not numbers:
        without_numbers(diagram)
    head = heading(network, _BOX[diagram.level])
    if part is not None:
        head = _part_heading(head.title, Report(network), diagram, part)
    if bare:
        head = head.bare() if numbers else Heading("", "", head.title, ground=False)
    return Picture(paint(diagram, laid_out(diagram, look.page), look.palette, look.heading(head)), notes)


def _part(network: Network, level: str, part: str, page: Page) -> tuple[Diagram, tuple[str, ...]]:
    """The diagram of a part at a level, or at the next finer one where the part is not alone in a box. Raises ValueError."""
    Report(network).named(part)
    if level == "auto":
        return automatic(network, page, part), ()
    for whole in diagrams(network, FROM_FINEST[FROM_FINEST.index(level) :: -1]):
        diagram = cut(whole, part)
        if diagram is not None:
            return diagram, () if whole.level == level else (f"`{part}` is folded at level {level}; drawn at level {whole.level}",)
    raise _too_large(network, f"`{part}` is in no picture of at most {MOST:,} boxes")


def _part_heading(title: str, report: Report, diagram: Diagram, part: str) -> Heading:
    costs = [report.layers[at].cost for box in diagram.boxes for span in box.spans for at in range(*span)]
    layers = layer_count(sum(map(is_weight_layer, costs)), len(costs))
    params, macs = (sum(getattr(box, what) for box in diagram.boxes) for what in ("params", "macs"))
    facts = f"{layers} · {params:,} parameters · {macs:,} MACs · {_BOX[diagram.level]}"
    title = fitting(f"{title}: {part}", 700, 18, bold=True)
    return Heading(title, facts, f"{title}: {layers}; {params:,} parameters, {macs:,} multiply-accumulates.")


def _diagram(network: Network, level: str, page: Page = SLIDE) -> tuple[Diagram, tuple[str, ...]]:
    """The diagram at a level, or at the next coarser one that is not too large, and a note that says so."""
    most = f"more than {MOST:,} boxes or {2 * MOST:,} arrows"
    try:
        if level == "auto":
            return automatic(network, page), ()
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
    weighty, deep = sum(weight_layers(network).values()), depth(network)
    count = layer_count(weighty, totals.layers) + (f", {deep:,} deep" if deep != weighty else "")
    facts = " · ".join(part for part in (count, f"{totals.params:,} parameters", f"{totals.macs:,} MACs{totals.left_out}", what) if part)
    shapes = ", ".join(str(i.type) for i in network.inputs)
    return Heading(
        title,
        facts,
        f"{title}: {count} from {shapes}; {totals.params:,} parameters, {totals.macs:,} multiply-accumulates{totals.left_out}.",
    )


__all__ = ["KINDS_OF_PICTURE", "LEVELS", "TEXT_FORMS", "THEMES", "Picture", "draw", "embedded", "outline", "text_form", "to_graphviz"]
