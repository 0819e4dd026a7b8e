"""Syntax tree to graph: blocks are called, repeats run, labels resolved, shapes inferred.

A block call is elaborated once for each combination of arguments and input type. The rounds of a repeat are elaborated one by one
until a round depends on nothing that changes; the rest is that round again, counted and not built. So the work grows with the
text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archspec.diagnostics import Diagnostic, Diagnostics, Frame as TraceFrame
from archspec.elaborate import binding, merging
from archspec.elaborate.declarations import BlockDef, Declarations, Defaults, Unit
from archspec.elaborate.expressions import Refused, Value, evaluate, shown, truth, whole
from archspec.elaborate.labels import clashes, label_text, lookup
from archspec.elaborate.pattern import expand_pattern
from archspec.elaborate.scopes import Builder, Frame, Scope, single_call
from archspec.ir.graph import SHORTCUT, Call, Graph, Input, Network, Node, Output
from archspec.ops import STEPS, make
from archspec.ops.base import Misfit, Op
from archspec.source import Span
from archspec.syntax import ast
from archspec.types import LIMIT, Type, from_shape


@dataclass(frozen=True)
class Options:
    """What the caller sets: params, input shapes (by name; "" is the only or first one), and the limits."""

    params: Mapping[str, Value] = field(default_factory=dict)
    inputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    max_layers: int = 1_000_000
    max_steps: int = 100_000
    max_depth: int = 64
    base: Path | None = None
    """The folder of the spec, for `use`."""


class _Abort(Exception):
    """A limit was reached; what was found so far stands."""


@dataclass(slots=True)
class Context:
    """Where an elaboration stands: the builder, the scope, the defaults and blocks that hold there."""

    builder: Builder
    scope: Scope
    defaults: Defaults
    top: bool = False

    def inside(self, builder: Builder | None = None, scope: Scope | None = None) -> Context:
        return Context(builder or self.builder, scope or self.scope.inner(), self.defaults)


def elaborate(file: ast.File, name: str, sink: Diagnostics, options: Options) -> Network | None:
    """The network of a file, or None where that has errors; findings go to `sink`."""
    return Elaborator(file, name, sink, options).run()


class Elaborator:
    def __init__(self, file: ast.File, name: str, sink: Diagnostics, options: Options) -> None:
        self.file = file
        self.name = name
        self.sink = sink
        self.options = options
        self.declarations = Declarations(sink, options.params, options.base)
        self.unit = Unit(file)
        self.calls: dict[tuple[object, ...], Graph | None] = {}
        self.active: list[BlockDef] = []
        self.trace: list[TraceFrame] = []
        self.rounds: list[str] = []
        self.depth = 0
        self.steps = 0
        self.inputs: list[Input] = []
        self.outputs: list[Output] = []

    # findings

    def report(self, refused: Refused | Misfit, span: Span, secondary: Sequence[tuple[Span, str]] = ()) -> None:
        label = refused.label if isinstance(refused, Misfit) else ""
        trace = tuple(reversed(self.trace))
        found = Diagnostic(refused.code, refused.message, span, refused.notes, refused.help, label, tuple(secondary), trace)
        self.sink.add(found, self.rounds[-1] if self.rounds else None)

    def warn(self, code: str, message: str, span: Span | None, help_: str | None = None) -> None:
        self.sink.add(Diagnostic(code, message, span, (), help_, severity="warning"))

    def unknown(self, builder: Builder, span: Span | None) -> int:
        """A value after a mistake: it has no type, and what reads it stays silent."""
        return builder.add(Node(None, (), None, "unknown", None, span))

    # the whole

    def run(self) -> Network | None:
        unit = self.unit = self.declarations.read(self.file, self.options.base)
        self.declarations.finish(unit)
        builder = Builder("ordinal")
        scope = Scope(unit.names, read=unit.read)
        result: int | None = None
        try:
            result = self.top_level(Context(builder, scope, {}, top=True))
        except _Abort:
            pass
        if not self.inputs and not self.sink.errors:
            help_ = "begin with `input 32x32x3` (height x width x channels)"
            self.sink.add(Diagnostic("A117", "there is no `input`, so there is no network", self.file.span._replace(end=0), help=help_))
        if self.sink.errors:
            return None
        assert result is not None
        graph = self.finished(builder, result)
        if self.sink.errors:
            return None
        self.unused()
        count = len(graph.inputs)
        outputs = [Output("output", graph.result)]
        outputs += [o._replace(value=o.value if o.value >= 0 else count + ~o.value) for o in self.outputs]
        return Network(self.name, graph, tuple(self.inputs), tuple(outputs), self.meta(), dict(unit.names))

    def unused(self) -> None:
        """Lint what this file declares and never uses."""
        own = self.file.span.source
        for name, place in self.unit.places.items():
            if name not in self.unit.read and place.source is own:
                self.warn("A406", f"the param `{name}` is never used", place, "remove it, or use it")
        for name, block in self.unit.blocks.items():
            if not block.used and block.own:
                self.warn("A407", f"the block `{name}` is never called", block.head.name.span, "remove it, or call it")

    def meta(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for statement in self.file.body:
            if isinstance(statement, ast.Meta):
                found.update({k.name: k.value.value for k in statement.items if isinstance(k.value, ast.Text)})
            elif isinstance(statement, ast.Model):
                self.name = statement.name
        return found

    def top_level(self, context: Context) -> int | None:
        value: int | None = None
        for statement in self.file.body:
            context.defaults = self.unit.defaults_at.get(id(statement), {})
            if isinstance(statement, ast.Suite) and isinstance(statement.head, ast.Block):
                continue
            if isinstance(statement, (ast.Arch, ast.Model, ast.Meta, ast.Param, ast.Default, ast.Use)):
                continue
            value = self.statement(statement, context, value)
        return value

    # statements

    def suite(self, body: Sequence[ast.Statement], context: Context, value: int | None) -> int | None:
        self.enter(body)
        for statement in body:
            value = self.statement(statement, context, value)
        self.depth -= 1
        return value

    def enter(self, body: Sequence[ast.Statement]) -> None:
        self.depth += 1
        if self.depth > self.options.max_depth:
            span = body[0].span if body else self.file.span
            self.report(Refused("A118", f"blocks and suites are nested more than {self.options.max_depth} deep", span), span)
            raise _Abort

    def statement(self, statement: ast.Statement, context: Context, value: int | None) -> int | None:
        match statement:
            case ast.Chain():
                return self.chain(statement, context, value)
            case ast.Suite():
                return self.headed(statement, context, value)
            case ast.Input():
                return self.input(statement, None, context)
            case ast.Pattern():
                return self.pattern(statement, context, value)
            case ast.Broken(body, span):
                broken = self.unknown(context.builder, span)
                self.suite(body, context.inside(), broken)
                return self.unknown(context.builder, span)
            case _:
                word = statement.span.text.split()[0]
                self.report(Refused("A010", f"`{word}` stands at the top level only", statement.span, "move it out of the suite"), statement.span)
                return value

    def dropped(self, guard: ast.Expr | None, context: Context) -> bool | None:
        """Whether a guard is false; None where it cannot be told."""
        if guard is None:
            return False
        try:
            return not truth(guard, context.scope)
        except Refused as refused:
            self.report(refused, refused.span)
            return None

    def chain(self, chain: ast.Chain, context: Context, value: int | None) -> int | None:
        dropped = self.dropped(chain.guard, context)
        if dropped:
            return value
        if dropped is None:
            return self.unknown(context.builder, chain.span)
        if chain.source is not None:
            value = self.reference(chain.source, context)
        for step in chain.steps:
            value = self.step(step, context, value, None)
        return value

    def headed(self, suite: ast.Suite, context: Context, value: int | None) -> int | None:
        dropped = self.dropped(suite.guard, context)
        if dropped:
            return value
        if dropped is None:
            return self.unknown(context.builder, suite.span)
        head = suite.head
        match head:
            case ast.Label():
                return self.labelled(suite, head, context, value)
            case ast.Output():
                return self.output(suite, head, context, value)
            case ast.Shortcut() | ast.Block():
                word, where = ("shortcut", "is the last line of a `residual` suite") if isinstance(head, ast.Shortcut) else ("block", "stands at the top level")
                self.report(Refused("A010", f"`{word}` cannot stand here: it {where}", head.span), head.span)
                return value
        if value is None:
            return self.no_input(head.span, context)
        if isinstance(head, ast.Repeat):
            return self.repeat(suite, head, context, value)
        if isinstance(head, ast.Residual):
            return self.residual(suite, head, context, value)
        return self.branches(suite, head, context, value)

    def no_input(self, span: Span, context: Context) -> int:
        if not self.inputs:
            self.report(Refused("A117", "there is nothing yet for this layer to read", span, "begin with `input 32x32x3` (height x width x channels)"), span)
        return self.unknown(context.builder, span)

    # inputs and outputs

    def input(self, statement: ast.Input, name: ast.Name | None, context: Context) -> int:
        span = statement.span
        if not context.top:
            self.report(Refused("A010", "`input` stands at the top level only", span), span)
            return self.unknown(context.builder, span)
        called = name.id if name is not None else "input"
        if any(known.name == called for known in self.inputs):
            place = next(known.span for known in self.inputs if known.name == called)
            secondary = ((place, "first here"),) if place is not None else ()
            self.report(Refused("A108", f"there are two inputs called `{called}`", span, "name them: `left: input 32x32x3`"), span, secondary)
            return self.unknown(context.builder, span)
        shape = self.options.inputs.get(called) or (self.options.inputs.get("") if not self.inputs else None) or statement.shape.values
        type_ = from_shape(tuple(shape))
        problem = _bad_input(shape)
        if problem:
            self.report(Refused("A105", problem, statement.shape.span, "write it as height x width x channels: `input 32x32x3`"), statement.shape.span)
            type_ = None  # type: ignore[assignment]
        elif len(shape) == 3 and shape[0] in (1, 3) and shape[1] == shape[2] and shape[1] > 4:
            better = f"{shape[1]}x{shape[2]}x{shape[0]}"
            self.warn("A405", f"the input {type_} looks like channels first; here it means height {shape[0]} and {shape[2]} channels", statement.shape.span, f"write `input {better}`")
        self.inputs.append(Input(called, type_, span))
        value = context.builder.input(type_)
        context.scope.labels[called] = (context.builder, value)
        return value

    def output(self, suite: ast.Suite, head: ast.Output, context: Context, value: int | None) -> int | None:
        name = head.name
        if not context.top:
            self.report(Refused("A010", "`output` stands at the top level only", head.span, "label the value and name it as an output at the top level"), head.span)
            return value
        if head.mode is not None and head.mode.id != "train":
            self.report(Refused("A001", f"`{head.mode.id}` cannot stand here; `train` could", head.mode.span), head.mode.span)
        if name.id == "output" or any(known.name == name.id for known in self.outputs):
            self.report(Refused("A108", f"there are two outputs called `{name.id}`", name.span, "the main output is called `output`"), name.span)
        if value is None:
            return self.no_input(head.span, context)
        result: int | None = value
        if suite.body:
            result = self.group(suite, name.id, name.span, context, value)
        if result is not None:
            self.outputs.append(Output(name.id, result, head.mode is not None))
        return value

    # labels

    def labelled(self, suite: ast.Suite, head: ast.Label, context: Context, value: int | None) -> int | None:
        try:
            name = label_text(head.name, context.scope, top=context.top)
        except Refused as refused:
            self.report(refused, refused.span)
            name = None
        only = suite.body[0] if len(suite.body) == 1 else None
        if isinstance(only, ast.Input):
            return self.input(only, ast.Name(name, head.span) if name else None, context)
        if name is not None and name in context.scope.labels:
            self.report(Refused("A108", f"there are two values called `{name}` here", head.span, "choose another label"), head.span)
            name = None
        source = only.source if isinstance(only, ast.Chain) else None
        if value is None and source is None:
            return self.no_input(head.span, context)
        result = self.group(suite, name, head.span, context, value)
        if name is not None and result is not None:
            context.scope.labels[name] = (context.builder, result)
        return result

    def group(self, suite: ast.Suite, name: str | None, span: Span, context: Context, value: int | None) -> int | None:
        """The body under a label: a single step takes the label, several become a graph of their own, numbered by position."""
        body = suite.body
        only = body[0] if len(body) == 1 else None
        if isinstance(only, ast.Chain):
            if only.source is not None:
                value = self.reference(only.source, context)
                only = only._replace(source=None)
                body = (only,)
            if not only.steps:
                return value
            if len(only.steps) == 1:
                self.enter(body)
                result = self.step(only.steps[0], context, value, name)
                self.depth -= 1
                return result
        assert value is not None
        inner = Builder("index", context.builder)
        start = inner.input(context.builder.type_of(value))
        result = self.suite(body, context.inside(inner), start)
        assert result is not None
        if result == start:
            return value
        graph = self.finished(inner, result)
        self.limit(graph.layers, span)
        return context.builder.add(Call(graph, (value, *inner.pending), graph.output, "group", name, span))

    def finished(self, builder: Builder, result: int, title: str = "") -> Graph:
        """The graph of a builder, its names checked to be different."""
        graph = builder.finish(result, title)
        for element, name in clashes(graph):
            span = element.span or self.file.span
            self.report(Refused("A108", f"two layers would be called `{name}`", span, "give one of them another label"), span)
        return graph

    def reference(self, expr: ast.Expr, context: Context) -> int:
        try:
            owner, value = lookup(expr, context.scope)
        except Refused as refused:
            self.report(refused, refused.span)
            return self.unknown(context.builder, expr.span)
        return context.builder.capture(owner, value)

    # structure

    def repeat(self, suite: ast.Suite, head: ast.Repeat, context: Context, value: int) -> int:
        try:
            count = whole(head.count, context.scope)
            if count < 0:
                raise Refused("A105", f"a repeat of {count} rounds", head.count.span, "write 0 or more")
        except Refused as refused:
            self.report(refused, refused.span)
            count = 1
        frame = Frame(count)
        while frame.round < count:
            value = self.round(suite, head, frame, context, value)
            if context.builder.type_of(value) is None:
                break
        return value

    def round(self, suite: ast.Suite, head: ast.Repeat, frame: Frame, context: Context, value: int) -> int:
        """Elaborate one round, and take as many of the rounds that follow as are equal to it."""
        self.count_step(head.span)
        builder = context.builder
        inner = Builder(builder.naming, builder)
        start = inner.input(builder.type_of(value))
        scope = context.scope.round(frame, head.index.id if head.index is not None else None)
        self.rounds.append(f"round {frame.round + 1} of {frame.count}")
        result = self.suite(suite.body, context.inside(inner, scope), start)
        self.rounds.pop()
        assert result is not None
        same = not frame.reads_index and frame.round + 1 >= frame.longest and inner.type_of(result) == inner.type_of(start)
        times = frame.count - frame.round if same and inner.type_of(result) is not None else 1
        frame.round += times
        if result == start:
            return value
        call = single_call(inner, result)
        if call is not None and times > 1:
            self.limit(times * call.graph.layers, head.span)
            return builder.add(call._replace(inputs=(value,), times=times))
        if times == 1:
            return builder.splice(inner, result, value)
        graph = inner.finish(result)
        self.limit(times * graph.layers, head.span)
        return builder.add(Call(graph, (value, *inner.pending), graph.output, "repeat", None, head.span, times, inline=True))

    def residual(self, suite: ast.Suite, head: ast.Residual, context: Context, value: int) -> int:
        adds = True
        if head.condition is not None:
            dropped = self.dropped(head.condition, context)
            if dropped is None:
                return self.unknown(context.builder, head.span)
            adds = not dropped
        last = suite.body[-1] if suite.body else None
        shortcut = last if isinstance(last, ast.Suite) and isinstance(last.head, ast.Shortcut) else None
        inside = context.inside()
        main = self.suite(suite.body[:-1] if shortcut is not None else suite.body, inside, value)
        assert main is not None
        if not adds:
            return main
        short = value
        taken = shortcut is not None and not self.dropped(shortcut.guard, inside)
        if taken:
            assert shortcut is not None
            result = self.shortcut(shortcut, inside, value)
            short = result if result is not None else value
        return self.merge("add", (main, short), context, head.span, merging.residual_advice(context.builder, value, main, short, taken))

    def shortcut(self, suite: ast.Suite, context: Context, value: int) -> int | None:
        result = self.group(suite, None, suite.head.span, context, value)
        builder = context.builder
        if result is not None and result != value and result == ~(len(builder.elements) - 1):
            element = builder.elements[-1]
            builder.elements[-1] = element._replace(stem=SHORTCUT, numbered=False)
        return result

    def branches(self, suite: ast.Suite, head: ast.Merge, context: Context, value: int) -> int:
        results = []
        self.enter(suite.body)
        for statement in suite.body:
            before = len(context.builder.elements)
            dropped = isinstance(statement, (ast.Chain, ast.Suite)) and statement.guard is not None and self.dropped(statement.guard, context)
            if dropped:
                continue
            result = self.statement(statement, context.inside(scope=context.scope), value)
            assert result is not None
            results.append((result, statement.span, before))
        self.depth -= 1
        if len(results) < 2:
            return results[0][0] if results else value
        advice = merging.Advice([(span, "") for _, span, _ in results])
        return self.merge(head.kind, tuple(result for result, _, _ in results), context, head.span, advice)

    def merge(self, kind: str, values: tuple[int, ...], context: Context, span: Span, advice: merging.Advice, label: str | None = None) -> int:
        """Bring paths together."""
        builder = context.builder
        op = make(kind, {})
        types = [builder.type_of(value) for value in values]
        type_: Type | None = None
        if all(t is not None for t in types):
            try:
                type_ = op.infer([t for t in types if t is not None])
            except Misfit as misfit:
                self.report(advice.explain(misfit, types), span, advice.secondary(types))
        return self.node(Node(op, values, type_, kind, label, span, numbered=label is not None), builder)

    # steps

    def step(self, step: ast.Step, context: Context, value: int | None, label: str | None) -> int:
        name = step.name.id
        if value is None:
            return self.no_input(step.span, context)
        try:
            if name in ("add", "concat", "mul"):
                return self.merge_step(step, context, value, label)
            if name == "skip":
                if step.bare or step.keywords:
                    raise Refused("A104", "`skip` takes no arguments", step.span)
                return value
            block = self.unit.blocks.get(name)
            if block is not None:
                return self.block_call(step, block, context, value, label)
            if name not in STEPS:
                raise binding.unknown_step(step.name, list(self.unit.blocks))
            bound = binding.bind(step, context.scope, context.defaults)
        except Refused as refused:
            self.report(refused, refused.span)
            return self.unknown(context.builder, step.span)
        return self.apply(bound, step, context, value, label)

    def apply(self, bound: binding.Bound, step: ast.Step, context: Context, value: int, label: str | None) -> int:
        """Put an op, or the primitives it stands for, after a value."""
        builder, span = context.builder, step.span
        x = builder.type_of(value)
        if x is None:
            return self.unknown(builder, span)
        try:
            primitives = bound.op.expand([x])
            for op in primitives:
                y = op.infer([x])
                own = op is bound.op
                value = self.node(Node(op, (value,), y, op.step, label if own else None, span, numbered=own, implied=not own), builder)
                x = y
        except Misfit as misfit:
            self.report(misfit, bound.places.get(misfit.argument, span))
            return self.unknown(builder, span)
        return value

    def node(self, node: Node, builder: Builder) -> int:
        self.count_step(node.span or self.file.span)
        return builder.add(node)

    def count_step(self, span: Span) -> None:
        self.steps += 1
        if self.steps > self.options.max_steps:
            message = f"more than {self.options.max_steps:,} different layers and rounds"
            self.report(Refused("A118", message, span, "layers that repeat without change are counted once"), span)
            raise _Abort

    def limit(self, layers: int, span: Span) -> None:
        if layers > self.options.max_layers:
            message = f"this expands to {layers:,} layers, more than {self.options.max_layers:,}" if layers <= LIMIT else f"this expands to more than {self.options.max_layers:,} layers"
            self.report(Refused("A118", message, span, "repeat less, or raise the limit with --max-layers"), span)
            raise _Abort

    def merge_step(self, step: ast.Step, context: Context, value: int, label: str | None) -> int:
        if step.keywords or not step.bare:
            raise Refused("A103", f"`{step.name.id}` needs the names of values to merge with", step.span, f"write `{step.name.id} e1`, or `{step.name.id}:` with a branch a line below it")
        others = tuple(self.reference(expr, context) for expr in step.bare)
        spans = [(step.span, "")] + [(expr.span, "") for expr in step.bare]
        return self.merge(step.name.id, (value, *others), context, step.span, merging.Advice(spans), label)

    # blocks

    def block_call(self, step: ast.Step, block: BlockDef, context: Context, value: int, label: str | None) -> int:
        block.used = True
        builder = context.builder
        if block in self.active:
            names = [b.head.name.id for b in self.active[self.active.index(block) :]] + [block.head.name.id]
            raise Refused("A111", f"the block `{step.name.id}` calls itself: {' -> '.join(names)}", step.span, "a network is finite; use `repeat`")
        scope = self.arguments(step, block, context, builder.type_of(value))
        x = builder.type_of(value)
        if x is None:
            return self.unknown(builder, step.span)
        key = (id(block), x, *((name, type(v), v) for name, v in scope.names.items()))
        if key not in self.calls:
            self.calls[key] = self.instance(step, block, scope, x, label)
        graph = self.calls[key]
        if graph is None or graph.output is None:
            return self.unknown(builder, step.span)
        self.limit(graph.layers, step.span)
        return builder.add(Call(graph, (value,), graph.output, step.name.id, label, step.span))

    def arguments(self, step: ast.Step, block: BlockDef, context: Context, x: Type | None) -> Scope:
        """The block's scope: its parameters bound. Raises Refused."""
        head = block.head
        names = [parameter.name.id for parameter in head.parameters]
        if len(step.bare) > len(names):
            raise Refused("A104", f"`{head.name.id}` takes {len(names)} arguments, but {len(step.bare)} are given", step.bare[len(names)].span, f"it is `{head.span.text}`")
        given = {name: self.argument(expr, context) for name, expr in zip(names, step.bare, strict=False)}
        for keyword in step.keywords:
            if keyword.name not in names:
                raise binding.unknown_argument(keyword, head.name.id, names)
            if keyword.name in given:
                raise Refused("A110", f"`{keyword.name}` is given twice", keyword.span, "remove one of them")
            given[keyword.name] = self.argument(keyword.value, context)
        outer = Scope(block.names, read=block.read)
        scope = Scope({"cin": x.channels} if x is not None else {}, outer, read=block.read)
        for parameter in head.parameters:
            name = parameter.name.id
            if name in given:
                scope.names[name] = given[name]
            elif parameter.default is None:
                raise Refused("A103", f"`{head.name.id}` needs `{name}`", step.span, f"it is `{head.span.text}`")
            elif x is not None:
                scope.names[name] = evaluate(parameter.default, scope)
        return scope

    def argument(self, expr: ast.Expr, context: Context) -> Value:
        """An argument of a block: inside a repeat a list gives one value a round, elsewhere it is handed on whole."""
        if isinstance(expr, ast.Name) and expr.id in ("same", "valid") and context.scope.value_of(expr.id) is None:
            return expr.id
        value = evaluate(expr, context.scope)
        return value if context.scope.frame is None else binding.pick(value, context.scope, expr.span)

    def instance(self, step: ast.Step, block: BlockDef, scope: Scope, x: Type, label: str | None) -> Graph | None:
        """A block elaborated for its arguments and the type of its input."""
        builder = Builder("ordinal")
        start = builder.input(x)
        round_ = f", {self.rounds[-1]}" if self.rounds else ""
        called = f" ({label})" if label else ""
        self.trace.append(TraceFrame(step.span, f"in `{step.span.text}` at line {step.span.line}{round_}{called}"))
        self.active.append(block)
        errors = self.sink.errors
        result = self.suite(block.body, Context(builder, scope, block.defaults), start)
        self.active.pop()
        self.trace.pop()
        if result is None or self.sink.errors > errors:
            return None
        arguments = " ".join(f"{name}={shown(value)}" for name, value in scope.names.items() if name != "cin")
        return self.finished(builder, result, f"{block.head.name.id} {arguments}".strip())

    # pattern

    def pattern(self, statement: ast.Pattern, context: Context, value: int | None) -> int | None:
        if value is None:
            return self.no_input(statement.span, context)
        try:
            steps = expand_pattern(statement, context.scope)
            if steps.note:
                self.sink.add(Diagnostic("A419", steps.note, statement.span, severity="note"))
            for name, arguments, span in steps.layers:
                places = {argument: span for argument in arguments}
                bound = binding.Bound(binding.build(name, arguments, places, span), places)
                step = ast.Step(ast.Name(name, span), (), (), span)
                value = self.apply(bound, step, context, value, None)
        except Refused as refused:
            self.report(refused, refused.span)
            return self.unknown(context.builder, statement.span)
        return value


def _bad_input(shape: Sequence[int]) -> str | None:
    """What is wrong with an input's shape, if anything."""
    written = "x".join(map(str, shape))
    if len(shape) > 4:
        return f"an input of {written} has more than three spatial axes"
    if any(size < 1 for size in shape):
        return f"an input of {written} is empty"
    total = 1
    for size in shape:
        total *= size
    return f"an input of {written} holds more than 2^63 - 1 numbers" if total > LIMIT else None


