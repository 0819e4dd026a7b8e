"""Structure: labels, repeats, residuals and branches."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial

from archspec.elaborate.core import Context
from archspec.elaborate.expressions import Refused, whole
from archspec.elaborate.labels import label_text
from archspec.elaborate.merge_advice import branches_advice, residual_advice
from archspec.elaborate.reports import Level
from archspec.elaborate.scopes import Frame
from archspec.elaborate.steps import Steps
from archspec.ir.builder import GraphBuilder
from archspec.ir.graph import SHORTCUT, Call, Hole
from archspec.numeric import value_of
from archspec.source import Span
from archspec.syntax import ast

NAMELESS = "_"
"""As a label: a group that is called as a step would be, in a group by its position."""
_TELLING = 1000
"""Rounds that are elaborated before all those to come are counted."""


class Structures(Steps):
    """Heads with a body. `statement` and `input` are the elaborator's."""

    @abstractmethod
    def statement(self, statement: ast.Statement, context: Context, value: int | None) -> int | None:
        """Elaborate one statement after a value; returns the value that the next goes on from."""

    @abstractmethod
    def input(self, statement: ast.Input, name: ast.Name | None, context: Context) -> int:
        """Declare an input."""

    def labelled(self, suite: ast.Suite, head: ast.Label, context: Context, value: int | None) -> int | None:
        name = None
        if not (isinstance(head.name, ast.Name) and head.name.id == NAMELESS):
            try:
                position = context.builder.position if context.builder.naming == "index" else None
                name = label_text(head.name, context.scope, top=context.top, position=position)
            except Refused as refused:
                self.report(refused)
        only = suite.body[0] if len(suite.body) == 1 else None
        if isinstance(only, ast.Input):
            return self.input(only, ast.Name(name, head.span) if name else None, context)
        if name is not None and name in context.scope.labels:
            self.reject("A108", f"there are two values called `{name}` here", head.span, "choose another label")
            name = None
        if value is None and _source(suite.body)[0] is None:
            return self.no_input(head.span, context)
        result = self.group(suite, name, head.span, context, value)
        if name is not None and result is not None:
            context.scope.labels[name] = (context.builder, result)
        return result

    def group(self, suite: ast.Suite, name: str | None, span: Span, context: Context, value: int | None) -> int | None:
        """The body under a label: a single step takes the label, several become a graph of their own, numbered by position."""
        source, body = _source(suite.body)
        if source is not None:
            value = self.reference(source, context)
        if not body:
            return value
        only = body[0] if len(body) == 1 else None
        if isinstance(only, ast.Chain) and only.guard is None and len(only.steps) == 1:
            self.enter(body)
            result = self.step(only.steps[0], context, value, name)
            self.depth -= 1
            return result
        assert value is not None
        inner = GraphBuilder("index", context.builder)
        start = inner.input(context.builder.type_of(value))
        inner.captured[value] = start  # a label of the same value is the same input
        self.path.append(name or context.builder.next_name("group"))
        last = self.suite(body, context.inside(inner), start)
        self.path.pop()
        assert last is not None
        if last == start and not inner.elements:
            return value
        graph = self.finished(inner, last)
        if graph is None:
            return context.builder.add(Hole(inner.type_of(last), "group", name, span))
        self.limit(graph.layers, span)
        return context.builder.add(Call(graph, (value, *inner.pending), graph.output, "group", name, span))

    def repeat(self, suite: ast.Suite, head: ast.Repeat, context: Context, value: int) -> int:
        known = True
        try:
            count = value_of(whole(head.rounds, context.scope))
            if count < 0:
                raise Refused("A105", f"a repeat cannot have {count} rounds", head.rounds.span, "write 0 or more")
        except Refused as refused:
            self.report(refused)
            count, known = 1, False
        frame = Frame(count, known)
        result = value
        while frame.round < count and context.builder.type_of(result) is not None:
            result = self.round(suite, head, frame, context, result)
        return result

    def round(self, suite: ast.Suite, head: ast.Repeat, frame: Frame, context: Context, value: int) -> int:
        """Elaborate one round, and take as many of the rounds that follow as are equal to it."""
        # Once the index was read no round is equal to the next. What else is wrong shows in the first of them.
        self.count_step(head.span, frame.count - frame.round - 1 if frame.reads_index and frame.round >= _TELLING else 0)
        builder = context.builder
        inner = GraphBuilder(builder.naming, builder, round_=True)
        start = inner.input(builder.type_of(value))
        scope = context.scope.inner(frame, head.counter.id if head.counter is not None else None)
        self.trace.append(Level(head.span, "", f"round {frame.round + 1} of {frame.count}"))
        result = self.suite(suite.body, context.inside(inner, scope), start)
        self.trace.pop()
        assert result is not None
        same = not frame.reads_index and frame.round + 1 >= frame.longest and inner.type_of(result) == inner.type_of(start)
        times = frame.count - frame.round if same and inner.type_of(result) is not None else 1
        frame.round += times
        if result == start and not inner.elements:
            return value
        call = inner.elements[0] if len(inner.elements) == 1 and result == ~0 else None
        plain = isinstance(call, Call) and not call.inline and call.label is None
        if isinstance(call, Call) and plain and call.times == 1 and call.inputs == (start,) and times > 1:
            self.limit(times * call.graph.layers, head.span)
            return builder.add(call._replace(inputs=(value,), times=times))
        if times == 1:
            return builder.splice(inner, result, value)
        graph = inner.finish(result)
        if graph is None:
            return builder.add(Hole(inner.type_of(result), "repeat", None, head.span))
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
        if shortcut is not None and taken:
            short = self.shortcut(shortcut, inside, value)
        advice = partial(residual_advice, context.builder, value, main, taken, suite.body, context.defaults)
        return self.merge("add", (main, short), context, head.span, advice)

    def shortcut(self, suite: ast.Suite, context: Context, value: int) -> int:
        result = self.group(suite, None, suite.head.span, context, value)
        assert result is not None
        builder = context.builder
        if result != value and result == ~(len(builder.elements) - 1):
            builder.restem(SHORTCUT)
        return result

    def branches(self, suite: ast.Suite, head: ast.Merge, context: Context, value: int) -> int:
        results = []
        self.enter(suite.body)
        for statement in suite.body:
            dropped = (
                isinstance(statement, (ast.Chain, ast.Suite)) and statement.guard is not None and self.dropped(statement.guard, context)
            )
            if dropped:
                continue
            result = self.statement(statement, context.inside(scope=context.scope), value)
            assert result is not None
            results.append((result, statement.span))
        self.depth -= 1
        if len(results) < 2:
            return results[0][0] if results else value
        advice = partial(branches_advice, context.builder, value, head.kind, results)
        return self.merge(head.kind, tuple(result for result, _ in results), context, head.span, advice)


def _source(body: tuple[ast.Statement, ...]) -> tuple[ast.Expr | None, tuple[ast.Statement, ...]]:
    """The value that a body begins from, where it says so, and the body without that."""
    first = body[0] if body else None
    if not isinstance(first, ast.Chain) or first.source is None or first.guard is not None:
        return None, body
    return first.source, (first._replace(source=None), *body[1:]) if first.steps else body[1:]
