"""The parse tree of one line to the syntax tree, rule name to function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archspec.diagnostics import Diagnostic, Diagnostics
from archspec.source import Source, Span
from archspec.syntax import ast
from archspec.syntax.lalr import Token, Tree

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
        return Span(self.source, token.start, token.end)

    def across(self, nodes: list[Node]) -> Span:
        return Span(self.source, _first(nodes[0]).start, _last(nodes[-1]).end)

    # statements

    def statement(self, tree: Node, below: tuple[ast.Statement, ...], span: Span) -> ast.Statement:
        if tree.data == "headed":
            return self.headed(tree, below, span)
        lowered: ast.Statement = _STATEMENTS[tree.data](self, tree.children, span)
        return lowered

    def headed(self, tree: Node, below: tuple[ast.Statement, ...], span: Span) -> ast.Statement:
        head, guard = self.head(tree.children[0])
        if len(tree.children) == 2:  # head and colon: the suite stands below
            return ast.Suite(head, below, guard, span)
        inner_tree = tree.children[2]
        inner = self.statement(inner_tree, below, self.across([inner_tree]) if below == () else span)
        if isinstance(inner, (ast.Chain, ast.Suite)) and inner.guard is not None:
            # A guard drops the line it ends, so it belongs to the outermost head of that line.
            guard = inner.guard if guard is None else ast.Chained("and", (guard, inner.guard), ("and",), inner.guard.span)
            inner = inner._replace(guard=None)
        return ast.Suite(head, (inner,), guard, span)

    def head(self, tree: Node) -> tuple[ast.Head, ast.Expr | None]:
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
            case "merge":
                return ast.Merge(children[0].value, self.span(children[0])), guard
            case "output":
                return self.output(children, span), guard
            case "block":
                return self.block(children, span), None
            case _:
                parts = [child for child in children if not _is_rule(child, "guard")]
                return ast.Label(self.reference(parts), self.across(parts)), guard

    def block(self, children: list[Node], span: Span) -> ast.Block:
        parameters = []
        for child in children:
            if _is_rule(child, "parameter"):
                first = child.children[0]
                name = self.key(first)
                default = self.expr(child.children[1]) if len(child.children) > 1 else None
                parameters.append(ast.Parameter(name, default))
        return ast.Block(self.name(children[1]), tuple(parameters), span)

    def output(self, children: list[Node], span: Span) -> ast.Output:
        mode = self.name(children[2]) if len(children) > 2 and _is(children[2], "NAME") else None
        return ast.Output(self.name(children[1]), mode, span)

    def output_line(self, children: list[Node], span: Span) -> ast.Statement:
        return ast.Suite(self.output(children, span), (), self.guard(children), span)

    def guard(self, children: list[Node]) -> ast.Expr | None:
        last = children[-1]
        return self.expr(last.children[1]) if _is_rule(last, "guard") else None

    def chain(self, children: list[Node], span: Span) -> ast.Chain:
        steps = tuple(self.step(child) for child in children if _is_rule(child, "step"))
        return ast.Chain(steps, self.guard(children), None, span)

    def from_(self, children: list[Node], span: Span) -> ast.Chain:
        steps = tuple(self.step(child) for child in children if _is_rule(child, "step"))
        return ast.Chain(steps, self.guard(children), self.expr(children[1]), span)

    def step(self, tree: Node) -> ast.Step:
        children = tree.children
        bare, keywords = [], []
        for child in children[1:]:
            if child.data == "bare":
                bare.append(self.expr(child.children[1]))
            else:
                keywords.append(self.keyword(child))
        return ast.Step(self.name(children[0]), tuple(bare), tuple(keywords), self.across(children))

    def keyword(self, tree: Node) -> ast.Keyword:
        key, value = tree.children
        return ast.Keyword(key.value.rstrip(" ="), self.expr(value), self.across([key, value]))

    def pairs(self, children: list[Node]) -> tuple[ast.Keyword, ...]:
        return tuple(self.keyword(child) for child in children if _is_rule(child, "keyword"))

    def meta(self, children: list[Node], span: Span) -> ast.Meta:
        pairs = zip(children[1::2], children[2::2], strict=True)
        return ast.Meta(tuple(ast.Keyword(k.value.rstrip(" ="), self.expr(v), self.across([k, v])) for k, v in pairs), span)

    def model(self, children: list[Node], span: Span) -> ast.Model:
        value = self.expr(children[1])
        return ast.Model(value.value if isinstance(value, ast.Text) else children[1].value, span)

    def input(self, children: list[Node], span: Span) -> ast.Input:
        value = self.expr(children[1])
        if isinstance(value, ast.Number):
            value = ast.Dims((int(value.value),), value.span)
        if isinstance(value, ast.Unreadable):
            value = ast.Dims((), value.span)
        assert isinstance(value, ast.Dims)
        return ast.Input(value, span)

    def param(self, children: list[Node], span: Span) -> ast.Param:
        key = children[1]
        return ast.Param(self.key(key), self.expr(children[2]), span)

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
        parts = tuple(self.item(child) for child in tree.children if _is_rule(child, "item"))
        return ast.Formula(None, parts, None, False, self.across(tree.children))

    def item(self, tree: Node) -> ast.Formula:
        children = tree.children
        span = self.across(children)
        optional = _is(children[-1], "QUESTION")
        count = self.expr(children[-1]) if len(children) > 1 and _is(children[-2], "STAR") else None
        inner = next((child for child in children if _is_rule(child, "formula")), None)
        if inner is None:
            return ast.Formula(self.name(children[0]), (), count, optional, span)
        return ast.Formula(None, self.formula(inner).parts, count, optional, span)

    # expressions

    def key(self, token: Token) -> ast.Name:
        """The name of `name=` or of a plain parameter."""
        name = token.value.rstrip(" =")
        return ast.Name(name, Span(self.source, token.start, token.start + len(name)))

    def name(self, token: Token) -> ast.Name:
        return ast.Name(token.value, self.span(token))

    def expr(self, node: Node) -> ast.Expr:
        if isinstance(node, Token):
            return self.leaf(node)
        children = node.children
        span = self.across(children)
        match node.data:
            case "negative" | "negated":
                operator = "-" if node.data == "negative" else "not"
                return ast.Prefixed(operator, len(children) - 1, self.expr(children[-1]), span)
            case "call":
                arguments = tuple(self.expr(child) for child in children[1:] if not _is(child, "LPAR", "RPAR", "COMMA"))
                return ast.Call(self.name(children[0]), arguments, span)
            case "group":
                items = [self.expr(child) for child in children if not _is(child, "LPAR", "RPAR", "COMMA")]
                alone = len(items) == 1 and not any(_is(child, "COMMA") for child in children)
                return items[0] if alone else ast.Items(tuple(items), span)
            case "items":
                return ast.Items(tuple(self.expr(child) for child in children if not _is(child, "COMMA")), span)
            case "slice":
                return ast.Slice(self.expr(children[0]), self.expr(children[2]), span)
            case "interpolated":
                return self.reference(children)
            case kind:
                return ast.Chained(
                    _CHAINS[kind],
                    tuple(self.expr(child) for child in children[::2]),
                    tuple([token.value for token in children[1::2]]),
                    span,
                )

    def leaf(self, token: Token) -> ast.Expr:
        span, kind = self.span(token), token.type
        if kind == "NAME":
            return ast.Name(token.value, span)
        if kind in ("INT", "FLOAT"):
            number = self.number(token)
            return ast.Unreadable(span) if number is None else ast.Number(number, span)
        if kind == "DIMS":
            sizes = [self.digits(part, span) for part in token.value.split("x")]
            read = tuple(size for size in sizes if size is not None)
            return ast.Dims(read, span) if len(read) == len(sizes) else ast.Unreadable(span)
        if kind in ("YES", "NO"):
            return ast.Number(kind == "YES", span)
        return ast.Text(_unquoted(token.value), span)

    def number(self, token: Token) -> int | float | None:
        """A number's value; None, and a report, where it is too large."""
        if token.type == "INT":
            return self.digits(token.value, self.span(token))
        value = float(token.value)
        if value != float("inf"):
            return value
        self.too_large("is larger than a float can be", self.span(token))
        return None

    def digits(self, text: str, span: Span) -> int | None:
        """The value of digits; None, and a report, where it is too large."""
        value = int(text) if len(text) <= MAX_DIGITS else 2**63
        if value < 2**63:
            return value
        self.too_large("is larger than 2^63 - 1", span)
        return None

    def too_large(self, how: str, span: Span) -> None:
        self.sink.add(Diagnostic("A012", f"this number {how}", span, help="no size or count can be that large"))

    def reference(self, parts: list[Node]) -> ast.Expr:
        """A name, or an interpolated one whose parts must touch."""
        if len(parts) == 1:
            return self.name(parts[0])
        pieces: list[str | ast.Expr] = []
        before = _first(parts[0]).start
        for part in parts:
            if _is(part, "LBRACE", "RBRACE", "LABEL", "NAME") and not (_is(part, "NAME") and pieces and pieces[-1] == "{"):
                if part.start != before and not _is(part, "RBRACE"):
                    self.sink.add(Diagnostic("A001", "a label has no spaces in it", self.span(part)))
                if part.type in ("LABEL", "NAME"):
                    pieces.append(part.value)
                elif part.type == "LBRACE":
                    pieces.append("{")
            else:
                pieces[-1] = self.expr(part)
            before = _last(part).end
        return ast.Interpolated(tuple(pieces), self.across(parts))


