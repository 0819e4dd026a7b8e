"""A diagram as DOT, Graphviz's language: plain labels only, sizes fixed, so that every build of Graphviz lays it out alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from archspec.views.figures.cards import Card, Cards
from archspec.views.figures.diagram import Arrow, Box, Diagram, Group
from archspec.views.graphics.text_width import WIDEST, fitting
from archspec.views.theme import Theme

if TYPE_CHECKING:
    import graphviz

GROUP_SIZE, LABEL_SIZE = 11.0, 10.0
Attributes = dict[str, str]


def dot(diagram: Diagram, cards: Cards, theme: Theme, name: str) -> Iterator[str]:
    """The lines of a DOT text. Nodes are n0, n1, ... in the order of the boxes, edges have the ids e0, e1, ..., clusters are numbered likewise."""
    yield f"digraph {quoted(fitting(name, 400, 10))} {{"
    for kind, attributes in _whole(theme, right=cards.right).items():
        yield f"  {kind} [{_written(attributes)}]"
    yield from _statements(diagram, cards, theme)
    yield "}"


def digraph(diagram: Diagram, cards: Cards, theme: Theme, name: str) -> graphviz.Digraph:
    """The same as an object of the package `graphviz`, with the same names."""
    import graphviz

    whole = {f"{kind}_attr": attributes for kind, attributes in _whole(theme, right=cards.right).items()}
    return graphviz.Digraph(fitting(name, 400, 10), body=[f"{line}\n" for line in _statements(diagram, cards, theme)], **whole)


def _statements(diagram: Diagram, cards: Cards, theme: Theme) -> Iterator[str]:
    ids = {box: f"n{at}" for at, box in enumerate(diagram.boxes)}
    frames = diagram.groups()
    for depth, item in diagram.nested():
        indent = "  " * depth
        if isinstance(item, Box):
            yield f"{indent}{ids[item]} [{_written(_node(item, cards[item], theme))}]"
        elif item is None:
            yield f"{indent}}}"
        else:
            yield f"{indent}subgraph cluster_{frames.index(item)} {{"
            yield f"{indent}  graph [{_written(_cluster(item, cards, theme))}]"
    for at, arrow in enumerate(diagram.arrows):
        yield f"  {ids[arrow.tail]} -> {ids[arrow.head]} [{_written(_edge(arrow, at, right=cards.right))}]"


def quoted(text: str) -> str:
    r"""A string of DOT. A backslash is doubled: Graphviz reads `\\N`, `\\l` and the like in labels."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _written(attributes: Attributes) -> str:
    return ", ".join(f"{name}={quoted(text)}" for name, text in attributes.items())


def _whole(theme: Theme, *, right: bool) -> dict[str, Attributes]:
    font = {"fontname": "Helvetica"}
    size = f"{LABEL_SIZE * WIDEST:g}"
    return {
        "graph": {
            "rankdir": "LR" if right else "TB",
            "nodesep": "0.35",
            "ranksep": "0.22",
            "bgcolor": theme.page,
            **font,
            "fontcolor": theme.ink,
        },
        "node": {"shape": "box", "style": "filled", "fixedsize": "true", **font, "fontsize": "10", "penwidth": "1"},
        "edge": {**font, "fontsize": size, "arrowsize": "0.6", "color": theme.line, "fontcolor": theme.muted},
    }


def _cluster(group: Group, cards: Cards, theme: Theme) -> Attributes:
    return {"margin": "10", "labeljust": "l", "fontsize": f"{GROUP_SIZE:g}", "color": theme.frame, "label": cards.group_title(group)}


def _node(box: Box, card: Card, theme: Theme) -> Attributes:
    text = card.sign or "\n".join("  ".join(part for part in (line.text, line.mark, line.right) if part) for line in card.lines)
    return {
        "label": text,
        "shape": "circle" if card.sign else "box",
        "width": f"{card.outer[0] / 72:.3f}",
        "height": f"{card.outer[1] / 72:.3f}",
        "fillcolor": theme.tint.get(box.kind, theme.card),
        "color": theme.accent.get(box.kind, theme.line),
        "fontcolor": theme.ink,
    }


def _edge(arrow: Arrow, at: int, *, right: bool) -> Attributes:
    made = {"id": f"e{at}"}
    if arrow.label:
        made["label"] = " " + arrow.label
    made["weight"] = str(1000 if arrow.main else 0 if arrow.skip else 1)
    if not arrow.skip:
        if arrow.head.form != "merge":
            made["headport"] = "w" if right else "n"
        made["tailport"] = "e" if right else "s"
    return made
