"""The walk over a network: its layers in order, with their full names and the rounds that they are in, as events.

Example: `conv k=3 f=8 | repeat 2: residual: conv k=3 f=8` gives Visit conv1, Enter, Visit conv2, Visit add1, Leave, Enter, Visit conv3,
Visit add2, Leave, Leave. Events come lazily, one round after another, so a walk may stop early.

The values met on a walk are numbered: the inputs of the network, then those of each Visit, one and one more for each further result of
the node, and those of the rounds of each Closed. `sources` are such numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import NamedTuple

from archspec.ir.graph import SHORTCUT, Call, Element, Further, Graph, Hole, Layered, Network, Node, Owner, Part


class Names:
    """Names the elements of one graph as they are met, inline calls included."""

    __slots__ = ("counts", "naming", "position", "prefix")

    def __init__(self, prefix: str, naming: str) -> None:
        self.prefix = prefix
        self.naming = naming
        self.counts: dict[str, int] = {}
        self.position = 0

    def local(self, element: Layered | Hole, round_: int = 0) -> str:
        """The element's name within its graph, of a round of a call that of the round; those before are skipped."""
        stem = element.stem
        ordinal = self.counts[stem] = self.counts.get(stem, 0) + 1 + round_
        position = self.position + round_ * _numbered(element)
        self.position = position + _numbered(element)
        if element.label is not None:
            if element.label.isdecimal():
                self.position = int(element.label) + 1
            return element.label
        if self.naming == "index" and element.numbered:
            return str(position)
        if stem == SHORTCUT and ordinal == 1:
            return stem
        return f"{stem}{ordinal}"

    def copy(self) -> Names:
        """Names that go on from here by themselves."""
        found = Names(self.prefix, self.naming)
        found.counts, found.position = dict(self.counts), self.position
        return found

    def __call__(self, element: Layered | Hole) -> str:
        return self.prefix + self.local(element)

    def skip(self, element: Part, rounds: int = 1) -> None:
        """Go on as if an element had been named, so many times; a call has a name for each of its rounds, a further result none."""
        if isinstance(element, Further):
            return
        if isinstance(element, Call):
            rounds *= element.times
            if element.inline:
                for inner in element.graph.elements:
                    self.skip(inner, rounds)
                return
        self.counts[element.stem] = self.counts.get(element.stem, 0) + rounds
        self.position += rounds * _numbered(element)
        if element.label is not None and element.label.isdecimal():
            self.position = int(element.label) + 1

    def rounds(self, call: Call) -> list[tuple[str, str]]:
        """For each round of a call its name, twice; of an inline call, which has none, the names of its first and last element."""
        if call.inline:
            return [self._ends(call.graph) for _ in range(call.times)]
        return [(name, name) for name in [self(call) for _ in range(call.times)]]

    def _ends(self, graph: Graph) -> tuple[str, str]:
        first = last = ""
        for _, element in graph.layered:
            named = self.rounds(element) if isinstance(element, Call) else [(self(element),) * 2]
            first, last = first or named[0][0], named[-1][1] or last
        return first, last


def inner_names(element: Element, inside: Sequence[int], round_: int = 0) -> list[str]:
    """The names, level by level, of what stands inside a call, by its position in the graph called, and so on; of that round of the last."""
    found = []
    for depth, at in enumerate(inside, 1):
        assert isinstance(element, Call), "only calls have something inside"
        names = Names("", element.graph.naming)
        for before in element.graph.elements[:at]:
            names.skip(before)
        element, _ = inner_element(element.graph, (at,))
        found.append(names.local(element, round_ if depth == len(inside) else 0))
    return found


def inner_element(graph: Graph, way: Sequence[int]) -> tuple[Layered, Graph]:
    """The element at the end of a way, positions in a graph, in that which the element there calls, and so on; with its graph."""
    first, *inside = way
    element = graph.elements[first]
    for at in inside:
        assert isinstance(element, Call), "only calls have something inside"
        graph = element.graph
        element = graph.elements[at]
    assert not isinstance(element, Further), "a further result is no layer"
    return element, graph


def _numbered(element: Layered | Hole) -> bool:
    """Whether an element takes a position: a label with dots puts it into a level of its own, beside those with positions."""
    return element.numbered and "." not in (element.label or "")


