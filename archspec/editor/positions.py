"""Places in a text as editors count them: lines from 0, columns from 0 in units of UTF-16, as the Language Server Protocol has them."""

from __future__ import annotations

from typing import NamedTuple

from archspec.source import Source, Span


class Position(NamedTuple):
    """A place between two characters."""

    line: int
    character: int


class Range(NamedTuple):
    """From a place up to, not including, another."""

    start: Position
    end: Position


def position(source: Source, offset: int) -> Position:
    """Count the place of an offset."""
    line, column = source.locate(max(0, min(offset, len(source.text))))
    start = source.starts[line - 1]
    return Position(line - 1, units(source.text[start : start + column - 1]))


def units(text: str) -> int:
    """The length of a text in units of UTF-16."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def range_(span: Span) -> Range:
    """Count the places of a span."""
    return Range(position(span.source, span.start), position(span.source, span.end))


def offset(source: Source, place: Position) -> int:
    """Find the offset of a place; one outside the text is moved to the nearest in it, one within a character before it."""
    if place.line < 0:
        return 0
    if place.line >= len(source.starts):
        return len(source.text)
    start, line = source.starts[place.line], source.line(place.line + 1)
    if line.isascii():
        return start + max(0, min(place.character, len(line)))
    units = 0
    for at, char in enumerate(line):
        units += 2 if ord(char) > 0xFFFF else 1
        if units > place.character:
            return start + at
    return start + len(line)
