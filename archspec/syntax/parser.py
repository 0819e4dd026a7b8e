"""Source to syntax tree: the layout's lines through the LALR tables, lowered by hand.

The tables are generated from grammars/arch.lark by `python docs/generate/tables.py` into `_tables.py`, since compiling the
grammar at every start costs more than checking a spec. A test fails when the two differ.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from archspec.diagnostics import Diagnostic, Diagnostics
from archspec.diagnostics.fix import Edit, Fix, inserted, shifted, written
from archspec.source import Source, Span
from archspec.syntax import ast
from archspec.syntax.lalr import END, Token, Unexpected, automaton
from archspec.syntax.lines import HEADS, Layout, LogicalLine, roles
from archspec.syntax.to_ast import Lowering

MAX_BYTES = 1 << 20
MAX_TOKENS = 100_000
_STEP = 2
"""Spaces of a level, as the formatter writes them."""
_BLANK = 1_000
"""Taken for the indentation of a line with nothing in it, which belongs to the line above."""


def parse(
    source: Source, sink: Diagnostics, *, max_bytes: int = MAX_BYTES, max_tokens: int = MAX_TOKENS, tokens: Sequence[Token] | None = None
) -> ast.File:
    """Parse a source, whose `tokens` may be known already. What cannot be read is reported to `sink` and is `Broken` in the tree."""
    whole = Span(source, 0, len(source.text))
    if len(source.text.encode("utf-8", "surrogatepass")) > max_bytes:
        message, help_ = f"the text is larger than {max_bytes:,} bytes", "split it; `use` takes the blocks from another file"
        sink.add(Diagnostic("A007", message, Span(source, 0, min(1, len(source.text))), help=help_))
        return ast.File((), whole)
    layout = Layout(source, sink, max_tokens, tokens)
    parser = _LineParser(source, sink)
    return ast.File(parser.lines(layout.read()), whole)


class _LineParser(Lowering):
    def lines(self, lines: list[LogicalLine]) -> tuple[ast.Statement, ...]:
        return tuple(self.line(line) for line in lines)

    def line(self, line: LogicalLine) -> ast.Statement:
        below = self.lines(line.below)
        first, last = line.tokens[0], line.tokens[-1]
        span = self.across(line.tokens)
        try:
            tree = None if line.broken else automaton().parse(roles(line.tokens))
        except Unexpected as error:
            self.unexpected(error.token, error.expected, line.tokens)
            tree = None
        if tree is None:
            return ast.Broken(below, _declared(line.tokens), span)
        if last.type == "COLON" and not line.below:
            help_ = "write a step after the colon, or indent lines below it"
            self.report("A004", f"`{span.text}` has nothing in it", span, help_, self.next_indented(line))
        elif line.below and last.type != "COLON":
            under = line.below[0].tokens[0]
            opens = first.value in HEADS and all(token.type != "COLON" for token in line.tokens)
            help_ = f"end `{first.value} ...` with `:`" if opens else "only a line that ends in `:` takes indented lines"
            if not line.below[0].broken and "\t" not in self.source.text[under.start - line.below[0].indent : under.start]:
                fixes = [inserted(span, ":", safe=True)] if opens else self.joined(line) or self.shallower(line)
                self.report("A003", "this line is indented below a line that does not end in `:`", self.span(under), help_, fixes)
        return self.statement(tree, below, span)

    def unexpected(self, token: Token, expected: set[str], tokens: list[Token]) -> None:
        """Report a token that does not fit at its place."""
        blamed = token if token.type != END else token._replace(start=max(0, tokens[-1].end - 1))
        message = f"expected {_wanted(expected)}, found {_found(token)}"
        slip = _slip(token, expected, tokens)
        code, message, blamed, help_ = slip or ("A001", message, blamed, _advice(tokens, token, expected))
        self.report(code, message, self.span(blamed), help_, self.mended(slip is not None, blamed, token, help_, tokens))

    def mended(self, slip: bool, blamed: Token, token: Token, help_: str | None, tokens: list[Token]) -> list[Fix]:
        """The fix of a sign that does not fit, where one sign more, less or in another place is all."""
        span = self.span(blamed)
        if slip and blamed.type == "COMMA":
            return [written(span, "" if self.source.text[blamed.end : blamed.end + 1] == " " else " ", safe=True, title="remove the comma")]
        if slip and blamed.type == "COLON" and (both := re.fullmatch(r"write `(\d+:\d+)`", help_ or "")):
            at = tokens.index(blamed)
            return [written(self.across(tokens[at - 1 : at + 2]), both[1], safe=True)]
        if slip and (size := re.search(r": `(\d+x\(\w+\))`$", help_ or "")):
            return [written(span, size[1], safe=True)]
        if not slip and help_ is not None and help_.endswith("opens a body: end it with `:`") and token.type == END:
            return [inserted(self.across(tokens), ":", safe=True)]
        if help_ == "compare with `==`":
            return [Fix("write `==`", (Edit(span._replace(start=span.start + len(token.value.rstrip(" ="))), " == "),), safe=True)]
        if token.type == "VBAR" and help_ is not None and help_.startswith("`input` is a line"):
            return [self.on_next_line(tokens, tokens.index(token))._replace(safe=True)]
        if help_ is not None and help_.endswith("begins a line: put it on the next one, without `|` before it"):
            bar = max(at for at, each in enumerate(tokens) if each.type == "VBAR" and each.start < token.start)
            return [self.on_next_line(tokens, bar)]
        if help_ == _CONTINUED:
            return [written(span, "", safe=True, title="remove it")]
        at = tokens.index(token) if token in tokens else -1
        opens = not slip and help_ is not None and help_.endswith("opens a body: end it with `:`")
        if opens and token.type == "LBRACE":
            return [written(span._replace(start=tokens[at - 1].end), ":", safe=True)]
        if opens and token.type == "LPAR" and tokens[-1].type == "RPAR" and tokens[at - 1].value in HEADS:
            return [Fix("write `:`", (Edit(span, ": "), Edit(self.span(tokens[-1]), "")), safe=True)]
        if opens and at > 0 and token.type == "NAME" and [each.type for each in tokens[at + 1 : at + 2]] != ["NAME"]:
            return [inserted(self.span(tokens[at - 1]), ":", safe=True)]
        if help_ == "separate steps by `|` and arguments by spaces" and [each.type for each in tokens[at + 1 : at + 2]] in (
            ["NAME"],
            ["MERGE"],
        ):
            before, after = self.source.text[blamed.start - 1 : blamed.start], self.source.text[blamed.end : blamed.end + 1]
            return [written(span, f"{'' if before == ' ' else ' '}|{'' if after == ' ' else ' '}", safe=True)]
        return []

    def on_next_line(self, tokens: list[Token], bar: int) -> Fix:
        """The fix that begins a line in the place of a bar; safe where no label is for the whole line."""
        before, after = tokens[bar - 1], tokens[bar + 1] if bar + 1 < len(tokens) else tokens[bar]
        indent = " " * (self.source.locate(tokens[0].start)[1] - 1)
        place = Span(self.source, before.end, after.start if after is not tokens[bar] else tokens[bar].end)
        sure = all(each.type != "COLON" for each in tokens[:bar])
        return written(place, f"\n{indent}", safe=sure, title="begin a line here")

    def joined(self, line: LogicalLine) -> list[Fix]:
        """The fix that puts arguments behind the step above them, where the line below one has nothing else."""
        below = line.below[0]
        arguments = below.tokens[0].type == "KEY" and not below.below and not {"VBAR", "COLON"} & {each.type for each in below.tokens}
        gap = Span(self.source, line.tokens[-1].end, below.tokens[0].start)
        return [written(gap, " ", safe=True, title="put it behind the line above")] if arguments and not gap.text.strip() else []

    def shallower(self, line: LogicalLine) -> list[Fix]:
        """The fix that indents the lines below one as far as it; one word may be a label that lacks its colon."""
        last = line
        while last.below:
            last = last.below[-1]
        first, end = self.row(line.below[0].tokens[0]), self.row(last.tokens[-1])
        fix = shifted(self.source, range(first, end + 1), line.indent - line.below[0].indent, "indent it as the line above")
        return [fix._replace(safe=len(line.tokens) > 1)]

    def next_indented(self, line: LogicalLine) -> list[Fix]:
        """The fix that indents the line after a head with nothing in it, if it is as deep as the head; safe where no other one is."""
        number, lines = self.row(line.tokens[-1]) + 1, len(self.source.starts)
        rows = [self.source.line(each) for each in range(number, lines + 1)]
        depths = [len(text) - len(text.lstrip(" ")) if text.strip() else _BLANK for text in rows]
        if not rows or depths[0] != line.indent or rows[0].lstrip()[0] in "#|":
            return []
        body = next((at for at, depth in enumerate(depths) if at and depth <= line.indent), len(rows))
        sure = body == len(rows) or depths[body] < line.indent
        return [shifted(self.source, range(number, number + body), _STEP, "indent the next line")._replace(safe=sure)]

    def row(self, token: Token) -> int:
        return self.source.locate(token.start)[0]


def _declared(tokens: list[Token]) -> str | None:
    """Say what a line that cannot be read would have named: `param x`, `block x`, `x` for a label, or `use`."""
    words = [token.value.rstrip(" =") for token in tokens[:2]]
    if words[0] == "use":
        return "use"
    if words[0] in ("param", "block", "default") and len(words) > 1:
        return f"{words[0]} {words[1]}"
    if words[0] in ("def", "function") and len(words) > 1:
        return f"block {words[1]}"
    if tokens[0].type == "KEY":
        alone = len(tokens) == 2 and tokens[1].type not in ("NAME", "MERGE")
        return f"param {words[0]}" if alone else words[0]
    if len(tokens) > 1 and tokens[1].type == "COLON":
        return words[0]
    named = (name.value for name, colon in pairwise(tokens) if colon.type == "COLON" and name.type in ("NAME", "LABEL"))
    return next(named, None)  # `repeat 2: x: ...`, `... | x: ...`


_WORDS = {
    "RPAR": "`)`", "RBRACE": "`}`", "RSQB": "`]`", "NAME": "a name", "INT": "a number", "FLOAT": "a number",
    "DIMS": "a size such as 32x32x3", "STRING": 'a text in "quotes"', "KEY": "`key=value`", "COLON": "`:`", "VBAR": "`|`",
    END: "the end of the line", "COMMA": "`,`", "AS": "`as`", "IF": "`if`", "LPAR": "`(`", "MERGE": "add, concat, mul or sub",
    "RANGE": "sizes such as 32..512", "IN": "`in`", "ELSE": "`else`",
}  # fmt: skip
"""Terminals in words, the most helpful first: a message names at most three."""
_EXPRESSION = {"INT", "FLOAT", "DIMS", "STRING", "YES", "NO", "NAME", "LPAR", "MINUS"}
_OPERATORS = {"PLUS", "MINUS", "STAR", "SLASH", "FLOOR", "PERCENT", "COMPARE"}


def _slip(token: Token, expected: set[str], tokens: list[Token]) -> tuple[str, str, Token, str] | None:
    """Find the code, message, wrong token and help of a common slip; None for others."""
    for count, name in pairwise(tokens):
        if token.start in (count.start, name.start) and re.fullmatch(r"x[A-Za-z_]\w*", name.value) and count.end == name.start:
            both = count._replace(value=count.value + name.value, end=name.end)
            return "A001", f"`{both.value}` is no size", both, f"write an expression in parentheses: `{count.value}x({name.value[1:]})`"
        if token.start in (count.start, name.start) and count.type == "INT" and name.type == "NAME" and count.end == name.start:
            both = count._replace(value=count.value + name.value, end=name.end)
            help_ = f"write `{name.value}={count.value}` for an argument, `{count.value}*{name.value}` for a product"
            return "A001", f"`{both.value}` is neither a number nor a name", both, help_
    before = [t for t in tokens if t.end <= token.start]
    if token.value == "else":
        return "A001", "`else` is not allowed here", token, "a choice stands within brackets: `(1 if first else 4)`"
    if token.type == "COLON" and (found := _half_range(token, tokens)) is not None:
        return found
    ended = "a space ends an argument"
    if token.type in ("INT", "FLOAT", "DIMS", "NAME", "STRING") and "KEY" in expected and any(t.type == "KEY" for t in before):
        message = f"`{token.value}` follows `key=value`, where only another `key=value` is allowed"
        return "A008", message, token, "positional arguments come first: `fc 10 bias=no`"
    if token.type in _OPERATORS and before and before[-1].end != token.start:
        return "A008", f"`{token.value}` is not allowed here: {ended}", token, "write the expression without spaces, or in parentheses"
    if token.type == "KEY" and before and before[-1].type == "COMMA":
        return "A001", "a comma does not separate arguments", before[-1], "separate them by spaces: `conv k=3 f=8`"
    if token.type == "SEP":
        word = next((t for t in tokens if t.start == token.start), token)
        help_ = "write an expression without spaces, or in parentheses; positional arguments come before `key=value`"
        return "A008", f"`{word.value}` is not allowed here: {ended}", word, help_
    return None


def _half_range(token: Token, tokens: list[Token]) -> tuple[str, str, Token, str] | None:
    """Find the message for a colon of a range that has spaces around it, or only one end."""
    at = tokens.index(token)
    if at < 2 or tokens[at - 1].type != "INT" or tokens[at - 2].type in ("COLON", "VBAR"):
        return None
    start, after = tokens[at - 1].value, tokens[at + 1 : at + 2]
    if after and after[0].type == "INT":
        return "A008", "a range cannot contain spaces", token, f"write `{start}:{after[0].value}`"
    if tokens[at - 2].type == "KEY":
        return None
    return "A008", f"the range `{start}:` has no end", token, "write both ends, without spaces: `0:8`"


def _wanted(expected: set[str]) -> str:
    """Write what was expected, in words."""
    if expected >= _EXPRESSION:
        return "a value"
    if "MERGE" in expected:
        return "a layer"
    known = list(_WORDS.values())
    words = sorted({_WORDS[kind] for kind in expected if kind in _WORDS}, key=known.index)
    if len(words) > 3:
        words = [word for word in words if word not in ("`,`", "`if`")]
        words = words if len(words) <= 3 else [*words[:3], "such"]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words) or ("`x`" if "BY" in expected else "something else")


def _found(token: Token) -> str:
    """Quote a word or sign; with its number where it looks like another."""
    if token.type == END:
        return _WORDS[END]
    text = token.value.strip()
    code = f"U+{ord(token.value):04X}" if len(token.value) == 1 and not token.value.isascii() else ""
    if not text:
        return f"a space that is not an ordinary one ({code})"
    return f"`{text}`" + (f" ({code})" if code else "")


_CONTINUED = "remove it: a line goes on below inside brackets, or where the next one begins with `|`"


def _advice(tokens: list[Token], token: Token, expected: set[str]) -> str | None:
    """Say what would work for a common mistake."""
    first = tokens[0].value
    if first in ("repeat", "residual", "block", "shortcut") and "COLON" in expected and all(t.type != "COLON" for t in tokens):
        return f"`{first} ...` opens a body: end it with `:`"
    if first == "input" and token.type == "VBAR":
        return "`input` is a line of its own: begin the first layer on the next line, without `|`"
    if first == "input" and any(t.value == "for" for t in tokens if t.start <= token.start):
        return "write the sizes behind the shape: `input HxHx3 for H in 32..512 step 32`"
    if first == "input":
        return "write the input as height x width x channels: `input 32x32x3`"
    if first == "param":
        return "write `param n = 1`"
    behind = [t for t in tokens if t.end <= token.start]
    words = {t.value for t in behind}
    if "rearrange" in words and token.type in ("ARROW", "LPAR"):
        return 'write the pattern in quotes: `rearrange "h w c -> (h w) c"`'
    if first == "block" and token.type == "KEY" and "from" in words:
        return f"what follows `from` are values, which have no default: write `from {token.value.rstrip(' =')}`"
    if "output" in words and (advice := _output(first, token)) is not None:
        return advice
    if first == "from" and token.type == "COLON" and all(t.type != "VBAR" for t in behind):
        return f"`{' '.join(t.value for t in behind)}` stands alone, or before `|` and a layer; the lines below it begin where it begins"
    if (misplaced := _misplaced(tokens, behind, token, expected)) is not None:
        return misplaced
    word = behind[-1] if token.type == "COLON" and behind else token
    if word.value in HEADS and any(t.type == "VBAR" for t in behind):
        return f"`{word.value}` begins a line: put it on the next one, without `|` before it"
    if first == "for":
        return "did you mean `repeat 3 as i:`?"
    return _of_signs(tokens, token, expected)


def _of_signs(tokens: list[Token], token: Token, expected: set[str]) -> str | None:
    """Advice about a sign that means something elsewhere."""
    begins = token.start == tokens[0].start
    if token.value == "\\" and token.end == tokens[-1].end:
        return _CONTINUED
    if token.value == "if" and begins:
        return "a condition stands behind what it is for: `conv k=3 f=8 if n > 1`, or `seq if n > 1:` before lines indented below it"
    if token.value == ";":
        return "separate steps by `|`; a comment begins with `#`"
    if token.type == "LSQB" and not begins:
        return "lists have no indices: one gives a value per round, as in `repeat 4: stage depths`"
    if token.type == "LPAR" and "KEY" in expected:
        return "write arguments without parentheses: `conv k=3 f=8`"
    if token.type == "KEY" and any(t.value == "if" for t in tokens):
        return "compare with `==`"
    if token.type in ("COMMA", "ARROW") and "VBAR" in expected:
        return "separate steps by `|` and arguments by spaces"
    return None


def _output(first: str, token: Token) -> str | None:
    """Advice about a line with the word `output`; `token` is what does not fit."""
    if token.type == END:
        return "`output NAME` names a further output; the value of the last line is the output without it"
    if token.type == "LBRACE":
        return "only labels have braces: write `x{i}: ...` here, and `from x0` and `output NAME` behind the repeat"
    return "`output` begins a line, and is not allowed in a repeat or a block" if first != "output" else None


def _misplaced(tokens: list[Token], behind: list[Token], token: Token, expected: set[str]) -> str | None:
    """Advice about a guard or a label where neither may be; None for anything else."""
    if token.type == "VBAR" and any(t.value == "if" for t in behind):
        return "a guard ends its line and drops all of it: put the step with `if` on a line of its own"
    if token.value == "." and any(t.type == "LBRACE" for t in tokens):
        return 'a label with braces after a dot needs quotes: `"x{i}.{j}"`'
    if behind and token.type in ("NAME", "LABEL") and "MERGE" in expected and any(t.type == "COLON" for t in tokens[len(behind) + 1 :][:1]):
        return f"a label begins a line: put `{token.value}:` on the next one"
    return None
