"""The body of a class: a graph whose inline calls are flattened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from archspec.backends.source.constructor import If, New
from archspec.ir.graph import Graph, Owner
from archspec.source import Span
from archspec.types import Type

if TYPE_CHECKING:
    from archspec.backends.source.dialect import Dialect
    from archspec.ops.base import Op

ONE = "one"
"""A value that is the same for all images, with a batch axis of size 1."""
BARE = "bare"
"""One without a batch axis."""
UNREAD = -1
"""The number of a value that is handed to a graph and not read there."""


class Pick(NamedTuple):
    """A result of an item that gives several: the item's value, and what follows it in the text, `.side` or `[1]`."""

    value: int
    text: str
    length: int = 0
    """Of the list that it is in."""
    axes: int = 0
    """How many the result has, without that of the batch."""


class Shared(NamedTuple):
    """A module or tensor that a class uses, or is given from a class around: the owner of the weights, of a call its round."""

    owner: Owner
    round: int
    tensor: bool


class Reach(NamedTuple):
    """How `forward` gets at a module or tensor: by an attribute, or as what it is given by that name."""

    name: str
    given: bool = False
    tensor: bool = False
    tied: bool = False
    """Whether it is a layer whose `weight` alone is used."""


class Item(NamedTuple):
    """An element of a class body: its attribute, the module (None for a merge), the values it reads, and its value's number.

    A module that some instances lack has a condition, and nothing for where that does not hold.
    """

    attribute: str
    module: New | If | None
    step: str
    """The op's step, of a merge with its arguments; empty for a call."""
    label: str | None
    reads: tuple[int, ...]
    types: tuple[Type | None, ...]
    type: Type | None
    span: Span | None
    top: int
    """The position of its element in the graph."""
    flat: bool = False
    """Whether the module takes a vector where a map is given: a `flatten` that was moved before it."""
    owner: Reach | None = None
    """The module or tensor whose weights it uses, if not its own."""
    lent: tuple[Reach, ...] = ()
    """What it gives to the module that it calls, which uses the weights of these."""
    stored: tuple[int, ...] = ()
    """The shape of a tensor that is a value."""
    levels: tuple[str, ...] = ()
    """For each value that it reads: ONE, BARE, or nothing, where each image has its own; empty where all have."""
    places: tuple[Any, ...] = ()
    """The conditions that its attribute is computed from: positions in braces, which follow from what guards drop before it."""
    guard: Any = None
    """The condition of a merge that some instances of a class have; in the others its value is the first one that it reads."""

    def reach(self, *, tensor: bool) -> Reach:
        """How `forward` gets at its module or tensor."""
        return self.owner or Reach(self.attribute, tensor=tensor)

    @property
    def line(self) -> int:
        """The line of the spec that it was written on, from 1; 0 for what was written nowhere."""
        return self.span.line if self.span is not None else 0

    @property
    def flag(self) -> str:
        """The attribute that keeps the guard."""
        return f"has_{self.attribute.replace('.', '_')}"

    @property
    def numbers(self) -> tuple[Any, ...]:
        """All parts that contain numbers."""
        return self.module, self.guard, self.places

    @property
    def kinds(self) -> tuple[object, ...]:
        """The kinds of the types that it reads."""
        return tuple([(type(type_).__name__, len(type_.shape)) for type_ in self.types if type_ is not None])


class Body(NamedTuple):
    """A graph flattened of its inline calls: values 0 up to `inputs` are the inputs that it takes, the rest the items in order."""

    inputs: tuple[Type | None, ...]
    given: tuple[str, ...]
    """What the inputs are called."""
    items: tuple[Item, ...]
    results: tuple[int, ...]
    """The main one first."""
    values: tuple[int, ...] = ()
    """For each value of the graph, its number here."""
    shared: Mapping[Shared, str] = {}
    """What `forward` is given beside values, by names; its levels are counted from the graph around."""
    fields: tuple[str, ...] = ()
    """What the results are called where there are several."""
    texts: tuple[str, ...] = ()
    """What picks each of them in a text that calls it: `.side`, or of a list `.side[1]`."""
    loop: bool = False
    """Whether it is written as a loop; its further results are lists then."""
    picks: Mapping[int, Pick] = {}
    """The values that are results of items that give several; their numbers are below those of all others."""

    def whole(self, value: int) -> int:
        """The value of the item that a value is, or is a result of."""
        return self.picks[value].value if value in self.picks else value

    def chained(self, dialect: Dialect) -> bool:
        """Whether the items are modules in a row, as a chain of the framework has them."""
        return (
            len(self.inputs) == 1
            and self.results == (len(self.items),)
            and len(self.items) > 0
            and all(
                item.module is not None
                and item.reads == (at,)
                and not item.flat
                and item.owner is None
                and not item.lent
                and "." not in item.attribute
                and not dialect.holds_tensor(item.step)
                for at, item in enumerate(self.items)
            )
        )


class Made(NamedTuple):
    """How a call is made as a module; `flat` as in Item."""

    module: New
    flat: bool = False
    shared: tuple[Shared, ...] = ()
    """The modules that it is given."""
    texts: tuple[str, ...] = ()
    """What picks its results where it has several."""


def step_of(op: Op) -> str:
    """The step of an op, of a merge along an axis with that axis, which no module has."""
    return f"{op.step} {op.config()}".rstrip() if op.variadic and "axis" in op.fields else op.step


def picks_of(graph: Graph, called: Graph, texts: tuple[str, ...]) -> list[Pick]:
    """What picks the results of a graph from those that a module gives, which is that of a graph with at least these."""
    if not texts:
        return []
    known = dict(zip(("", *called.names), texts, strict=False))
    lengths = Counter(text.partition("[")[0] for text in texts if "[" in text)
    named = zip(("", *graph.names), map(graph.type_of, graph.results), strict=True)
    return [Pick(0, known[name], lengths[known[name].partition("[")[0]], len(type_.shape)) for name, type_ in named]
