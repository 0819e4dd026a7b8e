"""Graphs and networks that are being built. Values get their final numbers when a graph is finished, since inputs may still come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from archspec.ir.graph import Call, Further, Graph, Hole, Input, Instance, Network, Node, Output, Owner, Part
from archspec.ir.shared import relinked
from archspec.ir.walk import Names
from archspec.ops import STEPS, make, op_class
from archspec.ops.base import Misfit, Op
from archspec.ops.declare import Unfit
from archspec.source import Span
from archspec.types import Map, Tokens, Type, Vector, from_shape


class GraphBuilder:
    """A graph being built. Values of the graphs around it become inputs when they are read: `capture`.

    Its inputs are the values 0, 1, ..., its elements ~0, ~1, ...
    """

    def __init__(self, naming: str = "ordinal", parent: GraphBuilder | None = None, *, round_: bool = False) -> None:
        self.round = round_
        self.parent = parent
        self.inputs: list[Type | None] = []
        self.elements: list[Part] = []
        self.names = Names("", naming)
        """The names that are taken; a round's positions run on from those of the graph around it."""
        if round_ and parent is not None:
            self.names.position = parent.names.position
        self.captured: dict[int, int] = {}
        self.became: tuple[GraphBuilder, dict[int, int]] | None = None
        """What took over its elements, and its values there."""
        self.pending: list[int] = []
        """Values of the parent that are read here, in the order of the inputs after the first."""
        self.called: tuple[GraphBuilder, int] | None = None
        """The value of the call of its graph, once that is finished, and where it is."""
        self.bodies: dict[int, GraphBuilder] = {}
        """What built the graphs of calls, by the positions of these."""
        self.parts: dict[int, Any] = {}
        """What it takes to build again what a label names, elaborate.core.Part, by the position of what has its value."""
        self.picked: dict[tuple[int, int, int], int] = {}
        """The values that `further` gave."""

    def input(self, type_: Type | None) -> int:
        """Add an input; returns the number of its value. The type is None while it is not known."""
        self.inputs.append(type_)
        return len(self.inputs) - 1

    def type_of(self, value: int) -> Type | None:
        """The type of a value; None after a mistake."""
        return self.inputs[value] if value >= 0 else self.elements[~value].type

    def add(self, element: Part) -> int:
        """Append an element; returns its value."""
        self.elements.append(element)
        self.names.skip(element)
        return ~(len(self.elements) - 1)

    def apply(
        self, op: Op, values: Sequence[int], label: str | None, span: Span | None, settled: Callable[[Type], Type] = lambda type_: type_
    ) -> int:
        """Append an op on values of known types, or the primitives that it expands to; the last of these has the label.

        `settled` turns a type into the one that is kept. Raises Misfit.
        """
        types = [type_ for type_ in map(self.type_of, values) if type_ is not None]
        for primitive in op.expand(types):
            own, primitive = primitive is op, primitive.froze() if op.frozen else primitive
            type_, *further = map(settled, primitive.infer(types))
            numbered = own and not op.origin and (label is not None or not op.variadic)
            node = Node(primitive, tuple(values), type_, primitive.step, label if own else None, span, numbered, not own)
            values = [self.add(node._replace(further=tuple(further)) if further else node)]
            types = [type_]
        return values[0]

    def further(self, value: int, result: int, round_: int = 0) -> int:
        """The value of a result of an element, by the value of that: of a node, or of a round of a call; picked once."""
        element = self.elements[~value]
        assert isinstance(element, Node | Call)
        if result == 0 and (isinstance(element, Node) or round_ == element.times - 1):
            return value
        known = self.picked.get((value, result, round_))
        if known is None:
            type_ = element.further[result - 1] if isinstance(element, Node) else element.type_of(result)
            known = self.picked[value, result, round_] = self.add(Further((value,), result, round_, type_))
        return known

    def restem(self, stem: str) -> None:
        """Call the last element, which has no label, by another stem that takes no position."""
        element = self.elements.pop()
        assert not isinstance(element, Further)
        self.names.skip(element, -1)
        self.add(element._replace(stem=stem, numbered=False))

    def capture(self, owner: GraphBuilder, value: int) -> int:
        """The number here of a value of this or an enclosing graph."""
        if owner is self or self.parent is None:
            return value
        outer = self.parent.capture(owner, value)
        if outer not in self.captured:
            self.captured[outer] = self.input(self.parent.type_of(outer))
            self.pending.append(outer)
        return self.captured[outer]

    def call(self, inner: GraphBuilder, call: Call) -> int:
        """Append the call of what another builder has built; returns its value."""
        value = self.add(call)
        self.bodies[~value], inner.called = inner, (self, value)
        return value

    def levels(self, around: GraphBuilder) -> int | None:
        """How many levels a graph stands around this one; None where it does not."""
        builder: GraphBuilder | None = self
        up = 0
        while builder is not None and builder is not around:
            up, builder = up + 1, builder.parent
        return up if builder is not None else None

    def is_tensor(self, value: int) -> bool:
        """Whether a value is a tensor, of this graph or of one around it."""
        if value < 0:
            element = self.elements[~value]
            result = element.result if isinstance(element, Further) else 0
            if isinstance(element, Further):
                element = self.elements[~element.of]
            if isinstance(element, Call):
                return element.graph.is_tensor(element.graph.results[result])
            return isinstance(element, Node) and element.op.origin
        outer = next((outer for outer, number in self.captured.items() if number == value), None)
        return self.parent is not None and outer is not None and self.parent.is_tensor(outer)

    def next_name(self, stem: str) -> str:
        """Return the name of a stem's next element, for messages; a round's names run on from the graph around it."""
        if self.names.naming == "index":
            return str(self.names.position)
        alike = 0
        builder: GraphBuilder | None = self
        while builder is not None:
            alike += builder.names.counts.get(stem, 0)
            builder = builder.parent if builder.round else None
        return f"{stem}{alike + 1}"

    def finish(self, result: int, instance: Instance | None = None, further: Mapping[str, int] | None = None) -> Graph | None:
        """The graph, its values renumbered as `Graph` has them; None where it has holes. `further` has its results after the first."""
        inputs = [type_ for type_ in self.inputs if type_ is not None]
        if len(inputs) < len(self.inputs) or any(isinstance(element, Hole) for element in self.elements):
            return None
        fixed = tuple(e._replace(inputs=tuple(map(self.final, e.inputs))) for e in self.elements if not isinstance(e, Hole))
        named = further or {}
        results = tuple(map(self.final, (result, *named.values())))
        return Graph(tuple(inputs), fixed, results, self.names.naming, instance, tuple(named))

    def whereabouts(self, value: int) -> tuple[GraphBuilder, int]:
        """Where a value is by now: here, or where the elements were taken over."""
        builder = self
        while builder.became is not None:
            builder, values = builder.became
            value = values[value]
        return builder, value

    def final(self, value: int) -> int:
        """The number of a value in the finished graph."""
        return value if value >= 0 else len(self.inputs) + ~value

    def splice(self, inner: GraphBuilder, value: int) -> dict[int, int]:
        """Take over the elements of a builder of one round, whose input is `value`; returns what its values are here."""
        mapping = {0: value, **{number: outer for outer, number in inner.captured.items()}}

        def here(owner: Owner, depth: int) -> Owner:
            return owner._replace(element=~mapping[~owner.element]) if owner.up == depth else owner._replace(up=owner.up - 1)

        for at, element in enumerate(inner.elements):
            if isinstance(element, Further):
                mapping[~at] = self.further(mapping[element.of], element.result, element.round)
                continue
            mapping[~at] = self.add(relinked(element, here)._replace(inputs=tuple(mapping[v] for v in element.inputs)))
        for at, body in inner.bodies.items():
            self.bodies[~mapping[~at]], body.called = body, (self, mapping[~at])
        self.parts |= {~mapping[~at]: part for at, part in inner.parts.items()}
        inner.became = self, mapping
        return mapping

    def without_holes(self) -> tuple[GraphBuilder, dict[int, int]]:
        """What does not depend on a hole, as another builder, and the numbers there of the values that are left."""
        left = GraphBuilder(self.names.naming)
        numbers = {at: left.input(type_) for at, type_ in enumerate(self.inputs) if type_ is not None}

        def there(owner: Owner, depth: int) -> Owner:
            return owner._replace(element=~numbers[~owner.element]) if owner.up == depth else owner

        for at, element in enumerate(self.elements):
            if not isinstance(element, Hole) and all(value in numbers for value in element.inputs):
                with suppress(KeyError):  # what uses the weights of a hole is left out too
                    numbers[~at] = left.add(relinked(element, there)._replace(inputs=tuple([numbers[value] for value in element.inputs])))
        return left, numbers


