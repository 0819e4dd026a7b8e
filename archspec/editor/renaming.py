"""Gives a name another one, in the text that declares it and in all that use that text: those that are open, and those on disk beside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from archspec.diagnostics.fix import Edit, Fix, apply
from archspec.editor.named import Location, located, symbols
from archspec.editor.open_text import Document, folder_of
from archspec.editor.positions import Position, Range, range_
from archspec.editor.symbol_table import Symbol
from archspec.ops import STEPS
from archspec.source import Span
from archspec.syntax.lines import KEYWORDS
from archspec.syntax.parser import MAX_BYTES

_MOST_FILES = 200
"""Files that are looked through for the name."""
Renamed = dict[Path | None, list[tuple[Range, str]]]
"""The edits of each file; None is the document itself."""


class Refusal(Exception):
    """Says why a name cannot be changed."""


def renamable(document: Document, place: Position) -> Range | None:
    """The word at a place, where it is a name that can be changed."""
    found = symbols(document).at(document.offset(place))
    if found is None or not found[0].plain or found[1].text != found[0].name or _home(document, found[0]) is None:
        return None
    return range_(found[1])


def rename(document: Document, place: Position, name: str) -> Renamed:
    """The edits that give the name at a place, and all that refers to it in any file, another. Raises Refusal with the reason."""
    found = symbols(document).at(document.offset(place))
    home = _home(document, found[0]) if found is not None and found[0].plain else None
    if found is None or home is None:
        raise Refusal("there is no name here that can be changed: labels in quotes or with expressions cannot")
    if not (name.isidentifier() and name.isascii()) or name in KEYWORDS or name in ("cin", "skip", "again"):
        raise Refusal(f"`{name}` is not a name, or it is a word of the language")
    if found[0].kind == "block" and name in STEPS:
        raise Refusal(f"`{name}` is the name of a layer")
    places = _places(document, home, found[0])
    texts = {each: apply(each.text, [Fix("", tuple(Edit(span, name) for span in spans))])[0] for each, spans in places.items()}
    held = {path: text for each, text in texts.items() if (path := _path(each)) is not None}
    for each, text in texts.items():
        after = Document(each.name, text, each.options.base, {**each.options.texts, **held})
        if _errors(after) > _errors(each):
            raise Refusal(f"`{name}` has another meaning in {each.name}" if each is not document else f"`{name}` has another meaning here")
    return {None if each is document else _path(each): [(range_(span), name) for span in spans] for each, spans in places.items()}


def _errors(document: Document) -> int:
    return sum(each.severity == "error" for each in document.compiled.diagnostics)


def _path(document: Document) -> Path | None:
    """The file of a document; None for a text without one, whose folder is not its own."""
    path = Path(document.name)
    return path if path.is_absolute() else None


def _home(document: Document, symbol: Symbol) -> Document | None:
    """The document that declares a symbol; None where it cannot be changed."""
    if symbol.place.source is document.source:
        return document
    path = located(document, symbol.place).path if _path(document) is not None else None
    return _other(document, path.resolve()) if path is not None else None


def _other(document: Document, path: Path) -> Document | None:
    """Another file, as an editor holds it or as it is on disk; None where it cannot be read."""
    held = dict(document.options.texts)
    own = _path(document)
    if own is not None:
        held[own] = document.text
    text = held.pop(path, None)
    with suppress(OSError, ValueError):
        if text is None and path.stat().st_size <= MAX_BYTES:
            text = path.read_text(encoding="utf-8")
    return Document(str(path), text, folder_of(path), held) if text is not None else None


def _places(document: Document, home: Document, symbol: Symbol) -> dict[Document, list[Span]]:
    """The places of a name in each document that has it, in the order of the text, the home of it first."""
    start = range_(symbol.place)
    own = next(each for each in symbols(home).declared if range_(each.place) == start)
    found = {home: sorted({own.place, *symbols(home).of(own)}, key=lambda span: span.start)}
    path = _path(home)
    if own.kind in ("block", "param", "parameter") and path is not None:
        for each in _users(document, home, symbol.name):
            uses = [use.place for use in symbols(each).uses if use.symbol.place.source is not each.source]
            meant = [use.symbol for use in symbols(each).uses if use.symbol.place.source is not each.source]
            spans = {use for use, other in zip(uses, meant, strict=True) if _resolved(located(each, other.place)) == (path, start)}
            if spans:
                found[each] = sorted(spans, key=lambda span: span.start)
    return found


def _resolved(where: Location) -> tuple[Path | None, Range]:
    return where.path.resolve() if where.path is not None else None, where.range


def _users(document: Document, home: Document, name: str) -> Iterator[Document]:
    """The documents that use others and have a word: the one that is asked, those that are open, those in the folders of both."""
    if document is not home:
        yield document
    folders = dict.fromkeys(folder.resolve() for each in (document, home) if (folder := each.options.base) is not None)
    beside = (path for folder in folders for pattern in ("*.arch", "*/*.arch") for path in sorted(folder.glob(pattern)))
    paths = dict.fromkeys([*document.options.texts, *islice((path.resolve() for path in beside), _MOST_FILES)])
    for path in paths:
        other = _other(document, path) if path not in (_path(document), _path(home)) else None
        if other is not None and 'use "' in other.text and name in other.text:
            yield other
