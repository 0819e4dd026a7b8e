"""Exams for paper: Markdown and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from archspec.diagnostics.visible import visible
from archspec.ops.base import counted
from archspec.views.tables.grid import latex_text, markdown_text
from archspec.views.tables.typeset import typeset

if TYPE_CHECKING:
    from archspec.views.exam import Exam, Question

_LINE = "_" * 20
"""A line to write on, in Markdown: between spaces it is no emphasis."""
_SIDES = re.compile(r"(?<=\d)x(?=\d)")


def pieces(text: str, plain: Callable[[str], str], code: Callable[[str], str]) -> str:
    """A text whose code stands in backticks, each part written in its own way."""
    return "".join(code(visible(part)) if at % 2 else plain(crossed(visible(part))) for at, part in enumerate(text.split("`")))


def crossed(text: str) -> str:
    """A shape, or a text with shapes, with the sign of multiplication."""
    return _SIDES.sub("×", text)


def arithmetic(question: Question) -> str:
    """The answer's arithmetic with the sign of multiplication."""
    return crossed(visible(question.how)).replace("*", "×")


def markdown(exam: Exam, key: bool) -> str:
    """The exam, or its key, as Markdown."""
    return "\n".join(_markdown(exam, key)) + "\n"


def _markdown(exam: Exam, key: bool) -> Iterator[str]:
    title = markdown_text(visible(exam.title))
    yield f"# {'Key of the quiz' if key else 'Quiz'}: {title}\n"
    if not key:
        yield f"Name: {_LINE} Points: {_LINE[:10]} of {exam.points}\n"
    for number, question in enumerate(exam.questions, 1):
        text = pieces(question.text, markdown_text, lambda code: f"`{code}`")
        yield f"{number}. ({counted(question.points, 'point')}) {text}\n"
        if question.lines:
            yield "\n".join(["    ```text", *(f"    {visible(line)}" for line in question.lines), "    ```", ""])
        if key:
            why = f" {markdown_text(arithmetic(question))}" if question.how else ""
            yield f"    **{markdown_text(crossed(question.answer))}**{why} ({markdown_text(visible(question.source))})\n"
        else:
            yield f"    Answer: {_LINE}\n"
    yield f"Seed {markdown_text(visible(exam.seed))}."


_HEAD = r"""\documentclass[11pt]{article}
\usepackage[T1]{fontenc}
\usepackage[margin=25mm]{geometry}
\usepackage{lmodern}
\setlength{\parindent}{0pt}
\begin{document}
"""


def latex(exam: Exam, key: bool) -> str:
    """The exam, or its key, as a LaTeX document of class `article`."""
    return _HEAD + "\n".join(_latex(exam, key)) + "\n\\end{document}\n"


def _latex(exam: Exam, key: bool) -> Iterator[str]:
    yield f"{{\\Large\\bfseries {'Key of the quiz' if key else 'Quiz'}: {latex_text(visible(exam.title))}}}\\par\\bigskip"
    if not key:
        yield f"Name: \\underline{{\\hspace{{70mm}}}}\\hfill Points: \\underline{{\\hspace{{12mm}}}} of {exam.points}\\par\\bigskip"
    yield "\\begin{enumerate}"
    for question in exam.questions:
        text = pieces(question.text, latex_text, lambda code: f"\\texttt{{{latex_text(code)}}}")
        yield f"\\item ({counted(question.points, 'point')}) {text}"
        yield from (f"\\par\\texttt{{{latex_text(visible(line))}}}" for line in question.lines)
        if key:
            yield f"\\par\\textbf{{{latex_text(crossed(question.answer))}}}\\quad {typeset(arithmetic(question))}"
            yield f"\\par{{\\small {latex_text(visible(question.source))}}}\\medskip"
        else:
            yield "\\par\\medskip Answer: \\underline{\\hspace{55mm}}\\bigskip"
    yield f"\\end{{enumerate}}\n\\vfill{{\\small Seed {latex_text(visible(exam.seed))}.}}"
