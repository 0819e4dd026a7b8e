"""How a text is shown: colours of words, folding, links, and its format."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from archspec.diagnostics import Diagnostics, Enough
from archspec.editor.findings import replaced
from archspec.editor.open_text import Document
from archspec.editor.positions import Position, Range, position, range_, units
from archspec.editor.symbol_table import extent, suites
from archspec.ops import STEPS
from archspec.source import Source, Span
from archspec.syntax import ast
from archspec.syntax.lalr import Token
from archspec.syntax.lines import CLOSING, KEYWORDS, OPENING, Layout, LogicalLine, roles
from archspec.syntax.parser import MAX_TOKENS
from archspec.syntax.printer import format_text

KINDS = ("keyword", "function", "class", "parameter", "variable", "number", "string", "comment", "operator")
"""The kinds of words, in the order of their numbers in the protocol."""
_BY_TYPE = {
    "INT": "number", "FLOAT": "number", "DIMS": "number", "RANGE": "number", "STRING": "string", "KEY": "parameter", "LABEL": "variable",
    "PLUS": "operator", "MINUS": "operator", "STAR": "operator", "SLASH": "operator", "FLOOR": "operator", "PERCENT": "operator",
    "COMPARE": "operator", "VBAR": "operator", "ARROW": "operator", "DOTTED": "variable", "BY": "number",
}  # fmt: skip
_WORDS = frozenset({word.upper() for word in (*KEYWORDS, "for", "in", "step", "else", "frozen")})
"""The roles of tokens that are words of the language."""


class Word(NamedTuple):
    """A word, its place and length in units of UTF-16, and its kind, one of KINDS."""

    place: Position
    length: int
    kind: str


class Fold(NamedTuple):
    """Lines that can be folded, from 0, the last one included; `kind` is region or comment."""

    first: int
    last: int
    kind: str


class Link(NamedTuple):
    """A range that leads to a file."""

    range: Range
    path: Path


def words(document: Document) -> list[Word]:
    """The words with a colour of their own, in the order of the text."""
    result, line, starts = [], 0, document.source.starts
    for start, end, kind in coloured(document.source, document.tokens, document.blocks):
        while line + 1 < len(starts) and starts[line + 1] <= start:
            line += 1
        text = document.text[start:end]
        if "\n" not in text and text:
            result.append(Word(Position(line, units(document.text[starts[line] : start])), units(text), kind))
    return result


def coloured(source: Source, tokens: Sequence[Token], blocks: Container[str]) -> list[tuple[int, int, str]]:
    """Where words with a colour begin and end, and their kinds, in order; `tokens` are those of the text, `blocks` the names of blocks."""
    try:
        found = [*_of_lines(Layout(source, Diagnostics(), MAX_TOKENS, tokens).read(), blocks)]
    except Enough:
        found = []
    return sorted([*found, *((token.start, token.end, "comment") for token in tokens if token.type == "COMMENT")])


def _of_lines(lines: list[LogicalLine], blocks: Container[str]) -> Iterator[tuple[int, int, str]]:
    for line in lines:
        begins, depth = True, 0
        for token in roles(line.tokens):
            kind = _kind(token, begins, blocks)
            if kind and token.end > token.start:
                yield token.start, token.start + len(token.value.rstrip(" =")) if token.type == "KEY" else token.end, kind
            depth += (token.type in OPENING) - (token.type in CLOSING)
            begins = token.type in ("FROZEN",) or (depth == 0 and token.type in ("COLON", "VBAR"))
        yield from _of_lines(line.below, blocks)


def _kind(token: Token, begins: bool, blocks: Container[str]) -> str:
    if token.type in _BY_TYPE:
        return _BY_TYPE[token.type]
    if token.type == "NAME" and begins:
        return "class" if token.value in blocks else "function" if token.value in STEPS else "variable"
    if token.type == "NAME":
        return "variable"
    return "keyword" if token.value in KEYWORDS or token.type in _WORDS else ""


def folds(document: Document) -> list[Fold]:
    """The bodies of heads, and runs of comments."""
    source = document.source
    found = []
    for suite in suites(document.tree.body):
        first, last = suite.span.line - 1, source.locate(max(suite.span.start, extent(suite).end - 1))[0] - 1
        if last > first:
            found.append(Fold(first, last, "region"))
    comments = [position(source, token.start).line for token in document.tokens if token.type == "COMMENT" and _alone(document, token)]
    start = 0
    for at in range(1, len(comments) + 1):
        if at == len(comments) or comments[at] != comments[at - 1] + 1:
            if at - start > 1:
                found.append(Fold(comments[start], comments[at - 1], "comment"))
            start = at
    return sorted(set(found))


def _alone(document: Document, token: Token) -> bool:
    return not document.before(token.start).strip()


def links(document: Document) -> list[Link]:
    """The files that the text uses, where they are in its folder."""
    folder = document.options.base
    if folder is None:
        return []
    base = folder.resolve()
    found = []
    for statement in document.tree.body:
        if isinstance(statement, ast.Use):
            with suppress(OSError, RuntimeError, ValueError):  # a name that is too long, a ring of links, a NUL
                path = (base / statement.path.value).resolve()
                if path.is_relative_to(base) and path.suffix == ".arch" and path.is_file():
                    found.append(Link(range_(Span(document.source, statement.path.span.start + 1, statement.path.span.end - 1)), path))
    return found


def formatted(document: Document) -> list[tuple[Range, str]] | None:
    """The edits that format the text; None where it cannot be read."""
    text = format_text(document.source)
    if text is None:
        return None
    if 2 * document.text.count("\r\n") > document.text.count("\n"):
        text = text.replace("\n", "\r\n")
    return list(replaced(document, text))
