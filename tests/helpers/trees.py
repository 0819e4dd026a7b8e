"""Syntax trees, compared."""

from __future__ import annotations

from archspec.diagnostics import Diagnostics
from archspec.source import Source, Span
from archspec.syntax.parser import parse


def outline(text: str) -> object:
    """The tree of a text without its spans: equal for texts that differ only in layout and comments. None where it has mistakes of syntax."""
    sink = Diagnostics()
    tree = parse(Source("case.arch", text), sink)
    return None if sink.errors else _without_spans(tree)


def _without_spans(node: object) -> object:
    if isinstance(node, Span):
        return None
    return (type(node).__name__, *map(_without_spans, node)) if isinstance(node, tuple) else node
