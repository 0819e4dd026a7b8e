"""The quiz: cells of the tables are blanked, and what is typed into them is checked against salted hashes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import partial
from itertools import chain
from typing import NamedTuple

from archspec.analysis.layers import Report, Row
from archspec.views.page.groups import Layers
from archspec.views.page.html import tag, text
from archspec.views.page.layer_table import ASKED, Blanks, value
from archspec.views.tables.columns import spaced

ROUNDS = 2000
"""How often an answer is hashed: it makes trying all numbers slower, not impossible."""
_EACH = 8
"""Questions about a column of a network at most."""
_WORDS = {"output": "output shape", "params": "parameters", "macs": "MACs"}
_TOKEN = re.compile(r"\d+(?:[x.]\d+)*")


class Question(NamedTuple):
    """`answer` is as `normal` gives it; `row` is a position among the layers of a network."""

    number: int
    network: int
    row: int
    column: str
    name: str
    answer: str


class Quiz:
    """The questions of a page.

    No answer stands anywhere else on the page: cells that tell one are left out, and what stands in the name or the text
    of any layer, or in `texts`, which are all the rest, is not asked.
    """

    def __init__(self, seed: str, networks: list[tuple[Report, Layers]], texts: Iterable[str]) -> None:
        self.salt = _digest(f"archspec quiz {seed}")[:16]
        rows = (f"{row.name} {row.written}" for _, layers in networks for row in layers.rows)
        told = {token for words in chain(texts, rows) for token in tokens(words)}
        self.questions: list[Question] = []
        for at, (report, layers) in enumerate(networks):
            found = [place for column in ASKED for place in _chosen(f"{seed} {at} {column}", report, layers, column, told)]
            for place, column, answer in sorted(found, key=lambda one: (one[0], ASKED.index(one[1]))):
                self.questions.append(Question(len(self.questions) + 1, at, place, column, layers.rows[place].name, answer))
        self._at = {(q.network, q.row, q.column): q for q in self.questions}
        self._answers = {q.answer for q in self.questions}

    def blanks(self, network: int) -> Blanks:
        """The blanks in the table of one network."""
        return partial(self.blank, network)

    def blank(self, network: int, row: int, column: str, value: str, name: str) -> str | None:
        """A field for an answer; a dash for a cell that would tell one; None for any other."""
        question = self._at.get((network, row, column))
        if question is not None:
            field = tag("input", class_="answer", aria_label=f"{question.number}: {_WORDS[column]} of {name}", autocomplete="off", spellcheck="false",
                        size=max(len(value), 8), data_number=question.number, data_hash=self.hash_of(question))  # fmt: skip
            number, mark = tag("span", str(question.number), class_="number"), tag("span", class_="mark")
            return tag("label", number, field.removesuffix("</input>"), mark)
        if tokens(value) & self._answers:
            return tag("span", "–", title="not shown: it would reveal an answer", class_="zero")
        return None

    def hash_of(self, question: Question) -> str:
        """The hash that the page holds in place of an answer."""
        found = f"{self.salt} {question.number} {question.answer}"
        for _ in range(ROUNDS):
            found = _digest(found)
        return found

    def key(self, networks: list[tuple[Report, Layers]]) -> str:
        """The questions of each network with their answers, as markup."""
        made = []
        for at, (report, layers) in enumerate(networks):
            rows = [self._solved(q, layers.rows[q.row], report) for q in self.questions if q.network == at]
            titles = ("", "name", "layer", "asked", "answer", "arithmetic")
            head = tag("tr", *(tag("th", title, scope="col", class_="n" if title == "answer" else None) for title in titles))
            table = tag("table", tag("thead", head), tag("tbody", *rows), class_="key")
            title = tag("h2", text(report.network.meta.get("title", report.model)))
            made.append(tag("section", title, tag("div", table, class_="scroll"), class_="model"))
        return "".join(made)

    def _solved(self, question: Question, row: Row, report: Report) -> str:
        """A question with its answer and arithmetic, as a row of the key."""
        words = (row.written, _WORDS[question.column])
        answer = value(row, question.column, report)
        return tag(
            "tr", tag("td", str(question.number), class_="n"), tag("th", text(question.name), scope="row"), *(tag("td", text(w)) for w in words),
            tag("td", text(answer), class_="n"), tag("td", text(spaced(row.work.get(question.column, "")))),
        )  # fmt: skip


def _chosen(seed: str, report: Report, layers: Layers, column: str, told: set[str]) -> list[tuple[int, str, str]]:
    """What is asked about a column, as row, column and answer: at most half of its values, each in one place."""
    places: dict[str, int] = {}
    for at, row in enumerate(layers.rows):
        answer = normal(value(row, column, report))
        if len(answer) > 1 and answer not in told:
            places.setdefault(answer, at)
    most = min(_EACH, (len(places) + 1) // 2)
    return [(places[answer], column, answer) for answer in sorted(places, key=lambda answer: _digest(f"{seed} {answer}"))[:most]]


def normal(answer: str) -> str:
    """An answer as it is compared: digits, and between the sides of a shape an x. The page's script does the same."""
    return re.sub(r"[,_\s]", "", answer.lower().replace("×", "x"))


def tokens(words: str) -> set[str]:
    """The numbers and shapes in a text, and the parts of shapes."""
    found = set(_TOKEN.findall(words.replace("×", "x").replace(",", "")))
    return found | {part for token in found for part in re.split("[x.]", token)}


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()
