"""Compiles small specs that are made here: of a layer, or of a few."""

from __future__ import annotations

from archspec.analysis.layers import Report
from archspec.diagnostics import Diagnostic, Diagnostics, Enough
from archspec.elaborate.assumptions import Options
from archspec.elaborate.elaborator import elaborate
from archspec.source import Source
from archspec.syntax.parser import parse


def small_report(text: str, name: str) -> tuple[Report | None, list[Diagnostic]]:
    """The report of a spec, or None where it has errors, and its messages, in which it is called by the name."""
    sink = Diagnostics()
    try:
        network, _ = elaborate(parse(Source(name, text), sink), name, sink, Options())
    except Enough:
        network = None
    return (Report(network) if network is not None and not sink.errors else None), sink.sorted()
