"""Blocks: what they take and give, and how they are called."""

from __future__ import annotations

from typing import Any

from tests.fuzzing.chooser import refer
from tests.fuzzing.draw import Arg, const, number
from tests.fuzzing.labels import Context
from tests.fuzzing.merging import Merging
from tests.fuzzing.steps import only
from tests.fuzzing.tree import Block, Body, Call, Group, Line, Output, Parameter, Part, Repeat
from tests.fuzzing.values import Value


class Calling(Merging):
    """Draws blocks and calls of them."""

    def draw_call(self, x: Value, context: Context, goal: str) -> Part | None:
        known = [block for block in self.blocks if block not in self.active]
        if len(self.blocks) < 3 and (not known or self.chance(2)):
            block = self.block(x, context)
        elif known:
            block = self.draw.pick(known)
        else:
            return None
        given = self.arguments(block, x, context)
        if given is None:
            return None
        in_order = [name for name, other in zip((p.name for p in block.parameters), given, strict=False) if name == other]
        positions = self.draw.number(0, len(in_order)) if in_order == list(given)[: len(in_order)] else 0
        line = Line(Body(only(lambda x, c: Call(block, given, positions)), steps=True))
        label = self.label(context) if self.chance(2) else None
        if label is None:
            return line
        rounds = const(self.draw.number(2, 3))
        return Group(
            label,
            Body(only(lambda x, c: Repeat(rounds, None, Body(only(lambda x, c: line)))) if self.chance(3) else only(lambda x, c: line)),
        )

    def arguments(self, block: Block, x: Value, context: Context) -> dict[str, Arg] | None:
        """What a block is given by a call; None where a value is lacking."""
        given: dict[str, Arg] = {}
        seen = [name for _, name in context.labels.seen()]
        for parameter in block.parameters:
            name, default = parameter.name, parameter.default
            if parameter.is_value:
                if not seen:
                    return None
                given[name] = refer(self.draw.pick(seen))
            elif name == "levels":
                given[name] = const(self.draw.number(1, 3))
            elif default is None or self.chance(2):
                most = 2 if name == "s" else 8
                given[name] = const(bool(self.draw.number(0, 1))) if name == "deep" else number(self.draw, context.env(x), 1, most)
        return given

    def block(self, x: Value, context: Context) -> Block:
        parameters: list[Parameter] = []
        here = {**self.names, "cin": x.channels, **{f"{function}()": size for function, size in x.sizes.items()}}
        for name in self.draw.pick([("n",), ("n", "s"), ("s", "n"), ("n", "deep"), ()]):
            if name == "deep":
                parameters.append(Parameter(name, const(bool(self.draw.number(0, 1)))))
            elif self.chance(2):
                parameters.append(Parameter(name))
            else:
                parameters.append(Parameter(name, number(self.draw, here, 1, 2 if name == "s" else 8)))
        block = Block(f"{self.fresh('b')}x", parameters, self.suite("", most=3))
        if next(context.labels.seen(), None) is not None:
            for _ in range(self.draw.pick([0, 0, 1, 1, 2])):
                parameters.insert(self.draw.number(0, len(parameters)), Parameter(self.fresh("e"), is_value=True))
        if self.chance(4):
            parameters.insert(self.draw.number(0, len(parameters)), Parameter("levels"))
            block.body = Body(lambda x, context: self.levels(block, x, context))
        return block

    def levels(self, block: Block, x: Value, context: Context) -> Any:
        """Some lines, and the block itself, which a guard drops at the last level."""
        yield from self.lined("", most=3)(x, context)
        given = {p.name: p.passed() for p in block.parameters if p.default is None}
        given["levels"] = Arg("levels-1", lambda env: env["levels"] - 1, plain=False)
        guard = Arg("levels > 1", lambda env: env["levels"] > 1)
        yield Line(Body(items=[Call(block, given, 0)], steps=True), guard=guard)

    def draw_output(self, x: Value, context: Context, goal: str) -> Part:
        """A further output, of the network or of a block."""
        training = context.top and self.chance(3)
        return Output(self.fresh("out"), training, self.suite("") if self.chance(2) else None)
