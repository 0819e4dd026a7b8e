"""The ordinary elaborator, run on open numbers: once for all variants of a spec that decide alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from archspec.analysis.cost import NOTHING, Cost, Costs
from archspec.diagnostics import Diagnostics
from archspec.elaborate.assumptions import Options
from archspec.elaborate.elaborator import Elaborator
from archspec.elaborate.expressions import Refused
from archspec.elaborate.merge_advice import Advice
from archspec.ir.graph import Call, Layered, Network
from archspec.ir.walk import Names
from archspec.numeric import value_of
from archspec.ops.base import Misfit, Op, counted
from archspec.source import Span
from archspec.symbolic.traced import Open, Trace, Untraceable
from archspec.syntax import ast
from archspec.types import LIMIT, Type

COUNTS = ("params", "macs", "flops", "activations", "buffers", "layers")
"""What is counted of a variant."""


class Subject(NamedTuple):
    """A spec that is read, and what is set of it for all variants."""

    file: ast.File
    name: str
    options: Options


class Values(NamedTuple):
    """What sets one variant apart: params, and sizes of inputs."""

    params: Mapping[str, Any]
    inputs: Mapping[str, tuple[Any, ...]]


class Mistake(NamedTuple):
    """Why a variant is none: the code of its first mistake, and its place, a file, a line and a column; 0 where it has none."""

    code: str
    file: str
    line: int
    column: int

    @classmethod
    def at(cls, code: str, span: Span | None) -> Mistake:
        """A mistake at a place."""
        return cls(code, span.source.name, *span.source.locate(span.start)) if span is not None else cls(code, "", 0, 0)

    def place(self, own: str) -> str:
        """Where it is, for a message about the file `own`: a line of that, or of another file."""
        return f"line {self.line}" + (f" of {self.file}" if self.file != own else "")


class Counted(NamedTuple):
    """What is known of a variant: its counts and the sizes of its output, or its first mistake; numbers are plain or open."""

    counts: Mapping[str, Any]
    output: tuple[Any, ...]
    mistake: Mistake | None = None
    network: Network | None = None


class Stopped(Exception):
    """The first mistake was met."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__()
        self.mistake = mistake


class Probe(Elaborator):
    """An elaborator that stops at the first mistake, and warns of nothing."""

    def report(self, refused: Refused, *others: tuple[Span, str]) -> NoReturn:
        raise Stopped(Mistake.at(refused.code, refused.span))

    def misfit(self, misfit: Misfit, span: Span, *others: tuple[Span, str], **more: Any) -> NoReturn:
        raise Stopped(Mistake.at(misfit.code, span))

    def unmerged(self, op: Op, misfit: Misfit, types: Sequence[Type], span: Span, advise: Callable[[], Advice]) -> NoReturn:
        self.misfit(misfit, span)  # to look for advice would take decisions about numbers, and time

    def warn(self, *finding: Any, **more: Any) -> None:
        pass

    def doubt(self, statement: ast.Input, shape: tuple[int, ...], own: tuple[int, ...]) -> None:
        pass

    def unused(self) -> None:
        pass

    def once(self, times: int) -> bool:
        return not isinstance(times, Open) and times == 1  # a call of an open number of rounds counts right for 1, too


def elaborated(subject: Subject, values: Values) -> Network:
    """The network of a variant. Raises Stopped."""
    options = subject.options._replace(
        params={**subject.options.params, **values.params}, inputs={**subject.options.inputs, **values.inputs}
    )
    probe = Probe(subject.file, subject.name, Diagnostics(), options)
    probe.run()
    network = probe.network()
    if network is None or probe.sink.errors:
        first = min(probe.sink.sorted(), key=lambda finding: finding.severity != "error")
        raise Stopped(Mistake.at(first.code, first.span))
    return network


def count(subject: Subject, values: Values, wanted: Sequence[str] = COUNTS) -> Counted:
    """Elaborate a variant and count it. Activations ask for decisions, and are left out where they are not wanted.

    Raises ValueError where MACs or FLOPs are wanted, and layers have unknown ones.
    """
    try:
        network = elaborated(subject, values)
    except Stopped as stopped:
        return Counted({}, (), stopped.mistake)
    stored = "activations" in wanted
    costs = Costs(stored=stored, idle=False)
    if _too_many(costs.graph(network.graph)):
        return Counted({}, (), Mistake.at("A207", None))
    total = costs.network(network)
    if total.uncounted and {"macs", "flops"} & set(wanted):
        raise ValueError(f"the MACs of {counted(total.uncounted, 'layer')} of `{subject.name}` are not known: give them `macs=`")
    return Counted(_counts(total, network.graph.layers, stored), network.graph.output.shape, None, network)


def stages(network: Network, wanted: Sequence[str]) -> list[tuple[str, Mapping[str, Any]]]:
    """Count what is at the top of a network, by name: labels, blocks, repeats, and layers outside of them, where they have anything wanted.

    A repeat that has no name is called after its first layer, `conv2 ...`. Activations have the inputs in front.
    """
    stored = "activations" in wanted
    costs, names = Costs(stored=stored, idle=False), Names("", network.graph.naming)
    found = [(each.name, _counts(NOTHING._replace(stored=each.type.size), 0, stored)) for each in network.inputs if stored]
    for element, cost in costs.elements(network):
        name = _first(element, names.copy())
        names.skip(element)
        found.append((name, _counts(cost, element.times * element.graph.layers if isinstance(element, Call) else 1, stored)))
    return [(name, counts) for name, counts in found if any(value_of(counts[each]) for each in wanted)]


def _first(element: Layered, names: Names) -> str:
    if not isinstance(element, Call) or not element.inline:
        return names(element)
    _, inner = next(element.graph.layered)
    return f"{_first(inner, names).removesuffix(' ...')} ..."


def _counts(cost: Cost, layers: Any, stored: bool) -> dict[str, Any]:
    more = {"activations": cost.stored} if stored else {}
    return {**{name: getattr(cost, name) for name in ("params", "macs", "flops", "buffers")}, **more, "layers": layers}


def _too_many(cost: Cost) -> bool:
    return any(number > LIMIT for number in cost) or cost.params > LIMIT


class Domain(NamedTuple):
    """A variable with its least and largest value. A real one has floats."""

    name: str
    low: int | float
    high: int | float


Meaning = Callable[[Mapping[str, Any]], Values]
"""What variables, by name, set of a spec."""


class Traced(NamedTuple):
    """A trace, and what it came to for all variants for which its guards hold."""

    trace: Trace
    counted: Counted


def traced(
    subject: Subject, domains: tuple[Domain, ...], meaning: Meaning, example: Mapping[str, Any], wanted: Sequence[str] = COUNTS
) -> Traced:
    """Elaborate a spec on open numbers, decided by an example. Raises Untraceable, also where a plain elaboration comes to another end."""
    trace = Trace()
    numbers = {domain.name: trace.open(domain.name, example[domain.name], domain.low, domain.high) for domain in domains}
    try:
        found = count(subject, meaning({**example, **numbers}), wanted)
    except (TypeError, AttributeError) as error:  # of code that takes plain numbers only
        raise Untraceable(str(error)) from error
    plain = count(subject, meaning(example), wanted)
    if (found.mistake, *_plain(found)) != (plain.mistake, *_plain(plain)):
        raise Untraceable("open numbers came to another end than plain ones")
    return Traced(trace, found)


def _plain(counted: Counted) -> tuple[dict[str, Any], tuple[Any, ...]]:
    return {name: value_of(number) for name, number in counted.counts.items()}, tuple(map(value_of, counted.output))
