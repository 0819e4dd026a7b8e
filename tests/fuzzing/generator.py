"""Random specs, drawn part by part while the modules that they are run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.fuzzing.draw import Draw, Refused, const, number, written
from tests.fuzzing.labels import Context, Labels, Named
from tests.fuzzing.parts import Parts
from tests.fuzzing.runner import GaveUp
from tests.fuzzing.steps import Options
from tests.fuzzing.tape import Net, Tape
from tests.fuzzing.tree import Body, Text
from tests.fuzzing.values import Value


@dataclass
class Drawn:
    """A spec, where its parts stand in the text, and the network it is; `net` is None where it must be refused, at `refused`."""

    text: str
    where: Text
    tape: Tape
    outputs: dict[str, tuple[Value, bool]]
    inputs: dict[str, Value]
    refused: GaveUp | None
    net: Net | None


class SpecGenerator(Parts):
    """Draws a spec."""

    def __init__(self, draw: Draw, options: Options | None = None) -> None:
        super().__init__(draw, options)
        self.placed = 0
        self.top = Body()
        self.lines: list[str] = []
        self.given: dict[str, Value] = {}

    def generate(self) -> Drawn:
        """Draw a spec."""
        self.lines = self.header()
        self.given = self.draw_inputs()
        self.top = Body(self.whole)
        return self.play()

    def play(self) -> Drawn:
        """Run the spec, drawing what is not drawn yet. Once drawn it can be played again, with some parts gone from it."""
        labels = Labels()
        labels.own = {name: Named(value, const(name)) for name, value in self.given.items() if value.kind != "words"}
        refused, x = None, list(self.given.values())[-1]
        try:
            x = self.body(self.top, x, Context(dict(self.names), labels, top=True))
        except GaveUp as gave_up:
            refused = gave_up
        except Refused as played:
            refused = GaveUp(played)
        self.place_blocks()
        text, where = self.written_out()
        outputs = {"output": (x, False), **self.outputs}
        net = None if refused else Net(self.tape, [value.slot for value, training in outputs.values() if not training])
        return Drawn(text, where, self.tape, outputs, self.given, refused, net)

    def again(self) -> Drawn:
        """Play what was drawn from the start."""
        self.tape.entries.clear()
        self.active.clear()
        self.outputs = {}
        return self.play()

    def written_out(self) -> tuple[str, Text]:
        where = Text()
        where.lines += self.lines
        for name, value in self.given.items():
            where.lines.append(f"{'' if name == 'input' else f'{name}: '}input {written(value.shape)}")
        where.parts(self.top.items, 0)
        return "\n".join(where.lines) + "\n", where

    def whole(self, x: Value, context: Context) -> Any:
        for _ in range(self.draw.number(1, self.options.longest)):
            x = yield self.part(x, context)
            self.place_blocks()
        while x.kind == "words" or not self.tape.entries:
            x = yield self.part(x, context)
            self.place_blocks()

    def place_blocks(self) -> None:
        """Blocks stand beside the line that first called them, so that the defaults they see are those that hold there."""
        for block in self.blocks[self.placed :]:
            self.top.items.insert(len(self.top.items) - self.draw.number(0, 1), block)
        self.placed = len(self.blocks)

    def header(self) -> list[str]:
        lines = ["arch 1"] * self.chance(6) + ['model "a net"', 'meta title="drawn" year="2024"'] * self.chance(6)
        for name in ["w", "m", "deep"][: self.draw.number(0, 3)]:
            arg = const(bool(self.draw.number(0, 1))) if name == "deep" else number(self.draw, self.names, 1, 6)
            self.names[name] = arg.value(self.names)
            lines.append(f"param {name} = {arg.text}")
        return lines

    def draw_inputs(self) -> dict[str, Value]:
        """One input, or several; words stand alone."""
        count = self.draw.number(2, self.options.inputs) if self.options.inputs > 1 and self.chance(5) else 1
        found = {}
        shared = self.draw.pick(self.options.ranks)
        for at in range(count):
            rank = shared if self.chance(2) else self.draw.pick(self.options.ranks)
            shape = (*(self.draw.number(*self.options.sizes[rank]) for _ in range(rank)), self.draw.number(1, 8))
            kind = "map" if rank else "words" if count == 1 and self.chance(2) and "embed" in self.options.steps else "vector"
            found["input" if count == 1 else f"x{at}"] = self.tape.input(shape, kind)
        return found
