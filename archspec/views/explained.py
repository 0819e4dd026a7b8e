"""The arithmetic of layers for papers and slides: as LaTeX, and as one figure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archspec.views.explanation import Explained
from archspec.views.graphics.svg import HEADING, MARGIN, Heading, document, label, stroke
from archspec.views.graphics.text_width import shown, width, wrapped
from archspec.views.tables.grid import latex_text
from archspec.views.tables.typeset import typeset
from archspec.views.theme import Theme

_TITLE, _WORDS, _LINE = 12.5, 10.5, 15.0
_ROOM = 470.0
"""The width of a formula; a longer one has several lines."""


def latex(layers: Sequence[Explained]) -> str:
    """A table for each layer, formulas typeset; it needs no package but T1 fonts for names."""
    return "".join(f"{line}\n" for line in _latex(layers))


def _latex(layers: Sequence[Explained]) -> Iterator[str]:
    yield r"% names want \usepackage[T1]{fontenc}"
    for layer in layers:
        title, place = layer.head
        yield rf"\paragraph{{{latex_text(title)}}} {latex_text(place)}\par\noindent"
        yield r"\begin{tabular}{@{}lrp{0.58\linewidth}@{}}"
        yield from (rf"{latex_text(step.name)} & {typeset(step.text)} & {typeset(step.how)} \\" for step in layer.steps)
        yield r"\end{tabular}"


def svg(layers: Sequence[Explained], theme: Theme) -> str:
    """One picture: under each layer its numbers, and how they come about."""
    steps = [step for layer in layers for step in layer.steps]
    names, values = (max(width(word, _WORDS) for word in words) for words in ([s.name for s in steps], [s.text for s in steps]))
    value, how = MARGIN + names + 16 + values, MARGIN + names + values + 34
    body: list[str] = []
    y = HEADING
    for layer in layers:
        words, place = map(shown, layer.head)
        y += MARGIN + _LINE
        body.append(label(MARGIN, y, words, _TITLE, theme.ink, font_weight="bold"))
        body.append(label(how + _ROOM, y, place, _WORDS, theme.muted, text_anchor="end"))
        body.append(stroke([(MARGIN, y + 5), (how + _ROOM, y + 5)], theme.frame, 1.0))
        y += 5
        for step in layer.steps:
            body.append(label(MARGIN, y + _LINE, step.name, _WORDS, theme.muted))
            body.append(label(value, y + _LINE, _signs(step.text), _WORDS, theme.ink, font_weight="bold", text_anchor="end"))
            lines = wrapped(_signs(step.how), _ROOM, _WORDS) or [""]
            body += [label(how, y + _LINE * at, line, _WORDS, theme.ink) for at, line in enumerate(lines, 1)]
            y += _LINE * len(lines)
    title = layers[0].head[0] if len(layers) == 1 else layers[0].report.model
    heading = Heading(shown(title), "", f"The numbers of {shown(title)}, and how they come about.")
    return document(heading, theme, (how + _ROOM + MARGIN, y + MARGIN), body, data_as="explanation")


def _signs(text: str) -> str:
    return re.sub(r"(?<=\d)x(?=\d)", "×", shown(text).replace("*", "×"))
