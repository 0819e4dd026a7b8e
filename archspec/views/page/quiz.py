"""The quiz: cells of the tables are blanked, and what is typed into them is checked against salted hashes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from archspec.views.page.html import tag, text
from archspec.views.page.layer_table import ASKED, value
from archspec.views.page.section import Section, telling
from archspec.views.tables.columns import spaced

ROUNDS = 2000
"""How often an answer is hashed. This makes trying all numbers slower, not impossible."""
_EACH = 8
"""The most questions about one column of a network."""
_WORDS = {"output": "output shape", "params": "parameters", "macs": "MACs"}
_TOKEN = re.compile(r"\d+(?:[x.]\d+)*")


class Question(NamedTuple):
    """`answer` is as `normal` gives it; `row` is a position among the layers of a network."""

    number: int
    network: int
    row: int
    column: str
    answer: str


class Quiz:
    """The questions of a page.

    No answer stands anywhere else on the page: cells that reveal one are left out, and what stands in the name or the text of any layer,
    or in any other text of the page, is not asked.
    """

    def __init__(self, seed: str, parts: Sequence[Section]) -> None:
        self.seed = seed
        self.salt = _digest(f"archspec quiz {seed}")[:16]
        self.parts = parts
        rows = (f"{row.name} {row.written}" for part in parts for row in part.layers.rows)
        texts = (words for part in parts for words in telling(part))
        known = {token for words in chain(rows, texts) for token in tokens(words)}
        self.questions: list[Question] = []
        for at, part in enumerate(parts):
            columns = enumerate(ASKED)
            found = [(place, order, answer) for order, column in columns for place, answer in self.chosen(at, part, column, known)]
            for place, order, answer in sorted(found):
                self.questions.append(Question(len(self.questions) + 1, at, place, ASKED[order], answer))
        self._at = {(q.network, q.row, q.column): q for q in self.questions}
        self._answers = {q.answer for q in self.questions}

    def chosen(self, at: int, part: Section, column: str, known: set[str]) -> list[tuple[int, str]]:
        """Choose the cells of a column to ask about, as row and answer: at most half of its values, each once."""
        places: dict[str, int] = {}
        for place, row in enumerate(part.layers.rows):
            answer = normal(value(row, column, part.report))
            if len(answer) > 1 and answer not in known:
                places.setdefault(answer, place)
        most = min(_EACH, (len(places) + 1) // 2)
        order = sorted(places, key=lambda answer: _digest(f"{self.seed} {at} {column} {answer}"))
        return [(places[answer], answer) for answer in order[:most]]

    def blank(self, network: int, row: int, column: str, value: str, name: str) -> str | None:
        """Make a field for an answer, or a dash for a cell that would reveal one; None for any other cell."""
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
        """Compute the hash that the page holds in place of an answer."""
        found = f"{self.salt} {question.number} {question.answer}"
        for _ in range(ROUNDS):
            found = _digest(found)
        return found

    def key(self) -> str:
        """The questions of each network with their answers and the arithmetic, as markup."""
        titles = ("", "name", "layer", "asked", "answer", "arithmetic")
        head = tag("thead", tag("tr", *(tag("th", name, scope="col", class_="n" if name == "answer" else None) for name in titles)))
        made = []
        for at, part in enumerate(self.parts):
            solved = [self.solved(question) for question in self.questions if question.network == at]
            table = tag("table", head, tag("tbody", *solved), class_="key")
            name = tag("h2", text(part.title))
            made.append(tag("section", name, tag("div", table, class_="scroll"), class_="model"))
        return "".join(made)

    def solved(self, question: Question) -> str:
        """A question with its answer, as a row of the key."""
        report, layers, *_ = self.parts[question.network]
        row = layers.rows[question.row]
        answer, work = value(row, question.column, report), spaced(row.work.get(question.column, ""))
        number, name = tag("td", str(question.number), class_="n"), tag("th", text(row.name), scope="row")
        words = (tag("td", text(words)) for words in (row.written, _WORDS[question.column]))
        return tag("tr", number, name, *words, tag("td", text(answer), class_="n"), tag("td", text(work)))


def normal(answer: str) -> str:
    """Reduce an answer to what is compared: digits, with an x between the sides of a shape. The page's script does the same."""
    return re.sub(r"[,_\s]", "", answer.lower().replace("×", "x"))


def tokens(words: str) -> set[str]:
    """Find the numbers and shapes in a text, and the parts of shapes."""
    found = set(_TOKEN.findall(words.replace("×", "x").replace(",", "")))
    return found | {part for token in found for part in re.split("[x.]", token)}


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()
