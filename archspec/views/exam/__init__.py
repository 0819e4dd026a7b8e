"""Exams about networks: questions with their points, and a key with the arithmetic, as Markdown, LaTeX, PDF or a page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from archspec.diagnostics import did_you_mean
from archspec.ir.graph import Network
from archspec.saving import write_whole
from archspec.views.asked import KINDS
from archspec.views.exam.chosen import Question, chosen

__all__ = ["FORMATS", "KINDS", "MOST", "Exam", "Question", "exam"]

FORMATS = {".md": "md", ".tex": "latex", ".html": "html", ".htm": "html", ".pdf": "pdf"}
"""The forms of an exam by the ending of a file's name."""
MOST = 1000
"""The most questions of an exam."""


class Exam(NamedTuple):
    """Questions about networks of some titles; each has `text`, `lines` below it, `points`, the `answer` and `how` it comes about.

    `seed` and the rest of what was asked for give the same exam again. `notes` say what is not as asked for.
    """

    title: str
    seed: str
    questions: tuple[Question, ...]
    notes: tuple[str, ...] = ()

    @property
    def points(self) -> int:
        """The points of all questions."""
        return sum(question.points for question in self.questions)

    def to_markdown(self, key: bool = False) -> str:
        """Write the exam as Markdown; with `key` the answers and their arithmetic."""
        from archspec.views.exam.papers import markdown

        return markdown(self, key)

    def to_latex(self, key: bool = False) -> str:
        """Write the exam as a document of LaTeX's class `article`; with `key` the answers and their arithmetic."""
        from archspec.views.exam.papers import latex

        return latex(self, key)

    def to_html(self, key: bool = False) -> str:
        """Write the exam as a page that checks what is typed into it, and holds no answers; with `key` the answers and their arithmetic."""
        from archspec.views.exam.sheet import sheet

        return sheet(self, key)

    def to_pdf(self, key: bool = False) -> bytes:
        """Write the exam as a PDF with embedded fonts; with `key` also answers and arithmetic. Raises ImportError without reportlab."""
        from archspec.views.exam.printed import pdf

        return pdf(self, key)

    def written(self, form: str, key: bool = False) -> bytes:
        """Write the exam in a form, md, latex, html or pdf, as the bytes of a file. Raises KeyError for another; ImportError for a PDF."""
        if form == "pdf":
            return self.to_pdf(key)
        text = {"md": self.to_markdown, "latex": self.to_latex, "html": self.to_html}[form](key)
        return text.encode("utf-8", "backslashreplace")

    def save(self, path: str | os.PathLike[str], key: bool = False) -> None:
        """Write a file: .md, .tex, .html or .pdf, by the ending of its name. Raises ValueError for another ending; ImportError, OSError."""
        place = Path(path)
        form = FORMATS.get(place.suffix.lower())
        if form is None:
            raise ValueError(f"an exam is saved as {', '.join(FORMATS)}, by the ending of the file's name; not as `{place.name}`")
        write_whole(place, self.written(form, key))

    def __str__(self) -> str:
        return self.to_markdown()

    def __repr__(self) -> str:
        return f"Exam({self.title}: {len(self.questions)} questions, {self.points} points)"


def exam(networks: Sequence[Network], questions: int = 12, kinds: Sequence[str] = KINDS, seed: str = "1", vary: bool = False) -> Exam:
    """An exam of so many questions of some kinds, by turns. With `vary` their numbers are others, which fit.

    Where there are fewer questions, all of them are asked, and a note says so. Raises ValueError for kinds and counts that make no sense,
    and where there is nothing to ask.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"there is no kind of question `{kind}`; {did_you_mean(kind, KINDS, 'there are ' + ', '.join(KINDS))}")
    if not kinds:
        raise ValueError(f"expected kinds of questions, found none; there are {', '.join(KINDS)}")
    if not 1 <= questions <= MOST:
        raise ValueError(f"an exam has 1 to {MOST:,} questions, not {questions:,}")
    found = chosen(networks, questions, kinds, seed, vary)
    names = " and ".join(dict.fromkeys(network.meta.get("title") or network.name for network in networks))
    if not found:
        raise ValueError(f"{names} gives no question of the kinds {', '.join(kinds)}")
    few = f"there are {len(found)} questions, not {questions}: no others ask for something new"
    more = "" if vary else "; --vary asks with other numbers"
    return Exam(names, seed, tuple(found), (few + more,) if len(found) < questions else ())
