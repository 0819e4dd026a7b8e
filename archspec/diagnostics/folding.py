"""Lines of styled text, folded at words to the width of a screen."""

from __future__ import annotations

from collections.abc import Iterator

StyledLine = list[tuple[str, str]]
"""Pieces of text with the name of a style each; "" is plain."""


def folded(line: StyledLine, width: int | None, hang: int = 0) -> Iterator[StyledLine]:
    """The line in parts of at most `width` columns, those after the first indented by `hang`. Only a word longer than that is cut.

    >>> list(folded([("help: ", "help"), ("write `conv k=3 f=6`", "")], 16, hang=2))
    [[('', ''), ('help: ', 'help'), ('write', '')], [('  ', ''), ('`conv k=3 f=6`', '')]]
    """
    text = "".join(piece for piece, _ in line)
    if width is None or len(text) <= width:
        yield line
        return
    hang = min(hang, width // 2)
    start, indent = 0, 0
    while len(text) - start > width - indent:
        first = _skipped(text, start)
        cut = text.rfind(" ", first, start + width - indent + 1)
        cut = cut if cut > 0 else start + width - indent
        yield [(" " * indent, ""), *_between(line, start, cut)]
        start, indent = _skipped(text, cut), hang
    if start < len(text):
        yield [(" " * indent, ""), *_between(line, start, len(text))]


def _skipped(text: str, at: int) -> int:
    """Where the next word begins."""
    return len(text) - len(text[at:].lstrip(" "))


def _between(line: StyledLine, start: int, end: int) -> Iterator[tuple[str, str]]:
    """The pieces of a line from one character to another."""
    at = 0
    for piece, style in line:
        part = piece[max(0, start - at) : max(0, end - at)]
        if part:
            yield part, style
        at += len(piece)
