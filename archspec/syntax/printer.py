"""The formatter: one layout for every spec, comments and line breaks kept.

It works on tokens, so nothing that was written can be lost: it sets spaces, indentation, blank lines and the columns of `|` and of
comments. Its output parses to the same tree, and formatting it again changes nothing; a test holds it to both.
"""

from __future__ import annotations

from bisect import bisect_right
from contextlib import suppress
from itertools import groupby
from typing import NamedTuple

from archspec.diagnostics import Diagnostics, Enough
from archspec.source import Source
from archspec.syntax.lalr import Token, automaton
from archspec.syntax.lines import CLOSING, OPENING, Layout, LogicalLine, roles
from archspec.syntax.parser import MAX_TOKENS, parse

INDENT = 2
ALIGN = 16
"""The most spaces that aligning adds to a line."""


class _FormattedLine(NamedTuple):
    """A physical line of the result: indentation, text up to and from the first `|`, comment, and whether a blank line precedes it."""

    indent: int
    head: str
    pipes: str
    comment: str
    blank: bool
    joins: bool
    """Whether it may be aligned with its neighbours."""


def format_text(source: Source, sink: Diagnostics | None = None) -> str | None:
    """Format a source; None if it has syntax errors, which go to `sink`."""
    sink = Diagnostics() if sink is None else sink
    with suppress(Enough):
        parse(source, sink)
    if sink.errors:
        return None
    rows = _Formatter(source).rows()
    return "".join(line.rstrip() + "\n" for line in _aligned(rows))


class _Formatter:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.open: list[tuple[bool, int]] = []
        """The open brackets: whether each belongs to a call, and the column after it."""
        self.columns: list[int] = []
        """Where the lines around the current one begin as written, by depth."""
        self.bare = False
        """Whether the current token is of a positional argument: a space would end it."""
        self.sizes = False
        """Whether the current line gives sizes to the letters of an input."""
        self.separated: set[int] = set()
        """Where positional arguments begin."""
        self.joined: set[int] = set()
        """Where tokens begin that touch both of their neighbours: the colon of a range, the `x` of a size."""
        self.depths: dict[int, int] = {}
        """How deep each logical line is nested, by the offset at which it starts."""
        self.note(Layout(source, Diagnostics(), MAX_TOKENS).read(), 0)
        self.starts = sorted(self.depths)

    def note(self, lines: list[LogicalLine], depth: int) -> None:
        """Note how deep lines are nested, and where their positional arguments begin."""
        for line in lines:
            self.depths[line.tokens[0].start] = depth
            found = list(roles(line.tokens))
            self.separated.update(token.start for token in found if token.type == "SEP")
            self.joined.update(token.start for token in found if token.type in ("TO", "BY"))
            self.note(line.below, depth + 1)

    def rows(self) -> list[_FormattedLine]:
        rows: list[_FormattedLine] = []
        depth = 0
        blank = False
        for ended, group in groupby(automaton().lex(self.source.text), lambda token: token.type == "NEWLINE"):
            tokens = list(group)
            if ended:
                blank = len(tokens) > 1 and bool(rows)
                continue
            comment = tokens.pop() if tokens[-1].type == "COMMENT" else None
            text = _comment(comment) if comment is not None else ""
            if comment is not None and not tokens:
                rows.append(_FormattedLine(self.comment_depth(comment, depth) * INDENT, "", "", text, blank, False))
                continue
            continues = bool(self.open) or tokens[0].type == "VBAR"
            if not continues:
                self.bare = False
                self.sizes = any(token.type == "RANGE" for token in tokens)
                depth = self.depths.get(tokens[0].start, depth)
                self.columns[depth:] = [self.source.locate(tokens[0].start)[1]]
            indent = self.open[-1][1] if self.open else depth * INDENT + (INDENT if continues else 0)
            at = next((i for i, token in enumerate(tokens) if token.type == "VBAR" and i > 0), len(tokens))
            head = self.spaced(tokens[:at], indent)
            pipes = self.spaced(tokens[at:], indent + len(head) + 1)
            joins = not continues and not self.open and not any(token.type == "COLON" for token in tokens)
            rows.append(_FormattedLine(indent, head, pipes, text, blank, joins))
        return rows

    def comment_depth(self, comment: Token, depth: int) -> int:
        """A comment on a line of its own goes with the line that follows, or with the deepest suite around the line before that begins
        no further right than it does.
        """
        column = self.source.locate(comment.start)[1]
        at = bisect_right(self.starts, comment.start)
        following = self.depths[self.starts[at]] if at < len(self.starts) else 0
        return next((level for level in range(depth, following, -1) if self.columns[level] <= column), following)

    def spaced(self, tokens: list[Token], column: int) -> str:
        """Tokens with the spaces that they should have between them; follows the brackets that open and close."""
        text = ""
        for at, token in enumerate(tokens):
            before = tokens[at - 1] if at else None
            if token.start in self.separated:
                self.bare = True
            elif token.type in ("KEY", "VBAR") or token.value in _WORDS:
                self.bare = False
            if before is not None and self.space(before, token):
                text += " "
            text += _written(token, tokens)
            if token.type in OPENING:
                call = before is not None and before.type == "NAME" and before.end == token.start
                self.open.append((call, column + len(text)))
            elif token.type in CLOSING and self.open:
                self.open.pop()
        return text

    def space(self, before: Token, token: Token) -> bool:
        """Whether a space belongs between two tokens."""
        left, right = before.type, token.type
        apart = before.end != token.start
        if token.start in self.joined or (before.start in self.joined and not apart):
            return False
        if right in _TIGHT_BEFORE or left in _TIGHT_AFTER:
            return False
        if left == "COMMA" and self.sizes:
            return True
        if self.bare and not self.open:
            return apart
        if left == "COMMA":
            return right == "LPAR" or (bool(self.open) and self.open[-1][0])
        if left in ("COLON", "COMPARE") or (right == "MINUS" and before.value in _WORDS):
            return True
        if left in _TIGHT or right in _TIGHT:
            return False
        if right in ("LPAR", "LBRACE") or left == "RBRACE":
            return apart
        return True


