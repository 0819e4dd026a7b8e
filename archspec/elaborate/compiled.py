"""The result of a compilation, with or without mistakes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from archspec.diagnostics import Diagnostic
from archspec.ir.graph import Network
from archspec.source import Source, Span
from archspec.syntax import ast
from archspec.types import Type


class Compiled(NamedTuple):
    """A text and what was found in it.

    `network` is the whole network, or, where there are errors, what of it does not depend on a mistake; None where that is nothing.
    `tree` is None where the text has too many errors to be read to its end. `diagnostics` are in the order of the text. `met` are the
    types of values at the steps and heads that give them, as they were met: several for a step in a block that is called on several.
    """

    source: Source
    tree: ast.File | None
    network: Network | None
    diagnostics: tuple[Diagnostic, ...]
    met: tuple[tuple[Span, Type], ...]

    def __repr__(self) -> str:
        return f"Compiled({self.source.name}: {len(self.diagnostics)} diagnostics, {self.network!r})"

    @property
    def complete(self) -> bool:
        """Whether there are no errors."""
        return not any(diagnostic.severity == "error" for diagnostic in self.diagnostics)

    def types_at(self, line: int, column: int | None = None) -> tuple[Type, ...]:
        """Find the types that the step at a place gives, each once; without a column, those of the last step that ends on the line.

        Lines and columns count from 1, columns in characters. Empty where no step is, or where a mistake leaves its type unknown.
        """
        starts = self.source.starts
        if not 1 <= line <= len(starts):
            return ()
        own = [(span, type_) for span, type_ in self.met if span.source is self.source]  # what the used files have is elsewhere
        found: list[tuple[tuple[int, ...], Type]]
        if column is None:
            found = [((-span.end, span.start), type_) for span, type_ in own if self.source.locate(span.end - 1)[0] == line]
        else:
            offset = starts[line - 1] + column - 1
            found = [((span.end - span.start,), type_) for span, type_ in own if span.start <= offset < span.end]
        first = min([rank for rank, _ in found], default=())
        return tuple(dict.fromkeys([type_ for rank, type_ in found if rank == first]))


def blocks_only(text: str, diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether a text only has declarations for others to `use`, which is right, although it is no network."""
    wrong = [each for each in diagnostics if each.severity == "error"]
    alone = len(wrong) == 1 and wrong[0].code == "A117" and wrong[0].span is not None and wrong[0].span.end == 0
    return alone and any(line.startswith("block ") for line in text.splitlines())
