"""What a spec promises of itself: that it takes all sizes of its input, and that its counts stay within budgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from archspec.analysis.budget import largest_note
from archspec.analysis.layers import Report
from archspec.diagnostics import Diagnostic, Diagnostics, did_you_mean
from archspec.elaborate.assumptions import Options
from archspec.elaborate.expressions import Refused, Scope, shown, truth
from archspec.ir.graph import Network
from archspec.ops.base import counted
from archspec.symbolic.cover import variants
from archspec.symbolic.phrasing import progression
from archspec.symbolic.space import Axis, Range, Shape, Space
from archspec.symbolic.tracing import Mistake, Subject
from archspec.syntax import ast

COUNTED = ("params", "macs", "flops", "activations", "peak_activations", "buffers", "layers", "output")
"""What `expect` may name besides params of the spec; `output` is the shape of the main output."""
MOST = 100_000
"""The most shapes of an input that are checked."""


class Expected(NamedTuple):
    """A line `expect`: whether it holds, and the values of what it names."""

    line: ast.Expect
    holds: bool
    found: dict[str, Any]

    def __str__(self) -> str:
        values = ", ".join(
            f"{name} = {value:,}" if type(value) is int else f"{name} = {shown(value)}" for name, value in self.found.items()
        )
        return f"`{self.line.condition.span.text}`: {values}"


def keep(file: ast.File, network: Network, options: Options, sink: Diagnostics) -> None:
    """Report what a network does not keep of the promises of its spec."""
    lines = {name: line for name, line in ast.inputs(file) if line.sizes and not {name, ""} & options.inputs.keys()}
    if lines:
        own = {input_.name: input_.type.shape for input_ in network.inputs}
        _sizes(Subject(file, network.name, options), lines, own, sink)
    report = Report(network)
    for budget in [statement for statement in file.body if isinstance(statement, ast.Expect)]:
        try:
            expected = expectation(budget, network, report)
        except Refused as refused:
            known = [*COUNTED, *network.params]
            name = refused.span.text
            help_ = did_you_mean(name, known, f"a budget names {', '.join(known)}") if refused.code == "A106" else refused.help
            sink.add(Diagnostic(refused.code, refused.message, refused.span, (), help_))
        else:
            if not expected.holds:
                sink.add(_unmet(expected, network))


def expectation(line: ast.Expect, network: Network, report: Report) -> Expected:
    """What a line `expect` of a spec comes to. Raises Refused for a condition that has no value."""
    named = ast.names(line.condition)
    unknown = named & {"macs", "flops"} - network.params.keys()
    if unknown and report.totals.uncounted:
        row = next(row for row in report.rows(fold=True) if row.macs is None)
        message = f"`{line.condition.span.text}` cannot be checked: the MACs of {counted(report.totals.uncounted, 'layer')} are not known"
        raise Refused("A602", message, line.condition.span, f"give `macs=` to `{row.name}`, and to others like it")
    values: dict[str, Any] = {
        name: _count(report, name) if name in COUNTED else network.params[name] for name in named if name in (*COUNTED, *network.params)
    }
    if not ast.compares(line.condition, COUNTED):
        message = f"`{line.condition.span.text}` is a number and no condition"
        raise Refused("A113", message, line.condition.span, "compare it, as in `params <= 5e6`")
    holds = truth(line.condition, Scope(dict(values)))
    return Expected(line, holds, dict(sorted(values.items())))


def _count(report: Report, name: str) -> Any:
    if name == "output":
        shape = report.outputs["output"]
        return shape if len(shape) > 1 else shape[0]
    return getattr(report.totals, name)


def _unmet(expected: Expected, network: Network) -> Diagnostic:
    report = Report(network)
    notes = [largest_note(report, name) for name in ("params", "macs") if name in expected.found]
    text = expected.line.condition.span.text
    values = str(expected).partition(": ")[2]
    return Diagnostic("A602", f"expected `{text}`, found {values}", expected.line.span, tuple(notes))


def _sizes(subject: Subject, lines: Mapping[str, ast.Input], own: Mapping[str, tuple[int, ...]], sink: Diagnostics) -> None:
    """Report the sizes of inputs that the network does not take; `own` are the shapes of the spec. A letter is one size, also where several inputs have it."""
    given: dict[str, ast.Sizes] = {}
    for size in [size for line in lines.values() for size in line.sizes]:
        other = given.setdefault(size.letter, size)
        if size[1:4] != other[1:4]:
            where = ((other.span, "the other is here"),)
            sink.add(Diagnostic("A105", f"`{size.letter}` has two ranges", size.span, (), "use another letter", secondary=where))
            return
    axes = [Axis(size.letter, Range(size.first, size.step, (size.last - size.first) // size.step + 1)) for size in given.values()]
    shapes = [
        Shape(name, tuple(letter or size for letter, size in zip(line.letters, own[name], strict=True))) for name, line in lines.items()
    ]
    space = Space(tuple((each,) for each in axes), tuple(shapes))
    line = next(iter(lines.values()))
    if space.size > MOST:
        message = f"these are {space.size:,} shapes, more than {MOST:,}"
        sink.add(Diagnostic("A105", message, line.span, (), "use larger steps"))
        return
    failing: dict[int, Mistake] = {}
    for answer in variants(subject, space, ()):
        if answer.mistake is not None:
            failing.update(dict.fromkeys(map(int, answer.numbers), answer.mistake))
    if not failing:
        return
    first = min(failing)
    values = ", ".join(f"{letter} = {size}" for letter, size in space.variant(first).items())
    mistake = failing[first]
    notes = [f"{len(failing):,} of {space.size:,} shapes do not fit"]
    if len(axes) == 1:
        legal = [axes[0].values[at] for at in range(space.size) if at not in failing]
        notes.insert(0, f"it fits for {progression(legal, axes[0].name, line.sizes[0].last)} only")
    place = mistake.place(line.span.source.name)
    message = f"the network does not take all of these sizes: {values} fails at {place} ({mistake.code})"
    sink.add(Diagnostic("A209", message, line.sizes[0].span, tuple(notes), "use a step that fits, or other ends"))
