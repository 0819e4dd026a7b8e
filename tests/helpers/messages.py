"""What the compiler says of a text."""

from __future__ import annotations

from typing import Any

from archspec.api import compile_text
from archspec.diagnostics import Diagnostic
from archspec.elaborate.assumptions import Options


def findings(text: str, **options: Any) -> list[Diagnostic]:
    """All diagnostics of a text. There is a network unless one of them is an error."""
    network, found = compile_text(text, "case.arch", Options(**options))
    assert (network is None) == any(diagnostic.severity == "error" for diagnostic in found)
    return found


def errors(text: str, **options: Any) -> list[Diagnostic]:
    """The errors of a text, in its order."""
    return [diagnostic for diagnostic in findings(text, **options) if diagnostic.severity == "error"]
