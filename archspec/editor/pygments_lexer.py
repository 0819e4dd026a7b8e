"""A lexer for Pygments, by which documents, notebooks and LaTeX colour specs: the language is called `arch`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from pygments.lexer import Lexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, Text

from archspec.editor.appearance import coloured
from archspec.source import Source
from archspec.syntax.lalr import automaton

_TOKENS = {
    "keyword": Keyword, "function": Name.Function, "class": Name.Class, "parameter": Name.Attribute, "variable": Name.Variable,
    "number": Number, "string": String, "comment": Comment.Single, "operator": Operator,
}  # fmt: skip
_BLOCK = re.compile(r"^ *block +(\w+)", re.MULTILINE)


class ArchLexer(Lexer):  # type: ignore[misc, unused-ignore]
    """Colours specs as editors do."""

    name = "archspec"
    aliases: ClassVar[list[str]] = ["arch", "archspec"]
    filenames: ClassVar[list[str]] = ["*.arch"]
    mimetypes: ClassVar[list[str]] = ["text/x-archspec"]

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, Any, str]]:
        """Split a text into pieces, each with its place and its kind; together they are the text."""
        done = 0
        for start, end, kind in coloured(Source("", text), list(automaton().lex(text)), set(_BLOCK.findall(text))):
            if start > done:
                yield done, Text, text[done:start]
            if start >= done and end > start:
                yield start, _TOKENS[kind], text[start:end]
                done = end
        if done < len(text):
            yield done, Text, text[done:]