class Enter(NamedTuple):
    """A round of a call begins, 0 being the first; its `name` is empty where the call is inline.

    `top` is the position in the top graph that this is a part of, `owner` what the weights in it are those of, if not its own.
    """

    name: str
    call: Call
    round: int
    top: int
    owner: str | None


class Leave(NamedTuple):
    """A round ends, or the whole network, where `call` is None. `values` are the numbers of the values of the graph."""

    call: Call | None
    values: list[int]


class Visit(NamedTuple):
    """A node, at position `at` of a graph. `times` is above 1 on a folded walk only. `owner` is the layer whose weights it uses, if not
    its own, and `tied` that whose `weight` alone it uses.
    """

    name: str
    node: Node
    graph: Graph
    at: int
    top: int
    sources: tuple[int, ...]
    times: int
    owner: str | None
    tied: str | None = None

    @property
    def names(self) -> list[str]:
        """Those of its values, as in Place.names."""
        return _names(self.name, self.node)


class Closed(NamedTuple):
    """A call that the walk does not open, all its rounds at once. Each gives one value, which stands for its further results too.

    `rounds` are as in Names.rounds, `owners` what the weights of each are those of, None where they are its own.
    """

    rounds: list[tuple[str, str]]
    call: Call
    top: int
    sources: tuple[int, ...]
    owners: list[str | None]


Event = Enter | Leave | Visit | Closed


def events(graph: Graph, *, fold: bool = False, closed: Callable[[Call], bool] | None = None) -> Iterator[Event]:
    """Walk the graph of a network. Folded, equal rounds are walked once, and their names are those of the first and the last:
    `layer1.1..2.conv1`.

    `closed` says which calls are not opened; by default all are.

    >>> [event.name for event in events(archspec.load("resnet18").graph, fold=True) if isinstance(event, Visit)][4:8]
    ['layer1.0..1.conv1', 'layer1.0..1.bn1', 'layer1.0..1.relu1', 'layer1.0..1.conv2']
    """
    walk = _Walk(len(graph.inputs), fold, closed)
    return walk.graph(graph, Names("", graph.naming), list(range(len(graph.inputs))), 1, None, None, _Frame(graph, {}, None, None))


class _Frame(NamedTuple):
    """A graph on the walk, of those that lend or use weights: the names of its elements' rounds, the frame around it, and, where it is
    called with the weights of another call, the prefix of its names and that of the other's.
    """

    graph: Graph
    names: dict[int, list[str]]
    around: _Frame | None
    borrows: tuple[str, str] | None

    def owner(self, element: Layered, name: str, round_: int = 0) -> str | None:
        """The name of what an element called so has its weights from; None where they are its own."""
        if element.owner is not None and not element.owner.tied:
            return self.lender(element.owner, round_)
        return self.first(name) if self.borrows is not None else None

    def owners(self, at: int, call: Call, rounds: list[str]) -> list[str | None]:
        """The names of what the rounds of a call have their weights from, which is not opened and may lend its own."""
        if self.graph.lends:
            self.names[at] = rounds
        return [self.owner(call, name, round_) for round_, name in enumerate(rounds)]

    def tied(self, element: Layered) -> str | None:
        """The name of what an element has its `weight` from, where it is tied."""
        return self.lender(element.owner, 0) if element.owner is not None and element.owner.tied else None

    def lender(self, owner: Owner, round_: int) -> str:
        """The name of what has the weights of a round of an owner; empty where the walk began inside of the graph that has it."""
        frame: _Frame | None = self
        for _ in range(owner.up):
            frame = frame.around if frame is not None else None
        if frame is None:
            return ""
        name = frame.names[owner.element][round_ if not owner.inside else 0]
        return self.first(".".join([name, *inner_names(frame.graph.elements[owner.element], owner.inside, round_)]))

    def first(self, name: str) -> str:
        """What is called so where its weights were built first."""
        own, other = self.borrows or ("", "")
        return other + name.removeprefix(own) if name.startswith(own) else name


