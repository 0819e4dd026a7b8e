"""A network as a notebook shows it: its report page in a frame; and as `print` does: its table."""

from __future__ import annotations

from itertools import islice

from archspec.analysis.layers import Report
from archspec.diagnostics import SpecError
from archspec.diagnostics.markup import html_text
from archspec.ir.graph import Network
from archspec.views.tables import Style, pieces
from archspec.views.tables.columns import footer
from archspec.views.tables.terminal import text as _text

_DEEP = 100
"""More layers than this and equal rounds are folded."""
_MOST = 2_000
"""Rows of a table at most; of more the totals are shown."""
_LARGEST = 1_000_000
"""Bytes of a report page that a notebook keeps for one network."""


def html(network: Network) -> str:
    """The report page in a frame, and below it, folded, the table alone, for places that remove frames; picture and table of a large network."""
    report = Report(network)
    framed = _framed(network) if _style(report) else None
    if framed is None:
        return f'<div style="overflow:auto;max-height:50em">\n{svg(network) or ""}</div>\n{table(report)}'
    return f"{framed}<details>\n<summary>The table alone</summary>\n{table(report)}</details>\n"


def _framed(network: Network) -> str | None:
    from archspec.views.page import page

    made = page([network])
    return made._repr_html_() if len(made.html) <= _LARGEST else None


def table(report: Report) -> str:
    """The table, scrolled by itself where it is large."""
    style = _style(report)
    if style is None:
        made = "".join(f"<p>{html_text(line)}</p>\n" for line in (report.model, *footer(report)))
    else:
        made = "".join(pieces(report, "html", style))
    return f'<div style="overflow:auto;max-height:40em">\n{made}</div>\n'


def text(report: Report) -> str:
    """The table of `archspec table`, in lines of any length; of a deep network folded."""
    style = _style(report)
    lines = _text(report, style, width=None, unicode=True) if style else ([(line, "")] for line in (report.model, *footer(report)))
    return "\n".join("".join(piece for piece, _ in line).rstrip() for line in lines)


def _style(report: Report) -> Style | None:
    """How a network's table is shown, or None where nobody would read it."""
    fold = report.network.graph.layers > _DEEP
    rows = sum(1 for _ in islice(report.rows(fold=fold), _MOST + 1))
    return Style(fold=fold) if rows <= _MOST else None


def svg(network: Network) -> str | None:
    """The picture: boxes, or bars where there are too many of them; None where neither can be drawn."""
    from archspec.views.figures import draw

    for kind in ("blocks", "bars"):
        try:
            return draw(network, kind).text
        except SpecError:
            continue
    return None
