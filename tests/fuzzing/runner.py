"""Parts of a spec run: each on the value before it, in a context of names."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tests.fuzzing.chooser import Pair, Values
from tests.fuzzing.draw import ROUND, ROUNDS, Arg, Draw, Ref, Refused, condition, const, demand
from tests.fuzzing.labels import Context, Known, Labels, Level, Made, Named, climbed
from tests.fuzzing.layers import LAYERS, flatten_first
from tests.fuzzing.modules import OfAll
from tests.fuzzing.tape import Tape, TooLarge
from tests.fuzzing.tree import (
    Again,
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
    Sequence,
    Star,
    Step,
    Tensor,
)
from tests.fuzzing.values import Value

COUNTS = {"k", "w", "f", "s", "d", "g", "m", "n", "v", "groups", "heads", "size"}
"""Arguments that are at least 1; other whole numbers are at least 0."""
SIGNED = {"bounds", "number"}
"""Arguments that may be below 0."""
MERGES = {"add", "sub", "mul", "concat"}
"""What takes no position."""
OPERANDS = ("kv", "k", "v", "rope", "rel", "offset")
"""Arguments whose values a layer reads, in the order in which it does."""


def _least(value: Any) -> int:
    """The least whole number of an argument; 1 where it has none."""
    return min((number for number in (value if isinstance(value, tuple) else (value,)) if type(number) is int), default=1)


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


def blamed(item: Any, arg: Arg, env: dict[str, Any]) -> Any:
    """Evaluate an argument of a part. Raises Refused, which names the part."""
    try:
        return arg.value(env)
    except Refused as refused:
        refused.item = refused.item or item
        raise


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
            self.seen.setdefault(id(item), Seen(x, context.env(x), tuple(context.labels.own)))
        if isinstance(item, Part) and not self.kept(item, x, context):
            return x
        try:
            result: Value = getattr(self, f"run_{type(item).__name__.lower()}")(item, x, context)
        except Refused as refused:
            refused.item = refused.item or item
            raise
        return result

    def kept(self, item: Part, x: Value, context: Context) -> bool:
        """Whether the guard of a part holds. Raises Refused, which says where."""
        return item.guard is None or bool(blamed(item, item.guard, context.env(x)))

    def run_step(self, step: Step, x: Value, context: Context) -> Value:
        if step.name == "skip":
            return x
        env = context.env(x)
        values = {name: arg.value(env) for name, arg in step.args.items()}
        return self.layer(step.name, values, x, context)

    def layer(self, name: str, values: Values, x: Value, context: Context) -> Value:
        """A layer with its arguments; those that name values stand for them, or for their sizes."""
        layer = LAYERS[name]
        demand(x.kind in layer.takes, f"{name} on {x.kind}")
        values = {key: context.labels.value(value) if isinstance(value, Ref) else value for key, value in values.items()}
        if isinstance(values.get("to"), Value):
            demand(values["to"].kind == "map", "the size of what has none")
            values["to"] = values["to"].spatial
        for argument, value in values.items():
            counts = argument in COUNTS and name not in ("pad", "attend") and not isinstance(value, Pair)
            demand(argument in SIGNED or name == "token" or _least(value) >= counts, f"{argument}={value}")
        demand(values.get("std") is None or values["init"] in ("normal", "truncated"), "a deviation that means nothing")
        if name == "fc" and flatten_first(x):
            x = self.layer("flatten", {}, x, context)
            context.level.position -= 1
        frozen = values.pop("frozen", None)
        try:
            module, kind = layer.build(x, values)
        except (RuntimeError, ValueError) as error:
            raise Refused(str(error)) from error
        if context.frozen if frozen is None else frozen:
            module.requires_grad_(False)
        read = [value for value in map(values.get, OPERANDS) if isinstance(value, Value)]
        result = self.tape.apply(name, module, [x, *read], kind)
        if name not in MERGES:
            context.level.put(None, Named(result, const(name)))
        return result

    def run_mergewith(self, merge: MergeWith, x: Value, context: Context) -> Value:
        env = context.env(x)
        others = [value for name in merge.names for value in context.labels.find(name.value(env))]
        result = self.tape.merge(merge.kind, [x, *others], **merge.arguments)
        if merge.kind not in MERGES:
            context.level.put(None, Named(result, const(merge.kind)))
        return result

    def run_line(self, line: Line, x: Value, context: Context) -> Value:
        if line.source is not None:
            x = context.labels.value(line.source.value(context.env(x)))
        return self.body(line.steps, x, context)

    def run_star(self, star: Star, x: Value, context: Context) -> Value:
        return self.starred(star, x, context)[-1]

    def starred(self, star: Star, x: Value, context: Context) -> list[Value]:
        return context.labels.find(star.source.value(context.env(x)))

    def run_sequence(self, item: Sequence, x: Value, context: Context) -> Value:
        return self.body(item.body, x, context.inner())

    def run_group(self, group: Group, x: Value, context: Context) -> Value:
        name = group.label.value(context.env(x))
        first, level = len(self.tape.entries), Level()
        inner = context.inner(counters=(), frozen=context.frozen or group.frozen, level=level)
        result = self.body(group.body, x, inner)
        if group.body.alone:  # a single step takes the label, and behind it are the outputs of a block
            level = level.children[0] if level.children else Level()
        self.tape.wholes.append(range(first, len(self.tape.entries)))
        made = Made(group.body, inner, x, self.tape.entries[first:])
        named = Named(result, group.label, level, made)
        only = group.body.items[0].steps.items[0] if group.body.alone else None
        merges = (only.kind if isinstance(only, MergeWith) else only.name if isinstance(only, Step) else "") in MERGES
        if (made.entries or isinstance(only, Call)) and not (name == "_" and merges):
            again = isinstance(only, Again) and any(entry.module.state_dict() for entry in made.entries)
            context.level.put(name if name != "_" else None, named, numbered=not again)
        if name != "_":
            context.labels.own[name] = named
        return x if name != "_" and is_aside(group) else result

    def run_tensor(self, item: Tensor, x: Value, context: Context) -> Value:
        kind = item.kind(line=x.kind == "map" and len(x.shape) == 2)
        module = OfAll(item.stored or item.layout(kind), item.layout(kind), item.frozen or context.frozen)
        made = self.tape.apply("tensor", module, self.tape.inputs[:1], kind)  # for the size of the batch
        name, named = item.label.value(context.env(x)), Named(made, item.label)
        context.level.put(name, named, numbered=False)
        context.labels.own[name] = named
        return x

    def run_repeat(self, repeat: Repeat, x: Value, context: Context) -> Value:
        counters = (*context.counters, repeat.counter) if context.counters is not None and repeat.counter else None
        count = repeat.count.value(context.env(x))
        demand(count >= 0, "fewer than no rounds")
        for round_ in range(count):
            names = {**context.names, ROUND: round_, ROUNDS: count} | ({repeat.counter: round_} if repeat.counter else {})
            inner = context.inner(names=names, counters=counters, alone=False, outputs=None)
            x = self.body(repeat.body, x, inner)
            if repeat.counter:
                context.labels.own |= climbed(inner.labels.own, repeat.counter, round_)
        return x

    def run_residual(self, item: Residual, x: Value, context: Context) -> Value:
        inner = context.inner()
        added = item.condition is None or item.condition.value(context.env(x))
        main = self.body(item.body, x, inner)
        if not added:
            return main
        if item.plan is not None:
            plan, item.plan = item.plan, None
            item.shortcut = plan(x, main, inner)
        short = x
        if item.shortcut is not None:
            short = self.run(item.shortcut, x, replace(inner, level=Level(), outputs=None))
            context.level.sure = False
        return self.tape.merge("add", [main, short])

    def run_branches(self, item: Branches, x: Value, context: Context) -> Value:
        results = self.parallel(item.body, x, context)
        return self.tape.merge(item.kind, results, **item.arguments) if len(results) > 1 else [x, *results][-1]

    def run_call(self, call: Call, x: Value, context: Context) -> Value:
        block, labels, outputs = call.block, Labels(), Level()
        here, env = context.env(x), Known({**self.names, "cin": x.channels, **Context({}, labels).env(x)})
        for parameter in block.parameters:
            given, default = call.given.get(parameter.name), parameter.default
            value = given.value(here) if given is not None else blamed(block, default, env) if default is not None else None
            if parameter.is_value:
                labels.own[parameter.name] = Named(replace(context.labels.value(value), stored=False), parameter.label)
            else:
                env[parameter.name] = value
        names = {name: value for name, value in env.items() if "(" not in name}
        if block not in self.blocks:
            self.blocks.append(block)
        self.active.append(block)
        inside = Context(names, labels, depth=context.depth + 1, alone=False, frozen=context.frozen, outputs=outputs)
        first = len(self.tape.entries)
        result = self.body(block.body, replace(x, stored=False), inside)
        self.tape.wholes.append(range(first, len(self.tape.entries)))
        self.active.pop()
        context.level.put(None, Named(result, const(block.name), outputs))
        return result

    def run_output(self, item: Output, x: Value, context: Context) -> Value:
        first = len(self.tape.entries)
        level = Level()
        value = self.body(item.body, x, context.inner(level=level, outputs=None)) if item.body is not None else x
        if item.body is not None and not item.training:
            context.level.children += level.children[:1] if item.body.alone else [level]
        context.level.position += len(self.tape.entries) > first  # its layers are named as under a label
        if context.outputs is not None:
            context.outputs.named[item.name] = Named(value, item.label)
        else:
            self.outputs[item.name] = (value, item.training)
        return x

    def run_pattern(self, item: Pattern, x: Value, context: Context) -> Value:
        for name, values in item.layers:
            x = self.layer(name, dict(values), x, context)
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
        """All parts from the same value; those whose guard is false give none, a path as many as it leads to."""

        def all_of(item: Any, result: Value) -> list[Value]:
            return self.starred(item, x, context) if isinstance(item, Star) else [result]

        if body.plan is None:
            taken = [item for item in body.items if self.kept(item, x, context)]
            return [value for item in taken for value in all_of(item, self.run(item, x, context.inner(counters=context.counters)))]
        plan, body.plan = body.plan(x, context), None
        results = []
        item = next(plan, None)
        while item is not None:
            y = self.attempt(body, item, x, context.inner(counters=context.counters))
            results += all_of(item, y) if y is not None else []
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
        undo = self.undoing(context)
        env, blocks = context.env(x), len(self.blocks)
        body.items.append(item)
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

    def undoing(self, context: Context) -> Any:
        """What takes back all that a part did."""
        tape, labels, outputs = len(self.tape.entries), dict(context.labels.own), dict(self.outputs)
        active, seen = len(self.active), len(self.seen)
        levels = [(level, level.copy()) for level in (context.level, context.outputs) if level is not None]

        def undo() -> None:
            del self.active[active:]
            while len(self.seen) > seen:
                self.seen.popitem()
            del self.tape.entries[tape:]
            context.labels.own, self.outputs = labels, outputs
            for level, before in levels:
                vars(level).update(vars(before))

        return undo

    def guarded(self, item: Any) -> bool:
        """Whether a part may get a guard. That of a residual can only stand at the end of its line."""
        return isinstance(item, (Line, Group, Repeat, Branches, Output, Sequence)) and item.guard is None


def is_aside(group: Group) -> bool:
    """Whether a label stands before a layer that leaves the current value as it is, as the reference says of `buckets` behind no `from`."""
    line = group.body.items[0]
    return group.body.alone and line.source is None and isinstance(step := line.steps.items[0], Step) and step.name == "buckets"
