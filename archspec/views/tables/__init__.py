"""The layer table, as text for a terminal and as Markdown, LaTeX, HTML, CSV and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from archspec.analysis.layers import Report
from archspec.extras import attribute
from archspec.views.tables.columns import COLUMNS, DEFAULT, LAYOUTS, WORK, Style

__all__ = ["COLUMNS", "DEFAULT", "FORMATS", "LAYOUTS", "WORK", "Style", "pieces"]


FORMATS = {
    "markdown": "documents:markdown",
    "latex": "documents:latex",
    "html": "documents:html",
    "csv": "csv_json:csv_",
    "json": "csv_json:json_",
}
"""Format to the function that writes it; `text` is made for a screen: archspec.views.tables.terminal."""


def pieces(report: Report, format_: str, style: Style) -> Iterator[str]:
    """The table as a stream of text."""
    write: Callable[[Report, Style], Iterator[str]] = attribute(f"archspec.views.tables.{FORMATS[format_]}")
    return write(report, style)
