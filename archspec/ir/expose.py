"""Values inside a call, made visible outside it, by the names that keys have for them.

`expose(builder, value, ("layer3",))` finds the value of `layer3` in the group that was called, makes it a further result of the group's
graph, and gives its value here. On the way through several levels every graph gets the result. Nothing else of a graph changes: its
elements keep their positions, its values their numbers. Equal graphs stay equal: the same value of the same graph is made a result once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableSequence, Sequence
from typing import Any, NamedTuple

from archspec.ir.builder import GraphBuilder
from archspec.ir.graph import Call, Further, Graph, Layered, Owner
from archspec.ir.walk import Names
from archspec.types import Type

ANY = "*"
"""In a path: every name of that level that has what follows."""
MOST = 2_000
"""The most values of a graph that are read outside of it: for each of them the graph is made anew."""


class Step(NamedTuple):
    """On the way to a value: a round of an element of a graph, and its result, where the way ends there."""

    at: int
    round: int
    result: int = 0


class Seen(NamedTuple):
    """A value that a path leads to: its full name, and the way to it, from the outermost element of the graph."""

    name: str
    way: tuple[Step, ...]


class Unseen(Exception):
    """A path leads nowhere: how many of its names were found, what is called so, and the names that stand there."""

    def __init__(self, found: int, known: Sequence[str], *, block: str | None = None) -> None:
        super().__init__(f"{found} names of the path were found; next there are {', '.join(known) or 'none'}")
        self.found = found
        self.known = tuple(dict.fromkeys(known))
        self.block = block
        """The block that the path goes into, of which one sees the further results only."""


Labels = Mapping[Graph, Mapping[str, int]]
"""Labels within graphs, with the numbers of their values: names of values too where no layer has them, as in `x: skip`."""


def seen(graph: Graph, path: Sequence[str], labels: Labels) -> list[Seen]:
    """The values in a graph that a path leads to, in the order of the network. Raises Unseen where there is none."""
    search = _Search(labels)
    found = list(search.inside(graph, Names("", graph.naming), tuple(path), (), 0))
    if not found:
        raise Unseen(search.found, search.known, block=search.block)
    return found


def type_of(graph: Graph, way: Sequence[Step]) -> Type:
    """The type of the value at the end of a way."""
    for at, _, result in way:
        element = graph.elements[at]
        if isinstance(element, Call):
            type_, graph = element.type_of(result), element.graph
        else:
            type_ = element.type
    return type_


class _Search:
    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.found = 0
        """The most names that were found."""
        self.known: list[str] = []
        """The names that stand where the path ended."""
        self.block: str | None = None

    def inside(self, graph: Graph, names: Names, path: tuple[str, ...], way: tuple[Step, ...], met: int) -> Iterator[Seen]:
        """What a path leads to from a graph; `met` names of it lie behind. A label that no layer has leads to its value."""
        found = list(self.keyed(graph, names, path, way, met))
        yield from found
        for label, value in self.labels.get(graph, {}).items():
            self.note(met, label)
            if not found and path[0] != ANY and _after(label, path) == () and (steps := _steps(graph, value)):
                yield Seen(names.prefix + label, (*way, *steps))

    def keyed(self, graph: Graph, names: Names, path: tuple[str, ...], way: tuple[Step, ...], met: int) -> Iterator[Seen]:
        """What a path leads to by the names of layers."""
        for at, element in graph.layered:
            rounds = element.times if isinstance(element, Call) else 1
            for round_ in range(rounds):
                step = Step(at, round_)
                if isinstance(element, Call) and element.inline:
                    yield from self.inside(element.graph, names, path, (*way, step), met)
                    continue
                name = names(element)
                self.note(met, name.removeprefix(names.prefix))
                if (rest := _after(name.removeprefix(names.prefix), path)) is not None:
                    yield from self.through(element, name, rest, (*way, step), met + len(path) - len(rest))

    def through(self, element: Layered, name: str, path: tuple[str, ...], way: tuple[Step, ...], met: int) -> Iterator[Seen]:
        """What the rest of a path leads to from an element that its beginning names."""
        if not path:
            yield Seen(name, way)
        elif not isinstance(element, Call):
            self.note(met)
        elif element.graph.instance is None:
            self.note(met)
            yield from self.inside(element.graph, Names(f"{name}.", element.graph.naming), path, way, met)
        else:
            self.note(met, block=element.graph.instance.block)
            for result, output in enumerate(element.graph.names, 1):
                self.note(met, output, block=element.graph.instance.block)
                if _after(output, path) == ():
                    yield Seen(f"{name}.{output}", (*way[:-1], way[-1]._replace(result=result)))

    def note(self, met: int, name: str | None = None, *, block: str | None = None) -> None:
        """Note how far the path was found, and a name that stands there."""
        if met > self.found:
            self.found, self.known, self.block = met, [], None
        if met == self.found:
            self.block = block or self.block
            self.known += [name] if name is not None else []


def _steps(graph: Graph, value: int) -> tuple[Step, ...]:
    """The way to a value of a graph, through rounds to the last; none to an input, and to what only picks a result."""
    element = graph.elements[value - len(graph.inputs)] if value >= len(graph.inputs) else None
    if element is None or isinstance(element, Further):
        return ()
    step = Step(value - len(graph.inputs), element.times - 1 if isinstance(element, Call) else 0)
    if not (isinstance(element, Call) and element.inline):
        return (step,)
    inner = _steps(element.graph, element.graph.result)
    return (step, *inner) if inner else ()


def _after(name: str, path: tuple[str, ...]) -> tuple[str, ...] | None:
    """What is left of a path behind a name, whose dots part it as they part a path; None where it does not begin so."""
    parts = tuple(name.split("."))
    if path[:1] == (ANY,):
        return path[1:]
    return path[len(parts) :] if path[: len(parts)] == parts else None


class Crowded(Exception):
    """More values of a graph are read outside of it than MOST."""


class Exposures:
    """Graphs with values made further results. What was made of a graph is kept, so that calls of one graph go on sharing it."""

    def __init__(self) -> None:
        self._made: dict[tuple[Graph, tuple[Step, ...]], tuple[Graph, int]] = {}
        self.labels: dict[Graph, Mapping[str, int]] = {}

    def result(self, graph: Graph, way: tuple[Step, ...]) -> tuple[Graph, int]:
        """The graph with the value at the end of a way as one of its results, and the number of that result."""
        known = self._made.get((graph, way))
        if known is not None:
            return known
        changed, value = self._value(graph, way)
        if value in changed.results:
            found = changed, changed.results.index(value)
        elif len(changed.results) > MOST:
            raise Crowded
        else:
            name = _free(_local(graph, way), changed.names)
            found = _with(changed, changed.elements, (*changed.results, value), (*changed.names, name)), len(changed.results)
        self._made[graph, way] = found
        self.labels[found[0]] = self.labels.get(graph, {})
        return found

    def _value(self, graph: Graph, way: tuple[Step, ...]) -> tuple[Graph, int]:
        """The graph in which the value at the end of a way has a number, and that number."""
        (at, round_, result), *deeper = way
        element = graph.elements[at]
        if deeper:
            assert isinstance(element, Call)
            inner, result = self.result(element.graph, tuple(deeper))
            if inner is not element.graph:
                elements = list(graph.elements)
                element = elements[at] = element._replace(graph=inner)
                self._lend(elements, element.owner, tuple(deeper))
                graph = _with(graph, tuple(elements), graph.results, graph.names)
        of, first = len(graph.inputs) + at, len(graph.inputs)
        if not isinstance(element, Call) or (result == 0 and round_ == element.times - 1):
            return graph, of
        picked = Further((of,), result, round_, element.type_of(result))
        if picked in graph.elements:
            return graph, first + graph.elements.index(picked)
        return _with(graph, (*graph.elements, picked), graph.results, graph.names), first + len(graph.elements)

    def expose(self, builder: GraphBuilder, value: int, path: Sequence[str]) -> list[tuple[str, int]]:
        """The values inside a call that a path leads to, by their names within it; the call may be any that `builder` has.

        `value` is that of the call. Raises Unseen where nothing is called so.
        """
        call = builder.elements[~value] if value < 0 else None
        if not isinstance(call, Call):
            raise Unseen(0, ())
        if call.graph.instance is not None:
            found = [Seen(name, (Step(0, 0, at),)) for at, name in enumerate(call.graph.names, 1) if _after(name, tuple(path)) == ()]
            if not found:
                raise Unseen(0, call.graph.names, block=call.graph.instance.block)
            return [(name, builder.further(value, way[-1].result, call.times - 1)) for name, way in found]
        return [(name, self.value(builder, value, way)) for name, way in seen(call.graph, path, self.labels)]

    def value(self, builder: GraphBuilder, value: int, way: tuple[Step, ...]) -> int:
        """The value at the end of a way inside a call that `builder` has; `value` is that of the call."""
        call = builder.elements[~value]
        assert isinstance(call, Call), "only calls have something inside"
        graph, result = self.result(call.graph, way)
        builder.elements[~value] = call._replace(graph=graph)
        around: GraphBuilder | None = builder
        for _ in range(call.owner.up if call.owner is not None else 0):
            around = around.parent if around is not None else None
        if around is not None:
            self._lend(around.elements, call.owner and call.owner._replace(up=0), way)
        return builder.further(value, result, call.times - 1)

    def reached(self, builder: GraphBuilder, owner: GraphBuilder, value: int) -> tuple[GraphBuilder, int]:
        """A value of a graph as one that `builder` can read: of it or of a graph around it, where that of a finished graph is a result."""
        while owner.called is not None and builder.levels(owner) is None:
            call = owner.called[0].elements[~owner.called[1]]
            assert isinstance(call, Call)
            if value >= 0:
                value = call.inputs[value]
            else:
                element = owner.elements[~value]
                value = self.value(*owner.called, (Step(~value, element.times - 1 if isinstance(element, Call) else 0),))
            owner = owner.called[0]
        return owner, value

    def _lend(self, elements: MutableSequence[Any], owner: Owner | None, way: tuple[Step, ...]) -> None:
        """Give the graph whose weights another uses the same results, so that one class of a target has those of both."""
        if owner is not None and not owner.up:
            lender = elements[owner.element]
            way = (*(Step(at, 0) for at in owner.inside), *way)
            elements[owner.element] = lender._replace(graph=self.result(lender.graph, way)[0])


def _with(graph: Graph, elements: tuple[Call | Further | Layered, ...], results: tuple[int, ...], names: tuple[str, ...]) -> Graph:
    return Graph(graph.inputs, elements, results, graph.naming, graph.instance, names)


def _local(graph: Graph, way: tuple[Step, ...], names: Names | None = None) -> str:
    """The name of a value within a graph, as seen from there; `names` are those of the graph around an inline call."""
    names = names or Names("", graph.naming)
    at, round_, result = way[0]
    for element in graph.elements[:at]:
        names.skip(element)
    element = graph.elements[at]
    assert not isinstance(element, Further)
    if isinstance(element, Call) and element.inline:
        for inner in element.graph.elements:
            names.skip(inner, round_)
        return _local(element.graph, way[1:], names)
    name = names.local(element, round_)
    if len(way) > 1:
        assert isinstance(element, Call)
        return f"{name}.{_local(element.graph, way[1:])}"
    return f"{name}.{element.graph.names[result - 1]}" if isinstance(element, Call) and result else name


def _free(name: str, taken: Sequence[str]) -> str:
    """A name that is not taken."""
    found, count = name, 1
    while found in taken:
        count += 1
        found = f"{name}_{count}"
    return found
