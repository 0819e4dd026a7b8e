"""Parts of a spec run: each on the value before it, in a context of names."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tests.fuzzing.chooser import Pair, Values
from tests.fuzzing.draw import ROUND, ROUNDS, Arg, Draw, Refused, condition, demand
from tests.fuzzing.layers import LAYERS, flatten_first
from tests.fuzzing.modules import OfAll
from tests.fuzzing.tape import Tape, TooLarge
from tests.fuzzing.tree import (
    Block,
    Body,
    Branches,
    Call,
    Default,
    Group,
    Line,
    MergeWith,
    Output,
    Part,
    Pattern,
    Repeat,
    Residual,
    Step,
    Tensor,
)
from tests.fuzzing.values import Value

COUNTS = {"k", "w", "f", "s", "d", "g", "m", "n", "v", "groups", "heads", "size"}
"""Arguments that are at least 1; other whole numbers are at least 0."""


def _least(value: Any) -> int:
    """The least whole number of an argument; 1 where it has none."""
    return min((number for number in (value if isinstance(value, tuple) else (value,)) if type(number) is int), default=1)


class Labels:
    """Named values, as far as they are seen. Each has the text of its label: that may hold the counters of repeats."""

    def __init__(self, outer: Labels | None = None) -> None:
        self.outer = outer
        self.own: dict[str, tuple[Value, Arg]] = {}

    def find(self, name: str) -> Value:
        scope: Labels | None = self
        while scope is not None:
            if name in scope.own:
                return scope.own[name][0]
            scope = scope.outer
        raise Refused(f"no value is called {name}")

    def seen(self) -> Iterator[tuple[Value, Arg]]:
        yield from self.own.values()
        if self.outer is not None:
            yield from self.outer.seen()


class Known(dict[str, Any]):
    """What names and sizes stand for. A value that a later round lacks, or of which it is another kind, has no such size there."""

    def __missing__(self, name: str) -> Any:
        raise Refused(f"there is no {name}")


@dataclass(frozen=True)
class Context:
    """Where a part stands. `counters` are those of the repeats that a label must tell apart; None where it cannot."""

    names: dict[str, Any]
    labels: Labels
    counters: tuple[str, ...] | None = ()
    depth: int = 0
    top: bool = False
    alone: bool = True

    @property
    def env(self) -> dict[str, Any]:
        """What names stand for, the sizes of labelled values among them."""
        sizes: dict[str, Any] = {}
        for value, label in self.labels.seen():
            for function, size in value.sizes.items():
                sizes.setdefault(f"{function}({label.text})", size)
        return Known({**self.names, **sizes})

    def inner(self, **changes: Any) -> Context:
        return replace(self, labels=Labels(self.labels), depth=self.depth + 1, top=False, **changes)


def climbed(labels: dict[str, tuple[Value, Arg]], counter: str, round_: int) -> dict[str, tuple[Value, Arg]]:
    """The labels that are seen behind a round: those that have its counter, which is a number there."""
    found = {}
    for name, (value, label) in labels.items():
        if label.text is not None and f"{{{counter}}}" in label.text:
            text = label.text.replace(f"{{{counter}}}", str(round_))
            found[name] = (value, Arg(text, lambda env, label=label: label.value(Known({**env, counter: round_}))))
    return found


class Seen(NamedTuple):
    """What a part found when it ran for the first time: the value before it, the names, and the labels of its own suite."""

    x: Value
    env: dict[str, Any]
    labels: tuple[str, ...]


class GaveUp(Exception):
    """The spec is refused, at a part."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(str(refused))
        self.item = refused.item


def answer(plan: Generator[Any, Any, None], value: Value | None) -> Any:
    """What a plan draws next, given the value after the part before; None at its end."""
    try:
        return plan.send(value)
    except StopIteration:
        return None


