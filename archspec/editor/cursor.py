"""Where in a line a place is: in which step, behind which key, and what its grammar admits there."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from archspec.editor.open_text import Document
from archspec.syntax.lalr import Token, automaton
from archspec.syntax.lines import CLOSING, OPENING, roles


class Place(NamedTuple):
    """What stands before a place on its line.

    `word` is what is written of the word at the place, `step` the step whose arguments are being written, `key`
    the one whose value is, `given` the keys that the step has already, `positional` its positional arguments, `first` the
    first word of the line, and `expected` the terminals that the grammar admits for the word.
    """

    word: str
    start: int
    step: str
    key: str
    given: tuple[str, ...]
    positional: int
    first: str
    begins: bool
    """Whether the word is the first of its line."""
    nested: bool
    """Whether the line is indented, or the word stands within brackets."""
    guarded: bool
    """Whether it stands behind `if`."""
    commented: bool
    """Whether it is in a comment or in quotes."""
    expected: frozenset[str]


def place_at(document: Document, at: int) -> Place:
    """Find out where an offset is. Nothing before it on other lines counts, except that a `|` goes on with the line above."""
    line = document.before(at)
    tokens = list(automaton().lex(line))
    commented = any(token.type == "COMMENT" for token in tokens) or any(token.value == '"' for token in tokens)
    word = ""
    if tokens and tokens[-1].type in ("NAME", "DOTTED") and tokens[-1].end == len(line):
        word = tokens.pop().value
    words = [token for token in tokens if token.type not in ("COMMENT", "NEWLINE")]
    step, given, positional, key = _step(line, words)
    depth = sum((token.value in "([{") - (token.value in ")]}") for token in words if len(token.value) == 1)
    expected = frozenset(automaton().expected(roles(words))) if words and words[0].type != "VBAR" else frozenset()
    return Place(
        word, at - len(word), step, key, given, positional, words[0].value.rstrip(" =") if words else word,
        not words, line.startswith(" ") or depth > 0, any(token.value == "if" for token in words), commented, expected,
    )  # fmt: skip


def _step(line: str, words: list[Token]) -> tuple[str, tuple[str, ...], int, str]:
    """The last step of a line: its name, the keys that it has, its positional arguments, and the key whose value is being written."""
    depth, first = 0, 0
    for at, token in enumerate(words):
        depth += (token.type in OPENING) - (token.type in CLOSING)
        if depth <= 0 and token.type in ("VBAR", "COLON"):
            first = at + 1
    own = words[first:]
    if not own or own[0].type != "NAME":
        return "", (), 0, ""
    keys = [token for token in own if token.type == "KEY"]
    value = re.sub(r"\([^()]*\)?", "", line[keys[-1].end :]) if keys else " "
    key = "" if " " in value else keys.pop().value.rstrip(" =")
    before = own[: own.index(keys[0])] if keys else own if not key else own[:-1]
    positional = sum(token.start > previous.end for previous, token in pairwise(before))
    return own[0].value, tuple(token.value.rstrip(" =") for token in keys), positional, key
