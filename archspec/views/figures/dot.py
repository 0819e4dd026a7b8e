"""A diagram as DOT, Graphviz's language: plain labels only, sizes fixed, so that every build of Graphviz lays it out alike."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.views.figures.cards import Card, Cards
from archspec.views.figures.diagram import Arrow, Box, Diagram
from archspec.views.figures.text_width import WIDEST, fitting
from archspec.views.theme import Theme

GROUP_SIZE, LABEL_SIZE = 11.0, 10.0
MOST_SKIPS = 120
"""Arrows past boxes that Graphviz places at most: hundreds take it minutes. Above this they are arcs of our own."""


def dot(diagram: Diagram, cards: Cards, theme: Theme, name: str, *, labels: bool = True) -> Iterator[str]:
    """The lines of a DOT text. Nodes are n0, n1, ... in the order of the boxes, edges have the ids e0, e1, ..., clusters are numbered likewise.

    Without `labels` on edges and clusters it is what is laid out for our own drawing, which places them itself.
    """
    ids = {box: f"n{at}" for at, box in enumerate(diagram.boxes)}
    frames = diagram.groups()
    yield f"digraph {quoted(fitting(name, 400, 10))} {{"
    yield f'  graph [rankdir=TB, nodesep=0.35, ranksep={0.22 if labels else 0.34}, bgcolor="{theme.page}", fontname="Helvetica", fontcolor="{theme.ink}"]'
    yield '  node [shape=box, style="filled", fixedsize=true, fontname="Helvetica", fontsize=10, penwidth=1]'
    yield (
        f'  edge [fontname="Helvetica", fontsize={LABEL_SIZE * WIDEST:g}, arrowsize=0.6, color="{theme.line}", fontcolor="{theme.muted}"]'
    )
    for depth, item in diagram.nested():
        indent = "  " * depth
        if isinstance(item, Box):
            yield f"{indent}{ids[item]} [{_node(item, cards[item], theme)}]"
        elif item is None:
            yield f"{indent}}}"
        else:
            title = f", label={quoted(cards.group_title(item))}" if labels else ""
            yield f"{indent}subgraph cluster_{frames.index(item)} {{"
            yield f'{indent}  graph [margin=10, labeljust=l, fontsize={GROUP_SIZE:g}, color="{theme.frame}"{title}]'
    beside = not labels and sum(arrow.skip for arrow in diagram.arrows) > MOST_SKIPS
    for at, arrow in enumerate(diagram.arrows):
        if not (beside and arrow.skip):
            yield f"  {ids[arrow.tail]} -> {ids[arrow.head]} [{_edge(arrow, at, labels)}]"
    yield "}"


def quoted(text: str) -> str:
    r"""A string of DOT. A backslash is doubled: Graphviz reads `\\N`, `\\l` and the like in labels."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _node(box: Box, card: Card, theme: Theme) -> str:
    fill = theme.tint.get(box.kind, theme.card)
    colour = theme.accent.get(box.kind, theme.line)
    shape = "circle" if card.sign else "box"
    text = card.sign or "\n".join("  ".join(part for part in (line.text, line.mark, line.right) if part) for line in card.lines)
    size = f"width={card.outer[0] / 72:.3f}, height={card.outer[1] / 72:.3f}"
    text = quoted(text).replace("\n", "\\n")
    return f'label={text}, shape={shape}, {size}, fillcolor="{fill}", color="{colour}", fontcolor="{theme.ink}"'


def _edge(arrow: Arrow, at: int, labels: bool) -> str:
    parts = [f'id="e{at}"']
    if arrow.label and labels:
        parts.append(f"label={quoted(' ' + arrow.label)}")
    parts.append(f"weight={1000 if arrow.main else 0 if arrow.skip else 1}")
    if not arrow.skip:
        if arrow.head.form != "merge":
            parts.append("headport=n")
        parts.append("tailport=s")
    return ", ".join(parts)
