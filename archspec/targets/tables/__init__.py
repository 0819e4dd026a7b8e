"""The layer table, as text for a terminal and as Markdown, LaTeX, HTML, CSV and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

from archspec.analysis.report import Report
from archspec.targets.tables.columns import COLUMNS, DEFAULT, WORK, Style

__all__ = ["COLUMNS", "DEFAULT", "FORMATS", "WORK", "Style", "pieces"]


FORMATS = {"markdown": "markup:markdown", "latex": "markup:latex", "html": "markup:html", "csv": "data:csv_", "json": "data:json_"}
"""Format to the function that writes it; `text` is made for a screen: archspec.targets.tables.text."""


def pieces(report: Report, format_: str, style: Style) -> Iterator[str]:
    """The table as a stream of text."""
    module, _, function = FORMATS[format_].partition(":")
    write: Callable[[Report, Style], Iterator[str]] = getattr(import_module(f"archspec.targets.tables.{module}"), function)
    return write(report, style)
