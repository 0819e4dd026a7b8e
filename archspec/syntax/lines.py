"""From text to logical lines nested by indentation, each a list of tokens ready for the grammar.

A logical line is a physical line, with the lines joined that continue it: those that start with `|`, and those inside brackets
that are indented deeper. Mistakes at this level are reported here and mark the line as broken, so that one of them costs one
line, not the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from archspec.diagnostics import Diagnostic, Diagnostics
from archspec.diagnostics.fix import Edit, Fix, lines_removed, shifted, written
from archspec.source import Source, Span
from archspec.syntax.lalr import Token, automaton

MAX_NESTING = 64
"""Levels of suites, brackets and heads that a text may nest."""

_MANY = 1_000
"""Characters of a line that are replaced one by one."""
_FORBIDDEN = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]|\r(?!\n)|\t"
OPENING = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
CLOSING = frozenset(OPENING.values())
_SIGNS = {"(": ")", "[": "]", "{": "}"}
_ALWAYS = frozenset(("if", "and", "or", "not", "as", "yes", "no"))
_CROSS = re.compile(r"x([0-9]+x)*([0-9]+)?")
"""What joins the parts of a size with expressions in it: `x`, `x3`, `x3x`."""
_AT_LINE = frozenset(("arch", "model", "meta", "input", "param", "default", "use", "expect", "pattern", "from", "output", "block"))
_HEADS = frozenset(("repeat", "residual", "shortcut", "seq"))
_NO_VALUE = frozenset({"COLON", "VBAR", "COMMA", "ARROW", "ERROR"})
"""What begins no positional argument, whatever precedes it."""
_OF_SIZES = frozenset(("for", "in", "step"))
"""Words behind `input`."""
MERGES = frozenset({"add", "concat", "mul", "sub"})
BODIES = frozenset({"residual", "shortcut", "seq", *MERGES})
"""Words that open a body without arguments, as a label does."""
HEADS = frozenset({*_HEADS, *MERGES, "output", "block"})
KEYWORDS = frozenset({*_ALWAYS, *_AT_LINE, *_HEADS, *MERGES})
UNLABELLED = KEYWORDS - _AT_LINE
"""Words that are labels in quotes only."""


class LogicalLine(NamedTuple):
    """A logical line: its tokens, the lines indented below it, and whether a mistake in it was already reported."""

    indent: int
    tokens: list[Token]
    below: list[LogicalLine]
    broken: bool


class Layout:
    """Reads a source into nested lines. `tokens` are those of its text, where they are known already."""

    def __init__(self, source: Source, sink: Diagnostics, max_tokens: int, tokens: Sequence[Token] | None = None) -> None:
        self.source = source
        self.tokens = tokens
        self.sink = sink
        self.max_tokens = max_tokens
        self.unreadable: set[int] = set()
        """Lines with a character that is not allowed in a spec."""
        self.bracket_reported = False
        """Whether a bracket of this logical line is already reported: one cause, one report."""

    def report(self, code: str, message: str, start: int, end: int, help_: str | None = None, fixes: Sequence[Fix] = ()) -> None:
        """Report a mistake between two places of the text."""
        self.sink.add(Diagnostic(code, message, Span(self.source, start, end), help=help_, fixes=tuple(fixes)))

    def read(self) -> list[LogicalLine]:
        """Read the text as logical lines, each with those that are indented below it."""
        text = self.checked_text()
        return self.nest(list(self.logical(automaton().lex(text) if self.tokens is None or text is not self.source.text else self.tokens)))

    def checked_text(self) -> str:
        """The text with forbidden characters blanked, each kind of them reported once per line, twenty at most."""
        text = self.source.text
        seen: set[tuple[str, int]] = set()
        if text.replace("\n", "").isprintable():
            return text  # the common case; the pattern is compiled for the others
        for match in re.finditer(_FORBIDDEN, text):
            char, at = match[0], match.start()
            key = (char, self.source.locate(at)[0])
            if key in seen or len(seen) >= 20:
                continue
            seen.add(key)
            if char == "\t":
                indents = not text[text.rfind("\n", 0, at) + 1 : at].strip()
                help_ = "indent by two spaces" if indents else "write a space"
                self.report("A002", "a tab; the language uses spaces only", at, at + 1, help_, [self.without_tabs(key[1])])
                continue
            self.unreadable.add(key[1])
            if char == "\r":
                fix = self.instead(char, key[1], "\n", "end the line here")
                self.report("A006", "a carriage return that does not end a line", at, at + 1, "end lines with LF or CR LF", [fix])
            else:
                what = f"the character U+{ord(char):04X} is not allowed in a spec"
                help_ = "remove it; it is invisible or changes how the line is shown"
                self.report("A006", what, at, at + 1, help_, [self.instead(char, key[1], "", f"remove U+{ord(char):04X}")])
        return re.sub(_FORBIDDEN, " ", text)

    def instead(self, char: str, number: int, text: str, title: str) -> Fix:
        """The fix that writes a text in the place of a character wherever a line has it."""
        start, line = self.source.starts[number - 1], self.source.text[self.source.starts[number - 1] :].partition("\n")[0]
        if line.count(char) > _MANY:  # an editor takes one long edit faster than many short ones
            first, last = line.index(char), line.rindex(char) + 1
            edit = Edit(Span(self.source, start + first, start + last), line[first:last].replace(char, text))
            return Fix(title, (edit,), safe=True)
        places = [start + at for at, other in enumerate(line) if other == char]
        return Fix(title, tuple(Edit(Span(self.source, at, at + 1), text) for at in places), safe=True)

    def without_tabs(self, number: int) -> Fix:
        """The fix that writes spaces for the tabs of a line; in its indentation each counts as one level."""
        start, line = self.source.starts[number - 1], self.source.line(number)
        blank = len(line) - len(line.lstrip(" \t"))
        edits = [Edit(Span(self.source, start, start + blank), line[:blank].expandtabs(self.tab_width(2)))] if "\t" in line[:blank] else []
        edits += [Edit(Span(self.source, start + at, start + at + 1), " ") for at in range(blank, len(line)) if line[at] == "\t"]
        return Fix("write spaces", tuple(edits), safe=True)

    def tab_width(self, otherwise: int) -> int:
        """The spaces of a level, by the lines that are indented by spaces."""
        return min(map(len, re.findall(r"^ +(?=[^ \n])", self.source.text, re.MULTILINE)), default=otherwise)

    def logical(self, found: Iterable[Token]) -> Iterator[LogicalLine]:
        """Logical lines, not yet nested."""
        tokens: list[Token] = []
        opened: list[Token] = []
        broken = False
        count = 0
        for token in found:
            kind = token.type
            if kind == "NEWLINE":
                indent, char = self.following[self.row(token)]
                if opened and not (char and char in ")]}") and indent <= self.indent_of(tokens[0]):  # the next line does not go on
                    self.unclosed(opened, tokens[-1].end)
                    broken = True
                if not opened and tokens and char != "|":
                    yield self.line(tokens, broken)
                    tokens, broken, self.bracket_reported = [], False, False
                continue
            if kind == "COMMENT":
                continue
            count += 1
            if count > self.max_tokens:
                if not self.bracket_reported:
                    message = f"more than {self.max_tokens:,} words and signs"
                    self.report("A007", message, token.start, token.start + 1, "split the file; `use` takes blocks from another file")
                return
            broken |= not self.accept(token, opened)
            tokens.append(token)
        if opened:
            self.unclosed(opened, tokens[-1].end)
            broken = True
        if tokens:
            yield self.line(tokens, broken)

    def accept(self, token: Token, opened: list[Token]) -> bool:
        """Follow brackets and report what no token may be."""
        kind, start, end = token.type, token.start, token.end
        if kind == "ERROR":
            if token.value == '"':
                number = self.row(token)
                last = self.source.starts[number - 1] + len(self.source.line(number).rstrip())
                sure = re.search(r"[=|#(]", self.source.text[end:last]) is None  # nothing there that would end up in the quotes
                fix = written(Span(self.source, last, last), '"', safe=sure)
                self.report("A005", "this string is not closed on its line", start, end, 'write the closing `"`', [fix])
                return False
            return True  # the parser knows what is expected in its place
        if kind in OPENING:
            opened.append(token)
            if len(opened) == MAX_NESTING + 1:
                return self.bracket(token, "A007", f"more than {MAX_NESTING} levels of brackets", "write it with fewer levels")
        elif kind in CLOSING:
            if not opened or OPENING[opened[-1].type] != kind:
                sure = self.source.text[end : end + 1] in (" ", "\n", "")  # a bracket before it would change nothing
                fix = written(Span(self.source, start, end), "", safe=sure, title=f"remove `{token.value}`")
                if self.source.line(number := self.row(token)).strip() == token.value:
                    fix = lines_removed(self.source, number, number, "remove the line")._replace(safe=True)
                help_ = "a body ends where its indentation does: remove the brace" if kind == "RBRACE" else None
                return self.bracket(token, "A005", f"`{token.value}` has no opening bracket before it", help_, fix)
            opened.pop()
        return True

    def bracket(self, token: Token, code: str, message: str, help_: str | None, *fixes: Fix) -> bool:
        """Report a bracket, the first of its line only. False: the line is broken."""
        if not self.bracket_reported:
            self.bracket_reported = True
            self.report(code, message, token.start, token.end, help_, fixes)
        return False

    def unclosed(self, opened: list[Token], end: int) -> None:
        """Report brackets that are open where a line ends."""
        token = opened[-1]
        closing = "".join(_SIGNS[each.value] for each in reversed(opened))
        opened_at = opened[0].end
        inside = self.source.text[opened_at:end]
        opened.clear()
        after = re.search(r" +(?=[a-z]+=[^=]|\|)", inside)
        inside = inside[: after.start()] if after else inside
        place = opened_at + len(inside)
        sure = re.search(r"[\s|]", inside) is None  # a word that only lacks its end
        fix = written(
            Span(self.source, place, place),
            closing,
            safe=sure,
            title=f"close it: `{closing}` behind `{(inside.split() or [token.value])[-1]}`",
        )
        self.bracket(token, "A005", f"this `{token.value}` is not closed", "close it, or indent the lines that continue it", fix)

    @cached_property
    def following(self) -> list[tuple[int, str]]:
        """For each line the indentation and first character of the next one that holds more than a comment."""
        found: list[tuple[int, str]] = [(0, "")]
        for row in reversed(self.source.text.split("\n")):
            bare = row.lstrip(" ")
            passed = not bare.strip() or bare.startswith("#")
            found.append(found[-1] if passed else (len(row) - len(bare), bare[0]))
        return found[::-1]

    def row(self, token: Token) -> int:
        """The number of the line of a token, from 1."""
        return self.source.locate(token.start)[0]

    def indent_of(self, token: Token) -> int:
        """How many characters a token is from the left."""
        return self.source.locate(token.start)[1] - 1

    def line(self, tokens: list[Token], broken: bool) -> LogicalLine:
        """Make a logical line of its tokens. `broken` ones are not parsed, since their mistake is reported."""
        if sum(token.type == "COLON" for token in tokens) > MAX_NESTING:
            last = tokens[-1]
            self.report("A007", f"more than {MAX_NESTING} colons on one line", last.start, last.end)
            broken = True
        if self.unreadable and not broken:
            begin, end = self.source.locate(tokens[0].start)[0], self.source.locate(tokens[-1].end)[0]
            broken = any(begin <= number <= end for number in self.unreadable)
        return LogicalLine(self.indent_of(tokens[0]), tokens, [], broken)

    def nest(self, lines: list[LogicalLine]) -> list[LogicalLine]:
        """Hang each line below the head that it is indented under."""
        top: list[LogicalLine] = []
        levels: list[tuple[int, list[LogicalLine]]] = [(0, top)]
        before: LogicalLine | None = None
        tabs = "\t" in self.source.text
        width = self.tab_width(1) if tabs else 1
        for line in lines:
            first = line.tokens[0]
            if tabs:
                # A tab counts as one level of the file here; the tabs themselves are reported elsewhere.
                blank = self.source.text[first.start - line.indent : first.start]
                line = line._replace(indent=len(blank.expandtabs(width)))
            if line.indent > levels[-1][0]:
                if before is None:
                    self.indentation(line, 0, "the first line is indented", "begin it at the left margin", lines)
                    levels = [(line.indent, top)]
                elif len(levels) > MAX_NESTING:
                    message = f"more than {MAX_NESTING} levels of indentation"
                    self.report("A007", message, first.start, first.end, "move lines into blocks")
                    return []
                else:
                    levels.append((line.indent, before.below))
            else:
                while line.indent < levels[-1][0] and len(levels) > 1:
                    levels.pop()
                if line.indent > levels[-1][0]:
                    message = "the indentation matches none of the lines above"
                    self.indentation(line, levels[-1][0], message, "align it with the lines that it belongs to")
                elif line.indent < levels[-1][0]:
                    levels = [(line.indent, top)]  # the file began indented, which is reported already
            levels[-1][1].append(line)
            before = line
        return top

    def indentation(self, line: LogicalLine, meant: int, message: str, help_: str, file: Sequence[LogicalLine] = ()) -> None:
        """Report a line's indentation, unless a character in it was reported; `meant` are the spaces that it may have.

        Where `file`, all lines, is as deep as it, the file as a whole was moved.
        """
        start = line.tokens[0].start
        if "\t" not in self.source.text[start - line.indent : start] and self.row(line.tokens[0]) not in self.unreadable:
            whole = bool(file) and all(each.indent >= line.indent for each in file)
            last = self.row(line.tokens[-1]) if not whole else len(self.source.starts)
            lines = range(self.row(line.tokens[0]), last + 1)
            fix = shifted(self.source, lines, meant - line.indent, f"indent it by {meant} spaces")._replace(safe=whole)
            self.report("A003", message, start, line.tokens[0].end, help_, [fix])


def roles(tokens: list[Token]) -> Iterator[Token]:
    """The tokens of a line with the roles that the grammar expects: keywords, LABEL, and SEP before each positional argument."""
    first = tokens[0].value
    start, bare, depth, end, sizes, arguments = True, False, 0, -1, False, False
    for at, token in enumerate(tokens):
        kind, touches = token.type, token.start == end
        if kind in OPENING:
            depth += 1
        elif kind in CLOSING:
            depth -= 1
        if kind == "NAME" and (token.value in _ALWAYS or (depth and token.value == "else")):
            kind = token.value.upper()
            bare &= depth > 0 or kind in ("YES", "NO")
            arguments &= depth > 0 or bare
        elif kind == "KEY":
            bare, arguments = False, True
        elif arguments and touches and kind == "NAME" and tokens[at - 1].type in ("INT", "RPAR") and _CROSS.fullmatch(token.value):
            kind = "BY"
        elif arguments and touches and kind == "COLON" and not depth and _follows(tokens, at):
            kind = "TO"
        elif start and (kind == "NAME" or (kind == "INT" and [t.type for t in tokens[at + 1 : at + 2]] == ["COLON"])):
            kind = _role(tokens, at) if kind == "NAME" else "LABEL"
            bare, end, sizes = kind in ("NAME", "MERGE"), token.end, kind == "INPUT"
            arguments = sizes
        elif sizes and kind == "NAME":
            kind = token.value.upper() if token.value in _OF_SIZES else kind
        elif depth and first == "block" and token.value == "from":
            kind = "FROM"
        elif start and kind == "STRING":
            bare = False  # a label
        if bare and depth - (kind in OPENING) == 0 and kind not in _NO_VALUE and kind not in CLOSING and token.start > end:
            yield Token("SEP", "", token.start, token.start)
            arguments = True
        start = kind == "FROZEN" or (depth == 0 and kind in ("COLON", "VBAR"))
        arguments &= not start
        bare &= not start or kind == "COLON"
        end = token.end
        yield token if kind == token.type else token._replace(type=kind)


def _follows(tokens: list[Token], at: int) -> bool:
    """Whether the next token touches this one."""
    return at + 1 < len(tokens) and tokens[at + 1].start == tokens[at].end


def _role(tokens: list[Token], at: int) -> str:
    """What a word at the start of a step is."""
    word = tokens[at].value
    label = _is_label(tokens, at)
    if word in MERGES:
        return "MERGE"
    if word == "frozen" and _is_label(tokens, at + 1):
        return "FROZEN"
    if word in _HEADS or (word in _AT_LINE and not label and (at == 0 or word in ("input", "from"))):
        return word.upper()
    if label:
        return "LABEL"
    return "NAME"


def _is_label(tokens: list[Token], at: int) -> bool:
    """Whether a word or text has a colon behind it, or an expression that touches it."""
    if at + 1 >= len(tokens) or tokens[at].type not in ("NAME", "STRING"):
        return False
    follows, quoted = tokens[at + 1], tokens[at].type == "STRING"
    if follows.value == "if":
        return any(token.type == "COLON" for token in tokens[at:])
    return follows.type == "COLON" or (follows.type == "LBRACE" and not quoted and _follows(tokens, at))
