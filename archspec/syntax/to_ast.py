"""Turns the parse tree of a line into the syntax tree: the method of a rule has its name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from archspec.diagnostics import Diagnostic, Diagnostics
from archspec.diagnostics.fix import Fix
from archspec.source import Source, Span
from archspec.syntax import ast
from archspec.syntax.lalr import Token, Tree, Unexpected, automaton
from archspec.syntax.lines import roles

MAX_DIGITS = 19
Node = Any  # Tree | Token: what the automaton's rules hold is untyped


def is_digits(text: str) -> bool:
    """Whether a text is digits as the language has them: not those of other scripts, nor superscripts."""
    return text.isascii() and text.isdecimal()


class Lowering:
    """Lowers the lines of one source."""

    def __init__(self, source: Source, sink: Diagnostics) -> None:
        self.source = source
        self.sink = sink

    def span(self, token: Token) -> Span:
        """The place of a token."""
        return Span(self.source, token.start, token.end)

    def report(self, code: str, message: str, span: Span, help_: str | None = None, fixes: Sequence[Fix] = ()) -> None:
        """Report a mistake at a place."""
        self.sink.add(Diagnostic(code, message, span, help=help_, fixes=tuple(fixes)))

    def across(self, nodes: list[Node]) -> Span:
        """The place from the first to the last of some nodes."""
        return Span(self.source, _token(nodes[0], 0).start, _token(nodes[-1], -1).end)

    # statements

    def statement(self, tree: Node, below: tuple[ast.Statement, ...], span: Span) -> ast.Statement:
        """Lower a statement with those below it; the methods that do have the names of the grammar's rules."""
        if tree.data == "headed":
            return self.headed(tree, below, span)
        lowered: ast.Statement = getattr(self, tree.data)(tree.children, span)  # the methods below have the names of the rules
        return lowered

    def arch(self, children: list[Node], span: Span) -> ast.Arch:
        return ast.Arch(self.digits(children[1].value, span) or 1, span)

    def headed(self, tree: Node, below: tuple[ast.Statement, ...], span: Span) -> ast.Statement:
        """Lower `repeat 3:`, `residual:` or a label with what follows the colon, on its line or below."""
        head, guard = self.head(tree.children[0])
        if isinstance(head, ast.Seq) and len(below) < (1 if guard is not None else 2):
            help_ = "a branch of one line needs no head, and a label another name: `seq` is a word of the language"
            self.report("A010", "`seq:` makes one branch of several lines, which are indented below it", head.span, help_)
        if len(tree.children) == 2:  # head and colon: the suite is below
            return ast.Suite(head, below, guard, span)
        inner_tree = tree.children[2]
        inner = self.statement(inner_tree, below, self.across([inner_tree]) if below == () else span)
        if isinstance(inner, (ast.Chain, ast.Suite)) and inner.guard is not None:
            # A guard drops its whole line, so it belongs to the outermost head of that line.
            guard = inner.guard if guard is None else ast.Chained("and", (guard, inner.guard), ("and",), inner.guard.span)
            inner = inner._replace(guard=None)
        return ast.Suite(head, (inner,), guard, span)

    def head(self, tree: Node) -> tuple[ast.Head, ast.Expr | None]:
        """Lower what is in front of a colon, and its guard."""
        children, span = tree.children, self.across(tree.children)
        guard = self.guard(children)
        match tree.data:
            case "repeat":
                index = next((self.name(children[i + 1]) for i, c in enumerate(children) if _is(c, "AS")), None)
                return ast.Repeat(self.expr(children[1]), index, span), guard
            case "residual":
                return ast.Residual(guard, span), None
            case "shortcut":
                return ast.Shortcut(span), guard
            case "seq":
                return ast.Seq(span), guard
            case "merge":
                return ast.Merge(
                    children[0].value, self.pairs(children), self.across(children[: len(children) - (guard is not None)])
                ), guard
            case "output":
                return self.output_head(children, span), guard
            case "block":
                return self.block(children, span), None
            case _:
                parts = [child for child in children if not _is_rule(child, "guard") and not _is(child, "FROZEN")]
                name = self.quoted(parts[0]) if _is(parts[0], "STRING") else self.reference(parts)
                return ast.Label(name, self.across(parts), _is(children[0], "FROZEN")), guard

    def block(self, children: list[Node], span: Span) -> ast.Block:
        parameters = []
        for child in children:
            if _is_rule(child, "parameter"):
                name, *default = child.children
                if _is(name, "FROM"):
                    parameters.append(ast.Parameter(self.name(default[0]), None, is_value=True))
                else:
                    parameters.append(ast.Parameter(self.key(name), self.expr(default[0]) if default else None))
        return ast.Block(self.name(children[1]), tuple(parameters), span)

    def output_head(self, children: list[Node], span: Span) -> ast.Output:
        """Lower `output NAME`, `train` included."""
        mode = self.name(children[2]) if len(children) > 2 and _is(children[2], "NAME") else None
        return ast.Output(self.name(children[1]), mode, span)

    def output(self, children: list[Node], span: Span) -> ast.Suite:
        return ast.Suite(self.output_head(children, span), (), self.guard(children), span)

    def guard(self, children: list[Node]) -> ast.Expr | None:
        """Lower the `if ...` at the end of a line; None where there is none."""
        last = children[-1]
        return self.expr(last.children[1]) if _is_rule(last, "guard") else None

    def chain(self, children: list[Node], span: Span) -> ast.Chain:
        steps = tuple(self.step(child) for child in children if _is_rule(child, "step"))
        source = None
        if _is(children[0], "FROM"):
            source = self.quoted(children[1]) if _is(children[1], "STRING") else self.expr(children[1])
        return ast.Chain(steps, self.guard(children), source, span)

    from_ = chain

    def step(self, tree: Node) -> ast.Step:
        children = tree.children
        bare = [self.expr(child.children[1]) for child in children if _is_rule(child, "bare")]
        return ast.Step(self.name(children[0]), tuple(bare), self.pairs(children), self.across(children))

    def keyword(self, pair: list[Node]) -> ast.Keyword:
        """Lower `key=value`."""
        key, value = pair
        return ast.Keyword(key.value.rstrip(" ="), self.expr(value), self.across(pair))

    def pairs(self, children: list[Node]) -> tuple[ast.Keyword, ...]:
        """Lower all `key=value` among some nodes."""
        return tuple([self.keyword(child.children) for child in children if _is_rule(child, "keyword")])

    def meta(self, children: list[Node], span: Span) -> ast.Meta:
        return ast.Meta(tuple(self.keyword(children[at : at + 2]) for at in range(1, len(children), 2)), span)

    def model(self, children: list[Node], span: Span) -> ast.Model:
        value = self.expr(children[1])
        return ast.Model(value.value if isinstance(value, ast.Text) else children[1].value, span)

    def input(self, children: list[Node], span: Span) -> ast.Input:
        written = [child for child in children[1:3] if _is(child, "DIMS", "INT", "NAME") or _is_rule(child, "crossed")]
        sizes = tuple([self.size(child.children) for child in children if _is_rule(child, "size")])
        first = {size.letter: size.first for size in sizes}
        shape: list[int] = []
        letters: list[str | None] = []
        params: list[ast.Expr | None] = []
        known = True
        place = self.across(written)
        for part in self.axes(written, place):
            letter = part.id if isinstance(part, ast.Name) and part.id in first else None
            number = part.value if isinstance(part, ast.Number) and type(part.value) is int else None
            known &= not isinstance(part, ast.Unreadable)
            shape.append(number or first.get(letter or "", 0))
            letters.append(letter)
            params.append(part if letter is None and number is None else None)
        for at, size in enumerate(sizes):
            if any(size.letter == other.letter for other in sizes[:at]):
                self.report("A001", f"the sizes of `{size.letter}` are given twice", size.span, "give each letter its sizes once")
            if size.letter not in letters:
                self.report(
                    "A001", f"`{size.letter}` is not in the shape {place.text}", size.span, "remove its sizes, or put it into the shape"
                )
        return ast.Input(ast.Dims(tuple(shape) if known else (), place), tuple(letters), tuple(params), sizes, span)

    def axes(self, written: list[Node], place: Span) -> Iterator[ast.Expr]:
        """The sizes of an input's axes, as written: `32xHx3`, or with expressions in parentheses."""
        if _is_rule(written[0], "crossed"):
            yield from self.sizes(written[0].children)
            return
        for part in "".join([_token(token, 0).value for token in written]).split("x"):
            number = self.digits(part, place) if is_digits(part) else None
            if not is_digits(part):
                yield ast.Name(part, place)
            else:
                yield ast.Unreadable(place) if number is None else ast.Number(number, place)

    def size(self, children: list[Node]) -> ast.Sizes:
        """The sizes of a letter; those that are none are reported."""
        span = self.across(children)
        ends = [self.digits(part, span) or 0 for part in children[2].value.split("..")]
        step = (self.digits(children[4].value, span) or 0) if len(children) > 3 else 1
        if not 1 <= ends[0] <= ends[1] or step < 1:
            help_ = "sizes begin with 1 or more, and the smaller end comes first: `H in 32..512 step 32`"
            self.report("A105", f"`{span.text}` has no sizes", span, help_)
        return ast.Sizes(children[0].value, max(1, ends[0]), max(ends), max(1, step), span)

    def expect(self, children: list[Node], span: Span) -> ast.Expect:
        return ast.Expect(self.expr(children[1]), span)

    def param(self, children: list[Node], span: Span) -> ast.Param:
        return ast.Param(self.key(children[1]), self.expr(children[2]), span)

    def default(self, children: list[Node], span: Span) -> ast.Default:
        step = self.name(children[1]) if _is(children[1], "NAME") else None
        return ast.Default(step, self.pairs(children), span)

    def use(self, children: list[Node], span: Span) -> ast.Use:
        path = self.expr(children[1])
        assert isinstance(path, ast.Text)
        return ast.Use(path, span)

    def pattern(self, children: list[Node], span: Span) -> ast.Pattern:
        return ast.Pattern(self.formula(children[1]), self.pairs(children), span)

    def formula(self, tree: Node) -> ast.Formula:
        parts = tuple(self.item(child.children) for child in tree.children if _is_rule(child, "item"))
        return ast.Formula(None, parts, None, False, self.across(tree.children))

    def item(self, children: list[Node]) -> ast.Formula:
        optional = _is(children[-1], "QUESTION")
        count = self.expr(children[-1]) if len(children) > 1 and _is(children[-2], "STAR") else None
        inner = next((self.formula(child).parts for child in children if _is_rule(child, "formula")), None)
        word = self.name(children[0]) if inner is None else None
        return ast.Formula(word, inner or (), count, optional, self.across(children))

    # expressions

    def key(self, token: Token) -> ast.Name:
        """Find the name in `name=`, or of a plain parameter."""
        name = token.value.rstrip(" =")
        return ast.Name(name, Span(self.source, token.start, token.start + len(name)))

    def name(self, token: Token) -> ast.Name:
        """Lower a name."""
        return ast.Name(token.value, self.span(token))

    def expr(self, node: Node) -> ast.Expr:
        """Lower an expression."""
        if isinstance(node, Token):
            return self.leaf(node)
        children = node.children
        span = self.across(children)
        match node.data:
            case "negative" | "negated":
                operator = "-" if node.data == "negative" else "not"
                return ast.Prefixed(operator, len(children) - 1, self.expr(children[-1]), span)
            case "call":
                return ast.Call(self.name(children[0]), self.listed(children[1:]), span)
            case "group":
                return self.expr(children[1]) if len(children) == 3 else ast.Items(self.listed(children), span)
            case "items":
                return ast.Items(self.listed(children), span)
            case "slice":
                return ast.Slice(self.expr(children[0]), self.expr(children[2]), span)
            case "interpolated":
                return self.reference(children)
            case "crossed":
                return ast.Crossed(self.sizes(children), span)
            case "choice":
                return ast.Choice(self.expr(children[0]), self.expr(children[2]), self.expr(children[4]), span)
            case kind:
                operands = tuple([self.expr(child) for child in children[::2]])
                return ast.Chained(_CHAINS[kind], operands, tuple([token.value for token in children[1::2]]), span)

    def listed(self, children: list[Node]) -> tuple[ast.Expr, ...]:
        """Lower what is between brackets and commas."""
        return tuple([self.expr(child) for child in children if not _is(child, "LPAR", "RPAR", "COMMA")])

    def leaf(self, token: Token) -> ast.Expr:
        """Lower an expression of one token: a name, a number, a text or a size."""
        span, kind = self.span(token), token.type
        if kind == "NAME":
            return ast.Name(token.value, span)
        if kind == "INT":
            whole = self.digits(token.value, span)
            return ast.Unreadable(span) if whole is None else ast.Number(whole, span)
        if kind == "FLOAT":
            if (number := float(token.value)) == float("inf"):
                self.too_large("is larger than a float can be", span)
                return ast.Unreadable(span)
            return ast.Number(number, span)
        if kind == "DIMS":
            sizes = [self.digits(part, span) for part in token.value.split("x")]
            read = tuple(size for size in sizes if size is not None)
            return ast.Dims(read, span) if len(read) == len(sizes) else ast.Unreadable(span)
        if kind in ("YES", "NO"):
            return ast.Number(kind == "YES", span)
        return ast.Text(_unquoted(token.value), span)

    def sizes(self, parts: list[Node]) -> tuple[ast.Expr, ...]:
        """The sizes of `1x(k)x3`; what does not join two of them is reported."""
        found: list[ast.Expr] = []
        joined, end = True, _token(parts[0], 0).start
        for part in parts:
            if not _is(part, "BY"):
                if not joined or _token(part, 0).start != end:
                    self.report("A001", "a size cannot contain spaces", self.across([part]), "write it as `1x(k)x3`")
                found.append(self.expr(part))
                joined = False
            else:
                numbers = part.value.split("x")[1:]
                joined = not numbers[-1]
                found += [ast.Number(self.digits(number, self.span(part)) or 0, self.span(part)) for number in numbers if number]
            end = _token(part, -1).end
        if joined:
            self.report(
                "A001", "expected a size behind `x`", self.span(parts[-1]), "write a number, or an expression in parentheses: `1x(k)`"
            )
        return tuple(found)

    def quoted(self, token: Token) -> ast.Expr:
        """A label as a text, which may hold expressions in braces."""
        pieces: list[str | ast.Expr] = []
        text, at = token.value[1:-1], token.start + 1
        if "\\" in text:
            self.report("A109", "a label cannot contain `\\`", self.span(token))
            return ast.Unreadable(self.span(token))
        for piece in re.split(r"(\{[^{}]*\})", text):
            if piece[:1] == "{" and piece[-1:] == "}":
                pieces.append(self.inner(piece[1:-1], at + 1))
            elif piece:
                pieces.append(piece)
            at += len(piece)
        return ast.Interpolated(tuple(pieces), self.span(token), quoted=True)

    def inner(self, text: str, start: int) -> ast.Expr:
        """An expression within a text, which begins at an offset of the source."""
        span = Span(self.source, start, start + len(text))
        tokens = [token._replace(start=token.start + start, end=token.end + start) for token in automaton().lex(text)]
        try:
            tree = automaton().parse(roles([Token("NAME", "expect", start, start), *tokens]))
        except Unexpected:
            self.report("A001", f"`{text}` is not an expression", span, "write braces around an expression only, as in `block{i+1}`")
            return ast.Unreadable(span)
        assert isinstance(tree, Tree)
        return self.expr(tree.children[1])

    def digits(self, text: str, span: Span) -> int | None:
        """Convert digits to a number; None, with a report, if it is too large."""
        value = int(text) if len(text) <= MAX_DIGITS else 2**63
        if value < 2**63:
            return value
        self.too_large("is larger than 2^63 - 1", span)
        return None

    def too_large(self, how: str, span: Span) -> None:
        """Report a number that nothing can have."""
        self.report("A012", f"this number {how}", span, "no size or count can be that large")

    def reference(self, parts: list[Node]) -> ast.Expr:
        """A name, or an interpolated one whose parts must touch."""
        if len(parts) == 1:
            return self.name(parts[0])
        pieces: list[str | ast.Expr] = [parts[0].value]
        for before, part in pairwise(parts):
            if _is(before, "LBRACE"):
                pieces.append(self.expr(part))
            elif not _is(part, "RBRACE"):
                if part.start != before.end:
                    self.report("A001", "a label cannot contain spaces", self.span(part))
                if not _is(part, "LBRACE"):
                    pieces.append(part.value)
        return ast.Interpolated(tuple(pieces), self.across(parts))


_CHAINS = {"disjunction": "or", "conjoined": "and", "compared": "compare", "summed": "arithmetic", "multiplied": "arithmetic"}


def _is(node: Node, *kinds: str) -> bool:
    return isinstance(node, Token) and node.type in kinds


def _is_rule(node: Node, rule: str) -> bool:
    return isinstance(node, Tree) and node.data == rule


def _token(node: Node, at: int) -> Token:
    """Find the first token of a node, or with -1 the last."""
    while isinstance(node, Tree):
        node = node.children[at]
    token: Token = node
    return token


_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


def _unquoted(text: str) -> str:
    """Read a string literal. A backslash escapes n, t, a quote and itself; before anything else it is a plain backslash."""
    if "\\" not in text:
        return text[1:-1]
    return re.sub(r'\\([nt"\\])', lambda escape: _ESCAPES[escape[1]], text[1:-1])