@dataclass
class Runner:
    """Runs parts. A body with a plan is drawn on the way, part by part; one that does not run is dropped, or ends the spec."""

    draw: Draw
    tape: Tape
    giving_up: int = 12
    """One refused part in so many stays, and the spec is one that must be refused; 0 for none."""
    names: dict[str, Any] = field(default_factory=dict)
    """The params of the file."""
    blocks: list[Block] = field(default_factory=list)
    active: list[Block] = field(default_factory=list)
    """Those that are being run."""
    seen: dict[int, Seen] = field(default_factory=dict)
    outputs: dict[str, tuple[Value, bool]] = field(default_factory=dict)
    """Further outputs, and whether they exist in training only."""

    def run(self, item: Any, x: Value, context: Context) -> Value:
        """The value after a part. Raises Refused, which says where."""
        if isinstance(item, Part):
            self.seen.setdefault(id(item), Seen(x, context.env, tuple(context.labels.own)))
        if isinstance(item, Part) and item.guard is not None and not item.guard.value(context.env):
            return x
        try:
            result: Value = getattr(self, f"run_{type(item).__name__.lower()}")(item, x, context)
        except Refused as refused:
            refused.item = refused.item or item
            raise
        return result

    def run_step(self, step: Step, x: Value, context: Context) -> Value:
        if step.name == "skip":
            return x
        return self.layer(step.name, {name: arg.value(context.env) for name, arg in step.args.items()}, x, context)

    def layer(self, name: str, values: Values, x: Value, context: Context) -> Value:
        layer = LAYERS[name]
        demand(x.kind in layer.takes, f"{name} on {x.kind}")
        for argument, value in values.items():
            counts = argument in COUNTS and name != "pad" and not isinstance(value, Pair)
            demand(argument == "bounds" or name == "token" or _least(value) >= counts, f"{argument}={value}")
        demand(values.get("std") is None or values["init"] in ("normal", "truncated"), "a deviation that means nothing")
        if name == "fc" and flatten_first(x):
            x = self.layer("flatten", {}, x, context)
        try:
            module, kind = layer.build(x, values)
        except (RuntimeError, ValueError) as error:
            raise Refused(str(error)) from error
        return self.tape.apply(name, module, [x], kind)

    def run_mergewith(self, merge: MergeWith, x: Value, context: Context) -> Value:
        others = [context.labels.find(name.value(context.env)) for name in merge.names]
        return self.tape.merge(merge.kind, [x, *others], **merge.arguments)

    def run_line(self, line: Line, x: Value, context: Context) -> Value:
        if line.source is not None:
            x = context.labels.find(line.source.value(context.env))
        return self.body(line.steps, x, context)

    def run_group(self, group: Group, x: Value, context: Context) -> Value:
        result = self.body(group.body, x, context.inner(counters=()))
        name = group.label.value(context.env)
        if name != "_":
            context.labels.own[name] = (result, group.label)
        return x if name != "_" and is_aside(group) else result

    def run_tensor(self, item: Tensor, x: Value, context: Context) -> Value:
        kind = x.kind if x.kind != "words" else "vector"
        stored = (item.shape[-1], *item.shape[:-1]) if kind == "map" else item.shape
        made = self.tape.apply("tensor", OfAll(stored, item.frozen), self.tape.inputs[:1], kind)  # for the size of the batch
        context.labels.own[item.label.value(context.env)] = (made, item.label)
        return x

    def run_repeat(self, repeat: Repeat, x: Value, context: Context) -> Value:
        counters = (*context.counters, repeat.counter) if context.counters is not None and repeat.counter else None
        count = repeat.count.value(context.env)
        demand(count >= 0, "fewer than no rounds")
        for round_ in range(count):
            names = {**context.names, ROUND: round_, ROUNDS: count} | ({repeat.counter: round_} if repeat.counter else {})
            inner = context.inner(names=names, counters=counters, alone=False)
            x = self.body(repeat.body, x, inner)
            if repeat.counter:
                context.labels.own |= climbed(inner.labels.own, repeat.counter, round_)
        return x

    def run_residual(self, item: Residual, x: Value, context: Context) -> Value:
        inner = context.inner()
        main = self.body(item.body, x, inner)
        if item.condition is not None and not item.condition.value(context.env):
            return main
        if item.plan is not None:
            plan, item.plan = item.plan, None
            item.shortcut = plan(x, main, inner)
        short = x if item.shortcut is None else self.run(item.shortcut, x, inner)
        return self.tape.merge("add", [main, short])

    def run_branches(self, item: Branches, x: Value, context: Context) -> Value:
        results = self.parallel(item.body, x, context)
        return self.tape.merge(item.kind, results) if len(results) > 1 else [x, *results][-1]

    def run_call(self, call: Call, x: Value, context: Context) -> Value:
        block = call.block
        env = {**self.names, "cin": x.channels}
        for name, default in block.parameters:
            env[name] = call.given[name].value(context.env) if name in call.given else default.value(env) if default else None
        if block not in self.blocks:
            self.blocks.append(block)
        self.active.append(block)
        result = self.body(block.body, x, Context(env, Labels(), depth=context.depth + 1, alone=False))
        self.active.pop()
        return result

    def run_output(self, item: Output, x: Value, context: Context) -> Value:
        inner = context.inner()
        self.outputs[item.name] = (self.body(item.body, x, inner) if item.body is not None else x, item.training)
        return x

    def run_pattern(self, item: Pattern, x: Value, context: Context) -> Value:
        for name, values in item.layers:
            x = self.layer(name, values, x, context)
        return x

    def run_default(self, item: Default, x: Value, context: Context) -> Value:
        return x

    def run_block(self, item: Block, x: Value, context: Context) -> Value:
        return x

    # bodies

    def body(self, body: Body, x: Value, context: Context) -> Value:
        """One part after another."""
        if body.plan is None:
            for item in body.items:
                x = self.run(item, x, context)
            return x
        plan, body.plan = body.plan(x, context), None
        item = next(plan, None)
        while item is not None:
            x = self.attempt(body, item, x, context) or x
            item = answer(plan, x)
        return x if body.items else self.run(self.idle(body), x, context)

    def parallel(self, body: Body, x: Value, context: Context) -> list[Value]:
        """All parts from the same value; those whose guard is false give none."""
        if body.plan is None:
            taken = [item for item in body.items if item.guard is None or item.guard.value(context.env)]
            return [self.run(item, x, context.inner(counters=context.counters)) for item in taken]
        plan, body.plan = body.plan(x, context), None
        results = []
        item = next(plan, None)
        while item is not None:
            y = self.attempt(body, item, x, context.inner(counters=context.counters))
            results += [y] if y is not None else []
            item = answer(plan, y)
        if not body.items:
            self.idle(body)
        return results

    def idle(self, body: Body) -> Any:
        """What is put into a body of which nothing was left."""
        skip = Step("skip")
        body.items.append(skip if body.steps else Line(Body(items=[skip], steps=True)))
        return body.items[0]

    def attempt(self, body: Body, item: Any, x: Value, context: Context) -> Value | None:
        """Run a part that was just drawn and put it into a body; None where it is dropped, or stays with a guard that is false."""
        tape, labels, outputs, blocks = len(self.tape.entries), dict(context.labels.own), dict(self.outputs), len(self.blocks)
        env = context.env
        body.items.append(item)

        active, seen = len(self.active), len(self.seen)

        def undo() -> None:
            del self.active[active:]
            while len(self.seen) > seen:
                self.seen.popitem()
            del self.tape.entries[tape:]
            context.labels.own, self.outputs = labels, outputs

        try:
            result = self.run(item, x, context)
        except (Refused, TooLarge) as refused:
            if isinstance(refused, Refused) and self.giving_up and self.draw.number(1, self.giving_up) == 1:
                raise GaveUp(refused) from refused
            undo()
            body.items.pop()
            del self.blocks[blocks:]
            return None
        if not self.guarded(item) or self.draw.number(1, 8) != 1:
            return result
        holds = self.draw.number(0, 2) > 0
        item.guard = condition(self.draw, env, holds)
        if holds:
            return result
        undo()
        return None

    def guarded(self, item: Any) -> bool:
        """Whether a part may get a guard. That of a residual can only stand at the end of its line."""
        return isinstance(item, (Line, Group, Repeat, Branches, Output)) and item.guard is None


def is_aside(group: Group) -> bool:
    """Whether a label stands before a layer that leaves the current value as it is, as the reference says of `buckets`."""
    line = group.body.items[0] if len(group.body.items) == 1 else None
    steps = line.steps.items if isinstance(line, Line) and line.source is None and line.guard is None else []
    return len(steps) == 1 and isinstance(steps[0], Step) and steps[0].name == "buckets"
