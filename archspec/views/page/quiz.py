"""The quiz: cells of the tables are blanked, and what is typed into them is checked against salted hashes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from archspec.views.asked import WORDS, Asked, hint
from archspec.views.page.html import sides, tag, text
from archspec.views.page.layer_table import ASKED
from archspec.views.page.section import Section, telling

ROUNDS = 2000
"""How often an answer is hashed. This makes trying all numbers slower, not impossible."""
_EACH = 8
"""The most questions about one column of a network."""
KIND = {"output": "shape", "params": "params", "macs": "macs"}
"""The kinds of question of the columns."""
_TOKEN = re.compile(r"\d+(?:[x.]\d+)*")


class Question(NamedTuple):
    """What is asked in a cell: `row` is a position among the layers of a network, `answer` as `normal` gives it."""

    number: int
    network: int
    row: int
    column: str
    answer: str
    asked: Asked


class Quiz:
    """The questions of a page.

    No answer stands anywhere else on the page: cells that reveal one are left out, and what stands in the name or the text of any layer,
    or in any other text of the page, is not asked.
    """

    def __init__(self, seed: str, parts: Sequence[Section]) -> None:
        self.seed = seed
        self.salt = salt_of(seed)
        self.parts = parts
        rows = [row for part in parts for row in part.layers.rows]
        ops = {type(row.node.op): row for row in rows}
        hints = (hint(kind, row) for row in ops.values() for kind in KIND.values())
        texts = chain((f"{row.name} {row.written}" for row in rows), hints, *map(telling, parts))
        known = {token for words in texts for token in tokens(words)}
        self.questions: list[Question] = []
        for at, part in enumerate(parts):
            found = [(place, order, asked) for order, column in enumerate(ASKED) for place, asked in self.chosen(at, part, column, known)]
            for place, order, asked in sorted(found, key=lambda one: one[:2]):
                self.questions.append(Question(len(self.questions) + 1, at, place, ASKED[order], normal(asked.answer), asked))
        self._at = {(q.network, q.row, q.column): q for q in self.questions}
        self._answers = {q.answer for q in self.questions}

    def chosen(self, at: int, part: Section, column: str, known: set[str]) -> list[tuple[int, Asked]]:
        """Choose the cells of a column to ask about, as row and question: at most half of its values, each once."""
        layers = {row.name: row for row in part.layers.rows}
        places: dict[str, tuple[int, Asked]] = {}
        for place, row in enumerate(part.layers.rows):
            asked = Asked(KIND[column], row, layers, part.report)
            answer = normal(asked.answer)
            if len(answer) > 1 and answer not in known and row.times == 1:  # the cell of equal rounds is about all of them
                places.setdefault(answer, (place, asked))
        most = min(_EACH, (len(places) + 1) // 2)
        order = sorted(places, key=lambda answer: _digest(f"{self.seed} {at} {column} {answer}"))
        return [places[answer] for answer in order[:most]]

    def blank(self, network: int, row: int, column: str, value: str, name: str) -> str | None:
        """Make a field for an answer, or a dash for a cell that would reveal one; None for any other cell."""
        question = self._at.get((network, row, column))
        if question is not None:
            about = f"{question.number}: {WORDS[question.asked.kind]} of {name}"
            return answer_field(self.seed, question.number, question.answer, about, question.asked.hint, max(len(value), 8))
        if tokens(value) & self._answers:
            return tag("span", "–", title="not shown: it would reveal an answer", class_="zero")
        return None

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
        asked = question.asked
        number, name = tag("td", str(question.number), class_="n"), tag("th", text(asked.row.name), scope="row")
        words = (tag("td", text(words)) for words in (asked.row.written, WORDS[asked.kind]))
        return tag("tr", number, name, *words, tag("td", text(sides(asked.answer)), class_="n"), tag("td", text(asked.how)))


def answer_field(seed: str, number: int, answer: str, about: str, hint: str, size: int, *, of_square: bool = False) -> str:
    """A field for an answer, which the page holds as a hash only. One side answers for both `of_square`."""
    field = tag("input", class_="answer", aria_label=about, autocomplete="off", spellcheck="false", size=size, data_number=number,
                data_hash=hash_of(salt_of(seed), number, answer), data_square=of_square)  # fmt: skip
    marks = tag("span", class_="mark"), tag("small", text(hint), class_="hint", hidden=True)
    return tag("label", tag("span", str(number), class_="number"), field.removesuffix("</input>"), *marks)


def salt_of(seed: str) -> str:
    """What is hashed before each answer of a quiz, so that its hashes are in no table."""
    return _digest(f"archspec quiz {seed}")[:16]


def hash_of(salt: str, number: int, answer: str) -> str:
    """Compute the hash that a page holds in place of an answer."""
    found = f"{salt} {number} {normal(answer)}"
    for _ in range(ROUNDS):
        found = _digest(found)
    return found


def normal(answer: str) -> str:
    """Reduce an answer to what is compared: digits, with an x between the sides of a shape. The page's script does the same."""
    return re.sub(r"[,_\s]", "", answer.lower().replace("×", "x"))


def tokens(words: str) -> set[str]:
    """Find the numbers and shapes in a text, and the parts of shapes."""
    found = set(_TOKEN.findall(words.replace("×", "x").replace(",", "")))
    return found | {part for token in found for part in re.split("[x.]", token)}


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()
