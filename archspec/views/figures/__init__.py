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
from archspec.views.figures.build import FROM_FINEST, MOST
from archspec.views.figures.cards import Cards
from archspec.views.figures.diagram import Diagram
from archspec.views.figures.dot import digraph, dot
from archspec.views.figures.legible import Laid, at_level, automatic, few, laid_out, most_legible
from archspec.views.figures.look import PLAIN, Look
from archspec.views.figures.mermaid import mermaid
from archspec.views.figures.plan import SLIDE, Page
from archspec.views.figures.refine import without_numbers
from archspec.views.figures.stacks import STYLES
from archspec.views.figures.volumes import BENT, arranged, volumes
from archspec.views.figures.wording import layer_count
from archspec.views.graphics.svg import Heading
from archspec.views.graphics.text_width import fitting
from archspec.views.theme import BY_PAGE, THEMES

if TYPE_CHECKING:
    import graphviz

KINDS_OF_PICTURE = ("blocks", "volumes", "bars")
LEVELS = ("auto", *reversed(FROM_FINEST))
TEXT_FORMS = (".dot", ".mmd")
"""Endings of the names of files that hold boxes and arrows as text, for Graphviz and Mermaid."""
_BOX = {
    "group": "a box for each group, and for branches and levels",
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
    picture = _picture(network, as_, level, look, part=part)
    return picture._replace(text=look.sized(picture.text))


def embedded(network: Network, as_: str = "blocks", level: str = "auto") -> Picture:
    """Draw for a page that shows title and totals itself, in the colours that the page sets. Raises as `draw` does."""
    return _picture(network, as_, level, Look(BY_PAGE), bare=True)


def outline(network: Network, level: str = "auto") -> Picture:
    """Boxes and arrows as `embedded`, without the numbers that follow from the spec by arithmetic. Raises as `draw` does."""
    picture = _blocks(network, level, Look(BY_PAGE), bare=True, numbers=False)
    return picture._replace(text=re.sub(r"<title>[^<]*</title>", "", picture.text))  # they give shapes away


def text_form(network: Network, form: str, level: str = "auto", look: Look = PLAIN) -> Picture:
    """The boxes and arrows as `dot` or `mmd` text. Raises SpecError where there are too many."""
    diagram, _, notes = _found(network, level, look.page)
    cards, palette = Cards(diagram, right=look.page.right), look.palette
    lines = mermaid(diagram, cards, palette) if form == "mmd" else dot(diagram, cards, palette, network.name)
    return Picture("".join(f"{line}\n" for line in lines), notes)


def to_graphviz(model: Network, level: str = "auto", theme: str = "light") -> graphviz.Digraph:
    """Draw the boxes and arrows as an object of the package `graphviz`, to be styled further, and rendered by its `dot` program.

    Nodes are n0, n1, ... in the order of the network; `level` and `theme` are those of `draw`. Raises ImportError where the package is not
    installed, SpecError where there are too many boxes, ValueError for a level or a theme that does not exist.

    >>> archspec.to_graphviz(archspec.load("lenet5")).node_attr["shape"]
    'box'
    """
    require("graphviz")
    for word, known in ((level, LEVELS), (theme, list(THEMES))):
        if word not in known:
            raise ValueError(f"there is no `{word}`; there are {', '.join(known)}")
    diagram = _found(model, level).diagram
    return digraph(diagram, Cards(diagram), THEMES[theme], model.name)


def _picture(network: Network, as_: str, level: str, look: Look, *, part: str | None = None, bare: bool = False) -> Picture:
    if as_ == "blocks":
        return _blocks(network, level, look, part=part, bare=bare)
    head = heading(network, "feature maps and vectors" if as_ == "volumes" else "")
    head = head.bare() if bare else look.heading(head)
    return Picture(bars(network, level, look.palette, head)) if as_ == "bars" else _volumes(network, level, look, part, head)


def _volumes(network: Network, level: str, look: Look, part: str | None, head: Heading) -> Picture:
    level = "part" if level == "layer" else level
    if part is not None:
        head = look.heading(_part_heading(head.title, Report(network), _found(network, "part", look.page, part).diagram, part))
    if level == "auto":
        unfolded = (diagram for diagram in few(network, FROM_FINEST[1:], part) if part is None or diagram.inner > 1)
        pictures = (arranged(diagram, look) for diagram in unfolded)
        found = most_legible(((picture, picture.plan) for picture in pictures), look.page.aspect, BENT)
        if found is not None:
            return Picture(volumes(found, look, head))
        level = "stage"
    diagram, _, notes = _found(network, level, look.page, part)
    return Picture(volumes(arranged(diagram, look), look, head), notes)


def _blocks(
    network: Network, level: str, look: Look, *, part: str | None = None, bare: bool = False, numbers: bool = True
) -> Picture:  # fmt: skip
    diagram, plan, notes = _found(network, level, look.page, part)
    if not numbers:
        without_numbers(diagram)
        plan = None
    head = heading(network, _BOX[diagram.level])
    if part is not None:
        head = _part_heading(head.title, Report(network), diagram, part)
    if bare:
        head = head.bare() if numbers else Heading("", "", head.title, ground=False)
    return Picture(paint(diagram, plan or laid_out(diagram, look.page), look.palette, look.heading(head)), notes)


def _part_heading(title: str, report: Report, diagram: Diagram, part: str) -> Heading:
    costs = [report.layers[at].cost for box in diagram.boxes for span in box.spans for at in range(*span)]
    layers = layer_count(sum(map(is_weight_layer, costs)), len(costs))
    params, macs = (sum(getattr(box, what) for box in diagram.boxes) for what in ("params", "macs"))
    facts = f"{layers} · {params:,} parameters · {macs:,} MACs · {_BOX[diagram.level]}"
    title = fitting(f"{title}: {part}", 700, 18, bold=True)
    return Heading(title, facts, f"{title}: {layers}; {params:,} parameters, {macs:,} multiply-accumulates.")


def _found(network: Network, level: str, page: Page = SLIDE, part: str | None = None) -> Laid:
    """The diagram of a network or of a part, and a note where it is not at the level. Raises SpecError, ValueError for a part that there is not."""
    if part is not None:
        Report(network).named(part)
    if level == "auto" and (laid := automatic(network, page, part)) is not None:
        return laid
    found = at_level(network, level, part) if level != "auto" else None
    most = f"{MOST:,} boxes or {2 * MOST:,} arrows"
    if found is None:
        why = f"even with equal blocks folded it has more than {most}" if part is None else f"`{part}` is in no picture of at most {most}"
        raise _too_large(network, why)
    if found.level == level:
        return Laid(found)
    why = f"`--level {level}` has more than {most}" if part is None else f"`{part}` is folded at level {level}"
    return Laid(found, notes=(f"{why}; drawn at level {found.level}",))


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


__all__ = [
    "KINDS_OF_PICTURE",
    "LEVELS",
    "STYLES",
    "TEXT_FORMS",
    "THEMES",
    "Picture",
    "draw",
    "embedded",
    "outline",
    "text_form",
    "to_graphviz",
]
