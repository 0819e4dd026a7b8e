"""Layers drawn for the value at hand, and rows of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass, field
from typing import Any

from tests.fuzzing.chooser import Args, Chooser
from tests.fuzzing.draw import Arg, Draw, Env, const
from tests.fuzzing.labels import Context
from tests.fuzzing.layers import ARGUMENTS, LAYERS
from tests.fuzzing.runner import Runner
from tests.fuzzing.tape import Tape
from tests.fuzzing.tree import Body, Line, Part, Step
from tests.fuzzing.values import Value

Make = Callable[[Value, Context], Any]
"""Draws a part for the value before it."""
Plan = Callable[[Value, Context], Generator[Any, Value | None, None]]
OFTEN = [*["conv"] * 7, *["pool", "bn", "attn"] * 2, "dwconv", "deconv", "avgpool", "relu", "linear", "ln", "tokens", "cls", "pos", "first"]
ROUNDED = ("conv", "dwconv", "pool", "avgpool", "subsample", "upsample")
BARE_ONLY = ("embed", "slice", "rearrange", "custom", "add", "sub", "mul")
BEGUN = ("conv", "dwconv", "deconv", "fc", "linear")
KINDS = (
    "residual",
    "concat",
    "branches",
    "repeat",
    "call",
    "merge",
    "from",
    "output",
    "group",
    "tensor",
    "pattern",
    "default",
    "star",
    "again",
    "tied",
    "length",
)


@dataclass
class Options:
    """What a network may consist of, and how large it may be. Sizes are of the input, in positions along an axis, by rank."""

    steps: Collection[str] = tuple(LAYERS)
    kinds: Collection[str] = KINDS
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


class Steps(Runner):
    """Draws layers, and bodies whose parts are drawn while they run."""

    def __init__(self, draw: Draw, options: Options | None = None) -> None:
        self.options = options or Options()
        super().__init__(draw, Tape(self.options.largest), self.options.giving_up)
        self.defaults: dict[tuple[str, str], Any] = {}
        self.drawn = 0

    def chance(self, one_in: int) -> bool:
        return self.draw.number(1, one_in) == one_in

    def fresh(self, stem: str) -> str:
        """A name that no other has. Block names end in a letter, since `b1` called twice would be `b11` and `b12`."""
        self.drawn += 1
        return f"{stem}{self.drawn}"

    def label(self, context: Context) -> Arg | None:
        """A new label, told apart in each round of the repeats around it; None where that cannot be."""
        labels = self.labels(context, 0)
        return labels[0] if labels is not None else None

    def labels(self, context: Context, ahead: int) -> tuple[Arg, Arg] | None:
        """A new label, with the counter of the innermost repeat so far ahead, and that of the round before."""
        if context.counters is None:
            return None
        before, after = self.draw.pick([("", "")] * 6 + [("tree.", ""), ('"', ' - a"'), ('"class.', '"')])
        *outer, last = (self.fresh("v"), *context.counters)

        def label(ahead: int) -> Arg:
            def value(env: Env) -> str:
                number = [str(env[last] + ahead)] if outer else [last]
                return f"{before}{'_'.join([*outer[:1], *(str(env[name]) for name in outer[1:]), *number])}{after}".strip('"')

            written = f"{{{last}{ahead:+}}}" if ahead else f"{{{last}}}"
            text = "_".join([*outer[:1], *(f"{{{name}}}" for name in outer[1:]), written if outer else last])
            return Arg(f"{before}{text}{after}", value, plain=False)

        return label(ahead), label(ahead - 1)

    @abstractmethod
    def part(self, x: Value, context: Context, goal: str = "") -> Part:
        """A line or a structure for a value."""

    def chooser(self, x: Value, context: Context) -> Chooser:
        tables = self.options.tables and context.alone and not self.forced("conv", "init") and not self.forced("conv", "norm")
        return Chooser(self.draw, context.env(x), tables, list(context.labels.seen()))

    def step(self, x: Value, context: Context, goal: str = "") -> Step:
        """A layer for a value, that keeps its shape or space if that is the goal."""
        if x.kind == "words":
            return self.written("embed", LAYERS["embed"].draw(self.chooser(x, context), x, "") or {}, x, context)
        able = [
            name for name, layer in LAYERS.items() if name in self.options.steps and x.kind in layer.takes and _keeps(layer.keeps, goal)
        ]
        often = [name for name in OFTEN if name in able]
        for _ in range(5):
            name = self.draw.pick(often if often and self.chance(2) else able)
            args = LAYERS[name].draw(self.chooser(x, context), x, goal)
            if args is not None:
                if "frozen" in ARGUMENTS[name] and self.chance(4 if context.frozen else 25):
                    args |= {"frozen": const(not context.frozen)}
                return self.written(name, args, x, context)
        return Step("skip")

    def layer_of(self, name: str, x: Value, context: Context, **values: Any) -> Step:
        """A layer with some arguments given, and all others as the language has them, whatever a `default` line says."""
        args = {key: const(value) for key, value in ARGUMENTS[name].items()} | {
            key: value if isinstance(value, Arg) else const(value) for key, value in values.items()
        }
        return self.written(name, args, x, context, adopt=False)

    def forced(self, step: str, name: str) -> Any:
        """What a `default` line gives an argument."""
        value = self.defaults.get((step, name))
        if value is None and ((name == "round" and step in ROUNDED) or (name in ("init", "norm") and step in BEGUN)):
            return self.defaults.get(("", name))
        return value

    def written(self, name: str, args: Args, x: Value, context: Context, *, adopt: bool = True) -> Step:
        """A layer whose arguments are left out, mostly, where they are what they would be anyway; now and then a default is taken over."""
        full: Args = {}
        env = context.env(x)
        for key, default in ARGUMENTS[name].items():
            arg, forced = args.get(key) or const(default), self.forced(name, key)
            value, here = arg.value(env), default if forced is None else forced
            if forced is not None and (value is None or (adopt and self.chance(2))):
                arg = Arg(None, lambda env, forced=forced: forced)
            elif value is None or (arg.plain and value == here and type(value) is type(here) and not self.chance(4)):
                arg = Arg(None, arg.value)
            full[key] = arg
        return Step(name, full, keyed=name not in BARE_ONLY and self.chance(4))

    def closing(self, channels: int, context: Context) -> Callable[[Value, Context], Step]:
        """The layer that brings a value to so many channels, its space kept."""

        def make(x: Value, context: Context) -> Step:
            many = self.chooser(x, context).exactly(channels)
            if x.kind != "map":
                return self.layer_of("linear", x, context, n=many)
            k = self.draw.pick([1, 1, 3])
            return self.layer_of("conv", x, context, k=k, p=k // 2, f=many)

        return make

    def steps(self, goal: str, *last: Make, most: int = 3) -> Body:
        """Some layers in a row, and those that are given after them."""

        def plan(x: Value, context: Context) -> Any:
            for _ in range(self.draw.number(0 if last else 1, most)):
                x = yield self.step(x, context, goal)
            for make in last:
                x = yield make(x, context)

        return Body(plan, steps=True)

    def suite(self, goal: str, *last: Make, most: int = 2) -> Body:
        """Some lines below one another."""
        return Body(self.lined(goal, *last, most=most))

    def lined(self, goal: str, *last: Make, most: int = 2) -> Plan:
        """The plan of a suite."""

        def plan(x: Value, context: Context) -> Any:
            for _ in range(self.draw.number(0 if last else 1, most)):
                x = yield self.part(x, context, goal)
            for make in last:
                x = yield Line(Body(only(make), steps=True))

        return plan


def _keeps(keeps: str, goal: str) -> bool:
    return not goal or keeps == "shape" or keeps == goal


def only(*makes: Make) -> Plan:
    """A plan of these parts, each drawn for the value before it."""

    def plan(x: Value, context: Context) -> Any:
        for make in makes:
            x = yield make(x, context)

    return plan
