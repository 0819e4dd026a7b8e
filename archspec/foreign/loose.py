"""Reads a line loosely: layers in the call syntax of Python, in ours, and in mixtures of both."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple

from archspec.syntax.lines import MERGES

LONGEST = 2000
"""Characters of the longest line that is read; longer ones are generated, not typed."""
_DEEPEST = 20
_DEPTH = {"(": 1, ")": -1}


class Value(NamedTuple):
    """An argument: `kind` is number, size, text, word, list, call, or other for what is kept as written."""

    kind: str
    text: str
    items: tuple[Value, ...] = ()
    call: Call | None = None


class Call(NamedTuple):
    """A layer as written. `inputs` are the values that a second pair of parentheses gives it; `closed`: it has parentheses."""

    name: str
    bare: tuple[Value, ...]
    keywords: tuple[tuple[str, Value], ...]
    inputs: tuple[Value, ...] = ()
    closed: bool = False


COUNTED = frozenset(["filters", "filter", "kernels", "maps", "channels", "units", "neurons", "nodes", "heads", "groups", "outputs"])
"""Words that follow their number: `32 filters`."""
ARGUMENT_WORDS = COUNTED.union(
    "kfspdgwn", ["kernel", "kernel_size", "size", "stride", "strides", "padding", "pad", "dilation", "window", "rate"]
)


class Unreadable(Exception):
    """The line is in neither syntax."""


_SAME = str.maketrans({
    "×": "x", "✕": "x", "✖": "x", "⨯": "x", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‐": "-", "‑": "-",
    "–": "-", "—": "-", "−": "-", "→": "->", "⇒": "->", "➔": "->", "➜": "->", "⟶": "->", "↦": "->", "│": "|", "¦": "|", "∣": "|",
    "\t": " ", "\r": " ", "\n": " ", "\u1680": " ", "·": "*", "÷": "/", "≥": ">=", "≤": "<=", "≠": "!=",
    "\u00ad": "", "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "", "\u200e": "", "\u200f": "",
})  # fmt: skip


def plain(text: str) -> str:
    """Replace characters that look like those of the language by them, and spaces of all kinds by a space."""
    pairs = ((char, unicodedata.normalize("NFKC", char)) for char in text.translate(_SAME))
    return "".join(folded if folded.isascii() else char for char, folded in pairs)


_TOKEN = re.compile(
    r"""(?P<other>\d+:\d+(?!\w))
    |(?P<size>\d+(?:[xX]\d+)+(?!\w))
    |(?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?(?![A-Za-z_]))
    |(?P<text>"[^"]*"|'[^']*')
    |(?P<word>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
    |(?P<join>->|=>|\||;|&)
    |(?P<compare>==|!=|<=|>=|<|>)
    |(?P<sign>//|\*\*|[-+*/%])
    |(?P<mark>[()\[\]{},:=])
    |(?P<strange>\S)""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """A piece of a line of another tool: its kind (number, size, text, word, sign) and its text."""

    kind: str
    text: str
    spaced: bool
    """Whether a space precedes it."""


def tokens(text: str) -> list[Token]:
    """Split a line into tokens. Raises Unreadable."""
    found: list[Token] = []
    text = re.sub(r"(?<=[0-9])\s+[xX]\s+(?=[0-9])|(?<=[0-9])[xX]\s+(?=[0-9])", "x", text)
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind == "strange" or (kind == "number" and len(match[0]) > 1 and match[0][0] == "0" and match[0].isdigit()):
            raise Unreadable
        spaced = match.start() > 0 and text[match.start() - 1].isspace()
        found.append(Token(kind, match[0].lower() if kind == "size" else match[0], spaced))
    return found


class Reader:
    """A cursor over the tokens of a chain. `is_layer` says which words are layers: each begins a step, unless it
    `is_value` of an argument of the step before it.

    Parentheses behind a space hold a list where the layer `takes_list`, else the layer's arguments.
    """

    def __init__(
        self, found: list[Token], is_layer: Callable[[str], bool], takes_list: Callable[[str], bool], is_value: Callable[[str, str], bool]
    ) -> None:
        self.tokens = found
        self.at = 0
        self.is_layer = is_layer
        self.takes_list = takes_list
        self.is_value = is_value
        self.depth = 0

    def peek(self, offset: int = 0) -> Token:
        """The token at hand, or one so many behind it; `end` behind the last."""
        at = self.at + offset
        return self.tokens[at] if at < len(self.tokens) else Token("end", "", True)

    def take(self) -> Token:
        """Take the token at hand, and go on."""
        token = self.peek()
        self.at += 1
        return token

    def chain(self) -> list[Call]:
        """The layers of a line in order. Raises Unreadable."""
        found = [self.layer()]
        while self.peek().kind != "end":
            if self.peek().text in ("+", "-"):
                self.take()
            while self.peek().kind == "join" or self.peek().text == ",":
                self.take()
            if self.bracketed():
                found.append(Call(self.peek(1).text, (), ()))
                self.at += 3
            elif self.peek().kind != "end":
                found.append(self.layer())
        return found

    def bracketed(self) -> bool:
        """Whether a layer in parentheses is ahead, as in `fc 10 (relu)`."""
        word = self.peek(1)
        return self.peek().text == "(" and self.peek(2).text == ")" and word.kind == "word" and self.is_layer(word.text)

    def layer(self) -> Call:
        """A layer with its arguments, in parentheses or behind spaces."""
        token = self.take()
        if token.kind != "word":
            raise Unreadable
        for count in (2, 1):  # names of several words: `max pool`, `global average pooling`
            more = [self.peek(offset) for offset in range(count)]
            joined = "".join([token.text, *(word.text for word in more)])
            if all(word.kind == "word" for word in more) and self.is_layer(joined):
                self.at += count
                token = token._replace(text=joined)
                break
        if self.peek().text == "(" and (not self.peek().spaced or self.calls(token.text)):
            return self.closed(token.text)
        if self.peek().text == ":":
            self.take()
        return self.open(token.text)

    def calls(self, name: str) -> bool:
        """Whether parentheses after a space hold arguments, and not an expression or a list."""
        depth, marks = 0, set()
        for token in self.tokens[self.at :]:
            depth += _DEPTH.get(token.text, 0)
            if depth == 0:
                break
            marks.add(token.text)
        return self.is_layer(name) and ("=" in marks or ("," in marks and not self.takes_list(name)))

    def closed(self, name: str, applied: bool = False) -> Call:
        """Read arguments in parentheses, separated by commas; in a second pair are the values that the layer is `applied` to."""
        bare: list[Value] = []
        keywords: list[tuple[str, Value]] = []
        self.take()
        for _ in self.within(")"):
            if self.named():
                self.at += 2
                keywords.append((self.peek(-2).text, self.value(",)")))
            else:
                bare.append(self.value(",)"))
        inputs = self.closed(name, applied=True).bare if self.peek().text == "(" and not applied else ()
        return Call(name, tuple(bare), tuple(keywords), inputs, closed=True)

    def within(self, end: str) -> Iterator[None]:
        """Pass through an open bracket: where this gives something, the caller reads an item. Raises Unreadable."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Unreadable
        while self.peek().text != end:
            yield
            if self.peek().text == ",":
                self.take()
            elif self.peek().text != end:
                raise Unreadable
        self.take()
        self.depth -= 1

    def named(self, offset: int = 0) -> bool:
        """Whether `word=` or `word:` is ahead."""
        return self.peek(offset).kind == "word" and self.peek(offset + 1).text in ("=", ":")

    def value(self, ends: str) -> Value:
        """A value up to one of the marks that end it; an expression is kept as written."""
        start = self.at
        read = self.atom()
        if self.peek().kind == "end" or self.peek().text in ends:
            return read
        level = 0
        while self.peek().kind != "end" and (level or self.peek().text not in ends):
            level += _DEPTH.get(self.peek().text, 0)
            if self.peek().kind in ("join", "text") or self.peek().text in "[]{}=:":
                raise Unreadable
            self.take()
        return Value("other", self.written(start))

    def atom(self) -> Value:
        """Read a number, a text, a name, a call, or what is in brackets."""
        token = self.take()
        if token.kind in ("number", "size", "other"):
            return Value(token.kind, token.text)
        if token.kind == "text":
            return Value("text", token.text[1:-1])
        if token.text == "-" and self.peek().kind == "number":
            return Value("number", f"-{self.take().text}")
        if token.kind == "word":
            if self.peek().text == "(" and not self.peek().spaced:
                return Value("call", token.text, call=self.closed(token.text))
            if self.peek().text == "[" and not self.peek().spaced:
                self.take()
                return Value("other", token.text + self.sequence("]").text)
            return Value("word", token.text)
        if token.text in ("(", "["):
            return self.sequence(")" if token.text == "(" else "]")
        raise Unreadable

    def sequence(self, end: str) -> Value:
        """Read the values up to a closing bracket; one value in plain brackets is that value."""
        start = self.at - 1
        items = [self.value(f",{end}") for _ in self.within(end)]
        if len(items) == 1 and self.tokens[self.at - 2].text != "," and end == ")":
            return Value("other", self.written(start)) if items[0].kind in ("other", "word") else items[0]
        return Value("list", self.written(start), tuple(items))

    def written(self, start: int) -> str:
        """The tokens read since `start`, in the syntax of the language."""
        return "".join(token.text if token.kind != "text" else f'"{token.text[1:-1]}"' for token in self.tokens[start : self.at])

    def open(self, name: str) -> Call:
        """Arguments behind spaces or commas, up to the next step."""
        bare: list[Value] = []
        keywords: list[tuple[str, Value]] = []
        while (token := self.peek()).kind not in ("end", "join"):
            if self.bracketed():
                break
            if token.text in (",", "+", "-"):
                after = self.peek(1)
                if after.kind == "end" or (self.begins() and not self.pads(name)):
                    break
                if token.text != ",":
                    raise Unreadable
                self.take()
                continue
            if self.named():
                self.at += 2
                keywords.append((token.text, self.loose()))
            elif token.kind == "word" and token.text in ARGUMENT_WORDS and self.peek(1).kind in ("number", "size"):
                keywords.append((self.take().text, self.loose()))  # `stride 2`
            elif token.kind in ("number", "size") and self.peek(1).text in COUNTED:
                keywords.append((self.peek(1).text, self.loose()))  # `32 filters`
                self.take()
            elif token.kind == "word" and self.is_layer(token.text) and name not in MERGES and not self.is_value(name, token.text):
                break
            else:
                bare.append(self.loose())
        return Call(name, tuple(bare), tuple(keywords))

    def begins(self) -> bool:
        """Whether the word after the next token is a layer, and no argument."""
        token = self.peek(1)
        return token.kind == "word" and self.is_layer(token.text) and not self.named(1)

    def pads(self, name: str) -> bool:
        """Whether `pad 1` behind a comma is an argument: `conv, 3x3, stride 1, pad 1`."""
        counts = self.peek(1).text in ARGUMENT_WORDS and self.peek(2).kind in ("number", "size")
        return counts and re.search("conv|pool", name.lower()) is not None

    def loose(self) -> Value:
        """Read a value up to the next space; a list has no spaces."""
        start = self.at
        items = [self.atom()]
        kept = items[0].kind in ("call", "other")
        while self.peek().kind == "sign" and (not self.peek().spaced or not kept):
            after = self.peek(1)
            if self.peek().spaced != after.spaced or (after.spaced and after.kind == "word" and self.is_layer(after.text)):
                break
            self.take()
            self.atom()
            kept = True
        while self.peek().text == "," and not self.peek().spaced and not self.peek(1).spaced and self.peek(2).text not in ("=", ":"):
            after = self.peek(1)
            if after.kind not in ("number", "word", "size") or (after.kind == "word" and self.is_layer(after.text)):
                break
            self.take()
            items.append(self.atom())
        if len(items) > 1:
            return Value("list", self.written(start), tuple(items))
        return Value("other", self.written(start)) if kept else items[0]