_CHAINS = {"disjunction": "or", "conjoined": "and", "compared": "compare", "summed": "arithmetic", "multiplied": "arithmetic"}

_STATEMENTS: dict[str, Callable[[Lowering, list[Node], Span], Any]] = {
    "arch": lambda self, children, span: ast.Arch(self.digits(children[1].value, span) or 1, span),
    "model": Lowering.model,
    "meta": Lowering.meta,
    "input": Lowering.input,
    "param": Lowering.param,
    "default": Lowering.default,
    "use": Lowering.use,
    "pattern": Lowering.pattern,
    "from_": Lowering.from_,
    "chain": Lowering.chain,
    "output": Lowering.output_line,
}


def _is(node: Node, *kinds: str) -> bool:
    return isinstance(node, Token) and node.type in kinds


def _is_rule(node: Node, rule: str) -> bool:
    return isinstance(node, Tree) and node.data == rule


def _first(node: Node) -> Token:
    while isinstance(node, Tree):
        node = node.children[0]
    assert isinstance(node, Token)
    return node


def _last(node: Node) -> Token:
    while isinstance(node, Tree):
        node = node.children[-1]
    assert isinstance(node, Token)
    return node


_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


def _unquoted(text: str) -> str:
    """The value of a string literal; a backslash escapes n, t, a quote and itself, and is itself before anything else."""
    out, at, body = [], 0, text[1:-1]
    while at < len(body):
        char = body[at]
        if char == "\\" and body[at + 1] in _ESCAPES:
            out.append(_ESCAPES[body[at + 1]])
            at += 1
        else:
            out.append(char)
        at += 1
    return "".join(out)
