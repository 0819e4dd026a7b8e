"""The parts of a spec, and their text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.fuzzing.chooser import refer
from tests.fuzzing.draw import Arg, written
from tests.fuzzing.layers import BARE

Plan = Callable[[Any, Any], Any]


@dataclass(eq=False)
class Body:
    """Parts in a row. One with a plan is drawn while it runs for the first time, and only played again later."""

    plan: Plan | None = None
    items: list[Any] = field(default_factory=list)
    steps: bool = False
    """Its parts are steps of a line, not lines."""

    @property
    def alone(self) -> bool:
        """Whether it is a single step, which takes the label before it; several are a group."""
        line = self.items[0] if len(self.items) == 1 else None
        return isinstance(line, Line) and line.guard is None and len(line.steps.items) == 1


@dataclass(eq=False)
class Part:
    """Anything on a line of its own, or that opens one."""

    guard: Arg | None = field(default=None, kw_only=True)


@dataclass(eq=False)
class Step:
    """A layer. Arguments without a text are given by a default."""

    name: str
    args: dict[str, Arg] = field(default_factory=dict)
    keyed: bool = False

    def text(self) -> str:
        words, bare = [self.name], () if self.keyed else BARE.get(self.name, ())
        given = {name: arg.text for name, arg in self.args.items() if arg.text is not None}
        for name in bare:
            if name not in given:
                break
            text = given.pop(name)
            words.append(f"({text})" if "," in text and "(" not in text else text)
        return " ".join([*words, *(f"{name}={text}" for name, text in given.items())])


@dataclass(eq=False)
class MergeWith:
    """`add a b`: the value at hand with named ones."""

    kind: str
    names: list[Arg]
    arguments: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        given = [f"{name}={value}" for name, value in self.arguments.items()]
        return " ".join([self.kind, *(str(name.text) for name in self.names), *given])


@dataclass(eq=False)
class Parameter:
    """What a block is given: a number, which may have a default, or a value."""

    name: str
    default: Arg | None = None
    is_value: bool = False

    @property
    def label(self) -> Arg:
        """A value by its name in the block."""
        return Arg(self.name, lambda env: self.name)

    def passed(self) -> Arg:
        """What it stands for in its block, as an argument of a call in it."""
        return refer(self.label) if self.is_value else Arg(self.name, lambda env: env[self.name], plain=False)

    def text(self) -> str:
        return f"from {self.name}" if self.is_value else self.name if self.default is None else f"{self.name}={self.default.text}"


@dataclass(eq=False)
class Block(Part):
    """A block, where it is defined."""

    name: str
    parameters: list[Parameter]
    body: Body


@dataclass(eq=False)
class Call:
    """A block called: the values of some parameters, and how many of the first are given by position."""

    block: Block
    given: dict[str, Arg]
    positions: int

    def text(self) -> str:
        words = [self.block.name]
        for at, (name, arg) in enumerate(self.given.items()):
            text = str(arg.text)
            words.append((f"({text})" if "," in text and "(" not in text else text) if at < self.positions else f"{name}={text}")
        return " ".join(words)


@dataclass(eq=False)
class Again:
    """What a label names, built once more."""

    name: Arg

    def text(self) -> str:
        return f"again {self.name.text}"


@dataclass(eq=False)
class Tied:
    """A matrix product with the table of a labelled layer."""

    name: Arg
    bias: bool

    def text(self) -> str:
        return f"linear weights={self.name.text}" + " bias=no" * (not self.bias)


@dataclass(eq=False)
class Line(Part):
    """Steps in a row, from the value at hand or a named one."""

    steps: Body
    source: Arg | None = None


@dataclass(eq=False)
class Group(Part):
    """A label over a body; `_` for one without a name."""

    label: Arg
    body: Body
    frozen: bool = False


@dataclass(eq=False)
class Tensor(Part):
    """A tensor behind its label; the value at hand stays."""

    label: Arg
    shape: tuple[int, ...]
    frozen: bool = False
    stored: tuple[int, ...] | None = None
    init: str | None = None

    def text(self) -> str:
        words = [f"{self.label.text}: tensor {written(self.shape)}", *[f"init={self.init}"] * bool(self.init)]
        return " ".join([*words, *["frozen=yes"] * self.frozen, *[f"stored={written(self.stored)}"] * bool(self.stored)])

    def kind(self, line: bool) -> str:
        """What it is beside the value at hand: two axes are those of a 1-D map (`line`) or tokens."""
        if len(self.shape) == 2:
            return "map" if line else "tokens"
        return "map" if len(self.shape) > 2 else "vector"

    def layout(self, kind: str) -> tuple[int, ...]:
        """The shape as torch has it, without the batch."""
        return (self.shape[-1], *self.shape[:-1]) if kind == "map" else self.shape


@dataclass(eq=False)
class Sequence(Part):
    """Several lines as one branch."""

    body: Body


@dataclass(eq=False)
class Star(Part):
    """A path that leads to several values, each of them a branch."""

    source: Arg


@dataclass(eq=False)
class Repeat(Part):
    count: Arg
    counter: str | None
    body: Body


@dataclass(eq=False)
class Residual(Part):
    body: Body
    plan: Callable[[Any, Any, Any], Line | None] | None = None
    """Draws the shortcut, once it is known where the body leads."""
    shortcut: Line | None = None
    condition: Arg | None = None


@dataclass(eq=False)
class Branches(Part):
    kind: str
    body: Body
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Output(Part):
    name: str
    training: bool
    body: Body | None

    @property
    def label(self) -> Arg:
        return Arg(self.name, lambda env: self.name)


@dataclass(eq=False)
class Default(Part):
    """`default conv p=1`, or of no step `default round=floor`."""

    step: str
    values: dict[str, Any]


@dataclass(eq=False)
class Pattern(Part):
    """The formula of lectures; `layers` is what it stands for."""

    formula: str
    layers: list[tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class Place:
    """Where something was written: a line and columns, from 1, the end not included."""

    line: int
    start: int
    end: int


class Text:
    """The text of parts, and where each stands."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.places: dict[int, Place] = {}

    def new(self, indent: int) -> None:
        self.lines.append("  " * indent)

    def write(self, text: str, part: object = None) -> None:
        """Put a text at the end of the line at hand, as the place of a part."""
        start = len(self.lines[-1]) + 1
        self.lines[-1] += text
        if part is not None:
            self.places[id(part)] = Place(len(self.lines), start, start + len(text))

    def parts(self, items: list[Any], indent: int) -> None:
        for item in items:
            self.new(indent)
            self.part(item, indent)

    def part(self, item: Any, indent: int) -> None:
        """A part, its first line being open already."""
        match item:
            case Line():
                self.chain(item)
            case Residual(shortcut=Line()):
                self.residual(item, indent)
            case Output(body=None):
                self.write(_head(item), item)
                self.guard(item)
            case Default(step, values):
                self.write(" ".join(["default", *[step] * bool(step), *(f"{name}={written(value)}" for name, value in values.items())]))
            case Pattern(formula):
                self.write(formula, item)
            case Tensor():
                self.write(item.text(), item)
            case Star(source):
                self.write(f"from {source.text}", item)
            case Residual(shortcut=None) | Branches() | Group() | Repeat() | Output() | Block() | Sequence():
                self.headed(item, indent)

    def guard(self, item: Part) -> None:
        if item.guard is not None:
            self.write(f" if {item.guard.text}")

    def chain(self, line: Line) -> None:
        start = len(self.lines[-1]) + 1
        if line.source is not None:
            self.write(f"from {line.source.text}" + " | " * bool(line.steps.items))
        for at, step in enumerate(line.steps.items):
            self.write(" | " if at else "")
            self.write(step.text(), step)
        self.places[id(line)] = Place(len(self.lines), start, len(self.lines[-1]) + 1)
        self.guard(line)

    def headed(self, item: Any, indent: int) -> None:
        """A head, and its body on the same line where that is one part; a guard at the end of a line belongs to its outermost head."""
        only = item.body.items[0] if len(item.body.items) == 1 else None
        self.write(_head(item), item)
        joined = isinstance(only, (Line, Group, Repeat)) and not isinstance(item, Sequence)
        if joined and only.guard is None and (item.guard is None or isinstance(only, Line)):
            self.write(": ")
            self.part(only, indent)
            self.guard(item)
            return
        self.guard(item)
        self.write(":")
        short = isinstance(item, Sequence) and only is not None
        self.parts([*item.body.items, *[Line(Body(items=[Step("skip")], steps=True))] * short], indent + 1)

    def residual(self, item: Residual, indent: int) -> None:
        assert item.guard is None and item.shortcut is not None, "a residual has a condition, and a guard at the end of one line only"
        self.write(_head(item), item)
        self.write(":")
        self.parts(item.body.items, indent + 1)
        self.new(indent + 1)
        self.write("shortcut: ")
        self.part(item.shortcut, indent + 1)


def _head(item: Part) -> str:
    match item:
        case Group(label, _, frozen):
            return "frozen " * frozen + str(label.text)
        case Branches(kind, _, arguments):
            return " ".join([kind, *(f"{name}={value}" for name, value in arguments.items())])
        case Sequence():
            return "seq"
        case Residual(condition=condition):
            return "residual" if condition is None else f"residual if {condition.text}"
        case Repeat(count, counter):
            return f"repeat {count.text}" + (f" as {counter}" if counter else "")
        case Output(name, training):
            return f"output {name}{' train' * training}"
        case Block(name, parameters):
            return f"block {item.name}({', '.join(parameter.text() for parameter in parameters)})"
    raise AssertionError(item)


def bodies(item: Any) -> Iterator[Body]:
    """The bodies of a part."""
    for name in ("body", "steps"):
        body = getattr(item, name, None)
        if body is not None:
            yield body
    if isinstance(item, Residual) and item.shortcut is not None:
        yield from bodies(item.shortcut)
