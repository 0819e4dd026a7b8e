"""Lines of styled text, folded at words to the width of a screen."""

from __future__ import annotations

from collections.abc import Iterator

Line = list[tuple[str, str]]
"""Pieces of text with the name of a style each; "" is plain."""


def folded(line: Line, width: int | None, hang: int = 0) -> Iterator[Line]:
    """The line in parts of at most `width` columns, those after the first indented by `hang`. A longer word stays whole."""
    text = "".join(piece for piece, _ in line)
    if width is None or len(text) <= width:
        yield line
        return
    hang = min(hang, width // 2)
    start, indent = 0, 0
    while len(text) - start > width - indent:
        first = start + len(text[start:]) - len(text[start:].lstrip())
        cut = text.rfind(" ", first, start + width - indent + 1)
        if cut < 0:
            cut = text.find(" ", first)
        if cut < 0:
            break
        yield [(" " * indent, ""), *_between(line, start, cut)]
        start, indent = cut + len(text[cut:]) - len(text[cut:].lstrip()), hang
    if text[start:].strip():
        yield [(" " * indent, ""), *_between(line, start, len(text))]


def _between(line: Line, start: int, end: int) -> Iterator[tuple[str, str]]:
    """The pieces of a line from one character to another."""
    at = 0
    for piece, style in line:
        part = piece[max(0, start - at) : max(0, end - at)]
        if part:
            yield part, style
        at += len(piece)
