"""What a body's layers become when their neighbours are known: choices that are made, layers that another one includes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from archspec.backends.keras.making_calls import ABSORBED, CHAIN, KEEPING, NONNEGATIVE, ROW
from archspec.backends.source.body import Body, Item
from archspec.backends.source.constructor import If, New

_POSITIVE = frozenset(["relu", "relu6", "sigmoid", "hardsigmoid", "softplus", "softmax"])
_KEEPING = frozenset(
    ["pool", "avgpool", "dropout", "dropout2d", "droppath", "concat", "adaptpool", "adaptmaxpool", "gap", "flatten", "crop"]
)
"""Layers that make no number negative."""
_FUSED = ("layers.Conv", "layers.DepthwiseConv", "layers.Dense")
"""Layers of Keras with an `activation`."""


class Reading:
    """A body as Keras writes it: `modules` by the positions of items, None for those that are left out, and the `values` that these are."""

    def __init__(self, body: Body, kept: frozenset[str], lent: Collection[str] = ()) -> None:
        self.body = body
        self.kept = kept
        """The attributes of layers that other places use too."""
        self.lent = lent
        """Those of a function that other functions use, where they are called."""
        self.first = len(body.inputs)
        self.readers: dict[int, list[int]] = {}
        for at, item in enumerate(body.items):
            for read in item.reads:
                self.readers.setdefault(body.whole(read), []).append(at)
        self.ends = Counter(map(body.whole, body.results))
        self.several = {pick.value for pick in body.picks.values()}
        """The values that are several results."""
        self.modules = [self.chosen(at, item.module) for at, item in enumerate(body.items)]
        self.values: dict[int, int] = {}
        for at in range(len(body.items)):
            self.include(at)

    def outputs(self, values: list[int]) -> None:
        """Count values that the network puts out, beside the results of its graph."""
        self.ends.update(map(self.body.whole, values))

    def value(self, value: int) -> int:
        """A value, or the one that it is without a layer that is left out."""
        while value in self.values:
            value = self.values[value]
        return value

    def chosen(self, at: int, module: Any) -> Any:
        """A module whose questions are answered."""
        if isinstance(module, If):
            return module._replace(yes=self.chosen(at, module.yes), no=self.chosen(at, module.no))
        if not isinstance(module, New):
            return module
        if module.name in (NONNEGATIVE, ABSORBED):
            answer = self.positive(self.body.items[at].reads[0]) if module.name == NONNEGATIVE else self.absorbed(self.first + at)
            return self.chosen(at, module.arguments[0 if answer else 1][1])
        if module.name in (ROW, CHAIN):
            return New(module.name, tuple((key, self.chosen(at, each)) for key, each in module.arguments), module.span)
        return module

    def item(self, value: int) -> Item | None:
        """The item that makes a value; None for an input."""
        value = self.body.whole(value)
        return self.body.items[value - self.first] if value >= self.first else None

    def positive(self, value: int) -> bool:
        """Whether no number of a value is below 0."""
        pending, seen = [value], set()
        while pending:
            value = pending.pop()
            item = self.item(value)
            word = item.step.partition(" ")[0] if item is not None else ""
            if item is None or word not in _POSITIVE | _KEEPING:
                return False
            if word in _KEEPING and value not in seen:
                seen.add(value)
                pending += item.reads
        return True

    def absorbed(self, value: int) -> bool:
        """Whether a flat vector goes to fully connected layers alone, whose rows then lie in its order."""
        readers = self.readers.get(value, [])
        if not readers or value in self.body.results:
            return False
        for at in readers:
            item = self.body.items[at]
            plain = isinstance(item.module, New) and item.owner is None and not item.lent and item.attribute not in {*self.kept, *self.lent}
            if not plain or item.guard is not None:
                return False
            name = item.module.name.removeprefix("layers.")  # type: ignore[union-attr]
            if name != "Dense" and not (name in KEEPING and self.absorbed(self.first + at)):
                return False
        return True

    def include(self, at: int) -> None:
        """Leave out a layer that one before can include: a `flatten` after global pooling, an activation."""
        item = self.body.items[at]
        if len(item.reads) != 1 or item.owner is not None or self.first + at in self.several:
            return
        before = self.alone(item.reads[0], at)
        place = before - self.first
        if before < 0:
            return
        source, made = self.body.items[place], self.modules[place]
        if item.step == "flatten":
            if (pooled := self.pooled(item.reads[0], at)) >= 0:
                self.modules[pooled] = self.modules[pooled]._replace(arguments=())
                self.modules[at], self.values[self.first + at] = None, before
        elif (
            source.line == item.line
            and source.owner is None
            and not source.lent
            and source.attribute not in self.lent
            and (fused := _with_activation(made, self.modules[at])) is not None
        ):
            self.modules[place] = fused
            self.modules[at], self.values[self.first + at] = None, before

    def alone(self, read: int, at: int) -> int:
        """The value that an item reads, where nothing else reads it, and it is no part of several; -1 elsewhere."""
        before = self.value(read)
        if read in self.body.picks or before < self.first or self.readers[read] != [at] or {read, before} & self.ends.keys():
            return -1
        return -1 if self.body.items[before - self.first].attribute in self.kept else before

    def pooled(self, read: int, at: int) -> int:
        """The position of global pooling that a `flatten` follows, dropouts and activations between them; -1 where there is none."""
        while (value := self.alone(read, at)) >= 0:
            at = value - self.first
            item, made = self.body.items[at], self.modules[at]
            if isinstance(made, New) and made.arguments == (("keepdims", True),):
                return at
            if not isinstance(made, New) or made.name.removeprefix("layers.") not in KEEPING or item.owner is not None:
                return -1
            read = item.reads[0]
        return -1


def _activation(module: Any) -> str:
    """Keras's word for an activation that needs no numbers."""
    if not isinstance(module, New):
        return ""
    if module.name == "layers.Activation":
        return str(module.arguments[0][1])
    return {"layers.ReLU": "relu", "layers.Softmax": "softmax"}.get(module.name, "") if not module.arguments else ""