class _Walk:
    def __init__(self, count: int, fold: bool, closed: Callable[[Call], bool] | None) -> None:
        self.count = count
        """How many values were met."""
        self.ties: dict[str, str] = {}
        """The layers whose `weight` alone is another's, and that of what has it; what uses the weights of such a layer has it too."""
        self.fold = fold
        self.closed = closed

    def graph(
        self, graph: Graph, names: Names, values: list[int], times: int, top: int | None, call: Call | None, frame: _Frame
    ) -> Generator[Event, None, list[int]]:
        """Walk a graph from the numbers of its inputs; the generator's value has the numbers of its results."""
        given: dict[int, list[list[int]]] = {}
        """The results of the rounds of elements, by the values of these, where further ones are picked."""
        for at, element in enumerate(graph.elements):
            if isinstance(element, Further):
                rounds = given[element.of]
                values.append(rounds[0 if self.fold else element.round][element.result])
                continue
            sources = tuple([values[value] for value in element.inputs])
            root = at if top is None else top
            if isinstance(element, Node):
                name = names(element)
                if graph.lends:
                    frame.names[at] = [name]
                owner, tied = frame.owner(element, name), frame.tied(element)
                if owner is not None and tied is None:
                    tied = self.ties.get(owner)
                if tied is not None:
                    self.ties[name] = tied
                yield Visit(name, element, graph, at, root, sources, times, owner, tied)
                made = [[*range(self.count, self.count + 1 + len(element.further))]]
                self.count += 1 + len(element.further)
            elif self.closed is not None and self.closed(element):
                named = names.rounds(element)
                yield Closed(named, element, root, sources, frame.owners(at, element, [name for name, _ in named]))
                made = [[self.count + at] * len(element.graph.results) for at in range(element.times)]
                self.count += element.times
            else:
                called = frame.names.setdefault(at, []) if graph.lends else None
                made = yield from self.call(element, names, sources, times, root, frame, called)
            if graph.picks:
                given[len(graph.inputs) + at] = made
            values.append(made[-1][0])
        yield Leave(call, values)
        return [values[result] for result in graph.results]

    def call(
        self, call: Call, names: Names, read: tuple[int, ...], times: int, top: int, frame: _Frame, called: list[str] | None
    ) -> Generator[Event, None, list[list[int]]]:
        """Walk the rounds of a call; the generator's value has the results of each."""
        result, inner = read[0], call.graph
        made: list[list[int]] = []
        for round_ in range(1 if self.fold else call.times):
            name = "" if call.inline else names(call)
            if self.fold and not call.inline and call.times > 1:
                last = [names.local(call) for _ in range(call.times - 1)][-1]
                name = f"{name}..{last}"
            if called is not None:
                called.append(name)
            owner = frame.owner(call, name, round_)
            yield Enter(name, call, round_, top, owner)
            scope = names if call.inline else Names(name + ".", inner.naming)
            borrows = frame.borrows
            if call.owner is not None:
                borrows = f"{name}.", f"{owner}."
            inside = _Frame(inner, {}, frame, borrows)
            rounds = times * call.times if self.fold else times
            made.append((yield from self.graph(inner, scope, [result, *read[1:]], rounds, top, call, inside)))
            result = made[-1][0]
        if self.fold and call.inline:
            names.skip(call._replace(times=call.times - 1))
        return made


class Place(NamedTuple):
    """A node met on a walk: its full name, its graph, the names of what it reads, the layer whose weights it uses, if not its own, and
    that whose `weight` alone it uses.
    """

    name: str
    node: Node
    graph: Graph
    sources: tuple[str, ...]
    owner: str | None
    tied: str | None = None

    @property
    def names(self) -> list[str]:
        """The names of its values: its own, and with a number those of the further results of its node."""
        return _names(self.name, self.node)


def _names(name: str, node: Node) -> list[str]:
    return [name, *[f"{name}:{at}" for at in range(1, 1 + len(node.further))]] if node.further else [name]


def flattened(network: Network) -> tuple[list[Place], list[str]]:
    """The layers of a network in order, and for each of its outputs the name of the layer or input that it comes from."""
    ends: list[str] = []
    return list(walk(network, ends)), ends


def walk(network: Network, ends: list[str] | None = None) -> Iterator[Place]:
    """The layers of a network in order, lazily; in the end, `ends` gets the names that `flattened` gives."""
    names = [i.name for i in network.inputs]
    for event in events(network.graph):
        if isinstance(event, Visit):
            names += event.names
            yield Place(event.name, event.node, event.graph, tuple([names[source] for source in event.sources]), event.owner, event.tied)
        elif isinstance(event, Leave) and event.call is None and ends is not None:
            ends += [names[event.values[output.value]] for output in network.outputs]
