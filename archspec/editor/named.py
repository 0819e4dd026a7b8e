"""Services about names: definition, references, the outline of a text."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from archspec.editor.open_text import Document
from archspec.editor.positions import Position, Range, range_
from archspec.editor.symbol_table import Symbols, extent
from archspec.source import Span
from archspec.syntax import ast


class Location(NamedTuple):
    """A place in this document, or, where `path` is not None, in another file."""

    path: Path | None
    range: Range


class Entry(NamedTuple):
    """A line of the outline, with what stands below it."""

    name: str
    kind: str
    detail: str
    whole: Range
    place: Range
    below: tuple[Entry, ...] = ()


def symbols(document: Document) -> Symbols:
    """The symbols of a document, made once."""
    found: Symbols | None = document.__dict__.get("symbols")
    if found is None:
        found = document.__dict__["symbols"] = Symbols(document)
    return found


def located(document: Document, span: Span) -> Location:
    """Where a span is; a used file is below the folder of the document."""
    if span.source is document.source:
        return Location(None, range_(span))
    folder = document.options.base
    return Location(folder.resolve() / span.source.name if folder is not None else None, range_(span))


def definition(document: Document, place: Position) -> Location | None:
    """Where the name at a place is declared."""
    found = symbols(document).at(document.offset(place))
    return located(document, found[0].place) if found is not None else None


def references(document: Document, place: Position, *, declaration: bool = True) -> list[Location]:
    """Where the name at a place is used, in the order of the text, its declaration first."""
    found = symbols(document).at(document.offset(place))
    if found is None:
        return []
    own = [found[0].place] if declaration else []
    return [located(document, span) for span in (*own, *symbols(document).of(found[0]))]


def outline(document: Document) -> list[Entry]:
    """What the text declares, nested as it is indented."""
    return [entry for statement in document.tree.body for entry in _entries(statement)]


def _entries(statement: ast.Statement) -> list[Entry]:
    match statement:
        case ast.Param(name):
            return [_entry(name.id, "param", statement, name.span)]
        case ast.Input():
            return [_entry("input", "input", statement, statement.span)]
        case ast.Output(name):
            return [_entry(name.id, "output", statement, name.span)]
        case ast.Suite(head, body):
            below = tuple(entry for inner in body for entry in _entries(inner))
            match head:
                case ast.Block(name) | ast.Output(name):
                    kind = "block" if isinstance(head, ast.Block) else "output"
                    return [_entry(name.id, kind, statement, name.span, below)]
                case ast.Label(label):
                    return [_entry(label.span.text.strip('"'), "label", statement, label.span, below)]
                case ast.Repeat():
                    return [_entry(head.span.text, "repeat", statement, head.span, below)] if below else []
            return list(below)
        case ast.Broken(body):
            return [entry for inner in body for entry in _entries(inner)]
    return []


def _entry(name: str, kind: str, statement: ast.Statement, place: Span, below: tuple[Entry, ...] = ()) -> Entry:
    whole = extent(statement)
    whole = Span(whole.source, min(whole.start, place.start), max(whole.end, place.end))
    return Entry(name or "?", kind, statement.span.text.partition("\n")[0][:80], range_(whole), range_(place), below)