class Value(NamedTuple):
    """A value of a graph that is being built, as `Block` and `Builder` give and take it."""

    block: Block
    number: int
    type: Type


class Block:
    """The body of a block or group that is being built: a graph, which `call` puts into others, as often as wanted.

    `types` are those of its inputs. With a `name` its layers are named by their steps, and `arguments` say which instance of the block
    it is; without, by their positions, as in nn.Sequential. A `Value` has the `type` of what was appended. Misuse raises ValueError, which
    says what is wrong: a layer or an argument that there is not, values that do not fit, or that are of another block.

    >>> from archspec.types import Map
    >>> unit = archspec.Block(Map((32, 32), 8), name="unit")
    >>> graph = unit.graph(unit.op("relu", unit.op("conv", *unit.inputs, f=8, k=3, p=1)))
    >>> b = archspec.Builder("net")
    >>> b.output(b.call(graph, b.input("input", (32, 32, 8)), times=3))
    >>> b.network()
    Network(net: 32x32x8 -> 32x32x8, 6 layers)
    """

    def __init__(self, *types: Type, name: str | None = None, **arguments: Any) -> None:
        self._graph = GraphBuilder("index" if name is None else "ordinal")
        self._instance = Instance(name, tuple(arguments.items())) if name is not None else None
        self._further: dict[str, int] = {}
        self.inputs = tuple(self._value(self._graph.input(type_)) for type_ in types)

    def op(self, step: str, *values: Value, label: str | None = None, owner: Value | None = None, **arguments: Any) -> Value:
        """Append a layer, with its arguments as the language calls them; an operand is True, and its value one of `values`.

        `owner` is a layer before it, whose weights it uses. Raises ValueError for a layer or an argument that there is not, and for values
        that do not fit.
        """
        if step not in STEPS:
            raise ValueError(f"there is no layer `{step}`")
        try:
            op = make(step, arguments)
        except Unfit as unfit:
            known = op_class(step)
            if unfit.argument not in known.fields and not known.keyed:
                raise ValueError(f"`{step}` has no argument `{unfit.argument}`; it takes {', '.join(known.fields)}") from None
            wanted = known.field(unfit.argument).description
            raise ValueError(f"`{unfit.argument}` of `{step}` must be {wanted}, not {arguments.get(unfit.argument)!r}") from None
        if not op.takes_values(len(values)):
            count = len(op.reads_values()) + (not op.origin)
            raise ValueError(f"`{step}` reads {'one value' if count == 1 else f'{count} values'}, not {len(values)}")
        try:
            return self._owned(self._graph.apply(op, self._numbers(step, values), self._label(label), None), owner)
        except Misfit as misfit:
            raise ValueError(f"`{step}`: {misfit.message}") from None

    def call(self, graph: Graph, *values: Value, label: str | None = None, times: int = 1, owner: Value | None = None) -> Value:
        """Append a call of a graph, `times` in a row, each round on the result of the round before; `further` gives its other results.

        Raises ValueError where the values are not of the types of the graph's inputs, or its result is not for its first input.
        """
        stem = graph.instance.block if graph.instance is not None else "group"
        types = tuple(value.type for value in values)
        if types != graph.inputs:
            raise ValueError(f"`{stem}` takes {', '.join(map(str, graph.inputs))}, not {', '.join(map(str, types))}")
        if times < 1 or (times > 1 and graph.output != types[0]):
            raise ValueError(f"`{stem}` cannot run {times} times, from {types[0]} to {graph.output}")
        call = Call(graph, self._numbers(stem, values), graph.output, stem, self._label(label), None, times)
        return self._owned(self._graph.add(call), owner)

    def further(self, value: Value, result: str | int, round_: int = -1) -> Value:
        """Pick a further result of a call, by the name that it has in its graph, of one of its rounds, -1 being the last.

        Of a layer that has several, pick the result of that number; 0 is the main one, of a call too. Raises ValueError where there is
        none.
        """
        (number,) = self._numbers("further", (value,))
        element = self._graph.elements[~number] if number < 0 else None
        if not isinstance(element, (Node, Call)):
            raise ValueError("only the value of a layer or call has further results")
        names = element.graph.names if isinstance(element, Call) else ()
        count, times = (1 + len(names), element.times) if isinstance(element, Call) else (1 + len(element.further), 1)
        at = 1 + names.index(result) if result in names else result
        if not isinstance(at, int) or not 0 <= at < count:
            known = f"it has {', '.join(names)}" if names else f"it has {count}"
            raise ValueError(f"`{element.label or element.stem}` has no result {result!r}; {known}")
        if not -times <= round_ < times:
            raise ValueError(f"`{element.label or element.stem}` runs {times} times; there is no round {round_}")
        return self._value(self._graph.further(number, at, round_ % times))

    def result(self, name: str, value: Value) -> None:
        """Name a further result of the graph, in the order of these calls. Raises ValueError for a name that is taken."""
        (number,) = self._numbers("result", (value,))
        if name in self._further or name == "output":
            raise ValueError(f"there are two results called `{name}`")
        self._further[name] = number

    def graph(self, result: Value) -> Graph:
        """Finish the graph, whose main result is `result`."""
        (number,) = self._numbers("graph", (result,))
        found = self._graph.finish(number, self._instance, self._further)
        assert found is not None, "a block has no holes"
        return found

    def _value(self, number: int) -> Value:
        type_ = self._graph.type_of(number)
        assert type_ is not None, "a block has no holes"
        return Value(self, number, type_)

    def _numbers(self, what: str, values: Sequence[Value]) -> tuple[int, ...]:
        for value in values:
            if not isinstance(value, Value) or value.block is not self:
                raise ValueError(f"`{what}` reads {value!r:.60}, which is no value of this block")
        return tuple([value.number for value in values])

    def _label(self, label: str | None) -> str | None:
        if label is not None and not all(part.isidentifier() or part.isdecimal() for part in label.split(".")):
            raise ValueError(f"`{label}` is no label: letters, digits and `_`, parted by dots")
        return label

    def _owned(self, number: int, owner: Value | None) -> Value:
        if owner is not None:
            (lender,) = self._numbers("owner", (owner,))
            if lender >= 0:
                raise ValueError("an input has no weights to use")
            lent, own = self._graph.elements[~lender], self._graph.elements[~number]
            if isinstance(lent, Further) or isinstance(own, Further):
                raise ValueError("a further result has no weights to use")
            self._graph.elements[~number] = own._replace(owner=lent.owner or Owner(~lender))
        return self._value(number)


