"""A text as an editor holds it, compiled once for all services."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from archspec.api import compile_source
from archspec.diagnostics import Diagnostics, Enough
from archspec.editor.positions import Position, offset
from archspec.elaborate.assumptions import Options
from archspec.elaborate.compiled import Compiled
from archspec.elaborate.declarations import BlockDef, Declarations, Unit
from archspec.finding import specs_folder
from archspec.source import Source, Span
from archspec.syntax import ast
from archspec.syntax.lalr import Token, automaton
from archspec.types import Type


class Stale(Exception):
    """Says that a text is not the one that an editor shows any more."""


class Document:
    """A text of a name. `folder` is where `use` looks, and `texts` are those of files that other editors hold, by path.

    What is asked of a place outside the text is answered as for the nearest place in it.
    """

    def __init__(self, name: str, text: str, folder: Path | None = None, texts: Mapping[Path, str] | None = None) -> None:
        self.name = name
        self.text = text
        self.options = Options(base=folder, texts=texts or {}, watch=self.check)
        self.stale = False

    def check(self) -> None:
        """Raise Stale where `stale` was set, even by another thread while a service is at work."""
        if self.stale:
            raise Stale

    def compile(self, text: str) -> Compiled:
        """Compile another text in the place of this one."""
        return compile_source(text, self.name, self.options)

    @cached_property
    def compiled(self) -> Compiled:
        """The result of the compilation, with or without mistakes."""
        return compile_source(self.text, self.name, self.options, self.tokens)

    @property
    def source(self) -> Source:
        """The source that all spans of this text are of."""
        return self.compiled.source

    @cached_property
    def tree(self) -> ast.File:
        """The syntax tree; empty where the text has too many errors to be read to its end."""
        return self.compiled.tree or ast.File((), Span(self.source, 0, len(self.text)))

    @cached_property
    def unit(self) -> Unit:
        """What the text declares and uses: params and blocks, those of other files among them."""
        try:
            return Declarations(Diagnostics(), self.options).read(self.tree, self.options.base)
        except Enough:
            return Unit(self.tree)

    @property
    def blocks(self) -> Mapping[str, BlockDef]:
        """The blocks that can be called, by name."""
        return self.unit.blocks

    @cached_property
    def tokens(self) -> list[Token]:
        """All words and signs, comments and line ends among them."""
        return list(automaton().lex(self.text))

    @cached_property
    def types(self) -> dict[Span, list[Type]]:
        """The types of values at each step and head of this text, each once."""
        found: dict[Span, dict[Type, None]] = {}
        for span, type_ in self.compiled.met:
            if span.source is self.source:
                found.setdefault(span, {})[type_] = None
        return {span: list(types) for span, types in found.items()}

    def offset(self, place: Position) -> int:
        """The offset of a place."""
        return offset(self.source, place)

    def before(self, at: int) -> str:
        """What stands before an offset on its line."""
        return self.text[self.text.rfind("\n", 0, at) + 1 : at]


def folder_of(path: Path | None) -> Path | None:
    """The folder that a file's `use` looks in; of a text without a file that of the bundled specs."""
    return path.parent if path is not None else specs_folder()
