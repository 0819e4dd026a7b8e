"""A diagram as Mermaid, the text form that GitHub and many notebooks draw."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.ops.base import KINDS
from archspec.views.figures.cards import Cards
from archspec.views.figures.diagram import Box, Diagram
from archspec.views.theme import Theme

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,_=()+×–…·:/?!-")


def quoted(text: str) -> str:
    """Quote a label: whatever might be markup becomes Mermaid's entity code."""
    return '"' + "".join(char if char in _PLAIN or (char.isalpha() and not char.isascii()) else f"#{ord(char)};" for char in text) + '"'


def mermaid(diagram: Diagram, cards: Cards, theme: Theme) -> Iterator[str]:
    """The lines of a Mermaid text; boxes are n0, n1, ... in their order."""
    ids = {box: f"n{at}" for at, box in enumerate(diagram.boxes)}
    yield f"flowchart {'LR' if cards.right else 'TD'}"
    groups = diagram.groups()
    for depth, item in diagram.nested():
        if isinstance(item, Box):
            text = _node(item, ids[item], cards)
        else:
            text = "end" if item is None else f"subgraph g{groups.index(item)} [{quoted(cards.group_title(item))}]"
        yield "  " * depth + text
    for arrow in diagram.arrows:
        line = "-.->" if arrow.past or arrow.head.training else "-->"
        middle = f"|{quoted(arrow.label)}|" if arrow.label else ""
        yield f"  {ids[arrow.tail]} {line}{middle} {ids[arrow.head]}"
    seen = {box.kind for box in diagram.boxes}
    for kind in KINDS:
        if kind in seen:
            yield f"  classDef {_class(kind)} fill:{theme.tint[kind]},stroke:{theme.accent[kind]},color:{theme.ink}"
    yield f"  classDef block fill:{theme.card},stroke:{theme.line},color:{theme.ink}"


def _class(kind: str) -> str:
    return kind.replace(" ", "_")


def _node(box: Box, id_: str, cards: Cards) -> str:
    card = cards[box]
    if card.sign:
        return f"{id_}(({quoted(card.sign)})):::merge"
    label = "<br/>".join(quoted(" ".join(part for part in (line.text, line.mark, line.right) if part))[1:-1] for line in card.lines)
    left, right = ("([", "])") if box.form in ("input", "output") else ("[", "]")
    return f'{id_}{left}"{label}"{right}:::{_class(box.kind)}'
