"""Configuration files that are texts: read within bounds, with the place of what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

from archspec.diagnostics import Diagnostic, SpecError
from archspec.imports.flat import Unsaid
from archspec.source import BOM, Source, Span

MOST_BYTES = 8 << 20
"""Far more than the largest file of its kind: a network of 1,001 layers takes 1 MB."""
MOST_LAYERS = 5_000

_WHOLE = re.compile(r"\s*([+-]?[0-9]{1,18})(?![0-9])")
_REAL = re.compile(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")


class Misread(Unsaid):
    """Says what is wrong with a number or a word of a file, and where it stands."""

    def __init__(self, why: str, span: Span) -> None:
        super().__init__(why)
        self.span = span


def source_of(path: Path) -> Source:
    """The text of a file. Bytes that are not UTF-8 stand in comments, and are replaced. Raises SpecError (A612), OSError."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    source = Source(str(path), data.decode("utf-8", "replace").removeprefix(BOM).replace("\r\n", "\n"))
    if len(data) > MOST_BYTES:
        raise damaged(f"{path.name} has more than {MOST_BYTES >> 20} MiB, which no description of a network has", None)
    if b"\0" in data or any(byte < 9 or 14 <= byte < 32 for byte in data[:4096]):
        raise damaged(f"{path.name} is binary data, not text", None)
    return source


def damaged(why: str, span: Span | None, help_: str | None = None) -> SpecError:
    """What is raised for a file that is not of its kind."""
    return SpecError([Diagnostic("A612", why, span, help=help_)])


def whole(what: str, text: str, span: Span, least: int) -> int:
    """The whole number at the beginning of a text, as C reads it. `what` is its name. Raises Misread where it is none or too small."""
    found = _WHOLE.match(text)
    if found is None:
        raise Misread(f"`{what}` must be a whole number, not `{text[:40]}`", span)
    number = int(found[1])
    if number < least:
        raise Misread(f"`{what}` must be at least {least}, not {number}", span)
    return number


def real(what: str, text: str, span: Span) -> float:
    """The number at the beginning of a text, as C reads it. Raises Misread."""
    found = _REAL.match(text)
    number = float(found[1]) if found is not None else float("inf")
    if abs(number) == float("inf"):
        raise Misread(f"`{what}` must be a number, not `{text[:40]}`", span)
    return number
