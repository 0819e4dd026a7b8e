"""The names of a text: what declares them, and what refers to them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from archspec.editor.open_text import Document
from archspec.ops import STEPS, op_class
from archspec.source import Span
from archspec.syntax import ast


class Symbol(NamedTuple):
    """A name that a text declares.

    `kind` is param, block, parameter, counter, label, input or output; `place` is the name, `whole` the lines that it means, and `scope`
    the lines that see it.
    """

    name: str
    kind: str
    place: Span
    whole: Span
    scope: Span

    @property
    def plain(self) -> bool:
        """Whether the name is one word, as written: neither in quotes nor with expressions in it."""
        return self.place.text == self.name and self.name.isidentifier()


class Use(NamedTuple):
    """A place that refers to a symbol."""

    place: Span
    symbol: Symbol


class Symbols:
    """The symbols of a document, in the order of the text, and their uses."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.declared: list[Symbol] = []
        self.uses: list[Use] = []
        self._pending: list[tuple[ast.Expr | ast.Name, bool, Span]] = []
        self._keys: list[tuple[Span, Span]] = []
        """The keys of calls, with the parameters that they name, whose blocks may stand below or in other files."""
        whole = Span(document.source, 0, len(document.text))
        self._outside = self._of_other_files(whole)
        self._body(document.tree.body, whole, whole)
        self._by_name: dict[str, list[Symbol]] = {}
        for symbol in self.declared:
            self._by_name.setdefault(symbol.name, []).append(symbol)
        self._patterns = [(symbol, _pattern(symbol.name)) for symbol in self.declared if "{" in symbol.name]
        for expr, value, function in self._pending:
            self._resolve(expr, value, function)
        places = {symbol.place: symbol for symbol in self.declared}
        for key, place in self._keys:
            self.uses.append(Use(key, places.get(place) or Symbol(key.text, "parameter", place, place, place)))

    def at(self, offset: int) -> tuple[Symbol, Span] | None:
        """The symbol whose name or use is at an offset, and where; None where there is none."""
        places = [*((symbol.place, symbol) for symbol in self.declared), *((use.place, use.symbol) for use in self.uses)]
        found = [(place, symbol) for place, symbol in places if place.start <= offset <= place.end]
        return next(((symbol, place) for place, symbol in sorted(found, key=lambda pair: pair[0].end - pair[0].start)), None)

    def of(self, symbol: Symbol) -> list[Span]:
        """The places that refer to a symbol, its own not among them."""
        return sorted({use.place for use in self.uses if use.symbol == symbol}, key=lambda place: place.start)

    def seen(self, offset: int, kinds: Sequence[str]) -> list[Symbol]:
        """The symbols of some kinds that are seen from an offset; labels only once they are declared."""
        return [
            symbol
            for symbol in self.declared
            if symbol.kind in kinds
            and symbol.scope.start <= offset <= symbol.scope.end
            and (symbol.kind not in ("label", "input") or symbol.whole.end <= offset or symbol.place.end < offset)
        ]

    # what declares

    def _of_other_files(self, whole: Span) -> list[Symbol]:
        """The blocks and params of used files."""
        unit, own = self.document.unit, self.document.source
        blocks = [("block", name, block.head.name.span) for name, block in unit.blocks.items()]
        params = [("param", name, place) for name, place in unit.places.items()]
        return [Symbol(name, kind, place, place, whole) for kind, name, place in (*blocks, *params) if place.source is not own]

    def _declare(self, name: ast.Expr, kind: str, whole: Span, scope: Span) -> None:
        text = name.id if isinstance(name, ast.Name) else name.span.text.strip('"')
        self.declared.append(Symbol(text, kind, name.span, whole, scope))

    def _body(self, body: Sequence[ast.Statement], scope: Span, function: Span) -> None:
        for statement in body:
            self._statement(statement, scope, function)

    def _statement(self, statement: ast.Statement, scope: Span, function: Span) -> None:
        match statement:
            case ast.Chain(steps, guard, source):
                self._refer(source, function, value=True)
                for step in steps:
                    self._step(step, function)
                self._refer(guard, function)
            case ast.Param(name, value):
                self._declare(name, "param", statement.span, Span(function.source, 0, len(function.source.text)))
                self._refer(value, function)
            case ast.Default(_, keywords) | ast.Pattern(_, keywords):
                for keyword in keywords:
                    self._refer(keyword.value, function)
                if isinstance(statement, ast.Pattern):
                    self._formula(statement.formula, function)
            case ast.Input(_, _, params):
                for expr in params:
                    self._refer(expr, function)
            case ast.Expect(condition):
                self._refer(condition, function)
            case ast.Output(name):
                self._declare(name, "output", statement.span, scope)
            case ast.Suite():
                self._suite(statement, scope, function)
            case ast.Broken(below):
                self._body(below, scope, function)

    def _suite(self, suite: ast.Suite, scope: Span, function: Span) -> None:
        head, whole = suite.head, extent(suite)
        match head:
            case ast.Block(name, parameters):
                self._declare(name, "block", whole, function)
                for parameter in parameters:
                    self._declare(parameter.name, "label" if parameter.is_value else "parameter", parameter.name.span, whole)
                    self._refer(parameter.default, function)
                return self._body(suite.body, whole, whole)
            case ast.Label(name):
                only = suite.body[0] if len(suite.body) == 1 else None
                self._declare(name, "input" if isinstance(only, ast.Input) else "label", whole, function)
                if isinstance(name, ast.Interpolated):
                    self._parts(name, function)
            case ast.Output(name):
                self._declare(name, "output", whole, function)
            case ast.Repeat(rounds, counter):
                self._refer(rounds, function)
                if counter is not None:
                    self._declare(counter, "counter", whole, whole)
            case ast.Residual(condition):
                self._refer(condition, function)
            case ast.Merge(_, keywords):
                for keyword in keywords:
                    self._refer(keyword.value, function)
        self._refer(suite.guard, function)
        return self._body(suite.body, whole if isinstance(head, ast.Repeat) else scope, function)

    # what refers

    def _step(self, step: ast.Step, function: Span) -> None:
        name = step.name.id
        if name not in STEPS:
            self._pending.append((step.name, False, function))
        block = self.document.blocks.get(name)
        variadic = name == "again" or (name in STEPS and op_class(name).variadic) or block is not None
        for expr in step.bare:
            self._refer(expr, function, value=variadic)
        for keyword in step.keywords:
            if block is not None:
                source, start, _ = keyword.span
                place = Span(source, start, start + len(keyword.name))
                parameter = next((p.name.span for p in block.head.parameters if p.name.id == keyword.name), None)
                if parameter is not None:
                    self._keys.append((place, parameter))
            field = op_class(name).fields.get(keyword.name) if name in STEPS else None
            if not (field is not None and isinstance(keyword.value, ast.Name) and keyword.value.id in field.words):
                self._refer(keyword.value, function, value=field is not None and field.rule.names == "value")

    def _formula(self, formula: ast.Formula, function: Span) -> None:
        pending = [formula]
        while pending:
            part = pending.pop()
            self._refer(part.repeats, function)
            pending += part.parts

    def _refer(self, expr: ast.Expr | None, function: Span, *, value: bool = False) -> None:
        """Note the names in an expression; `value` says that one which stands alone is first looked for among the labels."""
        pending: list[object] = [expr]
        while pending:
            node = pending.pop()
            if isinstance(node, (ast.Name, ast.Interpolated, ast.Text)):
                self._pending.append((node, value, function))
                if isinstance(node, ast.Interpolated):
                    self._parts(node, function)
            elif isinstance(node, tuple) and not isinstance(node, Span):
                pending += node

    def _parts(self, name: ast.Interpolated, function: Span) -> None:
        for part in name.parts:
            if not isinstance(part, str):
                self._refer(part, function)

    def _resolve(self, expr: ast.Expr, value: bool, function: Span) -> None:
        """Find what a name or a path refers to: each of its words, from the left."""
        text = expr.id if isinstance(expr, ast.Name) else expr.span.text.strip('"')
        words = text.split(".") if isinstance(expr, ast.Name) else [text]
        start = expr.span.start + (1 if expr.span.text.startswith('"') else 0)
        inside: Symbol | None = None
        for at, word in enumerate(words):
            place = Span(expr.span.source, start, start + len(word))
            known = self._labelled(word, inside) if inside is not None else self._nearest(word, place, value)
            if known is None and at == 0 and len(words) > 1:
                known = self._nearest(text, expr.span, value)
            if known is None:
                return
            self.uses.append(Use(place, known))
            inside, start = known, start + len(word) + 1

    def _nearest(self, word: str, place: Span, value: bool) -> Symbol | None:
        """The symbol of a name that is seen from a place: the innermost, and of labels the last before it."""
        named = self._by_name.get(word) or [symbol for symbol, pattern in self._patterns if pattern.fullmatch(word)]
        seen = [symbol for symbol in named if symbol.scope.start <= place.start <= symbol.scope.end and symbol.kind != "output"]
        labels = [symbol for symbol in seen if symbol.kind in ("label", "input")]
        numbers = [symbol for symbol in seen if symbol.kind not in ("label", "input")]
        before = [symbol for symbol in labels if symbol.place.start < place.start]
        label = before[-1] if before else labels[0] if labels else None
        number = min(numbers, key=lambda symbol: symbol.scope.end - symbol.scope.start, default=None)
        outside = next((symbol for symbol in self._outside if symbol.name == word), None)
        return (label or number or outside) if value else (number or label or outside)

    def _labelled(self, word: str, around: Symbol) -> Symbol | None:
        """The label or output of a name within the lines of another."""
        return next(
            (
                symbol
                for symbol in self._by_name.get(word, ())
                if symbol.kind in ("label", "output") and around.whole.start < symbol.place.start < around.whole.end
            ),
            None,
        )


def _pattern(name: str) -> re.Pattern[str]:
    """What the text of a label with expressions in it may be."""
    return re.compile(r"\w+".join(map(re.escape, re.split(r"\{[^{}]*\}", name))) + "|" + re.escape(name))


def extent(statement: ast.Statement) -> Span:
    """The text of a statement with the lines below it."""
    last = statement
    while isinstance(last, (ast.Suite, ast.Broken)) and last.body:
        last = last.body[-1]
    return statement.span.to(last.span)


def suites(body: Sequence[ast.Statement]) -> Iterator[ast.Suite]:
    """Every head with its body, at any depth."""
    for statement in body:
        if isinstance(statement, ast.Suite):
            yield statement
        if isinstance(statement, (ast.Suite, ast.Broken)):
            yield from suites(statement.body)
