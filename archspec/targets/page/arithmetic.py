"""How the numbers of a layer come about, for readers of a page."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.report import Report, Row
from archspec.targets.page.markup import sides, tag, text
from archspec.targets.tables import columns
from archspec.targets.tables.columns import spaced


def arithmetic(row: Row, report: Report) -> str:
    """A layer's numbers with their formulas, as a description list."""
    items = []
    for term, value, formula in _items(row, report):
        how = tag("span", text(formula), class_="how") if formula else ""
        items.append(tag("div", tag("dt", term), tag("dd", tag("b", text(value)), how)))
    return tag("dl", *items)


def shape(value: tuple[int, ...]) -> str:
    return sides(columns.shape(value, "hwc"))


def _items(row: Row, report: Report) -> Iterator[tuple[str, str, str]]:
    """Term, value and formula."""
    work = row.work
    op = row.node.op
    assert op is not None
    yield "reads", ", ".join(row.sources), " + ".join(shape(s) for s in row.inputs)
    yield "output", shape(row.output), spaced(work.get("output", ""))
    if row.params:
        split = f"{row.weights:,} weights + {row.biases:,} biases" if row.biases else ""
        yield "parameters", f"{row.params:,}", "; ".join(part for part in (spaced(work.get("params", "")), split) if part)
    if row.buffers:
        yield "buffers", f"{row.buffers:,}", "stored, not learned"
    if row.frozen:
        yield "frozen", f"{row.frozen:,}", spaced(work.get("frozen", "")) or "fixed weights"
    if row.macs:
        yield "MACs", f"{row.macs:,}", spaced(work.get("macs", ""))
    yield "FLOPs", f"{row.flops:,}", "2 a MAC" if row.macs and row.flops == 2 * row.macs else op.cost_note
    yield "activations", f"{row.activations:,}", "*".join(map(str, row.output)) if len(row.output) > 1 else ""
    if row.receptive_field is not None and any(len(s) > 1 for s in report.inputs.values()):
        jump = f"neighbours {'×'.join(f'{j:g}' for j in row.jump)} apart" if row.jump else "the whole input"
        yield "receptive field", shape(row.receptive_field), jump
    if row.line is not None:
        yield "written", f"line {row.line}", "implied by the layer that follows" if row.node.implied else ""
