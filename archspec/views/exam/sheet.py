"""Exams as pages: answers are checked as they are typed, against salted hashes, and a wrong one shows a hint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from archspec.ops.base import counted
from archspec.views.exam.papers import arithmetic, crossed, pieces
from archspec.views.page.document import strict, whole
from archspec.views.page.html import tag, text
from archspec.views.page.quiz import ROUNDS, answer_field, salt_of

if TYPE_CHECKING:
    from archspec.views.exam import Exam, Question


def sheet(exam: Exam, key: bool) -> str:
    """The page of an exam, or of its key."""
    button = tag("button", "Theme", type="button", class_="theme", hidden=True)
    head = tag("header", tag("h1", "Key of the quiz" if key else "Quiz"), button, class_="top")
    title = tag("h2", text(exam.title))
    questions = tag("ol", *_questions(exam, key), class_="exam")
    seed = tag("footer", tag("p", f"Seed {text(exam.seed)}."))
    if key:
        return whole(f"{exam.title}: the key", head + tag("main", title, questions, seed), strict(["theme.js"]))
    name = tag("p", "Name: ", tag("span", class_="line"), f" Points: {tag('span', class_='line few')} of {exam.points}", class_="signed")
    score = tag("p", tag("output", f"0 of {len(exam.questions)} right", class_="score", aria_live="polite"), hidden=True, class_="progress")
    still = tag("noscript", tag("p", "Without JavaScript the answers cannot be checked here; the page can be printed and filled in."))
    main = tag("main", title, name, score, still, questions, seed, data_salt=salt_of(exam.seed), data_rounds=ROUNDS)
    return whole(f"{exam.title}: a quiz", head + main, strict(["theme.js", "quiz.js"]))


def _questions(exam: Exam, key: bool) -> Iterator[str]:
    for number, question in enumerate(exam.questions, 1):
        points = tag("small", f"({counted(question.points, 'point')})")
        words = pieces(question.text, text, lambda code: tag("code", text(code)))
        lines = tag("pre", "\n".join(map(text, question.lines))) if question.lines else ""
        yield "\n" + tag("li", tag("p", f"{words} {points}"), lines, _solved(question) if key else _blank(exam, number, question))


def _blank(exam: Exam, number: int, question: Question) -> str:
    about = f"The answer to question {number}"
    return answer_field(exam.seed, number, question.answer, about, question.hint, 18, of_square=question.kind == "rf")


def _solved(question: Question) -> str:
    answer, how = tag("b", text(crossed(question.answer))), tag("span", text(arithmetic(question)), class_="how")
    return tag("p", answer, how, class_="solved") + tag("p", text(question.source), class_="source")
