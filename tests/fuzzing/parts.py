"""Lines and structures drawn for the value at hand."""

from __future__ import annotations

from typing import Any

from tests.fuzzing.draw import Arg, condition, const, expression
from tests.fuzzing.labels import Context
from tests.fuzzing.pattern import pattern
from tests.fuzzing.sharing import Sharing
from tests.fuzzing.steps import Make, only
from tests.fuzzing.tree import Body, Branches, Default, Group, Line, MergeWith, Part, Repeat, Residual, Sequence, Step
from tests.fuzzing.values import Value

COUNTED = [("conv", "p"), ("conv", "k"), ("conv", "s"), ("dwconv", "k"), ("pool", "w"), ("avgpool", "w"), ("avgpool", "p"), ("deconv", "s")]


class Parts(Sharing):
    """Draws everything that stands on a line of its own."""

    def part(self, x: Value, context: Context, goal: str = "") -> Part:
        """A line or a structure for a value."""
        if x.kind == "words":
            return Line(self.steps("", most=1))
        kinds = ["line"] * 3 + (["residual", "residual", "branches", "repeat"] if context.depth < 3 else [])
        kinds += ["merge", "merge", "group", "tensor", "again", "tied"] + (
            ["concat", "concat"] if goal != "shape" and context.depth < 3 else []
        )
        if not goal:
            kinds += ["from", "star", "star"] + ["call"] * 2 * (context.depth < 4)
        if context.outputs is not None:
            kinds += ["output"]
        if context.top:
            kinds += ["output", "pattern", "default"]
        kind = self.draw.pick([kind for kind in kinds if kind == "line" or kind in self.options.kinds])
        found: Part | None = getattr(self, f"draw_{kind}")(x, context, goal)
        return found or self.draw_line(x, context, goal)

    def draw_line(self, x: Value, context: Context, goal: str) -> Part:
        return Line(self.steps(goal))

    def draw_residual(self, x: Value, context: Context, goal: str) -> Part:
        if self.chance(8) and not goal:
            return Residual(self.suite(""), condition=condition(self.draw, context.env(x), False))
        holds = condition(self.draw, context.env(x), True) if self.chance(6) else None
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
                stride = self.chooser(x, context).exactly(s[0]) if len(set(s)) == 1 else s
                f = self.chooser(x, context).exactly(y.channels)
                steps = [lambda x, c: self.layer_of("conv", x, c, k=1, f=f, s=stride, round="floor")]
            elif "adaptpool" not in self.options.steps:
                return None
            else:
                steps.insert(0, lambda x, c: self.layer_of("adaptpool", x, c, size=y.spatial))
        if self.chance(3) and "bn" in self.options.steps:
            steps.append(lambda x, c: self.layer_of("bn", x, c))
        guard = condition(self.draw, context.env(x), not same) if self.chance(2) else None
        return Line(Body(items=[make(x, context) for make in steps], steps=True), guard=guard)

    def draw_concat(self, x: Value, context: Context, goal: str) -> Part:
        if self.lengthens(x) and self.chance(3):
            return Branches("concat", self.branches("shape"), {"axis": "t"})
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
                if label is not None:
                    yield Group(label, self.suite(goal))
                else:
                    yield Sequence(self.suite(goal, most=3)) if self.chance(4) else Line(self.steps(goal))

        return Body(plan)

    def gate(self, x: Value, context: Context) -> Any:
        """A map times a number for each of its channels, that the map itself decides (Hu et al. 2018)."""
        many = self.chooser(x, context).exactly(x.channels)
        last = self.draw.pick(["fc", "linear", "conv"])
        closing = self.layer_of(last, x, context, **({"f": many, "k": 1} if last == "conv" else {"n": many}))
        lines = [
            Line(Body(items=[Step("skip")], steps=True)),
            Line(Body(only(*(lambda x, c, s=s: s for s in (Step("gap"), closing, Step("sigmoid")))), steps=True)),
        ]
        yield lines.pop(self.draw.number(0, 1))
        yield lines.pop()

    def draw_repeat(self, x: Value, context: Context, goal: str) -> Part:
        outside = {name: value for name, value in context.env(x).items() if name[0] != "#"}
        count = (expression(self.draw, outside, 2, 4) if self.chance(3) else None) or const(self.draw.number(2, 3))
        counter = self.fresh("i") if self.chance(2) else None
        goal = goal or self.draw.pick(["", "shape", "space"])
        return Repeat(count, counter, self.numbered(goal) if counter and self.chance(2) else self.suite(goal))

    def numbered(self, goal: str) -> Body:
        """The lines of a round, the first of them labelled: the label is seen in later rounds, and behind the repeat."""

        def plan(x: Value, context: Context) -> Any:
            labels = self.labels(context, self.draw.number(0, 1))
            if labels is not None:
                x = yield Group(labels[0], self.suite(goal, most=1))
            yield from self.lined(goal)(x, context)
            if labels is not None and self.chance(2):
                counter = str(context.counters[-1:][0] if context.counters else "")
                kind = self.draw.pick(["add", "sub", "mul", *["concat"] * (goal != "shape")])
                merge = MergeWith(kind, [labels[1]])
                yield Line(Body(items=[merge], steps=True), guard=Arg(f"{counter} > 0", lambda env: env[counter] > 0))

        return Body(plan)

    def draw_group(self, x: Value, context: Context, goal: str) -> Part | None:
        label = const("_") if self.chance(6) else self.label(context)
        if label is None:
            return None
        if self.chance(2):
            most = self.draw.pick([1, 3])
            return Group(label, Body(only(lambda x, c: Line(self.steps(goal, most=most)))))
        return Group(label, self.suite(goal), frozen=label.text != "_" and self.chance(8))

    def draw_default(self, x: Value, context: Context, goal: str) -> Part:
        step, name = self.draw.pick([("", "round"), ("", "round"), ("", "init"), ("", "norm"), ("conv", "bias"), *COUNTED])
        value: Any = self.draw.number(0 if name == "p" else 1, 2)
        if name in ("round", "init"):
            value = self.draw.pick(["floor", "floor", "ceil"] if name == "round" else ["kaiming", "zeros"])
        elif name == "norm":
            value = self.draw.pick(["weight", "spectral"])
        elif name == "bias":
            value = bool(self.draw.number(0, 1))
        self.defaults[(step, name)] = value
        return Default(step, {name: value})

    def draw_pattern(self, x: Value, context: Context, goal: str) -> Part | None:
        if x.kind != "map" or x.size > 3000:
            return None
        return pattern(self.draw)
