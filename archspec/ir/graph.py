"""Graphs of ops and calls.

A graph is a function of one or more values. Its elements are nodes (an op applied) and calls (another graph applied, `times` in a
row). Equal block instances are one graph, shared by every call, so the size of a network in memory is that of its text.

Values are numbered: 0 to len(inputs) - 1 are the graph's inputs, the rest its elements in order. An element reads only values
before it.

Results. A graph has a main result and may have further ones, which have names. The value of a call is the main result of its last
round; any other result, of any round, is the value of a `Further`, an element that only picks it: it is no layer and has no name.

Names. Each element has a stem (`conv`, `bottleneck`) and perhaps a label. In a graph whose names are `ordinal` (the top level and
block bodies) an element without a label is called stem + its ordinal among all elements of that stem. Where they are `index` (a
label over several steps) it is called by its position, as in nn.Sequential; a number as its label sets the position, and leaves
those before it empty. An `inline` call adds no level: its elements count in the graph around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from os import PathLike
from typing import Any, ClassVar, NamedTuple

from archspec.diagnostics import Diagnostic
from archspec.diagnostics.visible import visible
from archspec.numeric import Spelled
from archspec.ops.base import Op, show
from archspec.simplify import leaves_of, simplified
from archspec.source import Span
from archspec.types import Type

SHORTCUT = "downsample"
"""The stem of shortcuts; the first of them in a graph is called so without an ordinal."""

AGAIN = "again"
"""The step that builds what a label names once more, with its weights; and the stem of what it builds."""


class Owner(NamedTuple):
    """The element whose weights another uses: its position in the graph that is `up` levels around the other's.

    What is `tied` to a layer uses its `weight` alone, which has a key here too. Where the weights are those of a part of the element, a call,
    `inside` is the position of that in the graph called, and so on.
    """

    element: int
    up: int = 0
    tied: bool = False
    inside: tuple[int, ...] = ()


class Node(NamedTuple):
    """An op applied to values, or to none, where it is a tensor.

    `numbered` is False for merges, tensors and implied layers, which take no position among the elements of a label. `span` is where it was
    written. With an `owner` the node has no weights of its own.
    """

    op: Op
    inputs: tuple[int, ...]
    type: Type
    stem: str
    label: str | None
    span: Span | None
    numbered: bool = True
    implied: bool = False
    owner: Owner | None = None
    further: tuple[Type, ...] = ()
    """The types of the op's results after the first."""

    @property
    def types(self) -> tuple[Type, ...]:
        """The types of all of the op's results."""
        return self.type, *self.further


class Call(NamedTuple):
    """A graph applied to values, `times` in a row: each round takes the result of the round before as its first input."""

    graph: Graph
    inputs: tuple[int, ...]
    type: Type
    stem: str
    label: str | None
    span: Span | None
    times: int = 1
    inline: bool = False
    numbered: bool = True
    arguments: tuple[tuple[str, Any], ...] = ()
    """What a block with named numbers is given, in the words of its caller: elaborate/naming.py."""
    owner: Owner | None = None

    def type_of(self, result: int) -> Type:
        """The type of a result of the graph, in the words of the caller."""
        type_ = self.graph.type_of(self.graph.results[result])
        if not self.arguments or not isinstance(type_.channels, Spelled):
            return type_
        return type_._replace(channels=simplified(type_.channels.replaced(leaves_of(dict(self.arguments)))))


Layered = Node | Call
"""An element that has layers, and a name."""


class Further(NamedTuple):
    """A result of an element before it that is not that element's own value: of a node, or of a round of a call, 0 being the first.

    It has no name, takes no position and costs nothing. `inputs` has the value of the element alone.
    """

    inputs: tuple[int, ...]
    result: int
    """Which one, 0 being the main result."""
    round: int
    type: Type

    @property
    def of(self) -> int:
        """The value of the element that it is a result of."""
        return self.inputs[0]


Element = Layered | Further


class Hole(NamedTuple):
    """What takes the place of an element after a mistake, while a graph is built; no finished graph has one.

    The type of its value is None where that is not known either.
    """

    type: Type | None
    stem: str
    label: str | None
    span: Span | None
    numbered: bool = True
    inputs: tuple[int, ...] = ()
    owner: Owner | None = None


Part = Element | Hole


class Instance(NamedTuple):
    """The block that a graph is an instance of, and the values of its parameters, as far as they are numbers, words or sizes."""

    block: str
    arguments: tuple[tuple[str, Any], ...]
    reads: tuple[str, ...] = ()
    """What the block calls the graph's inputs after the first."""

    def __str__(self) -> str:
        return " ".join([self.block, *(f"{name}={show(value)}" for name, value in self.arguments)])


