"""Lines and structures drawn for the value at hand."""

from __future__ import annotations

from typing import Any

from tests.fuzzing.draw import Arg, condition, const, expression, number
from tests.fuzzing.pattern import pattern
from tests.fuzzing.runner import Context
from tests.fuzzing.steps import Make, Steps, only
from tests.fuzzing.tree import Block, Body, Branches, Call, Default, Group, Line, MergeWith, Output, Part, Repeat, Residual, Step, Tensor
from tests.fuzzing.values import Value

COUNTED = [("conv", "p"), ("conv", "k"), ("conv", "s"), ("dwconv", "k"), ("pool", "w"), ("avgpool", "w"), ("avgpool", "p"), ("deconv", "s")]


class Parts(Steps):
    """Draws everything that stands on a line of its own."""

    def part(self, x: Value, context: Context, goal: str = "") -> Part:
        """A line or a structure for a value."""
        if x.kind == "words":
            return Line(self.steps("", most=1))
        kinds = ["line"] * 3 + (["residual", "residual", "branches", "repeat"] if context.depth < 3 else [])
        kinds += ["merge", "merge", "group", "tensor"] + (["concat", "concat"] if goal != "shape" and context.depth < 3 else [])
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
        steps: list[Make] = [self.closing(y.channels, context)]
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
        kind = self.draw.pick(["add", "mul", "sub"])
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
            Line(Body(only(*(lambda x, c, s=s: s for s in (Step("gap"), closing, Step("sigmoid")))), steps=True)),
        ]
        yield lines.pop(self.draw.number(0, 1))
        yield lines.pop()

    def draw_repeat(self, x: Value, context: Context, goal: str) -> Part:
        outside = {name: value for name, value in context.env.items() if name[0] != "#"}
        count = (expression(self.draw, outside, 2, 4) if self.chance(3) else None) or const(self.draw.number(2, 3))
        counter = self.fresh("i") if self.chance(2) else None
        goal = goal or self.draw.pick(["", "shape", "space"])
        return Repeat(count, counter, self.numbered(goal) if counter and self.chance(2) else self.suite(goal))

    def numbered(self, goal: str) -> Body:
        """The lines of a round, the first of them labelled: the label is seen behind the repeat."""

        def plan(x: Value, context: Context) -> Any:
            label = self.label(context)
            if label is not None:
                x = yield Group(label, self.suite(goal, most=1))
            yield from self.lined(goal)(x, context)

        return Body(plan)

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
            return Group(label, Body(only(lambda x, c: Line(self.steps(goal)))))
        return Group(label, self.suite(goal))

    def draw_merge(self, x: Value, context: Context, goal: str) -> Part | None:
        """A merge with a labelled value, after a layer that gives the channels that it needs."""
        if len(x.shape) == 2 and goal != "shape" and self.chance(3) and (found := self.product(x, context)) is not None:
            return found
        if not goal and self.chance(5) and (found := self.unpooled(context)) is not None:
            return found
        kind = self.draw.pick(["add", "mul", "sub"] + ["concat"] * (goal != "shape"))
        alike = [(v, name) for v, name in context.labels.seen() if v.kind == x.kind and len(v.shape) == len(x.shape)]
        fitting = [(v, name) for v, name in alike if v.shape[:-1] == x.shape[:-1] or (kind == "mul" and set(v.shape[:-1]) == {1})]
        if goal:
            fitting = [(v, name) for v, name in fitting if kind == "concat" or v.channels == x.channels]
        if not fitting:
            return None
        value, name = self.draw.pick(fitting)
        names = [name, *(n for v, n in fitting if v.channels == value.channels and n.text != name.text)][: self.draw.number(1, 2)]
        first = [] if kind == "concat" or value.channels == x.channels else [self.closing(value.channels, context)]
        return Line(Body(only(*first, lambda x, c: MergeWith(kind, names)), steps=True))

    def draw_tensor(self, x: Value, context: Context, goal: str) -> Part | None:
        """A tensor of the value at hand's shape, or one for all of its positions."""
        label = self.label(context)
        if label is None or self.chance(2):
            return None
        shape = x.shape if self.chance(2) else (*[1] * (len(x.shape) - 1), x.channels)
        return Tensor(label, shape, self.chance(3))

    def product(self, x: Value, context: Context) -> Part | None:
        """The matrix product with a labelled value, after a layer that gives as many channels as that has tokens."""
        fitting = [(v, name) for v, name in context.labels.seen() if len(v.shape) == 2 and v.shape[0] <= 40]
        if not fitting:
            return None
        value, name = self.draw.pick(fitting)
        first = [] if value.shape[0] == x.channels else [self.closing(value.shape[0], context)]
        return Line(Body(only(*first, lambda x, c: MergeWith("matmul", [name])), steps=True))

    def unpooled(self, context: Context) -> Part | None:
        """A labelled map pooled, changed, and brought to its size again."""
        fitting = [(v, name) for v, name in context.labels.seen() if v.kind == "map"]
        if not fitting or not {"pool", "tanh"} <= {*self.options.steps}:
            return None
        value, name = self.draw.pick(fitting)
        w = self.draw.pick([w for w in (1, 2, 3) if w <= min(value.spatial)])
        makes = (
            lambda x, c: self.layer_of("pool", c, w=w, round="floor"),
            lambda x, c: self.layer_of("tanh", c),
            lambda x, c: MergeWith("unpool", [name], {"w": w, "round": "floor"}),
        )
        return Line(Body(only(*makes), steps=True), source=name)

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
            if name == "levels":
                given[name] = const(self.draw.number(1, 3))
            elif default is None or self.chance(2):
                flag = default is not None and isinstance(default.value({**self.names, "cin": 1}), bool)
                given[name] = const(bool(self.draw.number(0, 1))) if flag else number(self.draw, context.env, 1, 2 if name == "s" else 8)
        in_order = [name for (name, _), other in zip(block.parameters, given, strict=False) if name == other]
        positions = self.draw.number(0, len(in_order)) if in_order == list(given)[: len(in_order)] else 0
        return Line(Body(only(lambda x, c: Call(block, given, positions)), steps=True))

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
        block = Block(f"{self.fresh('b')}x", parameters, self.suite("", most=3))
        if self.chance(4):
            parameters.insert(self.draw.number(0, len(parameters)), ("levels", None))
            block.body = Body(lambda x, context: self.levels(block, x, context))
        return block

    def levels(self, block: Block, x: Value, context: Context) -> Any:
        """Some lines, and the block itself, which a guard drops at the last level."""
        yield from self.lined("", most=3)(x, context)
        given = {name: Arg(name, lambda env, name=name: env[name], plain=False) for name, default in block.parameters if default is None}
        given["levels"] = Arg("levels-1", lambda env: env["levels"] - 1, plain=False)
        guard = Arg("levels > 1", lambda env: env["levels"] > 1)
        yield Line(Body(items=[Call(block, given, 0)], steps=True), guard=guard)
