"""`archspec.report(model)` makes a page about a network; `from archspec.report import Report` gives what tables are made from.

The name is a function and a module. Python binds a module in its package when it is imported, so the module itself can be called:
then `archspec.report` is the same object whatever is imported first.
"""

from __future__ import annotations

import sys
from types import ModuleType

from archspec.analysis.layers import Report, Row, Shape, Totals
from archspec.api import report as made
from archspec.ir.graph import Network
from archspec.views.page import Page

__all__ = ["Page", "Report", "Row", "Shape", "Totals"]


class _Function(ModuleType):
    """A module that is called as a function."""

    def __call__(self, model: Network, *more: Network, quiz: str | None = None) -> Page:
        """See archspec.api.report."""
        return made(model, *more, quiz=quiz)


sys.modules[__name__].__class__ = _Function
