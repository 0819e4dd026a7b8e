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
    if params is not None and report.totals.params > params:
        yield _error("parameters", report.totals.params, params, {row: row.params for row in report.layers})
    if macs is not None and report.totals.macs > macs:
        yield _error("MACs", report.totals.macs, macs, {row: row.macs for row in report.layers if not row.training})


def _error(what: str, found: int, allowed: int, counts: dict[Row, int]) -> Diagnostic:
    most = nlargest(_TOLD, counts, key=lambda row: counts[row])
    told = ", ".join(f"{row.name} {counts[row]:,} ({counts[row] / found:.1%})" for row in most if counts[row])
    span = most[0].node.span
    return Diagnostic(
        "A601",
        f"{found:,} {what}, {found - allowed:,} more than the {allowed:,} that are allowed",
        span,
        (f"the largest layers: {told}",),
        label=f"{counts[most[0]]:,} {what} are here",
    )
