"""Steps: layers, merges with named values, block calls, patterns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from archspec.elaborate import binding
from archspec.elaborate.core import Context, Core
from archspec.elaborate.declarations import BlockDef
from archspec.elaborate.expressions import Missing, Refused, Scope, Silent, Value, evaluate
from archspec.elaborate.merge_advice import step_advice
from archspec.elaborate.reports import Level
from archspec.ir.builder import GraphBuilder
from archspec.ir.graph import Call, Graph, Instance
from archspec.ops import STEPS, op_class, typed
from archspec.ops.base import Misfit, Op
from archspec.source import Span
from archspec.syntax import ast
from archspec.types import Type


class Steps(Core):
    """One step after a value."""

    def step(self, step: ast.Step, context: Context, value: int | None, label: str | None) -> int:
        """Put a step after a value; returns its value, unknown where it is wrong."""
        result = self.stepped(step, context, value, label)
        self.meet(step.span, context.builder.type_of(result))
        return result

    def stepped(self, step: ast.Step, context: Context, value: int | None, label: str | None) -> int:
        name = step.name.id
        if value is None:
            return self.no_input(step.span, context)
        self.current = context.builder, value
        try:
            if name in STEPS and op_class(name).variadic:
                return self.merge_step(step, context, value, label)
            if name == "skip":
                if step.bare or step.keywords:
                    raise Refused("A104", "`skip` takes no arguments", step.span)
                return value
            block = self.unit.blocks.get(name)
            if block is not None:
                return self.block_call(step, block, context, value, label)
            if name in self.unit.unread or (name not in STEPS and self.unit.incomplete):
                raise Silent(step.name.span)
            if name not in STEPS:
                raise binding.unknown_step(step.name, list(self.unit.blocks))
            bound = binding.bind(step, context.scope, context.defaults)
        except Refused as refused:
            self.report(refused)
            return self.unknown(context.builder, step.span)
        values = (value, *[self.reference(operand, context) for operand in bound.operands])
        return self.apply(bound.op, bound.places, step.span, context, values, label)

    def apply(
        self, op: Op, places: dict[str, Span], span: Span, context: Context, values: tuple[int, ...], label: str | None = None
    ) -> int:
        """Put an op, or the primitives it expands to, after the current value and its operands."""
        builder = context.builder
        if any(builder.type_of(value) is None for value in values):
            return self.unknown(builder, span)
        self.count_step(span)
        try:
            return builder.apply(op, values, label, span, self.settled)
        except Misfit as misfit:
            self.misfit(misfit, places.get(misfit.argument, span))
            return self.unknown(builder, span)

    def merge_step(self, step: ast.Step, context: Context, value: int, label: str | None) -> int:
        """Merge the current value with named ones. Raises Refused."""
        if not step.bare:
            help_ = f"write `{step.name.id} e1`, or `{step.name.id}:` with one branch per line below it"
            raise Refused("A103", f"`{step.name.id}` needs the names of values to merge with", step.span, help_)
        others = tuple(self.reference(expr, context) for expr in step.bare)
        self.counted_twice(step, value, others)
        op = binding.bind(step._replace(bare=()), context.scope, context.defaults).op
        return self.merge(op, (value, *others), context, step.span, partial(step_advice, step), label)

    def counted_twice(self, step: ast.Step, value: int, others: Sequence[int]) -> None:
        """Warn where a merge names the current value, or one value twice."""
        kind, names = step.name.id, [expr.span.text for expr in step.bare]
        seen = {value: ""}
        for at, (name, other) in enumerate(zip(names, others, strict=True)):
            if other not in seen:
                seen[other] = name
                continue
            left = [n for i, n in enumerate(names) if i != at and n != name]
            if seen[other]:
                message, help_ = f"`{name}` is merged twice", "name it once"
            else:
                message = f"`{name}` is merged twice: it is the current value, which `{kind}` always takes"
                help_ = f"write `{kind} {' '.join(left)}`" if left else "name another value"
                if left and kind == "concat" and at:
                    help_ += f", or for this order `from {left[0]} | {kind} {' '.join(n for n in names if n != left[0])}`"
            self.warn("A415", message, step.bare[at].span, f"{help_}; to merge it with itself, write `{kind}:` with two lines `skip`")
            return

    def block_call(self, step: ast.Step, block: BlockDef, context: Context, value: int, label: str | None) -> int:
        """Call a block; equal calls share a graph. Raises Refused."""
        block.unit.called.add(block.head.name.id)
        self.count_step(step.span)
        builder = context.builder
        x = builder.type_of(value)
        scope = self.arguments(step, block, context, x)
        if x is None:
            return self.unknown(builder, step.span)
        key = (id(block), x, *((name, *typed(value)) for name, value in scope.names.items()))
        if key in self.active:
            raise self.circle(step, key)
        if key not in self.calls:
            self.steps += 2  # a scope, a builder and a graph cost about as much as two layers
            self.active[key] = block
            self.calls[key] = self.instance(step, block, scope, x, label, builder)
            del self.active[key]
        graph = self.calls[key]
        if graph is None:
            return self.unknown(builder, step.span)
        self.limit(graph.layers, step.span)
        return builder.add(self.call(Call(graph, (value,), graph.output, step.name.id, label, step.span), scope))

    def circle(self, step: ast.Step, key: tuple[object, ...]) -> Refused:
        """Why a call cannot be made that equals one which is open."""
        names = [block.head.name.id for block in list(self.active.values())[list(self.active).index(key) :]]
        message = f"the block `{step.name.id}` calls itself with the same arguments and input: {' -> '.join([*names, names[0]])}"
        help_ = (
            "a network is finite: change an argument and guard the call by it, like `... n-1 if n > 1`; to have it in a row, use `repeat`"
        )
        return Refused("A111", message, step.span, help_)

    def call(self, call: Call, scope: Scope) -> Call:
        """A call of a block as it is kept; `scope` is the block's."""
        return call

    def arguments(self, step: ast.Step, block: BlockDef, context: Context, x: Type | None) -> Scope:
        """The block's scope: its parameters bound. Raises Refused."""
        head = block.head
        names = [parameter.name.id for parameter in head.parameters]
        declared, bare = f"it is declared as `{head.span.text}`", len(step.bare)
        if bare > len(names):
            takes = f"`{head.name.id}` takes {len(names)} argument{'s' if len(names) != 1 else ''}"
            raise Refused("A104", f"{takes}, but {bare} {'is' if bare == 1 else 'are'} given", step.bare[len(names)].span, declared)
        given = {name: self.argument(expr, context) for name, expr in zip(names, step.bare, strict=False)}
        for keyword in step.keywords:
            if keyword.name not in names:
                raise binding.unknown_argument(keyword, head.name.id, names)
            if keyword.name in given:
                raise Refused("A110", f"`{keyword.name}` is given twice", keyword.span, "remove one of them")
            given[keyword.name] = self.argument(keyword.value, context)
        outer = Scope(block.unit.names, read=block.unit.read)
        scope = Scope({"cin": x.channels} if x is not None else {}, outer, read=block.unit.read, types=self.type_at)
        for parameter in head.parameters:
            name = parameter.name.id
            if name in given:
                scope.names[name] = given[name]
            elif parameter.default is None:
                raise Refused("A103", f"`{head.name.id}` needs `{name}`", step.span, declared)
            elif x is not None:
                scope.names[name] = evaluate(parameter.default, scope)
        return scope

    def argument(self, expr: ast.Expr, context: Context) -> Value:
        """An argument of a block: inside a repeat a list gives one value per round, elsewhere the block gets the whole list."""
        if isinstance(expr, ast.Name) and expr.id in ("same", "valid") and context.scope.value_of(expr.id) is None:
            return expr.id
        return binding.in_round(expr, context.scope) if context.scope.frame is not None else evaluate(expr, context.scope)

    def instance(self, step: ast.Step, block: BlockDef, scope: Scope, x: Type, label: str | None, where: GraphBuilder) -> Graph | None:
        """A block elaborated for its arguments and the type of its input."""
        builder = GraphBuilder("ordinal")
        start = builder.input(x)
        place = ".".join([*self.path, label or where.next_name(step.name.id)])
        self.trace.append(Level(step.span, step.span.text, place if self.path or label else ""))
        self.path, path = [place], self.path
        errors = self.sink.errors
        result = self.suite(block.body, Context(builder, scope, block.defaults), start)
        self.path = path
        self.trace.pop()
        if self.sink.errors > errors:
            return None
        arguments = tuple((name, value) for name, value in scope.names.items() if name != "cin" and not isinstance(value, Missing))
        self.check_names(builder)
        return builder.finish(result, Instance(block.head.name.id, arguments))

    def pattern(self, statement: ast.Pattern, context: Context, value: int | None) -> int | None:
        """Put the layers of a pattern after a value."""
        from archspec.elaborate.pattern import expand_pattern

        if value is None:
            return self.no_input(statement.span, context)
        self.current = context.builder, value
        try:
            layers, note = expand_pattern(statement, context.scope)
            if note:
                self.warn("A419", note, statement.span, severity="note")
            for name, arguments, span in layers:
                places = dict.fromkeys(arguments, span)
                value = self.apply(binding.build(name, arguments, places, span), places, span, context, (value,))
        except Refused as refused:
            self.report(refused)
            return self.unknown(context.builder, statement.span)
        return value
