"""Steps: layers, merges with named values, block calls, patterns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from archspec.diagnostics.fix import Fix, written
from archspec.elaborate import binding
from archspec.elaborate.core import Context, Core
from archspec.elaborate.declarations import BlockDef
from archspec.elaborate.expressions import Missing, Refused, Scope, Silent, Value, evaluate
from archspec.elaborate.merge_advice import step_advice
from archspec.elaborate.reports import Level, other_arguments
from archspec.ir.builder import GraphBuilder
from archspec.ir.graph import AGAIN, Call, Graph, Instance
from archspec.ops import STEPS, make, op_class, typed
from archspec.ops.base import Misfit, Op
from archspec.source import Span
from archspec.syntax import ast
from archspec.types import Type, is_line

TABLES = {"linear": ("n",), "embed": ("v", "d")}
"""The layers that can use the table of another, and the arguments that its shape gives."""


class Steps(Core):
    """One step after a value."""

    def step(self, step: ast.Step, context: Context, value: int | None, label: str | None) -> int:
        """Put a step after a value; returns its value, unknown where it is wrong."""
        result = self.stepped(step, context, value, label)
        self.meet(step.span, context.builder.type_of(result))
        return result

    def stepped(self, step: ast.Step, context: Context, value: int | None, label: str | None) -> int:
        """Build one step after a value, whatever it is: a layer, a call of a block, a `skip` or an `again`."""
        name = step.name.id
        if name in STEPS and op_class(name).origin:
            help_ = f"write `NAME: {step.span.text}` on a line of its own; `from NAME` goes on from it"
            self.reject("A010", f"`{name}` stands alone, behind its label", step.span, help_)
            return self.unknown(context.builder, step.span)
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
            if name == AGAIN:
                return self.again(step, context, value, label)
            block = self.unit.blocks.get(name)
            if block is not None:
                return self.block_call(step, block, context, value, label)
            if name in self.unit.unread or (name not in STEPS and self.unit.incomplete):
                raise Silent(step.name.span)
            if name not in STEPS:
                raise binding.unknown_step(step.name, list(self.unit.blocks))
            if name in TABLES and any(keyword.name == "weights" for keyword in step.keywords):
                return self.tie(step, context, value, label)
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
        op = op.froze() if context.scope.frozen else op
        try:
            return builder.apply(op, values, label, span, self.settled)
        except Misfit as misfit:
            place = places.get(misfit.argument)
            self.misfit(misfit, place or span, fixes=partial(other_arguments, misfit, span, place))
            return self.unknown(builder, span)

    def tensor(self, step: ast.Step, label: str | None, context: Context, value: int | None) -> int:
        """Make a tensor, whose kind may follow from the current value; returns its value."""
        builder = context.builder
        x = builder.type_of(value) if value is not None else None
        try:
            if label is None:
                help_ = f"write `gamma: {step.span.text}`"
                raise Refused("A103", f"`{step.name.id}` needs a label, which is the key of its numbers", step.span, help_)
            bound = binding.bind(step, context.scope, context.defaults)
        except Refused as refused:
            self.report(refused)
            return self.unknown(builder, step.span)
        op: Any = bound.op.froze() if context.scope.frozen else bound.op
        if value is not None and "map" not in op.given and len(op.value.shape) == 2:
            if x is None:
                return self.unknown(builder, step.span)  # its kind is that of a value which a mistake left unknown
            if is_line(x):
                op = make(op.step, {**op.arguments(), "map": True})
        result = self.apply(op, bound.places, step.span, context, (), label)
        self.meet(step.span, builder.type_of(result))
        return result

    def arithmetic(self, step: ast.Step, context: Context, value: int, label: str | None) -> int:
        """Combine the current value with a number. Raises Refused."""
        if len(step.bare) > 1:
            help_ = f"write one step for each: `{' | '.join(f'{step.name.id} {expr.span.text}' for expr in step.bare)}`"
            raise Refused("A104", f"`{step.name.id}` takes values or one number, not both", step.span, help_)
        bound = binding.bind(step, context.scope, context.defaults)
        return self.apply(bound.op, bound.places, step.span, context, (value,), label)

    def merge_step(self, step: ast.Step, context: Context, value: int, label: str | None) -> int:
        """Merge the current value with named ones. Raises Refused."""
        numbered = "number" in op_class(step.name.id).fields
        if not step.bare and numbered and any(keyword.name == "number" for keyword in step.keywords):
            return self.arithmetic(step, context, value, label)
        if not step.bare:
            help_ = f"write `{step.name.id} e1`, or `{step.name.id}:` with one branch per line below it"
            raise Refused("A103", f"`{step.name.id}` needs the names of values to merge with", step.span, help_)
        if numbered and any(binding.is_number(expr, context.scope) for expr in step.bare):
            return self.arithmetic(step, context, value, label)
        named = [(expr, other) for expr in step.bare for other in self.references(expr, context)]
        others = tuple(other for _, other in named)
        self.counted_twice(step, value, named)
        op = binding.bind(step._replace(bare=()), context.scope, context.defaults).op
        return self.merge(op, (value, *others), context, step.span, partial(step_advice, step, [expr for expr, _ in named]), label)

    def counted_twice(self, step: ast.Step, value: int, named: Sequence[tuple[ast.Expr, int]]) -> None:
        """Warn where a merge names the current value, or one value twice."""
        kind, names = step.name.id, [expr.span.text for expr, _ in named]
        if kind == "mul" and len(named) == 1:
            return  # a square
        seen = {value: ""}
        for at, (name, (expr, other)) in enumerate(zip(names, named, strict=True)):
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
            help_ += f"; to merge it with itself, write `{kind}:` with two lines `skip`"
            self.warn("A415", message, expr.span, help_, fixes=_merged_once(step, names, at, current=other == value))
            return

    def block_call(self, step: ast.Step, block: BlockDef, context: Context, value: int, label: str | None) -> int:
        """Call a block; equal calls share a graph. Raises Refused."""
        block.unit.called.add(block.head.name.id)
        self.count_step(step.span)
        builder = context.builder
        scope = self.arguments(step, block, context, value)
        values = (value, *[number for _, number in scope.labels.values()])
        types = [type_ for type_ in map(builder.type_of, values) if type_ is not None]
        if len(types) < len(values):
            return self.unknown(builder, step.span)
        scope.frozen = context.scope.frozen
        key = (id(block), scope.frozen, *types, *((name, *typed(value)) for name, value in scope.names.items()))
        if key in self.active:
            raise self.circle(step, key)
        if key not in self.calls:
            self.steps += 2  # a scope, a builder and a graph cost about as much as two layers
            self.active[key] = block
            self.calls[key] = self.instance(step, block, scope, types, label, builder)
            del self.active[key]
        graph = self.calls[key]
        if graph is None:
            return self.unknown(builder, step.span)
        self.limit(graph.layers, step.span)
        return builder.add(self.call(Call(graph, values, graph.output, step.name.id, label, step.span), scope))

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

    def arguments(self, step: ast.Step, block: BlockDef, context: Context, value: int) -> Scope:
        """The block's scope: its parameters bound, the values among them as the caller numbers them. Raises Refused."""
        head, x = block.head, context.builder.type_of(value)
        declared = f"it is declared as `{head.span.text}`"
        given = binding.block_arguments(step, head, declared)
        scope = Scope({}, Scope(block.unit.names, read=block.unit.read), read=block.unit.read, types=self.type_at)
        scope.names |= {"cin": x.channels} if x is not None else {}
        for name, _, is_value in head.parameters:
            if is_value and name.id in given:
                scope.labels[name.id] = context.builder, self.operand(given[name.id], name.id, head, context)
        known = all(context.builder.type_of(number) is not None for number in (value, *[number for _, number in scope.labels.values()]))
        for name, default, is_value in head.parameters:
            if name.id in given and not is_value:
                scope.names[name.id] = self.number(given[name.id], name.id, head, context)
            elif name.id not in given and default is not None and known:
                scope.names[name.id] = evaluate(default, scope)
        return scope

    def operand(self, expr: ast.Expr, name: str, head: ast.Block, context: Context) -> int:
        """The value that is given for a parameter of a block. Raises Refused."""
        if isinstance(expr, (ast.Name, ast.Interpolated, ast.Text)):
            return self.reference(expr, context)
        message = f"`{name}` of `{head.name.id}` is a value, and `{expr.span.text}` is not the name of one"
        raise Refused("A107", message, expr.span, f"give the label of a line above; it is declared as `{head.span.text}`")

    def number(self, expr: ast.Expr, name: str, head: ast.Block, context: Context) -> Value:
        """What is given for a parameter of a block that is no value. Raises Refused, with what to declare where a value is given."""
        try:
            return self.argument(expr, context)
        except Refused as refused:
            if refused.code == "A106" and isinstance(expr, ast.Name) and context.scope.labels_a_value(expr.id):
                refused.help = f"`c({expr.id})` is the number of its channels; if `{name}` is to be a value, declare it so: `from {name}`"
                refused.others = ((head.span, f"`{name}` is a number here"),)
            raise

    def argument(self, expr: ast.Expr, context: Context) -> Value:
        """An argument of a block: inside a repeat a list gives one value per round, elsewhere the block gets the whole list."""
        if isinstance(expr, ast.Name) and expr.id in ("same", "valid") and context.scope.value_of(expr.id) is None:
            return expr.id
        return binding.in_round(expr, context.scope) if context.scope.frame is not None else evaluate(expr, context.scope)

    def instance(
        self, step: ast.Step, block: BlockDef, scope: Scope, types: Sequence[Type], label: str | None, where: GraphBuilder
    ) -> Graph | None:
        """A block elaborated for its arguments and the types of its values."""
        builder = GraphBuilder("ordinal")
        start, *others = map(builder.input, types)
        reads = list(scope.labels)
        scope.labels = {name: (builder, value) for name, value in zip(reads, others, strict=True)}
        place = ".".join([*self.path, label or where.next_name(step.name.id)])
        self.trace.append(Level(step.span, step.span.text, place if self.path or label else ""))
        self.path, path = [place], self.path
        errors = self.sink.errors
        context = Context(builder, scope, block.defaults, results={})
        result = self.suite(block.body, context, start)
        self.path = path
        self.trace.pop()
        if self.sink.errors > errors:
            return None
        arguments = tuple((name, value) for name, value in scope.names.items() if name != "cin" and not isinstance(value, Missing))
        self.check_names(builder)
        return builder.finish(result, Instance(block.head.name.id, arguments, tuple(reads)), context.results)

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


def _merged_once(step: ast.Step, names: Sequence[str], at: int, *, current: bool) -> list[Fix]:
    """The fix for a merge that has a value twice: without the name or, where it is the current value and the order counts, after `from`."""
    kind, left = step.name.id, [*names[:at], *names[at + 1 :]]
    if not left or len(names) > len(step.bare):
        return []
    place = step.bare[at].span
    without = written(place._replace(start=place.start - 1), "", title=f"write `{kind} {' '.join(left)}`")
    if not current or kind == "sub":
        return [without]
    if kind != "concat" or at == 0:
        return [without._replace(safe=True)]
    alone = not place.source.text[place.source.starts[place.line - 1] : step.span.start].strip()
    whole = step.span._replace(end=step.bare[-1].span.end)
    return [written(whole, f"from {names[0]} | {' '.join([kind, *names[1:]])}", safe=True)] if alone else [without]
