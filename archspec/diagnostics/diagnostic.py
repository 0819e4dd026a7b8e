"""Diagnostics as data, and the list that collects them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from archspec.source import Span


class Frame(NamedTuple):
    """One step of the way by which the expansion came to a place: a block call, a round of a repeat."""

    span: Span
    text: str


class Diagnostic(NamedTuple):
    """One finding.

    `message` stands alone; `label` is what is said under the marked words; `secondary` marks the other places that matter;
    `notes` carry formulas with numbers filled in; `help` says what would work; `trace` runs from the innermost call outwards.
    """

    code: str
    message: str
    span: Span | None
    notes: tuple[str, ...] = ()
    help: str | None = None
    label: str = ""
    secondary: tuple[tuple[Span, str], ...] = ()
    trace: tuple[Frame, ...] = ()
    severity: str = "error"

    def order(self) -> tuple[str, int, str, str]:
        """Sort key: file, place, code."""
        if self.span is None:
            return "", -1, self.code, self.message
        return self.span.source.name, self.span.start, self.code, self.message


MAX_FINDINGS = 1000
_LONGEST = 400


class Enough(Exception):
    """So many findings that more would help nobody."""


class Diagnostics:
    """Collects findings; one cause is told once.

    Two findings with one code at one place are the same finding met again (in another round of a repeat, in another call of
    a block): the first is kept, and the rounds of the others are told by `also`.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, Span | None], Diagnostic] = {}
        self._also: dict[tuple[str, Span | None], dict[str, None]] = {}
        self.errors = 0

    def add(self, diagnostic: Diagnostic, round_: str | None = None) -> None:
        """Add a finding. Once the list is full further warnings are dropped, and an error raises Enough."""
        key = (diagnostic.code, diagnostic.span)
        if key in self._found:
            if round_:
                self._also.setdefault(key, {})[round_] = None
            return
        if len(self._found) >= MAX_FINDINGS:
            if diagnostic.severity != "error":
                return
            self.errors += 1
            raise Enough
        self._found[key] = diagnostic._replace(
            message=_clipped(diagnostic.message),
            notes=tuple(_clipped(note) for note in diagnostic.notes),
            help=_clipped(diagnostic.help) if diagnostic.help else None,
        )
        self.errors += diagnostic.severity == "error"

    def sorted(self) -> list[Diagnostic]:
        found = []
        for key, diagnostic in self._found.items():
            rounds = list(self._also.get(key, ()))
            if rounds:
                shown = ", ".join(rounds[:4]) + (f" and {len(rounds) - 4} more" if len(rounds) > 4 else "")
                diagnostic = diagnostic._replace(notes=(*diagnostic.notes, f"also in {shown}"))
            found.append(diagnostic)
        return sorted(found, key=Diagnostic.order)


class SpecError(Exception):
    """A spec has errors. `diagnostics` holds all findings, warnings included, in the order of the text."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = list(diagnostics)
        errors = [d for d in self.diagnostics if d.severity == "error"]
        first = errors[0]
        place = ""
        if first.span is not None:
            line, column = first.span.source.locate(first.span.start)
            place = f"{first.span.source.name}:{line}:{column}: "
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{place}{first.code} {first.message}{more}")


def _clipped(text: str) -> str:
    """A text without its middle, where somebody's name or number makes it too long to read."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 100]} ... {text[-90:]}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that the word was probably meant to be, or None."""
    from difflib import get_close_matches

    if len(word) > 60:
        return None
    folded = word.lower()
    near = [name for name in islice(known, 400) if abs(len(name) - len(word)) <= 4]
    by_folded = {name.lower(): name for name in sorted(near, reverse=True)}
    close = get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None