class Graph:
    """Elements between input types and one or several results. Compared by identity: sharing is what makes equal parts equal.

    `naming` is `ordinal` or `index`; `instance` is set where the graph is the body of a block.
    """

    __slots__ = ("elements", "inputs", "instance", "layers", "lends", "names", "naming", "picks", "reaches", "results")

    def __init__(
        self,
        inputs: tuple[Type, ...],
        elements: tuple[Element, ...],
        results: tuple[int, ...],
        naming: str,
        instance: Instance | None = None,
        names: tuple[str, ...] = (),
    ) -> None:
        self.inputs = inputs
        self.elements = elements
        self.results = results
        """The main one first."""
        self.names = names
        """Those of the further results."""
        self.naming = naming
        self.instance = instance
        self.picks = any(isinstance(element, Further) for element in elements)
        """Whether an element picks a further result of another."""
        self.layers: int = sum(1 if isinstance(e, Node) else e.times * e.graph.layers for _, e in self.layered)
        """Nodes when flattened."""
        self.lends: bool = any(e.owner is not None or (isinstance(e, Call) and e.graph.lends) for _, e in self.layered)
        """Whether an element, of it or of a graph that it calls, uses the weights of another."""
        self.reaches: int = max(
            (e.owner.up if e.owner else e.graph.reaches - 1 if isinstance(e, Call) else 0 for _, e in self.layered), default=0
        )
        """How many levels around it what it uses the weights of is, at most."""

    @property
    def result(self) -> int:
        """The main result."""
        return self.results[0]

    def type_of(self, value: int) -> Type:
        """The type of a value, by its number: inputs come first, then one value per element."""
        count = len(self.inputs)
        return self.inputs[value] if value < count else self.elements[value - count].type

    def types_of(self, element: Element) -> tuple[Type, ...]:
        """The types of what an element reads."""
        return tuple([self.type_of(value) for value in element.inputs])

    def is_tensor(self, value: int) -> bool:
        """Whether a value is a stored tensor, of this graph or as a result of one that it calls."""
        element = self.elements[value - len(self.inputs)] if value >= len(self.inputs) else None
        result = element.result if isinstance(element, Further) else 0
        if isinstance(element, Further):
            element = self.elements[element.of - len(self.inputs)]
        if isinstance(element, Call):
            return element.graph.is_tensor(element.graph.results[result])
        return isinstance(element, Node) and element.op.origin

    @property
    def output(self) -> Type:
        """The type of the graph's main result."""
        return self.type_of(self.result)

    @property
    def layered(self) -> Iterator[tuple[int, Layered]]:
        """The elements that have layers, with their positions."""
        return ((at, element) for at, element in enumerate(self.elements) if not isinstance(element, Further))

    def __repr__(self) -> str:
        return f"Graph({self.instance or 'no block'}, {self.layers:,} layers)"


class Input(NamedTuple):
    """An input of a network, with the place of its line."""

    name: str
    type: Type
    span: Span | None


class Output(NamedTuple):
    """A result of the network. `training` heads are absent in inference."""

    name: str
    value: int
    training: bool = False


class Network:
    """A whole spec, elaborated.

    `inputs` and `outputs` have names, and inputs a `type` whose `shape` has the channels last; `meta` are texts by key, `params` values by
    name, and `graph` the layers. `diagnostics` holds warnings and notes. Of a spec with errors `compile` gives what is right of its
    network.
    """

    __slots__ = ("diagnostics", "graph", "inputs", "known", "meta", "name", "outputs", "params", "recipe")

    def __init__(
        self,
        name: str,
        graph: Graph,
        inputs: tuple[Input, ...],
        outputs: tuple[Output, ...],
        meta: dict[str, str] | None = None,
        params: dict[str, object] | None = None,
    ) -> None:
        self.name = name
        self.graph = graph
        self.inputs = inputs
        self.outputs = outputs
        self.meta = meta or {}
        self.params = params or {}
        self.diagnostics: tuple[Diagnostic, ...] = ()
        self.known: dict[str, Any] = {}
        """What analyses have found and keep for one another, by their names."""
        self.recipe: Any = None
        """What it takes to elaborate the network once more (elaborate/naming.py); None where it was not read from a spec."""

    views: ClassVar[dict[str, Callable[[Network], str | None]]] = {}
    """How a network is shown, as `html`, `svg` and `text`; filled in from above, where tables and pictures are known."""

    def __repr__(self) -> str:
        inputs = ", ".join(str(i.type) for i in self.inputs)
        outputs = ", ".join(str(self.graph.type_of(o.value)) for o in self.outputs)
        return f"Network({visible(self.name)}: {inputs} -> {outputs}, {self.graph.layers:,} layer{'s' if self.graph.layers != 1 else ''})"

    def __str__(self) -> str:
        return (self.views["text"](self) if "text" in self.views else None) or repr(self)

    def _repr_html_(self) -> str | None:
        return self.views["html"](self) if "html" in self.views else None

    def _repr_svg_(self) -> str | None:
        return self.views["svg"](self) if "svg" in self.views else None

    def graphs(self) -> list[Graph]:
        """List every distinct graph, callees before callers."""
        seen: dict[Graph, None] = {}
        pending: list[tuple[Graph, bool]] = [(self.graph, False)]
        while pending:
            graph, done = pending.pop()
            if done:
                seen[graph] = None
            elif graph not in seen:
                pending.append((graph, True))
                pending.extend((e.graph, False) for e in graph.elements if isinstance(e, Call) and e.graph not in seen)
        return list(seen)


def given(model: Network) -> Network:
    """What functions take as a network, if it is one; TypeError, which says how to get one, where it is not."""
    if isinstance(model, Network):
        return model
    if isinstance(model, (str, PathLike)):
        raise TypeError(f"expected a network, found the name {str(model)!r}: archspec.load({str(model)!r}) loads it")
    raise TypeError(f"expected a network as archspec.load gives it, found an object of type {type(model).__name__}")
