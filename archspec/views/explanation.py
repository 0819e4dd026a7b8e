"""How the numbers of a layer come about: for the command `explain`, for Python, and for the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from archspec.analysis.layers import Report, Row
from archspec.diagnostics.folding import StyledLine
from archspec.diagnostics.markup import LEFT, html_text
from archspec.diagnostics.visible import visible
from archspec.ops.base import Reach
from archspec.ops.worked import worked_parts
from archspec.types import AXES, Map
from archspec.views.reference import about
from archspec.views.tables.columns import field, shape, spaced

_MOST = 10
"""Layers that a `repr` shows."""
_PER_INPUT = " for each input after the first"
"""What a merge with a number leaves out of what it counts."""


class Step(NamedTuple):
    """One number of a layer.

    `value` is a count; a shape, channels last; for `input` a tuple of shapes, one for each value that the layer reads; None where it
    is not known. `text` is the value as it is shown, `how` the formula with its numbers, or where the value comes from.
    """

    name: str
    value: Any
    text: str
    how: str


class Explained(NamedTuple):
    """A layer, and its numbers in the order in which they are shown. `row` has them as a table does; `known` are the layers by name."""

    row: Row
    known: Mapping[str, Row]
    report: Report

    @property
    def steps(self) -> tuple[Step, ...]:
        """The numbers, each with its formula."""
        return tuple(steps(*self))

    @property
    def head(self) -> tuple[str, str]:
        """The layer as written, and where."""
        row = self.row
        line = f"line {row.line}" if row.line is not None else ""
        return f"{visible(row.name)}: {row.written}", line + (", implied by the layer that follows" if row.node.implied else "")

    def lines(self) -> Iterator[StyledLine]:
        """The layer for a screen."""
        title, place = self.head
        yield [(title, "head"), (f"   {place}" if place else "", "dim")]
        for step in self.steps:
            yield [(f"  {step.name:<16}", "label"), (f"{step.text:<14}", ""), (f"  {step.how}" if step.how else "", "dim")]

    def __str__(self) -> str:
        return "\n".join("".join(piece for piece, _ in line).rstrip() for line in self.lines())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        title, place = (html_text(words) for words in self.head)
        rows = [
            f"<tr><td {LEFT}>{html_text(step.name)}</td><td {LEFT}><b>{html_text(step.text)}</b></td><td {LEFT}>{html_text(step.how)}</td></tr>\n"
            for step in self.steps
        ]
        return f"<table>\n<caption {LEFT}><b>{title}</b> {place}</caption>\n<tbody>\n{''.join(rows)}</tbody>\n</table>\n"


class Explanation(tuple[Explained, ...]):
    """The layers that were asked for, in order: each has `steps` with `name`, `value` and the formula `how`, and its `row` of the table."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n\n".join(map(str, self))

    def __repr__(self) -> str:
        more = f"\n\n... and {len(self) - _MOST:,} more layers; `print` shows them" if len(self) > _MOST else ""
        return "\n\n".join(map(str, self[:_MOST])) + more

    def to_latex(self) -> str:
        """Write a LaTeX table per layer, with its formulas typeset."""
        from archspec.views.explained import latex

        return latex(self)

    def to_svg(self, theme: str = "light") -> str:
        """Draw one figure of the arithmetic. Raises ValueError for another theme."""
        from archspec.views.explained import svg
        from archspec.views.theme import THEMES

        if theme not in THEMES:
            raise ValueError(f"there is no `{theme}`; there are {', '.join(THEMES)}")
        return svg(self, THEMES[theme])

    def _repr_html_(self) -> str:
        more = f"<p>... and {len(self) - _MOST:,} more layers</p>\n" if len(self) > _MOST else ""
        return "".join(layer._repr_html_() for layer in self[:_MOST]) + more


def explain(report: Report, layer: str | None = None) -> Explanation:
    """The layer of a name, all layers of a group, or all. Raises ValueError where there is no such layer."""
    rows = report.layers
    known = {row.name: row for row in rows}
    return Explanation(Explained(row, known, report) for row in (rows if layer is None else report.named(layer)))


