"""Structure: inputs, labels, repeats, residuals and branches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import count as counting

from archspec.diagnostics.fix import doubled, moved_up, written
from archspec.elaborate.binding import bind
from archspec.elaborate.core import Context, Part
from archspec.elaborate.expressions import Frame, Refused, Scope, whole
from archspec.elaborate.inputs import doubt, impossible, possible, written_shape
from archspec.elaborate.labels import climb, given_by, label_text, rounds_of
from archspec.elaborate.merge_advice import branches_advice, residual_advice
from archspec.elaborate.reports import Level
from archspec.elaborate.steps import Steps
from archspec.ir.builder import GraphBuilder
from archspec.ir.graph import SHORTCUT, Call, Hole, Input
from archspec.ir.shared import relinked
from archspec.ops import STEPS, make, op_class
from archspec.source import Span
from archspec.syntax import ast
from archspec.syntax.lines import BODIES
from archspec.types import Type, from_shape

NAMELESS = "_"
"""As a label: a group that is called as a step would be, in a group by its position."""
_TELLING = 1000
"""Rounds that are elaborated before all those to come are counted."""


class Structures(Steps):
    """Inputs, and heads with a body."""

    def input(self, statement: ast.Input, name: ast.Name | None, context: Context) -> int:
        """Place an input; its shape may be set from outside."""
        span = statement.span
        if not context.top:
            self.reject("A010", "`input` is allowed only at the top level", span)
            return self.unknown(context.builder, span)
        called = name.id if name is not None else "input"
        if called in self.placed:
            first = self.placed[called], "first here"
            self.reject(
                "A108", f"there are two inputs called `{called}`", span, "name them: `left: input 32x32x3`", first, fixes=doubled(span)
            )
            return self.unknown(context.builder, span)
        shape = self.options.inputs.get(called) or (self.options.inputs.get("") if not self.placed else None)
        try:
            shape = shape or written_shape(statement, context.scope)
        except Refused as refused:
            self.report(refused)
            shape = ()
        problem = impossible(shape)
        type_ = from_shape(tuple(shape)) if shape and not problem else None
        if problem:
            self.reject("A105", problem, statement.shape.span, possible(shape))
        elif type_ is not None:
            self.doubt(statement, type_.shape, shape if any(statement.params) else statement.shape.values)
        if type_ is not None:
            self.inputs.append(Input(called, type_, span))
        self.placed[called] = span
        value = context.builder.input(type_)
        self.meet(span, type_)
        context.scope.labels[called] = (context.builder, value)
        return value

    def doubt(self, statement: ast.Input, shape: tuple[int, ...], own: tuple[int, ...]) -> None:
        """Warn of a shape that looks unintended; `own` is that of the spec."""
        if doubted := doubt(shape, own):
            message, meant = doubted
            better = "x".join(map(str, meant or own))
            help_ = f"did you mean `input {better}`?" if shape == own else f"did you mean {better}?"
            help_ = help_ if meant else f"set a shape with as many axes as {better}"
            fixes = [written(statement.shape.span, better)] if meant and shape == own else []
            self.warn("A405", message, statement.shape.span, help_, fixes=fixes)

    def labelled(self, suite: ast.Suite, head: ast.Label, context: Context, value: int | None) -> int | None:
        """Name the value of a line, or of the lines below it."""
        name = None
        if not (isinstance(head.name, ast.Name) and head.name.id == NAMELESS):
            try:
                position = context.builder.names.position if context.builder.names.naming == "index" else None
                name = label_text(head.name, context.scope, position)
            except Refused as refused:
                self.report(refused)
                context.scope.lost += given_by(suite)
        if len(suite.body) == 1 and isinstance(only := suite.body[0], ast.Input):
            return self.input(only, ast.Name(name, head.span) if name else None, context)
        self.meant_as_head(head, suite)
        around = rounds_of(head.name, context.scope)
        if name is not None and any(name in scope.labels for scope in around):
            fixes = [written(head.name.span, self.free(name, around))] if head.name.span.text == name else []
            self.reject("A108", f"there are two values called `{name}` here", head.span, "choose another label", fixes=fixes)
            name = None
        inside = context
        if head.frozen:
            inside = context._replace(scope=context.scope.inner())
            inside.scope.frozen = True
        seen, first = inside.scope.seen(), len(context.builder.elements)
        aside = lone_aside(suite)
        if aside is not None and op_class(aside.name.id).origin:
            result = self.tensor(aside, name, inside, value)
        else:
            result = self.group(suite, name, head.span, inside, value)
        if name is not None:
            context.scope.labels[name] = (context.builder, result)
            context.scope.climbing |= {name: around[1:]}
            if result < 0 and first <= ~result:
                context.builder.parts[~result] = Part(name, suite.body, inside, seen, first, len(context.builder.elements))
        return value if aside is not None else result

    def meant_as_head(self, head: ast.Label, suite: ast.Suite) -> None:
        """Warn of a label that is `residual`, `add` or such in other letters, and so merges nothing."""
        word, meant = head.name.span.text, head.name.span.text.lower()
        only = suite.body[0] if len(suite.body) == 1 else None
        if meant not in BODIES or word == meant or (isinstance(only, ast.Chain) and [step.name.id for step in only.steps][:1] == [meant]):
            return
        help_ = f"write `{meant}:`, or choose a label that looks like none"
        fixes = [written(head.name.span, meant)]
        self.warn("A422", f"`{word}:` is only a label: `{meant}:` is written in small letters", head.name.span, help_, fixes=fixes)

    def free(self, name: str, around: Sequence[Scope]) -> str:
        """A label like one that is taken."""
        stem = name.rstrip("0123456789")
        taken = {label for scope in around for label in scope.labels}
        return next(f"{stem}{at}" for at in counting(2) if f"{stem}{at}" not in taken)

    def group(self, suite: ast.Suite, name: str | None, span: Span, context: Context, value: int | None) -> int:
        """The body under a label: a single step takes the label, several become a graph of their own, numbered by position."""
        source, body = begun(suite.body)
        if source is not None:
            value = self.reference(source, context)
        elif value is None:
            return self.no_input(span, context)
        return self.grouped(body, name, span, context, value)

    def grouped(self, body: tuple[ast.Statement, ...], name: str | None, span: Span, context: Context, value: int) -> int:
        """What a label names, after a value."""
        if not body:
            return value
        only = body[0] if len(body) == 1 else None
        if isinstance(only, ast.Chain) and only.guard is None and len(only.steps) == 1:
            self.enter(body)
            result = self.step(only.steps[0], context, value, name)
            self.depth -= 1
            return result
        inner = GraphBuilder("index", context.builder)
        start = inner.input(context.builder.type_of(value))
        if not self.unit.again:  # a label of the same value is the same input; but not of every value that `again` may put there
            inner.captured[value] = start
        self.path.append(name or context.builder.next_name("group"))
        inside = context.inside(inner)._replace(results=None if context.results is None else {})
        last = self.suite(body, inside, start)
        self.path.pop()
        further = inside.results or {}
        if last == start and not inner.elements and not further:
            return value
        self.check_names(inner)
        graph = inner.finish(last, further=further)
        if graph is None:
            return context.builder.add(Hole(inner.type_of(last), "group", name, span))
        self.limit(graph.layers, span)
        self.exposures.labels[graph] = {label: inner.final(at) for label, (owner, at) in inside.scope.labels.items() if owner is inner}
        result = context.builder.call(inner, Call(graph, (value, *inner.pending), graph.output, "group", name, span))
        for at, output in enumerate(further, 1):
            self.add_result(output, context.builder.further(result, at), context, span)
        return result

    def add_result(self, name: str, value: int, context: Context, span: Span) -> None:
        """Name an output of a block or of a group in it; two of one name are reported."""
        assert context.results is not None
        if name in context.results:
            self.reject("A108", f"there are two outputs called `{name}`", span, "choose another name")
        context.results[name] = value

    def repeat(self, suite: ast.Suite, head: ast.Repeat, context: Context, value: int) -> int:
        """Elaborate rounds one after the other; equal ones are counted once."""
        known = True
        try:
            count = self.rounds(whole(head.rounds, context.scope))
            if count < 0:
                raise Refused("A105", f"a repeat cannot have {count} rounds", head.rounds.span, "write 0 or more")
        except Refused as refused:
            self.report(refused)
            count, known = 1, False
        frame = Frame(count, known, head.rounds.span)
        result = value
        while frame.round < count and context.builder.type_of(result) is not None:
            result = self.round(suite, head, frame, context, result)
        if frame.round < count or not known:
            context.scope.lost += given_by(suite)
        return result

    def rounds(self, count: int) -> int:
        """The number of rounds as it is kept."""
        return count

    def round(self, suite: ast.Suite, head: ast.Repeat, frame: Frame, context: Context, value: int) -> int:
        """Elaborate one round, and take as many of the rounds that follow as are equal to it."""
        # Once the index was read no round is equal to the next. What else is wrong shows in the first of them.
        self.count_step(head.span, frame.count - frame.round - 1 if frame.reads_index and frame.round >= _TELLING else 0)
        builder = context.builder
        inner = GraphBuilder(builder.names.naming, builder, round_=True)
        start = inner.input(builder.type_of(value))
        scope = context.scope.inner(frame, head.counter.id if head.counter is not None else None)
        self.trace.append(Level(head.span, "", f"round {frame.round + 1} of {frame.count}"))
        result = self.suite(suite.body, context.inside(inner, scope), start)
        self.trace.pop()
        same = not frame.reads_index and frame.round + 1 >= frame.longest and inner.type_of(result) == inner.type_of(start)
        times = frame.count - frame.round if same and inner.type_of(result) is not None else 1
        frame.round += times
        if self.once(times):
            here = builder.splice(inner, value)
            climb(scope, {name: (builder, here[inside]) for name, (_, inside) in scope.labels.items()})
            return here[result]
        if result == start and not inner.elements:
            return value
        call = inner.elements[0] if len(inner.elements) == 1 and result == ~0 else None
        if isinstance(call, Call) and call.label is None and call.owner is None and call.times == 1 and call.inputs == (start,):
            self.limit(times * call.graph.layers, head.span)
            outside = relinked(call, lambda owner, depth: owner._replace(up=owner.up - 1) if owner.up > depth else owner)
            return builder.add(outside._replace(inputs=(value,), times=times))
        graph = inner.finish(result)
        if graph is None:
            return builder.add(Hole(inner.type_of(result), "repeat", None, head.span))
        self.limit(times * graph.layers, head.span)
        call = Call(graph, (value, *inner.pending), graph.output, "repeat", None, head.span, times, inline=True)
        return builder.call(inner, call)

    def once(self, times: int) -> bool:
        """Whether a round that runs so often becomes part of the graph around it, and not a call."""
        return times == 1

    def residual(self, suite: ast.Suite, head: ast.Residual, context: Context, value: int) -> int:
        """Add what the lines below give to the value that they begin with, or to its shortcut."""
        alone = self.dropped(head.condition, head, context, value)
        if alone is None:
            return self.unknown(context.builder, head.span)
        last = suite.body[-1] if suite.body else None
        shortcut = last if isinstance(last, ast.Suite) and isinstance(last.head, ast.Shortcut) else None
        inside = context.inside()
        main = self.suite(suite.body[:-1] if shortcut is not None else suite.body, inside, value)
        builder, short = context.builder, value
        if alone:
            self.unadded(head, builder.type_of(value), builder.type_of(main))
            return main
        if shortcut is not None and self.dropped(shortcut.guard, shortcut, inside, value):
            shortcut = None
        if shortcut is not None:
            short = self.shortcut(shortcut, inside._replace(results=None), value)
        advice = partial(residual_advice, builder, value, main, shortcut is not None, suite.body, context.defaults)
        return self.merge(make("add", {}), (main, short), context, head.span, advice)

    def shortcut(self, suite: ast.Suite, context: Context, value: int) -> int:
        """Elaborate the other path of a residual: a label behind it names it, as it does a branch, and so do those below `seq:`."""
        only = suite.body[0] if len(suite.body) == 1 else None
        if isinstance(only, ast.Suite) and isinstance(only.head, (ast.Label, ast.Seq)):
            self.enter(suite.body)
            found = self.statement(only, context, value)
            self.depth -= 1
            return value if found is None else found
        found = self.group(suite, None, suite.head.span, context, value)
        if found != value and found == ~(len(context.builder.elements) - 1):
            context.builder.restem(SHORTCUT)
        return found

    def unadded(self, head: ast.Residual, before: Type | None, after: Type | None) -> None:
        """Warn of a body that runs without its sum although both paths fit, unless params alone, which say what is built, decide it."""
        assert head.condition is not None
        if before is None or before != after or ast.names(head.condition) <= set(self.unit.names):
            return
        condition = head.condition.span.text
        message = f"`{condition}` is false here: the body runs all the same, and nothing is added, although both paths give {after}"
        help_ = f"`seq if {condition}:` with `residual:` below it leaves the body out, too"
        self.warn("A423", message, head.span, help_)

    def branches(self, suite: ast.Suite, head: ast.Merge, context: Context, value: int) -> int:
        """Merge what the lines below give, each from the same value."""
        results = []
        self.enter(suite.body)
        for statement in suite.body:
            if isinstance(statement, (ast.Chain, ast.Suite)) and self.dropped(statement.guard, statement, context, value):
                continue
            if isinstance(statement, ast.Suite) and (aside := lone_aside(statement)) is not None:
                help_ = f"put the line above `{head.span.text}:`, and write `from {statement.head.span.text}` here"
                message = f"a labelled `{aside.name.id}` is no branch: it leaves the current value as it is"
                self.reject("A010", message, aside.span, help_, fixes=moved_up(statement.span))
            starts, body = [value], statement
            if isinstance(statement, ast.Chain) and statement.source is not None:  # a path may name several values: a branch for each
                starts, body = self.references(statement.source, context), statement._replace(source=None)
            for start in starts:
                result = self.statement(body, context.inside(scope=context.scope), start)
                assert result is not None
                results.append((result, statement))
        self.depth -= 1
        if len(results) < 2:
            return results[0][0] if results else value
        advice = partial(branches_advice, context.builder, value, head.kind, results)
        step = ast.Step(ast.Name(head.kind, head.span), (), head.keywords, head.span)
        try:
            op = bind(step, context.scope, context.defaults).op
        except Refused as refused:
            self.report(refused)
            return self.unknown(context.builder, head.span)
        return self.merge(op, tuple(result for result, _ in results), context, head.span, advice)


def lone_aside(suite: ast.Suite) -> ast.Step | None:
    """The step of a label that stands alone and makes a value for others to read, such as a tensor."""
    if not isinstance(suite.head, ast.Label) or len(suite.body) != 1:
        return None
    only = suite.body[0]
    if not isinstance(only, ast.Chain) or only.source is not None or only.guard is not None or len(only.steps) != 1:
        return None
    name = only.steps[0].name.id
    nameless = getattr(suite.head.name, "id", "") == NAMELESS
    return only.steps[0] if name in STEPS and (op_class(name).origin if nameless else op_class(name).aside) else None


def begun(body: tuple[ast.Statement, ...]) -> tuple[ast.Expr | None, tuple[ast.Statement, ...]]:
    """The value that a body begins from, where it says so, and the body without that."""
    first = body[0] if body else None
    if not isinstance(first, ast.Chain) or first.source is None or first.guard is not None:
        return None, body
    return first.source, (first._replace(source=None), *body[1:]) if first.steps else body[1:]
