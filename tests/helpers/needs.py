"""What some tests need and a machine may lack: they are skipped there, with the reason."""

from __future__ import annotations

import shutil

import pytest

dot = pytest.mark.skipif(shutil.which("dot") is None, reason="there is no Graphviz")
"""For tests that let Graphviz read the DOT text."""
pdflatex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex here")
"""For tests that compile the LaTeX that is written."""
