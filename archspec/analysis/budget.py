"""Budgets: the most parameters and MACs that a network may have."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nlargest

from archspec.analysis.layers import Report, Row
from archspec.diagnostics import Diagnostic
from archspec.ir.graph import Network

_TOLD = 3
"""Layers that are named."""


def passed(network: Network, params: int | None = None, macs: int | None = None) -> Iterator[Diagnostic]:
    """An error for each budget that the network passes; None allows any number."""
    report = Report(network)
    for name, what, allowed in (("params", "parameters", params), ("macs", "MACs", macs)):
        found: int = getattr(report.totals, name)
        if allowed is not None and found > allowed:
            most = largest_layers(report, name)[0]
            message = f"{found:,} {what}, {found - allowed:,} more than the {allowed:,} that are allowed"
            label = f"{getattr(most, name):,} {what} are here"
            yield Diagnostic("A601", message, most.node.span, (largest_note(report, name),), label=label)
        elif allowed is not None and name == "macs" and report.totals.uncounted:
            unknown = next(row for row in report.rows(fold=True) if row.macs is None)
            message = f"{found:,} MACs{report.totals.left_out}: whether they are within the {allowed:,} that are allowed is not known"
            yield Diagnostic("A601", message, unknown.node.span, (), "give the layer `macs=`")


def largest_layers(report: Report, count: str) -> list[Row]:
    """List the layers with the most parameters or MACs, the largest first."""
    rows = [row for row in report.layers if count == "params" or not row.training]
    return nlargest(_TOLD, rows, key=lambda row: getattr(row, count) or 0)


def largest_note(report: Report, count: str) -> str:
    """Name the layers with the most parameters or MACs, with their shares."""
    total = getattr(report.totals, count)
    counts = [(row.name, getattr(row, count)) for row in largest_layers(report, count)]
    return f"the largest layers: {', '.join(f'{name} {found:,} ({found / total:.1%})' for name, found in counts if found)}"