def steps(row: Row, known: Mapping[str, Row], report: Report) -> Iterator[Step]:
    """The numbers of a layer. `known` has the layers before it by name."""
    work = row.work
    if row.inputs:
        yield Step("input", row.inputs, " and ".join(shape(s) for s in row.inputs), f"from {', '.join(row.sources)}")
    yield Step("output", row.output, shape(row.output), _size(row, work))
    if row.params or row.buffers or row.frozen or row.owner is not None or row.tied is not None:
        yield _count("parameters", row.params, _params(row, work))
    if row.buffers:
        normalises = row.node.op.kind == "normalisation"
        what = "the running mean and variance of each channel" if normalises else "the vectors u and v" if row.inputs else "the tensor"
        yield _count("buffers", row.buffers, f"stored, not learned: {what}")
    if row.frozen:
        how = "all of the parameters: `frozen=yes`" if row.node.op.frozen else f"fixed weights: {spaced(work.get('frozen', ''))}"
        yield _count("frozen", row.frozen, how)
    for part, formula in worked_parts(row.node.op, row.types):
        text = f"{part.params:,}" if part.params is not None else ""
        yield Step(part.name, part.params, text, "; ".join(filter(None, [part.equation, spaced(formula)])))
    if row.macs != 0:
        yield _count("MACs", row.macs, spaced(work.get("macs", "")))
    note = row.node.op.cost_note.removesuffix(_PER_INPUT) if len(row.inputs) == 1 else row.node.op.cost_note
    yield _count("FLOPs", row.flops, "2 per MAC" if row.macs and row.flops == 2 * row.macs else note)
    yield _count("activations", row.activations, "*".join(map(str, row.output)) if len(row.output) > 1 else "")
    if any(len(s) > 1 for s in report.inputs.values()):
        yield Step("receptive field", row.receptive_field, field(row) or "?", _field_steps(row, known, report))
    x, y = next(iter(row.types), None), row.node.type
    if isinstance(x, Map) and isinstance(y, Map) and row.weights and row.macs:
        weights = x.size * y.size
        factors = f"{shape(x.shape)} to {shape(y.shape)}: {x.size:,} * {y.size:,}"
        times = f"{weights / row.params:,.0f} times as many"
        yield _count("fully connected", weights, f"weights ({factors}) against {row.params:,}: {times}")


def _count(name: str, value: int | None, how: str) -> Step:
    return Step(name, value, "?", f"not known: `{name.lower()}=` gives them") if value is None else Step(name, value, f"{value:,}", how)


def _size(row: Row, work: dict[str, str]) -> str:
    """The size rule with its numbers."""
    rule = work.get("output", "")
    if not rule:
        if row.inputs[:1] == (row.output,):
            return "the shape stays"
        return "" if row.params else about(type(row.node.op))[0].partition(". ")[0].removesuffix(".")
    general = "(W - F + 2P)/S + 1: " if ")/" in rule else ""
    channels = f"; one map per filter, {row.output[-1]} of them" if row.weights and isinstance(row.node.type, Map) and row.macs else ""
    return f"{general}{spaced(rule)}{channels}"


def _params(row: Row, work: dict[str, str]) -> str:
    if row.owner is not None:
        return f"the weights are those of `{row.owner}`"
    if row.tied is not None:
        return f"the weight is that of `{row.tied}`" + (f"; {row.biases:,} biases of its own" if row.biases else "")
    split = f"{row.weights:,} weights + {row.biases:,} biases" if row.biases else f"{row.weights:,} weights, no bias"
    formula = work.get("params")
    return f"{spaced(formula)}: {split}" if formula else split


def _field_steps(row: Row, known: Mapping[str, Row], report: Report) -> str:
    """How the field grew from that of the layer before."""
    size, jump = row.receptive_field, row.jump
    if not row.inputs:
        return "nothing: it reads no value"
    if size is None:
        return "not known, or nothing"
    if jump is None:
        whole = [value[:-1] for value in report.inputs.values()]
        return "the whole input" if size in whole else "paths of different strides meet: each position sees another part"
    if len(row.sources) > 1:
        return f"the union of its inputs' fields; jump {_apart(jump)}"
    before = known.get(row.sources[0])
    least, largest, far = (before.smallest_field, before.receptive_field, before.jump) if before is not None else (None, None, None)
    if row.sources[0] in report.inputs:
        least = largest = far = (1,) * len(jump)
    if (least, largest, far) == (row.smallest_field, size, jump):
        return "as before"
    reach = row.node.op.reach(row.types[0])
    if isinstance(reach, tuple) and largest is not None and far is not None and least == largest and row.smallest_field == size:
        found = [_grown(*axis) for axis in zip(largest, far, reach, size, jump, strict=True)]
        if all(found):
            alike = len(set(found)) == 1
            return found[0] if alike else "; ".join(f"{name}: {step}" for name, step in zip(AXES[len(found)], found, strict=True))
    differ = "" if row.smallest_field == size else "not every position sees as much; "
    return f"{differ}neighbours {_apart(jump)} apart on average"


def _grown(field: int, jump: float, reach: Reach, after: int, far: float) -> str:
    """The rule of a window that moves on by its stride, along one axis; empty where it does not hold."""
    taps = reach.taps[0]
    window = taps.high - taps.low + 1 if taps is not None and len(reach.taps) == 1 else 0
    if field + (window - 1) * jump != after or jump * reach.step != far:
        return ""
    return f"{field} + ({window} - 1)*{jump:g} = {after}; neighbours {jump:g}*{reach.step} = {far:g} apart"


def _apart(jump: tuple[float, ...]) -> str:
    return "x".join(f"{j:g}" for j in (jump if len(set(jump)) > 1 else jump[:1]))
