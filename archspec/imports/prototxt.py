"""The text format of protocol buffers: messages of fields, each with its place.

Source: protobuf.dev, "Text Format Language Specification". Read without a schema: what a field means is asked of it later.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from archspec.imports.texts import Misread, damaged, real, whole
from archspec.source import Source, Span

MOST_FIELDS = 200_000
DEEPEST = 64

_TOKEN = re.compile(
    r"""(?P<gap>(?:\s+|\#[^\n]*)+)
      | (?P<text>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')
      | (?P<word>[-+\w.][\w.+-]*)
      | (?P<mark>[{}<>\[\]:;,])""",
    re.VERBOSE,
)
_CLOSES = {"{": "}", "<": ">"}


class Token(NamedTuple):
    """A word, a quoted text, or a mark."""

    kind: str
    text: str
    span: Span


class Field(NamedTuple):
    """A value of a field: a word or text as written, without quotes, or a message."""

    text: str
    span: Span
    message: Message | None = None


class Message:
    """Fields by name, each with all its values, in order. `span` is where it begins."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.fields: dict[str, list[Field]] = {}

    def messages(self, name: str) -> list[Message]:
        """The values of a field that are messages."""
        return [field.message for field in self.fields.get(name, ()) if field.message is not None]

    def message(self, name: str) -> Message:
        """The last value of a field that is a message, or an empty one."""
        found = self.messages(name)
        return found[-1] if found else Message(self.span)

    def words(self, name: str) -> list[str]:
        """The values of a field that are words or texts."""
        return [field.text for field in self.fields.get(name, ()) if field.message is None]

    def word(self, name: str, default: str = "") -> str:
        """The last word or text of a field, as of several only that counts."""
        found = self.words(name)
        return found[-1] if found else default

    def flag(self, name: str, default: bool) -> bool:
        """A field that is yes or no."""
        return self.word(name, str(default)).lower() in ("true", "t", "1")

    def integers(self, name: str, least: int = 0) -> list[int]:
        """The values of a field as whole numbers. Raises Misread."""
        return [whole(name, field.text, field.span, least) for field in self.fields.get(name, ())]

    def integer(self, name: str, default: int, least: int = 0) -> int:
        """The last value of a field as a whole number. Raises Misread."""
        found = self.integers(name, least)
        return found[-1] if found else default

    def numbers(self, name: str) -> list[float]:
        """The values of a field as numbers. Raises Misread."""
        return [real(name, field.text, field.span) for field in self.fields.get(name, ())]

    def number(self, name: str, default: float) -> float:
        """The last value of a field as a number. Raises Misread."""
        found = self.numbers(name)
        return found[-1] if found else default

    def required(self, name: str, least: int = 1) -> int:
        """A whole number that must be there. Raises Misread."""
        if name not in self.fields:
            raise Misread(f"`{name}` is missing", self.span)
        return self.integer(name, 0, least)


def parse(source: Source) -> Message:
    """Read a text. Raises SpecError (A612)."""
    whole_span = Span(source, 0, 0)
    stack: list[tuple[Message, str]] = [(Message(whole_span), "")]
    tokens = _Tokens(source)
    count = 0
    while (token := tokens.next()) is not None:
        message, closing = stack[-1]
        if token.text in (";", ",") and token.kind == "mark":
            continue
        if token.kind == "mark" and token.text == closing:
            stack.pop()
            continue
        if token.kind != "word":
            raise damaged(f"a field was expected, not `{token.text[:40]}`", token.span)
        count += 1
        if count > MOST_FIELDS:
            raise damaged(f"the file has more than {MOST_FIELDS:,} fields", token.span)
        opened = tokens.value(message.fields.setdefault(token.text, []), token)
        if opened is not None:
            stack.append(opened)
            if len(stack) > DEEPEST:
                raise damaged(f"messages stand more than {DEEPEST} deep in each other", token.span)
    if len(stack) > 1:
        raise damaged(f"`{stack[-1][1]}` is missing: this message has no end", stack[-1][0].span)
    return stack[0][0]


class _Tokens:
    """The tokens of a text one by one, and values made of them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.at = 0
        self.peeked: Token | None = None

    def next(self) -> Token | None:
        """The next token; None at the end. Raises SpecError (A612)."""
        if self.peeked is not None:
            token, self.peeked = self.peeked, None
            return token
        text = self.source.text
        while self.at < len(text):
            found = _TOKEN.match(text, self.at)
            if found is None:
                raise damaged(f"`{text[self.at]}` has no meaning here", Span(self.source, self.at, self.at + 1))
            start, self.at = self.at, found.end()
            if found.lastgroup != "gap":
                return Token(found.lastgroup or "", found[0], Span(self.source, start, self.at))
        return None

    def some(self, after: Token) -> Token:
        """The next token, which must be there. Raises SpecError (A612)."""
        token = self.next()
        if token is None:
            raise damaged(f"the file ends after `{after.text[:40]}`", after.span)
        return token

    def value(self, values: list[Field], name: Token) -> tuple[Message, str] | None:
        """Read what stands behind a name; a message is returned with what closes it. Raises SpecError (A612)."""
        token = self.some(name)
        if token.text == ":" and token.kind == "mark":
            token = self.some(token)
        elif token.text not in _CLOSES:
            raise damaged(f"`:` was expected behind `{name.text[:40]}`, not `{token.text[:40]}`", token.span)
        if token.text in _CLOSES and token.kind == "mark":
            message = Message(name.span)
            values.append(Field("", name.span, message))
            return message, _CLOSES[token.text]
        if token.text == "[" and token.kind == "mark":
            self.listed(values, token)
        else:
            values.append(self.scalar(token))
        return None

    def listed(self, values: list[Field], bracket: Token) -> None:
        """Read the values of a list, which are no messages."""
        while (token := self.some(bracket)).text != "]" or token.kind != "mark":
            if token.text != "," or token.kind != "mark":
                values.append(self.scalar(token))

    def scalar(self, token: Token) -> Field:
        """A word, or quoted texts that stand side by side and are one."""
        if token.kind == "mark":
            raise damaged(f"a value was expected, not `{token.text}`", token.span)
        if token.kind == "word":
            return Field(token.text, token.span)
        text, span = _unquoted(token.text), token.span
        while (following := self.next()) is not None and following.kind == "text":
            text, span = text + _unquoted(following.text), span.to(following.span)
        self.peeked = following
        return Field(text, span)


def _unquoted(text: str) -> str:
    """A text without its quotes, and without the backslashes of its escapes."""
    return re.sub(r"\\(.)", r"\1", text[1:-1])