class Builder(Block):
    """A network that is being built in Python, without a text; layers and calls are appended as to a `Block`.

    >>> b = archspec.Builder("net")
    >>> x = b.input("input", (32, 32, 1))
    >>> y = b.op("conv", x, f=6, k=5)
    >>> b.output(b.op("fc", b.op("relu", y), n=10))
    >>> b.network()
    Network(net: 32x32x1 -> 10, 4 layers)
    """

    def __init__(self, name: str) -> None:
        super().__init__(name="")
        self._instance = None
        self._name = name
        self._named: list[Input] = []
        self._outputs: dict[str, tuple[Value, bool]] = {}

    def input(self, name: str, type_: Type | tuple[int, ...]) -> Value:
        """Declare an input: a type, or a shape with the channels last, such as (224, 224, 3), or (784,) for a vector."""
        known = type_ if isinstance(type_, (Map, Tokens, Vector)) else from_shape(type_)
        self._named.append(Input(name, known, None))
        return self._value(self._graph.input(known))

    def output(self, value: Value, name: str = "output", *, training: bool = False) -> None:
        """Name a value as an output; that called `output` is the main one, and one of `training` an auxiliary head, absent in inference.

        Raises ValueError for a name that is taken.
        """
        self._numbers("output", (value,))
        if name in self._outputs:
            raise ValueError(f"there are two outputs called `{name}`")
        self._outputs[name] = value, training

    def network(self) -> Network:
        """Finish the network and verify it. Raises ValueError without a main output, and where an invariant does not hold."""
        from archspec.ir.verify import verify

        if self._further:
            raise ValueError("a network has outputs, not further results: `output` names them")

        if "output" not in self._outputs:
            raise ValueError("no value is called `output`")
        graph = self.graph(self._outputs["output"][0])
        ordered = sorted(self._outputs.items(), key=lambda item: item[0] != "output")
        outputs = tuple(Output(name, self._graph.final(value.number), training) for name, (value, training) in ordered)
        network = Network(self._name, graph, tuple(self._named), outputs)
        verify(network)
        return network
