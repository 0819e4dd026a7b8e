"""Turns the parse trees of expressions, labels and sizes into the syntax tree, and reports what no number or label can be."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
_CHAINS = {"disjunction": "or", "conjoined": "and", "compared": "compare", "summed": "arithmetic", "multiplied": "arithmetic"}


def is_digits(text: str) -> bool:
    """Whether a text is digits as the language has them: not those of other scripts, nor superscripts."""
    return text.isascii() and text.isdecimal()


class Expressions:
    """Lowers the expressions of one source."""

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
        return Span(self.source, end_token(nodes[0], 0).start, end_token(nodes[-1], -1).end)

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
        return tuple([self.expr(child) for child in children if not is_token(child, "LPAR", "RPAR", "COMMA")])

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
        joined, end = True, end_token(parts[0], 0).start
        for part in parts:
            if not is_token(part, "BY"):
                if not joined or end_token(part, 0).start != end:
                    self.report("A001", "a size cannot contain spaces", self.across([part]), "write it as `1x(k)x3`")
                found.append(self.expr(part))
                joined = False
            else:
                numbers = part.value.split("x")[1:]
                joined = not numbers[-1]
                found += [ast.Number(self.digits(number, self.span(part)) or 0, self.span(part)) for number in numbers if number]
            end = end_token(part, -1).end
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
            if is_token(before, "LBRACE"):
                pieces.append(self.expr(part))
            elif not is_token(part, "RBRACE"):
                if part.start != before.end:
                    self.report("A001", "a label cannot contain spaces", self.span(part))
                if not is_token(part, "LBRACE"):
                    pieces.append(part.value)
        return ast.Interpolated(tuple(pieces), self.across(parts))


def is_token(node: Node, *kinds: str) -> bool:
    """Whether a node is a token of one of these types, named as in the grammar: `NAME`, `COMMA`."""
    return isinstance(node, Token) and node.type in kinds


def is_rule(node: Node, rule: str) -> bool:
    """Whether a node is the tree of a rule of the grammar, such as `guard`."""
    return isinstance(node, Tree) and node.data == rule


def end_token(node: Node, at: int) -> Token:
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
