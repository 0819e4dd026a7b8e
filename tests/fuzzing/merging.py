"""Lines that bring the value at hand together with labelled ones."""

from __future__ import annotations

from typing import Any

from tests.fuzzing.chooser import refer
from tests.fuzzing.draw import Arg
from tests.fuzzing.labels import ANY, Context, behind
from tests.fuzzing.steps import Steps, only
from tests.fuzzing.tree import Body, Branches, Group, Line, MergeWith, Part, Star, Step, Tensor
from tests.fuzzing.values import Value


def alike(x: Value, v: Value, axes: slice) -> bool:
    """Whether two values are of one kind, with equal sizes along some axes."""
    return v.kind == x.kind and len(v.shape) == len(x.shape) and v.shape[axes] == x.shape[axes]


class Merging(Steps):
    """Draws merges with labelled values, and what else reads them."""

    def draw_merge(self, x: Value, context: Context, goal: str) -> Part | None:
        """A merge with a labelled value, after a layer that gives the channels that it needs."""
        if len(x.shape) == 2 and goal != "shape" and self.chance(3) and (found := self.product(x, context)) is not None:
            return found
        if not goal:
            for draw in (self.unpooled, self.attended):
                if self.chance(5) and (found := draw(x, context)) is not None:
                    return found
        kind = self.draw.pick(["add", "mul", "sub"] + ["concat"] * (goal != "shape"))
        if kind == "concat" and not goal and self.lengthens(x) and self.chance(2):
            return self.lengthened(x, context)
        fitting = [
            (v, name)
            for v, name in context.labels.seen()
            if alike(x, v, slice(-1)) or (kind != "concat" and self.stretched(kind, x, v) and v.kind == x.kind)
        ]
        if goal:
            fitting = [(v, name) for v, name in fitting if kind == "concat" or v.channels == x.channels]
        if not fitting:
            return None
        value, name = self.draw.pick(fitting)
        names = [name, *(n for v, n in fitting if v.channels == value.channels and n.text != name.text)][: self.draw.number(1, 2)]
        first = [] if kind == "concat" or value.channels == x.channels else [self.closing(value.channels, context)]
        return Line(Body(only(*first, lambda x, c: MergeWith(kind, names)), steps=True))

    def lengthens(self, x: Value) -> bool:
        """Whether values may be put behind one another."""
        return len(x.shape) == 2 and "length" in self.options.kinds

    def stretched(self, kind: str, x: Value, v: Value) -> bool:
        """Whether a value is stretched over the positions of another."""
        return len(v.shape) == len(x.shape) and set(v.shape[:-1]) == {1} and (kind == "mul" or v.stored)

    def lengthened(self, x: Value, context: Context) -> Part | None:
        """A labelled sequence behind the value at hand."""
        fitting = [(v, name) for v, name in context.labels.seen() if alike(x, v, slice(0)) and len(x.shape) == 2]
        if not fitting:
            return None
        value, name = self.draw.pick(fitting)
        first = [] if value.channels == x.channels else [self.closing(value.channels, context)]
        return Line(Body(only(*first, lambda x, c: MergeWith("concat", [name], {"axis": "t"})), steps=True))

    def draw_tensor(self, x: Value, context: Context, goal: str) -> Part | None:
        """A tensor of the value at hand's shape, or one for all of its positions."""
        label = self.label(context)
        if label is None or self.chance(2):
            return None
        shape = x.shape if self.chance(2) else (*[1] * (len(x.shape) - 1), x.channels)
        init = self.draw.pick([None, None, "1", "0.5", "normal", "truncated"])
        found = Tensor(label, shape, self.chance(3), init=init)
        if self.chance(3):
            found.stored = self.draw.pick([(1, *found.layout(x.kind)), shape[::-1], (x.channels, shape[0], *shape[1:-1])])
        elif len(shape) == 2 and self.chance(3):
            found.init = "eye"
        return found

    def product(self, x: Value, context: Context) -> Part | None:
        """The matrix product with a labelled value, after a layer that gives as many channels as that has tokens."""
        fitting = [(v, name) for v, name in context.labels.seen() if len(v.shape) == 2 and v.shape[0] <= 40]
        if not fitting:
            return None
        value, name = self.draw.pick(fitting)
        first = [] if value.shape[0] == x.channels else [self.closing(value.shape[0], context)]
        return Line(Body(only(*first, lambda x, c: MergeWith("matmul", [name])), steps=True))

    def unpooled(self, x: Value, context: Context) -> Part | None:
        """A labelled map pooled, changed, and brought to its size again."""
        fitting = [(v, name) for v, name in context.labels.seen() if v.kind == "map"]
        if not fitting or not {"pool", "tanh"} <= {*self.options.steps}:
            return None
        value, name = self.draw.pick(fitting)
        w = self.draw.pick([w for w in (1, 2, 3) if w <= min(value.spatial)])
        makes = (
            lambda x, c: self.layer_of("pool", x, c, w=w, round="floor"),
            lambda x, c: self.layer_of("tanh", x, c),
            lambda x, c: MergeWith("unpool", [name], {"w": w, "round": "floor"}),
        )
        return Line(Body(only(*makes), steps=True), source=name)

    def attended(self, x: Value, context: Context) -> Part | None:
        """Keys and values of their own for the value at hand; or T5's numbers beside its scores."""
        if not {"attend", "attn", "buckets"} <= {*self.options.steps} or x.kind == "vector" or x.positions > 60:
            return None
        if len(x.shape) == 2 and x.positions <= 20 and self.chance(2):
            label = self.label(context)
            return Group(label, Body(self.draw.pick([self.biased, self.turned]))) if label is not None else None
        fitting = [(v, name) for v, name in context.labels.seen() if v.kind in ("tokens", "map") and v.positions <= 60]
        if not fitting:
            return None
        value, k = self.draw.pick(fitting)
        v = self.draw.pick([name for other, name in fitting if (other.kind, other.shape) == (value.kind, value.shape)])
        kvheads = self.draw.pick([n for n in range(1, value.channels + 1) if value.channels % n == 0])
        heads = kvheads * self.draw.number(1, 2)
        given = {"heads": heads, "kvheads": kvheads if kvheads != heads else None, "k": refer(k), "v": refer(v)}
        first = self.closing(heads * value.channels // kvheads, context)
        return Line(Body(only(first, lambda x, c: self.layer_of("attend", x, c, **given)), steps=True))

    def biased(self, x: Value, context: Context) -> Any:
        """Attention with numbers for each two positions beside its scores, from a value of their own."""
        near = self.label(context)
        assert near is not None, "a group is in no repeat"
        heads = self.draw.pick([n for n in range(1, 5) if x.channels % n == 0])
        for step, label in (
            (self.layer_of("buckets", x, context, heads=heads), near),
            (self.layer_of("attn", x, context, heads=heads, rel=refer(near), scale=1.0), None),
        ):
            line = Line(Body(items=[step], steps=True))
            x = yield Group(label, Body(items=[line])) if label is not None else line

    def turned(self, x: Value, context: Context) -> Any:
        """Attention whose queries and keys are turned by stored angles."""
        name = self.label(context)
        assert name is not None, "a group is in no repeat"
        heads = self.draw.pick([n for n in range(1, 5) if x.channels % n == 0])
        most, prefix = x.channels // heads // 2, self.draw.number(0, min(2, x.positions - 1))
        half = self.draw.number(1, max(most, 1))
        pair = self.draw.pick([None, *[n for n in range(1, half + 1) if half % n == 0]])
        count = heads * half if half == most and self.chance(2) else half
        x = yield Tensor(name, (x.positions - prefix, count), self.chance(2), init=self.draw.pick(["1", "normal"]))
        step = self.layer_of("attn", x, context, heads=heads, rope=refer(name), prefix=prefix, pair=pair)
        yield Line(Body(items=[step], steps=True))

    def draw_from(self, x: Value, context: Context, goal: str) -> Part | None:
        seen = list(context.labels.seen())
        return Line(self.steps(""), source=self.draw.pick(seen)[1]) if seen else None

    def draw_star(self, x: Value, context: Context, goal: str) -> Part | None:
        """A path with a star, which leads to several values."""
        found: list[Arg] = []
        for named in context.labels.all():
            known = named.level is not None and named.level.sure  # shortcuts have names that are not told apart here
            names = {name for child in (named.level.children if known else []) for name in child.named}
            found += [behind(named.label, f"{ANY}.{name}") for name in sorted(names)]
        if not found:
            return None
        path = self.draw.pick(found)
        kind = self.draw.pick(["add", "concat", "mul", "sub"])
        if self.chance(3):
            return Line(Body(items=[MergeWith(kind, [path])], steps=True))
        more: list[Any] = [Line(Body(items=[Step("skip")], steps=True))] * self.chance(2)
        return Branches(kind, Body(items=[Star(path), *more]))
