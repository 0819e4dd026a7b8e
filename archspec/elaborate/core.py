"""Shared parts of the elaboration: findings, limits, and adding nodes to graphs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from archspec.diagnostics import Diagnostics
from archspec.diagnostics.fix import moved_above, written
from archspec.elaborate.assumptions import Options
from archspec.elaborate.declarations import BlockDef, Declarations, Defaults, Unit
from archspec.elaborate.expressions import Refused, Scope, Seen, truth
from archspec.elaborate.labels import Labels, clashes, spelled, unknown_label
from archspec.elaborate.merge_advice import Advice
from archspec.elaborate.paths import Nowhere, Path, crowded
from archspec.elaborate.reports import Reports
from archspec.ir.builder import GraphBuilder
from archspec.ir.expose import Crowded, Exposures
from archspec.ir.graph import Graph, Hole, Input, Output
from archspec.ops import make
from archspec.ops.base import Misfit, Op
from archspec.source import Source, Span
from archspec.syntax import ast
from archspec.types import LIMIT, Type


class Abort(Exception):
    """A limit was reached; earlier findings remain valid."""


class Context(NamedTuple):
    """Where an elaboration is: the builder, the scope, the defaults that hold there."""

    builder: GraphBuilder
    scope: Scope
    defaults: Defaults
    top: bool = False
    results: dict[str, int] | None = None
    """The outputs so far of the block or group; None where none is allowed: at the top level, and in repeats."""

    def inside(self, builder: GraphBuilder | None = None, scope: Scope | None = None) -> Context:
        """Make the context of indented lines, whose labels are not seen outside; with a builder, that of a graph of its own."""
        return Context(
            builder or self.builder, scope or self.scope.inner(), self.defaults, results=self.results if builder is None else None
        )


class Part(NamedTuple):
    """What a label names: the lines, where they stand, what is seen from there, and which elements of the builder they became."""

    name: str
    body: tuple[ast.Statement, ...]
    context: Context
    seen: Seen
    first: int
    stop: int


class Core(Reports, ABC):
    """The state of an elaboration. `statement` is what the parts above have in common."""

    def __init__(self, file: ast.File, name: str, sink: Diagnostics, options: Options) -> None:
        super().__init__(sink)
        self.file = file
        self.name = name
        self.options = options
        self.declarations = Declarations(sink, options)
        self.builder = GraphBuilder()
        self.result: int | None = None
        """The value that the file ends in."""
        self.met: list[tuple[Span, Type]] = []
        """The types of values, at the steps and heads that give them."""
        self.unit = Unit(file)
        self.calls: dict[tuple[object, ...], Graph | None] = {}
        self.active: dict[tuple[object, ...], BlockDef] = {}
        """The calls of blocks that are open, by what makes them equal."""
        self.current: tuple[GraphBuilder, int | None] = self.builder, None
        """The value before the step or line that is read, in its graph."""
        self.depth = 0
        self.steps = 0
        self.path: list[str] = []
        """Names of the groups and rounds that are open, for messages."""
        self.inputs: list[Input] = []
        self.outputs: dict[str, Output] = {}
        self.placed: dict[str, Span] = {}
        """Where the inputs are declared."""
        self.exposures = Exposures()
        self.written: dict[Source, Labels] = {}
        """The labels of each file, where one that is not seen was looked for."""

    @abstractmethod
    def statement(self, statement: ast.Statement, context: Context, value: int | None) -> int | None:
        """Elaborate one statement after a value; returns the value that the next goes on from, None before the first input."""

    @abstractmethod
    def again(self, step: ast.Step, context: Context, value: int, label: str | None) -> int:
        """Build what a label names once more, after a value and with the weights of the first; returns its value. Raises Refused."""

    @abstractmethod
    def tie(self, step: ast.Step, context: Context, value: int, label: str | None) -> int:
        """Put a layer with the table of another after a value; returns its value. Raises Refused."""

    def suite(self, body: Sequence[ast.Statement], context: Context, value: int) -> int:
        """Elaborate a body that begins with a value; returns its result."""
        self.enter(body)
        result: int | None = value
        for statement in body:
            result = self.statement(statement, context, result)
        self.depth -= 1
        assert result is not None
        return result

    def meet(self, span: Span, type_: Type | None) -> None:
        """Note the type of a value at its place; nothing where a mistake left it unknown."""
        if type_ is not None:
            self.met.append((span, type_))

    def settled(self, type_: Type) -> Type:
        """The type of an op's result as it is kept."""
        return type_

    def unknown(self, builder: GraphBuilder, span: Span | None) -> int:
        """A value after a mistake: it has no type, and what reads it stays silent."""
        return builder.add(Hole(None, "unknown", None, span))

    def no_input(self, span: Span, context: Context) -> int:
        """Report a layer that has nothing to read; returns an unknown value."""
        if not self.placed:
            below = next((s for s in self.file.body if isinstance(s, ast.Input) and s.span.start > span.start), None)
            help_ = "begin with `input 32x32x3` (height x width x channels)"
            if below is not None:
                later = f"`{below.span.text}` comes later, at line {below.span.line}"
                help_ = f"{later}: move it up, or indent this line if it belongs to a block"
            start = span.source.starts[span.line - 1]
            top = context.top and span.source is self.file.span.source
            fixes = [written(Span(span.source, start, start), "input 32x32x3\n")] if top and below is None else []
            if top and below is not None:
                blocks = any(
                    isinstance(s, ast.Suite) and isinstance(s.head, ast.Block) for s in self.file.body if s.span.start < span.start
                )
                line = below.span.source.line(below.span.line).strip()
                fixes = [moved_above(below.span, span.line, line)._replace(safe=not blocks)]
            self.reject("A117", "there is nothing yet for this layer to read", span, help_, fixes=fixes)
        return self.unknown(context.builder, span)

    def enter(self, body: Sequence[ast.Statement]) -> None:
        """Go a level deeper. Raises Abort below the deepest level allowed."""
        self.depth += 1
        if self.depth > self.options.max_depth:
            span = body[0].span if body else self.file.span
            deep = f"more than {self.options.max_depth} levels deep"
            blocks = Counter(block.head.name.id for block in self.active.values())
            name, count = blocks.most_common(1)[0] if blocks else ("", 0)
            if count > 1:
                message = f"the block `{name}` calls itself {count - 1} times in a row, and blocks and indented lines are nested {deep}"
                self.reject("A111", message, span, "guard the call by what changes, so that it ends: `... if n > 1`")
            else:
                self.reject("A118", f"blocks and indented lines are nested {deep}", span)
            raise Abort

    def dropped(
        self, guard: ast.Expr | None, node: ast.Chain | ast.Suite | ast.Residual, context: Context, value: int | None
    ) -> bool | None:
        """Whether the guard of a node after a value is false; None where it is not known."""
        self.current = context.builder, value
        if guard is None:
            return False
        try:
            return not truth(guard, context.scope)
        except Refused as refused:
            self.report(refused)
            return None

    def reference(self, expr: ast.Expr, context: Context) -> int:
        """Find the value that a label or an input names; where there is none, report it and return an unknown value."""
        try:
            owner, value = self.found(expr, context.scope)
        except Refused as refused:
            self.report(refused)
            return self.unknown(context.builder, expr.span)
        return self.captured(context.builder, owner, value, expr.span)

    def captured(self, builder: GraphBuilder, owner: GraphBuilder, value: int, span: Span) -> int:
        """The number in a graph of a value of one around it, or of one that a call in these has finished; an unknown one where these are too many."""
        try:
            return builder.capture(*self.exposures.reached(builder, owner, value))
        except Crowded:
            self.report(crowded(span))
            return self.unknown(builder, span)

    def references(self, expr: ast.Expr, context: Context) -> list[int]:
        """Find the values that a label, an input or a path names; where there are none, report it and return an unknown one."""
        try:
            found = self.all_found(expr, context.scope)
        except Refused as refused:
            self.report(refused)
            return [self.unknown(context.builder, expr.span)]
        return [self.captured(context.builder, owner, value, expr.span) for owner, value in found]

    def found(self, expr: ast.Expr, scope: Scope) -> tuple[GraphBuilder, int]:
        """The one value that a label, an input or a path names, in its graph. Raises Refused."""
        values = self.all_found(expr, scope)
        if len(values) > 1:
            message = f"`{expr.span.text}` names {len(values)} values, and one is needed here"
            help_ = f"name one of them, or bring them together: `add:` with `from {expr.span.text}` below it"
            raise Refused("A107", message, expr.span, help_)
        return values[0]

    def all_found(self, expr: ast.Expr, scope: Scope) -> list[tuple[GraphBuilder, int]]:
        """The values that a label, an input or a path names, in their graph. Raises Refused, with the place where a label hides."""
        try:
            path = Path.of(expr, scope)
            if path is None:
                raise unknown_label(expr, scope)
            return [(path.owner, value) for value in path.values(self.exposures)]
        except Refused as refused:
            hidden = self.hidden(expr, scope) if refused.code == "A107" else None
            if hidden is None:
                raise
            place, why, help_ = hidden
            way, fixes = (refused.help, refused.fixes) if isinstance(refused, Nowhere) else (help_, ())
            raise Refused(refused.code, refused.message, refused.span, way, (), ((place, why),), fixes) from None

    def type_at(self, expr: ast.Expr | None, span: Span, scope: Scope) -> Type | None:
        """The type of the value that an expression names, or of the current one: what `Scope.types` asks. Raises Refused."""
        path = Path.of(expr, scope) if expr is not None else None
        if path is not None and (type_ := path.type(self.exposures)) is not None:  # a size is no path for data: nothing is exposed
            return type_
        builder, value = self.found(expr, scope) if expr is not None else self.current
        if value is None:
            raise Refused("A117", f"`{span.text}` is a size of the current value, and there is none yet", span, "put it below the `input`")
        return builder.type_of(value)

    def hidden(self, expr: ast.Expr, scope: Scope) -> tuple[Span, str, str] | None:
        """Where the label that is not seen from here hides, in the file that refers to it."""
        if not isinstance(expr, (ast.Name, ast.Interpolated)):
            return None
        source = expr.span.source
        if source not in self.written:
            files = [self.file, *(unit.file for unit in self.declarations.units.values())]
            self.written[source] = Labels(next((file for file in files if file.span.source is source), self.file))
        return self.written[source].hidden(spelled(expr, scope), expr.span)

    def check_names(self, builder: GraphBuilder, inputs: Sequence[Input] = ()) -> None:
        """Report elements of one name, or of that of an input."""
        for element, other, message in clashes(builder.elements, builder.names.naming, inputs):
            span = element.span or self.file.span
            named = isinstance(other, Input) or other.label is not None
            why = "here" if named else "this has no label, so it is called by its step and its number"
            first = [(other.span, why)] if other.span not in (None, span) else []
            help_ = "give one of them another label"
            if not first and element.label is not None:
                help_ = (
                    f"each round has this line: write `repeat ... as i:` and `{element.label}{{i}}: ...`, or a block with the label in it"
                )
            self.reject("A108", message, span, help_, *first)

    def count_step(self, span: Span, to_come: int = 0) -> None:
        """Count a step; `to_come` are others that are known to follow it. Raises Abort where they are too many."""
        self.steps += 1
        if self.options.watch is not None:
            self.options.watch()
        if self.steps + to_come > self.options.max_steps:
            message = f"more than {self.options.max_steps:,} different layers and rounds"
            self.reject("A118", message, span, "layers that repeat without change are counted once")
            raise Abort

    def limit(self, layers: int, span: Span) -> None:
        """Stop where a network has more layers than is allowed. Raises Abort."""
        if layers > self.options.max_layers:
            known = f"{layers:,} layers, more than {self.options.max_layers:,}"
            message = known if layers <= LIMIT else f"more than {self.options.max_layers:,} layers"
            self.reject("A118", f"this expands to {message}", span, "repeat less, or raise the limit with `--limit layers=N`")
            raise Abort

    def stretched(self, op: Op, values: Sequence[int], types: Sequence[Type], builder: GraphBuilder) -> Op:
        """The op of a merge; one that adds stretches a tensor of another shape."""
        other = "stretch" in op.fields and any(type_ != types[0] for type_ in types)
        if not other or not any(builder.is_tensor(value) for value in values):
            return op
        return make(op.step, {**op.arguments(), "stretch": True})

    def merge(
        self, op: Op, values: tuple[int, ...], context: Context, span: Span, advise: Callable[[], Advice], label: str | None = None
    ) -> int:
        """Bring paths together; what to advise is asked only where they do not fit."""
        builder = context.builder
        types = [builder.type_of(value) for value in values]
        known = [type_ for type_ in types if type_ is not None]
        self.count_step(span)
        if len(known) == len(types):
            try:
                return builder.apply(self.stretched(op, values, known, builder), values, label, span, self.settled)
            except Misfit as misfit:
                self.unmerged(op, misfit, known, span, advise)
        return builder.add(Hole(None, op.step, label, span, numbered=label is not None))

    def unmerged(self, op: Op, misfit: Misfit, types: Sequence[Type], span: Span, advise: Callable[[], Advice]) -> None:
        """Report paths that do not fit, with what would make them equal."""
        advice = advise()
        explained = advice.explain(op, misfit, types)
        self.misfit(explained, span, *advice.secondary(types), fixes=partial(advice.fixes_of, op, types))
