"""A picture of boxes and arrows as TikZ, to be edited in a paper: a style for each kind of layer, a node for each box."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.views.figures.captions import Labels, Words, titles
from archspec.views.figures.cards import CardLine
from archspec.views.figures.diagram import Box, Diagram
from archspec.views.figures.neighbours import Near
from archspec.views.figures.plan import Plan
from archspec.views.figures.svg import pair
from archspec.views.tables.grid import latex_text
from archspec.views.theme import Theme

_SIZES = {True: r"\fontsize{8.5}{10}\selectfont\bfseries", False: r"\fontsize{7.5}{9}\selectfont"}


def tikz(diagram: Diagram, plan: Plan, theme: Theme) -> Iterator[str]:
    """The lines of a `tikzpicture`; boxes are n0, n1, ... in their order."""
    kinds = dict.fromkeys([*(box.kind for box in diagram.boxes if box.kind in theme.accent), "convolution"])
    yield r"% needs \usepackage{tikz}; lengths are in points of the picture: `scale` and `transform shape` make it smaller"
    for kind in kinds:
        yield rf"\definecolor{{{_name(kind)}}}{{HTML}}{{{theme.accent[kind][1:].upper()}}}"
    yield r"\begin{tikzpicture}[x=0.75pt, y=-0.75pt, line width=0.7pt, font=\sffamily,"
    yield r"  box/.style={draw, rounded corners=2pt, align=left, inner sep=2pt}, frame/.style={draw=gray!50, rounded corners=4pt, fill=gray!5},"
    yield r"  end/.style={box, draw=gray, rounded corners=7pt}, block/.style={box, draw=gray},"
    for kind in kinds:
        yield rf"  {_name(kind)}/.style={{box, draw={_name(kind)}, fill={_name(kind)}!13}},"
    yield r"  sign/.style={draw, circle, fill=white, inner sep=0pt}, way/.style={draw=gray, rounded corners=4pt, ->}, skip/.style={way, draw=convolution}]"
    near = Near(plan.wires)
    heads = titles(plan, near)
    shapes = Labels(plan, heads, near, plan.size[0]).find()
    for frame, words in zip(plan.frames, heads, strict=True):
        x0, y0, x1, y1 = frame.box
        yield rf"  \draw[frame] ({pair((x0, y0))}) rectangle ({pair((x1, y1))});"
        yield _words(words, bold=True)
    for wire in plan.wires:
        style = "skip" if wire.arrow.past else "way"
        first, *rest = wire.points
        yield rf"  \draw[{style}] ({pair(first)}) -- " + " -- ".join(f"({pair(point)})" for point in rest) + ";"
    for shape in shapes:
        if shape is not None:
            yield _words(shape, bold=False)
    for at, box in enumerate(diagram.boxes):
        yield f"  {_node(box, at, plan)}"
    yield r"\end{tikzpicture}"


def _words(words: Words, *, bold: bool) -> str:
    return rf"  \node[anchor=base west, inner sep=0pt, gray] at ({pair(words.spot)}) {{{_SIZES[bold]} {latex_text(words.text)}}};"


def _name(kind: str) -> str:
    return kind.replace(" ", "")


def _node(box: Box, at: int, plan: Plan) -> str:
    card = plan.cards[box]
    wide, high = (0.75 * side for side in card.size)
    style = "end" if box.form in ("input", "output") else _name(box.kind) if box.kind != "block" else "block"
    if card.sign:
        text = "$" + {"+": "+", "–": "-", "×": r"\times"}[card.sign] + "$"
        return rf"\node[sign, minimum size={wide:g}pt] (n{at}) at ({pair(plan.places[box])}) {{{text}}};"
    room = wide - 4
    text = r" \\ ".join(_line(line, room) for line in card.lines)
    size = f"minimum width={wide:g}pt, minimum height={high:g}pt"
    return rf"\node[{style}, {'fill=white, ' if style in ('end', 'block') else ''}{size}] (n{at}) at ({pair(plan.places[box])}) {{{text}}};"


def _line(line: CardLine, room: float) -> str:
    left = " ".join(latex_text(part) for part in (line.text, line.mark) if part)
    right = rf" \hfill {latex_text(line.right)}" if line.right else r" \hfill"
    return rf"\makebox[{room:g}pt][l]{{{_SIZES[line.bold]} {left}{right}}}"
