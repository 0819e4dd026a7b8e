"""`archspec explain`: the teacher's command."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from archspec.cli import specs
from archspec.cli.failure import Failure
from archspec.cli.screen import Line, out
from archspec.diagnostics import nearest
from archspec.diagnostics.visible import visible
from archspec.report import Report, Row
from archspec.targets.tables.columns import shape, spaced
from archspec.types import Map


def run(arguments: argparse.Namespace) -> int:
    network = specs.network(arguments)
    if network is None:
        return 1
    report = Report(network)
    rows = report.layers
    wanted = rows if arguments.layer is None else _named(rows, arguments.layer)
    known = {row.name: row for row in rows}
    screen = out()
    for row in wanted:
        screen.lines([*explained(row, known, report), ""])
    return 0


def _named(rows: list[Row], name: str) -> list[Row]:
    """The layer of a name, or all layers of a group. Raises Failure."""
    found = [row for row in rows if row.name == name] or [row for row in rows if row.name.startswith(name + ".")]
    if not found:
        close = nearest(name, [row.name for row in rows])
        raise Failure(f"there is no layer `{name}`" + (f"; did you mean `{close}`?" if close else "; `archspec table` names the layers"))
    return found


def explained(row: Row, known: dict[str, Row], report: Report) -> Iterator[Line]:
    """The lines about one layer."""
    at = f"   line {row.line}" if row.line is not None else ""
    implied = ", implied by the layer that follows" if row.node.implied else ""
    yield [(visible(row.name), "head"), (f": {row.op} {row.config}".rstrip(), "head"), (at + implied, "dim")]
    work = row.work
    yield _item("input", " and ".join(shape(s, "hwc") for s in row.inputs), f"from {', '.join(row.sources)}")
    yield _item("output", shape(row.output, "hwc"), _size(row, work))
    if row.params or row.buffers or row.frozen:
        yield _item("parameters", f"{row.params:,}", _params(row, work))
    if row.buffers:
        yield _item("buffers", f"{row.buffers:,}", "stored, not learned: the running mean and variance of each channel")
    if row.frozen:
        yield _item("frozen", f"{row.frozen:,}", f"fixed weights: {spaced(work.get('frozen', ''))}")
    if row.macs:
        yield _item("MACs", f"{row.macs:,}", spaced(work.get("macs", "")))
    yield _item("FLOPs", f"{row.flops:,}", _flops(row))
    yield _item("activations", f"{row.activations:,}", "*".join(map(str, row.output)) if len(row.output) > 1 else "")
    if len(report.inputs) and any(len(s) > 1 for s in report.inputs.values()):
        yield _item("receptive field", _field(row), _field_steps(row, known))
    if isinstance(row.types[0], Map) and row.weights and isinstance(row.node.type, Map) and row.macs:
        yield from _dense(row)


def _item(name: str, value: str, note: str) -> Line:
    return [(f"  {name:<16}", "label"), (f"{value:<14}", ""), (f"  {note}" if note else "", "dim")]


def _size(row: Row, work: dict[str, str]) -> str:
    """The size rule with its numbers."""
    rule = work.get("output", "")
    if not rule:
        return "the shape stays" if row.inputs[0] == row.output else ""
    words = {"conv": "(W - F + 2P)/S + 1", "pool": "(W - F + 2P)/S + 1"}
    general = words.get(row.op, "(W - F + 2P)/S + 1" if ")/" in rule else "")
    channels = f"; one map a filter, {row.output[-1]} of them" if row.weights and isinstance(row.node.type, Map) and row.macs else ""
    return f"{general}: {spaced(rule)}{channels}" if general else spaced(rule)


def _params(row: Row, work: dict[str, str]) -> str:
    split = f"{row.weights:,} weights + {row.biases:,} biases" if row.biases else f"{row.weights:,} weights, no bias"
    formula = work.get("params")
    return f"{spaced(formula)}: {split}" if formula else split


def _flops(row: Row) -> str:
    op = row.node.op
    assert op is not None
    if row.macs and row.flops == 2 * row.macs:
        return "2 a MAC"
    return op.cost_note


def _field(row: Row) -> str:
    return "x".join(map(str, row.receptive_field)) if row.receptive_field is not None else "?"


def _field_steps(row: Row, known: dict[str, Row]) -> str:
    """How the field grew from that of the layer before."""
    if row.jump is None:
        return "the whole input" if row.receptive_field is not None else "not known: its windows differ in size"
    before = known.get(row.sources[0])
    field, jump = (before.receptive_field, before.jump) if before is not None else ((1,) * len(row.jump), (1,) * len(row.jump))
    if field is None or jump is None or row.receptive_field is None:
        return f"jump {row.jump[0]:g}"
    if len(row.sources) > 1:
        return f"the union of its inputs' fields; jump {row.jump[0]:g}"
    if (field, jump) == (row.receptive_field, row.jump):
        return "as before"
    grown = row.receptive_field[-1] - field[-1]
    window = f"({grown / jump[-1] + 1:g} - 1)*{jump[-1]:g}"
    stride = row.jump[-1] / jump[-1]
    return f"{field[-1]} + {window} = {row.receptive_field[-1]}; neighbours {jump[-1]:g}*{stride:g} = {row.jump[-1]:g} apart"


def _dense(row: Row) -> Iterator[Line]:
    """What a fully connected layer between the same values would cost."""
    x, y = row.types[0], row.node.type
    assert y is not None
    weights = x.size * y.size
    factors = f"{shape(x.shape, 'hwc')} to {shape(y.shape, 'hwc')}: {x.size:,} * {y.size:,}"
    yield _item("fully connected", f"{weights:,}", f"weights ({factors}) against {row.params:,}: {weights / row.params:,.0f} times as many")
