"""Named values, as far as they are seen, and what stands behind their names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tests.fuzzing.draw import Arg, Refused, demand
from tests.fuzzing.tape import Entry
from tests.fuzzing.tree import Body
from tests.fuzzing.values import Value

ANY = "*"


@dataclass
class Level:
    """What paths find in a labelled group, or the outputs of a block: by name, in the order of the network."""

    named: dict[str, Named] = field(default_factory=dict)
    children: list[Level] = field(default_factory=list)
    """The levels of what stands there, with a name of its own or not."""
    position: int = 0
    """That of the next layer."""
    sure: bool = True
    """Whether positions are known: the reference does not say whether a shortcut takes one."""

    def copy(self) -> Level:
        return Level(dict(self.named), list(self.children), self.position, self.sure)

    def put(self, name: str | None, named: Named, *, numbered: bool = True) -> None:
        """Something with layers, by its name, or without one by its position; a name with dots takes no position."""
        if name is not None or self.sure:
            self.named[name or str(self.position)] = named
        self.position += numbered and "." not in (name or "")
        self.children += [named.level] if named.level is not None else []

    def reached(self, path: list[str]) -> list[Value]:
        """The values that a path leads to. Raises Refused."""
        if path[0] == ANY:
            demand(len(path) > 1, "a path that ends in *")
            found = []
            for child in self.children:
                try:
                    found += child.reached(path[1:])
                except Refused:
                    continue
            demand(bool(found), f"nothing is called {'.'.join(path)}")
            return found
        for cut in range(1, len(path) + 1):
            name, rest = ".".join(path[:cut]), path[cut:]
            if name in self.named:
                return self.named[name].reached(rest)
        raise Refused(f"nothing is called {'.'.join(path)}")


class Made(NamedTuple):
    """What it takes to build what a label names once more: its lines, where they stand, and the layers that they made."""

    body: Body
    context: Context
    x: Value
    entries: list[Entry]


class Named(NamedTuple):
    """A value, the text of its label, which may hold the counters of repeats, and what is behind it."""

    value: Value
    label: Arg
    level: Level | None = None
    made: Made | None = None

    def reached(self, path: list[str]) -> list[Value]:
        """The values that a path from here leads to. Raises Refused."""
        if not path:
            return [self.value]
        if self.level is None:
            raise Refused(f"there is nothing called {'.'.join(path)} in {self.label.text}")
        return self.level.reached(path)


class Labels:
    """Named values, as far as they are seen."""

    def __init__(self, outer: Labels | None = None) -> None:
        self.outer = outer
        self.own: dict[str, Named] = {}

    def named(self, name: str) -> Named | None:
        """What has a label."""
        return self.own.get(name) or (self.outer.named(name) if self.outer is not None else None)

    def find(self, name: str) -> list[Value]:
        """The values that a label, or a path from one, leads to. Raises Refused."""
        parts = name.split(".")
        for cut in range(len(parts), 0, -1):
            named = self.named(".".join(parts[:cut]))
            if named is not None:
                return named.reached(parts[cut:])
        raise Refused(f"no value is called {name}")

    def value(self, name: str) -> Value:
        """The one value of that name. Raises Refused."""
        found = self.find(name)
        demand(len(found) == 1, f"several values are called {name}")
        return found[0]

    def all(self) -> Iterator[Named]:
        yield from self.own.values()
        if self.outer is not None:
            yield from self.outer.all()

    def seen(self) -> Iterator[tuple[Value, Arg]]:
        """What lines may refer to, and how."""
        for named in self.all():
            yield from paths(named, named.label)


def paths(named: Named, text: Arg) -> Iterator[tuple[Value, Arg]]:
    """A value by its label, and those inside of it by paths."""
    yield named.value, text
    for name, inner in (named.level.named if named.level is not None else {}).items():
        yield from paths(inner, behind(text, name))


def behind(label: Arg, name: str) -> Arg:
    """A path from a label; in quotes, where one of its names needs them."""
    text = str(label.text)
    quoted = text[0] == '"' or not all(part == ANY or part.replace("_", "a").isalnum() for part in name.split("."))
    path = f'"{text.strip(chr(34))}.{name}"' if quoted else f"{text}.{name}"
    return Arg(path, lambda env: f"{label.value(env)}.{name}", plain=False)


class Known(dict[str, Any]):
    """What names and sizes stand for. A value that a later round lacks, or of which it is another kind, has no such size there."""

    def __missing__(self, name: str) -> Any:
        raise Refused(f"there is no {name}")


@dataclass(frozen=True)
class Context:
    """Where a part stands. `counters` are those of the repeats that a label must tell apart; None where it cannot."""

    names: dict[str, Any]
    labels: Labels
    counters: tuple[str, ...] | None = ()
    depth: int = 0
    top: bool = False
    alone: bool = True
    frozen: bool = False
    level: Level = field(default_factory=Level)
    """What names its layers."""
    outputs: Level | None = None
    """Those of the block that it stands in, outside of its repeats."""

    def env(self, x: Value | None = None) -> dict[str, Any]:
        """What names stand for, the sizes of labelled values and of the value at hand among them."""
        sizes: dict[str, Any] = {f"{function}()": size for function, size in (x.sizes if x is not None else {}).items()}
        for value, label in self.labels.seen():
            for function, size in value.sizes.items():
                sizes.setdefault(f"{function}({label.text})", size)
        return Known({**self.names, **sizes})

    def inner(self, **changes: Any) -> Context:
        return replace(self, labels=Labels(self.labels), depth=self.depth + 1, top=False, **changes)


def climbed(labels: dict[str, Named], counter: str, round_: int) -> dict[str, Named]:
    """The labels that are seen behind a round: those that have its counter, which is a number there."""
    found = {}
    for name, named in labels.items():
        text = str(named.label.text)
        for written, value in ((f"{{{counter}}}", round_), (f"{{{counter}+1}}", round_ + 1)):
            if written in text:
                label = Arg(
                    text.replace(written, str(value)),
                    lambda env, label=named.label: label.value(Known({**env, counter: round_})),
                    plain=False,
                )
                found[name] = named._replace(label=label)
    return found
