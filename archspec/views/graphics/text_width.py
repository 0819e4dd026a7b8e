"""How wide a text is, and how to cut one that is too long.

Pictures name Helvetica first and fall back to what is there. The fallback fonts differ in width: Arial and Liberation Sans are
as wide as Helvetica, DejaVu Sans is 1.2 times as wide. So room is always left for WIDEST times the width in Helvetica.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable

from archspec.diagnostics.visible import visible

FONTS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
WIDEST = 1.25
BOLD = 1.1
"""Helvetica Bold over Helvetica, for the letters of names."""

_LETTERS = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
"""Helvetica's widths in thousandths of the size, from space to tilde: Adobe's published font metrics."""
_WIDTHS = {chr(code): wide for code, wide in enumerate(_LETTERS, ord(" "))} | {"·": 278, "×": 584, "–": 556, "…": 1000, "°": 400}
_NO_XML = {0xFFFE: "\\uFFFE", 0xFFFF: "\\uFFFF"}
"""What no XML document may hold and `visible` leaves."""
_LATIN, _WIDE = 650, 1000


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of a text in the widest of the fonts."""
    total = sum(_WIDTHS.get(char) or (_LATIN if char < "\u0500" else _WIDE) for char in text)
    return total * size / 1000 * WIDEST * (BOLD if bold else 1)


def fitting(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """Make a text safe to show, and cut out its middle where it is wider than the room."""
    text = shown(text)
    if width(text, size, bold=bold) <= room:
        return text
    return _cut(text, bisect_right(range(1, len(text)), room, key=lambda letters: width(_cut(text, letters), size, bold=bold)))


def leading(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """Make a text safe to show, and leave out its last words where it is wider than the room, except what follows a `=` alone.

    What is in brackets is one word, and so is what stands between commas outside of them.
    """
    text = shown(text)
    words, end = _joined(text.split(" "), lambda part: part.count("(") > part.count(")")), ""
    if any(word.endswith(",") for word in words):
        words = _joined(words, lambda part: not part.endswith(","))
    if "=" in words:
        words, end = words[: words.index("=")], f" = {words[-1]}"
    while len(words) > 1 and width(text, size, bold=bold) > room:
        words.pop()
        text = f"{' '.join(words).rstrip('+ ')} …{end}"
    return fitting(text, room, size, bold=bold)


def _joined(words: list[str], goes_on: Callable[[str], bool]) -> list[str]:
    found: list[str] = []
    for word in words:
        if found and goes_on(found[-1]):
            found[-1] += f" {word}"
        else:
            found.append(word)
    return found


def named(text: str, room: float, size: float, *, bold: bool = False) -> list[str]:
    """Make a name safe to show, in lines that fit into the room: broken between words, and after dots where one is too wide, which is cut at last."""
    lines: list[str] = []
    for word in re.split("(?<!–) ", shown(text)):
        fits = width(word, size, bold=bold) <= room
        for at, part in enumerate([word] if fits else re.findall(r"[^.]*\.|[^.]+$", word)):
            longer = f"{lines[-1]}{'' if at else ' '}{part}" if lines else part
            lines = [*lines[:-1], longer] if width(longer, size, bold=bold) <= room else [*lines, part]
    return [fitting(line, room, size, bold=bold) for line in lines]


def wrapped(text: str, room: float, size: float) -> list[str]:
    """A text in lines that fit into the room, broken between words; a word that is wider than the room has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        if lines and width(f"{lines[-1]} {word}", size) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _cut(text: str, letters: int) -> str:
    if letters <= 0:
        return "…"
    tail = letters // 3
    return f"{text[: letters - tail].rstrip()}…{text[len(text) - tail :].lstrip()}"


def shown(text: str, most: int = 1000) -> str:
    """A text of a spec without what cannot be seen, and no longer than anyone reads."""
    return visible(text if len(text) <= most else _cut(text, most)).translate(_NO_XML)
