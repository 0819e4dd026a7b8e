"""Weights used twice: parts built once more, and tables that other layers use."""

from __future__ import annotations

from typing import Any

from torch import nn

from tests.fuzzing.calling import Calling
from tests.fuzzing.chooser import refer
from tests.fuzzing.draw import Refused, demand
from tests.fuzzing.labels import Context, Level, Made, Named
from tests.fuzzing.modules import OverChannels
from tests.fuzzing.steps import only
from tests.fuzzing.tape import Entry, Unsure
from tests.fuzzing.tree import Again, Body, Call, Group, Line, Part, Repeat, Step, Tied, bodies
from tests.fuzzing.values import Value


def share(module: nn.Module, owner: nn.Module) -> None:
    """Give a module the tensors of another. Raises Refused where they have other shapes."""
    mine, theirs = ({key: tensor.shape for key, tensor in each.state_dict().items()} for each in (module, owner))
    demand(mine == theirs, f"tensors {mine}, but {theirs} where they stand")
    for tensors in (owner.named_parameters(), owner.named_buffers()):
        for key, tensor in tensors:
            path, _, name = key.rpartition(".")
            setattr(module.get_submodule(path), name, tensor)


class Sharing(Calling):
    """Draws and runs what uses the weights of something else."""

    def draw_again(self, x: Value, context: Context, goal: str) -> Part | None:
        """What a label names once more, after a layer that gives it as many channels as it had."""
        found = [named for named in context.labels.all() if named.made is not None and self.buildable(named.made, x, context)]
        if not found:
            return None
        named = self.draw.pick(found)
        first = [] if named.made.x.channels == x.channels or goal else [self.closing(named.made.x.channels, context)]
        return Line(Body(only(*first, lambda x, c: Again(refer(named.label))), steps=True))

    def buildable(self, made: Made, x: Value, context: Context) -> bool:
        shape = made.x.shape
        return bool(made.entries) and made.x.kind == x.kind and len(shape) == len(x.shape)

    def run_again(self, item: Again, x: Value, context: Context) -> Value:
        name = item.name.value(context.env(x))
        named = context.labels.named(name)
        demand(named is not None and named.made is not None and bool(named.made.entries), f"{name} has no layers")
        made = named.made
        if context.frozen and not made.context.frozen:
            raise Unsure
        if x.shape != made.x.shape and repeats(made.body):
            raise Unsure  # rounds that are equal at one size, and one layer, may differ at another
        before = len(self.tape.entries)
        inside = made.context.inner(level=Level(), outputs=Level(), counters=made.context.counters)
        lines = made.body.items
        if isinstance(lines[0], Line) and lines[0].source is not None and lines[0].guard is None:
            x = self.body(lines[0].steps, x, inside)
            lines = lines[1:]
        result = self.body(Body(items=lines), x, inside)
        new, old = ([entry for entry in entries if entry.module.state_dict()] for entries in (self.tape.entries[before:], made.entries))
        demand([entry.step for entry in new] == [entry.step for entry in old], "other layers than where it stands")
        for entry, owner in zip(new, old, strict=True):
            if x.shape != made.x.shape and repr(entry.module) != repr(owner.module):
                raise Unsure  # windows that end on the map at one size and begin beyond it at another: the language takes what PyTorch cannot
            demand(repr(entry.module) == repr(owner.module), "another stride or padding, though weights of one shape")
            share(entry.module, owner.module)
        if old:  # what is built is a group, as it is where it stands
            context.level.children += inside.level.children[:1] if made.body.alone else [inside.level]
        context.level.sure &= bool(old)  # without weights it is its layers once more, which take positions
        return result

    def draw_tied(self, x: Value, context: Context, goal: str) -> Part | None:
        """A matrix product with a labelled table, after a layer that gives as many channels as its rows have."""
        found = [named for named in context.labels.all() if named.made is not None and is_table(named.made)]
        if goal or "linear" not in self.options.steps:
            return None
        if not found:
            label = self.label(context)
            matrix = self.layer_of("linear", x, context, n=self.draw.number(1, 8))
            return Group(label, Body(items=[Line(Body(items=[matrix], steps=True))])) if label is not None else None
        named = self.draw.pick(found)
        channels = table(named.made.entries).weight.shape[1]
        first = [] if x.channels == channels else [self.closing(channels, context)]
        bias = self.chance(2)
        return Line(Body(only(*first, lambda x, c: Tied(refer(named.label), bias)), steps=True))

    def run_tied(self, item: Tied, x: Value, context: Context) -> Value:
        named = context.labels.named(item.name.value(context.env(x)))
        owner = table(named.made.entries) if named is not None and named.made is not None and is_table(named.made) else None
        if owner is None:
            raise Refused("no table")
        if context.frozen and owner.weight.requires_grad:
            raise Unsure
        rows, channels = owner.weight.shape
        demand(channels == x.channels, f"a table of {channels} channels, not {x.channels}")
        module = nn.Linear(channels, rows, item.bias)
        module.requires_grad_(owner.weight.requires_grad)
        module.weight = owner.weight
        made = OverChannels(module, first=False) if x.kind == "map" else module
        result = self.tape.apply("linear", made, [x], x.kind)
        context.level.put(None, Named(result, item.name))
        return result


def is_table(made: Made) -> bool:
    """Whether a label names one layer that has a table, and no group around it."""
    items = made.body.items
    steps = items[0].steps.items if len(items) == 1 and isinstance(items[0], Line) and items[0].guard is None else []
    return len(steps) == 1 and isinstance(steps[0], (Step, Tied)) and table(made.entries) is not None


def repeats(body: Body, around: tuple[Body, ...] = ()) -> bool:
    """Whether there are rounds in a body, or in a block that it calls; `around` are the blocks that are looked at."""
    called = [item.block.body for item in body.items if isinstance(item, Call)]
    inner = [each for item in body.items for each in bodies(item)]
    rounds = any(isinstance(item, Repeat) for item in body.items)
    return rounds or any(
        [repeats(each, around) for each in inner] + [repeats(each, (*around, each)) for each in called if each not in around]
    )


def table(entries: list[Entry]) -> Any:
    """The layer that a label stands before, if it is one whose weight is a table."""
    module: Any = entries[0].module if len(entries) == 1 and entries[0].step in ("linear", "embed") else None
    inner = getattr(module, "inner", module)
    plain = (
        isinstance(getattr(inner, "weight", None), nn.Parameter) and not hasattr(inner, "gain") and not hasattr(inner, "parametrizations")
    )
    return inner if plain else None
