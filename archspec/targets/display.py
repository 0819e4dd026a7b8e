"""A network as a notebook shows it: its picture, and its table below."""

from __future__ import annotations

from itertools import islice

from archspec.analysis.report import Report
from archspec.diagnostics import SpecError
from archspec.ir.graph import Network
from archspec.targets.tables import Style, pieces
from archspec.targets.tables.columns import footer
from archspec.targets.tables.grid import html_text

_DEEP = 100
"""More layers than this and equal rounds are folded."""
_MOST = 2_000
"""Rows of a table at most; of more the totals are shown."""


def html(network: Network) -> str:
    """The picture, where it can be drawn, and the table, each scrolled by itself where it is large."""
    report = Report(network)
    fold = network.graph.layers > _DEEP
    rows = sum(1 for _ in islice(report.rows(fold=fold), _MOST + 1))
    if rows <= _MOST:
        table = "".join(pieces(report, "html", Style(fold=fold)))
    else:
        table = "".join(f"<p>{html_text(line)}</p>\n" for line in (report.model, *footer(report)))
    return f'<div style="overflow:auto;max-height:50em">\n{svg(network) or ""}</div>\n<div style="overflow:auto;max-height:40em">\n{table}</div>\n'


def svg(network: Network) -> str | None:
    """The picture: boxes, or bars where there is no Graphviz to place boxes or too many of them; None where neither can be drawn."""
    from archspec.targets.figures import NoRenderer, draw

    for kind in ("blocks", "bars"):
        try:
            return draw(network, kind).text
        except (NoRenderer, SpecError):
            continue
    return None
