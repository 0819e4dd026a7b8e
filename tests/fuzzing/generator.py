"""Random specs, drawn part by part while the modules that they are run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass, field
from typing import Any

from fuzzing.chooser import Args, Chooser
from fuzzing.draw import Arg, Draw, condition, const, expression, number, written
from fuzzing.layers import ARGUMENTS, LAYERS
from fuzzing.runner import Context, GaveUp, Labels, Runner
from fuzzing.tape import Net, Tape
from fuzzing.tree import Block, Body, Branches, Call, Default, Group, Line, MergeWith, Output, Part, Repeat, Residual, Step, Text
from fuzzing.values import Value

Plan = Callable[[Value, Context], Generator[Any, Value | None, None]]
OFTEN = ["conv"] * 7 + [
    "dwconv",
    "deconv",
    "pool",
    "pool",
    "avgpool",
    "bn",
    "bn",
    "relu",
    "linear",
    "ln",
    "tokens",
    "attn",
    "attn",
    "cls",
    "pos",
    "first",
]
ROUNDED = ("conv", "dwconv", "pool", "avgpool", "subsample")
BEGUN = ("conv", "dwconv", "deconv", "fc", "linear")
COUNTED = [("conv", "p"), ("conv", "k"), ("conv", "s"), ("dwconv", "k"), ("pool", "w"), ("avgpool", "w"), ("avgpool", "p"), ("deconv", "s")]


@dataclass
class Options:
    """What a network may consist of, and how large it may be. Sizes are of the input, in positions along an axis, by rank."""

    steps: Collection[str] = tuple(LAYERS)
    kinds: Collection[str] = (
        "residual",
        "concat",
        "branches",
        "repeat",
        "call",
        "label",
        "merge",
        "from",
        "output",
        "group",
        "pattern",
        "default",
    )
    ranks: tuple[int, ...] = (0, 1, 1, 2, 2, 2, 2, 3)
    sizes: dict[int, tuple[int, int]] = field(default_factory=lambda: {1: (4, 40), 2: (3, 16), 3: (2, 7)})
    longest: int = 6
    largest: int = 20_000
    """Numbers in a value."""
    inputs: int = 3
    tables: bool = True
    """Whether convolutions may have connection tables."""
    giving_up: int = 12
    """One refused part in so many ends a spec that must be refused; 0 for none."""


@dataclass
class Drawn:
    """A spec and the network it is; `net` is None where it must be refused, at `refused`."""

    text: str
    where: Text
    tape: Tape
    outputs: dict[str, tuple[Value, bool]]
    inputs: dict[str, Value]
    refused: GaveUp | None
    net: Net | None
    top: Body


class SpecGenerator(Runner):
    """Draws a spec."""

    def __init__(self, draw: Draw, options: Options | None = None) -> None:
        self.options = options or Options()
        super().__init__(draw, Tape(self.options.largest), self.options.giving_up)
        self.defaults: dict[tuple[str, str], Any] = {}
        self.drawn = 0
        self.placed = 0
        self.top = Body()
        self.lines: list[str] = []

    def chance(self, one_in: int) -> bool:
        return self.draw.number(1, one_in) == one_in

    def fresh(self, stem: str) -> str:
        """A name that no other has. Block names end in a letter, since `b1` called twice would be `b11` and `b12`."""
        self.drawn += 1
        return f"{stem}{self.drawn}"

    # steps

    def chooser(self, context: Context) -> Chooser:
        return Chooser(self.draw, context.env, self.options.tables and context.alone and not self.forced("conv", "init"))

    def step(self, x: Value, context: Context, goal: str = "") -> Step:
        """A layer for a value, that keeps its shape or space if that is the goal."""
        if x.kind == "words":
            return self.written("embed", LAYERS["embed"].draw(self.chooser(context), x, "") or {}, context)
        able = [
            name for name, layer in LAYERS.items() if name in self.options.steps and x.kind in layer.takes and _keeps(layer.keeps, goal)
        ]
        often = [name for name in OFTEN if name in able]
        for _ in range(5):
            name = self.draw.pick(often if often and self.chance(2) else able)
            args = LAYERS[name].draw(self.chooser(context), x, goal)
            if args is not None:
                return self.written(name, args, context)
        return Step("skip")

    def layer_of(self, name: str, context: Context, **values: Any) -> Step:
        """A layer with some arguments given, and all others as the language has them, whatever a `default` line says."""
        args = {key: const(value) for key, value in ARGUMENTS[name].items()} | {
            key: value if isinstance(value, Arg) else const(value) for key, value in values.items()
        }
        return self.written(name, args, context, adopt=False)

    def forced(self, step: str, name: str) -> Any:
        """What a `default` line gives an argument."""
        value = self.defaults.get((step, name))
        if value is None and ((name == "round" and step in ROUNDED) or (name == "init" and step in BEGUN)):
            return self.defaults.get(("", name))
        return value

    def written(self, name: str, args: Args, context: Context, *, adopt: bool = True) -> Step:
        """A layer whose arguments are left out, mostly, where they are what they would be anyway; now and then a default is taken over."""
        full: Args = {}
        for key, default in ARGUMENTS[name].items():
            arg, forced = args.get(key) or const(default), self.forced(name, key)
            value, here = arg.value(context.env), default if forced is None else forced
            if forced is not None and (value is None or (adopt and self.chance(2))):
                arg = Arg(None, lambda env, forced=forced: forced)
            elif value is None or (arg.plain and value == here and type(value) is type(here) and not self.chance(4)):
                arg = Arg(None, arg.value)
            full[key] = arg
        return Step(name, full, keyed=name not in ("embed", "slice") and self.chance(4))

    def closing(self, channels: int, context: Context) -> Callable[[Value, Context], Step]:
        """The layer that brings a value to so many channels, its space kept."""

        def make(x: Value, context: Context) -> Step:
            many = self.chooser(context).exactly(channels)
            if x.kind != "map":
                return self.layer_of("linear", context, n=many)
            k = self.draw.pick([1, 1, 3])
            return self.layer_of("conv", context, k=k, p=k // 2, f=many)

        return make

    def steps(self, goal: str, *last: Callable[[Value, Context], Any], most: int = 3) -> Body:
        """Some layers in a row, and those that are given after them."""

        def plan(x: Value, context: Context) -> Any:
            for _ in range(self.draw.number(0 if last else 1, most)):
                x = yield self.step(x, context, goal)
            for make in last:
                x = yield make(x, context)

        return Body(plan, steps=True)

    def suite(self, goal: str, *last: Callable[[Value, Context], Any], most: int = 2) -> Body:
        """Some lines below one another."""

        def plan(x: Value, context: Context) -> Any:
            for _ in range(self.draw.number(0 if last else 1, most)):
                x = yield self.part(x, context, goal)
            for make in last:
                x = yield Line(Body(_only(make), steps=True))

        return Body(plan)

    # parts

    def part(self, x: Value, context: Context, goal: str = "") -> Part:
        """A line or a structure for a value."""
        if x.kind == "words":
            return Line(self.steps("", most=1))
        kinds = ["line"] * 3 + (["residual", "residual", "branches", "repeat"] if context.depth < 3 else [])
        kinds += ["merge", "merge", "group"] + (["concat", "concat"] if goal != "shape" and context.depth < 3 else [])
        if not goal:
            kinds += ["from"] + ["call"] * 2 * (context.depth < 4)
        if context.top:
            kinds += ["output", "pattern", "default"]
        kind = self.draw.pick([kind for kind in kinds if kind == "line" or kind in self.options.kinds])
        found: Part | None = getattr(self, f"draw_{kind}")(x, context, goal)
        return found or self.draw_line(x, context, goal)

    def draw_line(self, x: Value, context: Context, goal: str) -> Part:
        return Line(self.steps(goal))

    def draw_residual(self, x: Value, context: Context, goal: str) -> Part:
        if self.chance(8) and not goal:
            return Residual(self.suite(""), condition=condition(self.draw, context.env, False))
        holds = condition(self.draw, context.env, True) if self.chance(6) else None
        if goal == "shape" or self.chance(2):
            body = self.suite("shape") if self.chance(2) else self.suite("space", self.closing(x.channels, context))
            return Residual(body, condition=holds)
        return Residual(self.suite(goal), self.shortcut, condition=holds)

    def shortcut(self, x: Value, y: Value, context: Context) -> Line | None:
        """What brings a value to the shape of another; None where it has it, or nothing can."""
        same = (x.kind, x.shape) == (y.kind, y.shape)
        if x.kind != y.kind or x.rank != y.rank or (x.kind == "tokens" and x.shape[0] != y.shape[0]) or (same and self.chance(2)):
            return None
        steps: list[Callable[[Value, Context], Any]] = [self.closing(y.channels, context)]
        if x.kind == "map" and x.spatial != y.spatial:
            s = tuple(-(-a // b) for a, b in zip(x.spatial, y.spatial, strict=True))
            if all(-(-a // c) == b for a, b, c in zip(x.spatial, y.spatial, s, strict=True)):
                stride = self.chooser(context).exactly(s[0]) if len(set(s)) == 1 else s
                f = self.chooser(context).exactly(y.channels)
                steps = [lambda x, c: self.layer_of("conv", c, k=1, f=f, s=stride, round="floor")]
            elif "adaptpool" not in self.options.steps:
                return None
            else:
                steps.insert(0, lambda x, c: self.layer_of("adaptpool", c, size=y.spatial))
        if self.chance(3) and "bn" in self.options.steps:
            steps.append(lambda x, c: self.layer_of("bn", c))
        guard = condition(self.draw, context.env, not same) if self.chance(2) else None
        return Line(Body(items=[make(x, context) for make in steps], steps=True), guard=guard)

    def draw_concat(self, x: Value, context: Context, goal: str) -> Part:
        return Branches("concat", self.branches("space"))

    def draw_branches(self, x: Value, context: Context, goal: str) -> Part:
        kind = self.draw.pick(["add", "mul"])
        if kind == "mul" and x.kind == "map" and self.chance(2):
            return Branches("mul", Body(lambda x, context: self.gate(x, context)))
        return Branches(kind, self.branches("shape"))

    def branches(self, goal: str) -> Body:
        def plan(x: Value, context: Context) -> Any:
            if self.chance(2):
                yield Line(Body(items=[Step("skip")], steps=True))
            for _ in range(self.draw.number(1, 2)):
                label = self.label(context) if self.chance(4) else None
                yield Group(label, self.suite(goal)) if label is not None else Line(self.steps(goal))

        return Body(plan)

    def gate(self, x: Value, context: Context) -> Any:
        """A map times a number for each of its channels, that the map itself decides (Hu et al. 2018)."""
        many = self.chooser(context).exactly(x.channels)
        last = self.draw.pick(["fc", "linear", "conv"])
        closing = self.layer_of(last, context, **({"f": many, "k": 1} if last == "conv" else {"n": many}))
        lines = [
            Line(Body(items=[Step("skip")], steps=True)),
            Line(Body(_only(*(lambda x, c, s=s: s for s in (Step("gap"), closing, Step("sigmoid")))), steps=True)),
        ]
        yield lines.pop(self.draw.number(0, 1))
        yield lines.pop()

    def draw_repeat(self, x: Value, context: Context, goal: str) -> Part:
        outside = {name: value for name, value in context.env.items() if name[0] != "#"}
        count = (expression(self.draw, outside, 2, 4) if self.chance(3) else None) or const(self.draw.number(2, 3))
        counter = self.fresh("i") if self.chance(2) else None
        return Repeat(count, counter, self.suite(goal or self.draw.pick(["", "shape", "space"])))

    def label(self, context: Context) -> Arg | None:
        """A new label, told apart in each round of the repeats around it; None where that cannot be."""
        if context.counters is None:
            return None
        stem, counters = self.fresh("v"), context.counters
        text = "_".join([stem, *(f"{{{name}}}" for name in counters)])
        return Arg(text, lambda env: "_".join([stem, *(str(env[name]) for name in counters)]))

    def draw_group(self, x: Value, context: Context, goal: str) -> Part | None:
        label = const("_") if self.chance(6) else self.label(context)
        if label is None:
            return None
        if self.chance(2):
            return Group(label, Body(_only(lambda x, c: Line(self.steps(goal)))))
        return Group(label, self.suite(goal))

    def draw_merge(self, x: Value, context: Context, goal: str) -> Part | None:
        """A merge with a labelled value, after a layer that gives the channels that it needs."""
        kind = self.draw.pick(["add", "mul"] + ["concat"] * (goal != "shape"))
        fitting = [(v, name) for v, name in context.labels.seen() if v.kind == x.kind and v.shape[:-1] == x.shape[:-1]]
        if goal:
            fitting = [(v, name) for v, name in fitting if kind == "concat" or v.channels == x.channels]
        if not fitting:
            return None
        value, name = self.draw.pick(fitting)
        names = [name, *(n for v, n in fitting if v.channels == value.channels and n.text != name.text)][: self.draw.number(1, 2)]
        first = [] if kind == "concat" or value.channels == x.channels else [self.closing(value.channels, context)]
        return Line(Body(_only(*first, lambda x, c: MergeWith(kind, names)), steps=True))

    def draw_from(self, x: Value, context: Context, goal: str) -> Part | None:
        seen = list(context.labels.seen())
        return Line(self.steps(""), source=self.draw.pick(seen)[1]) if seen else None

    def draw_output(self, x: Value, context: Context, goal: str) -> Part:
        return Output(self.fresh("out"), self.chance(3), self.suite("") if self.chance(2) else None)

    def draw_default(self, x: Value, context: Context, goal: str) -> Part:
        step, name = self.draw.pick([("", "round"), ("", "round"), ("", "init"), ("conv", "bias"), *COUNTED])
        value: Any = self.draw.number(0 if name == "p" else 1, 2)
        if name in ("round", "init"):
            value = self.draw.pick(["floor", "floor", "ceil"] if name == "round" else ["kaiming", "zeros"])
        elif name == "bias":
            value = bool(self.draw.number(0, 1))
        self.defaults[(step, name)] = value
        return Default(step, {name: value})

    def draw_pattern(self, x: Value, context: Context, goal: str) -> Part | None:
        if x.kind != "map" or x.size > 3000:
            return None
        from fuzzing.pattern import pattern

        return pattern(self.draw)

    def draw_call(self, x: Value, context: Context, goal: str) -> Part | None:
        known = [block for block in self.blocks if block not in self.active]
        if len(self.blocks) < 3 and (not known or self.chance(2)):
            block = self.block(x)
        elif known:
            block = self.draw.pick(known)
        else:
            return None
        given: dict[str, Arg] = {}
        for name, default in block.parameters:
            if default is None or self.chance(2):
                flag = default is not None and isinstance(default.value({**self.names, "cin": 1}), bool)
                given[name] = const(bool(self.draw.number(0, 1))) if flag else number(self.draw, context.env, 1, 2 if name == "s" else 8)
        in_order = [name for (name, _), other in zip(block.parameters, given, strict=False) if name == other]
        positions = self.draw.number(0, len(in_order)) if in_order == list(given)[: len(in_order)] else 0
        return Line(Body(_only(lambda x, c: Call(block, given, positions)), steps=True))

    def block(self, x: Value) -> Block:
        parameters: list[tuple[str, Arg | None]] = []
        for name in self.draw.pick([("n",), ("n", "s"), ("s", "n"), ("n", "deep"), ()]):
            if name == "deep":
                parameters.append((name, const(bool(self.draw.number(0, 1)))))
            elif self.chance(2):
                parameters.append((name, None))
            else:
                env = {**self.names, "cin": x.channels}
                parameters.append((name, number(self.draw, env, 1, 2 if name == "s" else 8)))
        return Block(f"{self.fresh('b')}x", parameters, self.suite("", most=3))

    # the whole

    def generate(self) -> Drawn:
        """Draw a spec."""
        self.lines = self.header()
        inputs = self.inputs()
        labels = Labels()
        labels.own = {name: (value, const(name)) for name, value in inputs.items() if value.kind != "words"}
        refused, x = None, list(inputs.values())[-1]
        top = self.top = Body(self.whole)
        try:
            x = self.body(top, x, Context(dict(self.names), labels, top=True))
        except GaveUp as gave_up:
            refused = gave_up
        self.place_blocks()
        text, where = self.written_out(inputs)
        outputs = {"output": (x, False), **self.outputs}
        net = None if refused else Net(self.tape, [value.slot for value, training in outputs.values() if not training])
        return Drawn(text, where, self.tape, outputs, inputs, refused, net, top)

    def written_out(self, inputs: dict[str, Value]) -> tuple[str, Text]:
        where = Text()
        where.lines += self.lines
        where.lines += [
            f"input {written(v.shape)}" if name == "input" else f"{name}: input {written(v.shape)}" for name, v in inputs.items()
        ]
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

    def inputs(self) -> dict[str, Value]:
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


def _keeps(keeps: str, goal: str) -> bool:
    return not goal or keeps == "shape" or keeps == goal


def _only(*makes: Callable[[Value, Context], Any]) -> Plan:
    """A plan of these parts, each drawn for the value before it."""

    def plan(x: Value, context: Context) -> Any:
        for make in makes:
            x = yield make(x, context)

    return plan