def _with_activation(made: Any, activation: Any) -> New | None:
    """The layer with an activation, where it can have one and has none."""
    word = _activation(activation)
    if not isinstance(made, New) or not word:
        return None
    if made.name == ROW and made.arguments:
        *before, (key, last) = made.arguments
        fused = _with_activation(last, activation)
        return None if fused is None else made._replace(arguments=(*before, (key, fused)))
    if not made.name.startswith(_FUSED) or "activation" in dict(made.arguments):
        return None
    behind = ("kernel_initializer", "depthwise_initializer", "trainable", "name")
    at = next((at for at, (key, _) in enumerate(made.arguments) if key in behind), len(made.arguments))
    return made._replace(arguments=(*made.arguments[:at], ("activation", word), *made.arguments[at:]))


def layers_of(module: Any, attribute: str) -> Iterator[tuple[Any, str]]:
    """The layers of a module in a row, with their attributes."""
    if isinstance(module, New) and module.name == ROW:
        for _, each in module.arguments:
            yield from layers_of(each, attribute)
    elif isinstance(module, New) and module.name == CHAIN:
        yield from _positions(module, attribute)
    else:
        yield module, attribute


def _positions(chain: New, attribute: str) -> Iterator[tuple[Any, str]]:
    """The layers of a label, named by their positions."""
    position = 0
    for _, each in chain.arguments:
        times, module = (each.times, each.module) if hasattr(each, "times") else (1, each)
        for _ in range(times):
            yield from layers_of(module, f"{attribute}.{position}")
            position += 1


def is_around(attribute: str, paths: Collection[str]) -> bool:
    """Whether one of some paths leads into what an attribute holds, or to it."""
    return any(f"{path}.".startswith(f"{attribute}.") for path in paths)


def reached_in(body: Body) -> list[str]:
    """The names of the layers that a body makes, in functions that it calls too, and that items of it use again."""
    return [reach.name for item in body.items for reach in (*((item.owner,) if item.owner else ()), *item.lent) if not reach.given]


def owners(body: Body) -> frozenset[str]:
    """The attributes of layers of a body, and of parts, that other places use: the longest of those that a name begins with."""
    own = {item.attribute for item in body.items if item.owner is None}
    found = set()
    for name in reached_in(body):
        parts = name.split(".")
        found |= {next((prefix for end in range(len(parts), 0, -1) if (prefix := ".".join(parts[:end])) in own), name)}
    return frozenset(found)
