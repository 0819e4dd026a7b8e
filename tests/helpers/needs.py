"""What some tests need and a machine may lack: they are skipped there, with the reason."""

from __future__ import annotations

import shutil

import pytest

from archspec.views.figures import graphviz_layout as layout

graphviz = pytest.mark.skipif(not layout.renderers(), reason="there is no Graphviz")
"""For tests of boxes and arrows."""
pdflatex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex here")
"""For tests that compile the LaTeX that is written."""


def stderr_lines(err: str) -> list[str]:
    """The lines on standard error, except that of `archspec report` about boxes and arrows where no Graphviz places them."""
    return [line for line in err.splitlines() if layout.renderers() or "there are no boxes and arrows" not in line]