def _comment(token: Token) -> str:
    """Write a comment with one space after its `#`."""
    body = token.value.lstrip("#")
    marks = token.value[: len(token.value) - len(body)]
    return f"{marks} {body.strip()}".rstrip()


_TIGHT_BEFORE = {*CLOSING, "COMMA", "COLON", "QUESTION"}
_TIGHT_AFTER = {*OPENING, "KEY"}
_TIGHT = {"PLUS", "STAR", "SLASH", "FLOOR", "PERCENT", "MINUS", "ARROW"}
_WORDS = {"if", "else", "and", "or", "not"}


def _written(token: Token, line: list[Token]) -> str:
    """A token's text; `key=` loses its spaces, except in `param name = value`, where it gets them."""
    if token.type != "KEY":
        return token.value
    key = token.value.rstrip(" =")
    return f"{key} = " if line and line[0].value == "param" else f"{key}="


def _aligned(rows: list[_FormattedLine]) -> list[str]:
    """Write rows as text, with the first `|` and the comments of neighbouring lines aligned."""
    heads = [" " * row.indent + row.head for row in rows]
    _pad(heads, [bool(row.pipes) and row.joins for row in rows], rows)
    texts = [f"{head} {row.pipes}" if row.pipes else head for head, row in zip(heads, rows, strict=True)]
    _pad(texts, [bool(row.comment and row.head) for row in rows], rows)
    lines: list[str] = []
    for text, row in zip(texts, rows, strict=True):
        separator = "  " if row.comment and row.head else ""
        lines += [*[""] * row.blank, f"{text}{separator}{row.comment}"]
    return lines


def _pad(texts: list[str], wanted: list[bool], rows: list[_FormattedLine]) -> None:
    """Pad runs of neighbouring texts to one width, if none of them gains more than ALIGN spaces."""
    at = 0
    while at < len(texts):
        end = at
        while end < len(texts) and wanted[end] and rows[end].indent == rows[at].indent and (end == at or not rows[end].blank):
            end += 1
        run = range(at, end)
        width = max((len(texts[i]) for i in run), default=0)
        if len(run) > 1 and width - min(len(texts[i]) for i in run) <= ALIGN:
            for i in run:
                texts[i] = texts[i].ljust(width)
        at = max(end, at + 1)
