"""Diagnostics as data, and the list that collects them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from archspec.diagnostics.fix import Fix
from archspec.diagnostics.markup import html_lines
from archspec.source import Span

T = TypeVar("T")


class Frame(NamedTuple):
    """One step of the way by which the expansion came to a place: a block call, a round of a repeat."""

    span: Span
    text: str


class Diagnostic(NamedTuple):
    """One finding.

    `message` is complete in itself; `label` is the text under the marked words; `secondary` marks the other places that matter;
    `notes` carry formulas with numbers filled in; `help` says what would work; `trace` runs from the innermost call outwards; `fixes` are
    edits that do what `help` says, the first one to be preferred.
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
    fixes: tuple[Fix, ...] = ()

    def order(self) -> tuple[str, int, str, str]:
        """Return the key to sort by: file, place, code."""
        if self.span is None:
            return "", -1, self.code, self.message
        return self.span.source.name, self.span.start, self.code, self.message

    def __str__(self) -> str:
        """The message as a terminal shows it, without colour."""
        from archspec.diagnostics.render import plain

        return plain([self])

    def __repr__(self) -> str:
        from archspec.diagnostics.render import concise

        return f"Diagnostic({concise(self)})"

    def _repr_html_(self) -> str:
        return html_lines(str(self))


MAX_FINDINGS = 1000
_SHOWN = 20
"""Findings that the text of a SpecError shows."""
_LONGEST = 400


class Enough(Exception):
    """Says that there are more findings than anybody reads."""


class Diagnostics:
    """Collects findings and reports one cause once.

    Two findings with one code at one place are the same finding met again (in another round of a repeat, in another call of
    a block): the first is kept, with a note `also in` that lists the rounds of the others. Without a place they are if they say the same.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, Span | str], Diagnostic] = {}
        self._also: dict[tuple[str, Span | str], dict[str, None]] = {}
        self.errors = 0
        """How many errors were met, those met again included: whether it grew says whether there was one."""

    def add(self, diagnostic: Diagnostic, round_: str | None = None) -> None:
        """Add a finding, unless it is a warning that the text has silenced.

        Once the list is full further warnings are dropped, and an error raises Enough.
        """
        if diagnostic.severity != "error" and _silenced(diagnostic):
            return
        self.errors += diagnostic.severity == "error"
        key = (diagnostic.code, diagnostic.span or diagnostic.message)
        if key in self._found:
            if round_:
                self._also.setdefault(key, {})[round_] = None
            return
        if len(self._found) >= MAX_FINDINGS:
            if diagnostic.severity != "error":
                return
            raise Enough
        self._found[key] = diagnostic._replace(
            message=_clipped(diagnostic.message),
            notes=tuple(_clipped(note) for note in diagnostic.notes),
            help=_clipped(diagnostic.help) if diagnostic.help else None,
        )

    def amend(self, code: str, span: Span, help_: str | None) -> None:
        """Replace the help of the finding of a code at a place, where there is one."""
        found = self._found.get((code, span))
        if found is not None and help_:
            self._found[code, span] = found._replace(help=_clipped(help_))

    def error_places(self) -> set[tuple[str, Span | None]]:
        """Return the codes and places of the errors."""
        return {(code, each.span) for (code, _), each in self._found.items() if each.severity == "error"}

    def sorted(self) -> list[Diagnostic]:
        """Return the findings in the order of the text, each with the other rounds in which it was found."""
        found = dict(self._found)
        for key, also in self._also.items():
            rounds = list(also)
            shown = ", ".join(rounds[:4]) + (f" and {len(rounds) - 4} more" if len(rounds) > 4 else "")
            found[key] = found[key]._replace(notes=(*found[key].notes, f"also in {shown}"))
        return sorted(found.values(), key=Diagnostic.order)


_OK = re.compile(r'(?:[^"#]|"(?:[^"\\]|\\.)*")*#+ *ok((?:[ ,]+A[0-9]{3})+)\b')
"""The comment `# ok A401` at the end of a line, which is no part of a text in quotes."""


def _silenced(found: Diagnostic) -> bool:
    """Whether a line of its place ends in `# ok` with its code."""
    if found.span is None:
        return False
    source, start, end = found.span
    lines = range(source.locate(start)[0], source.locate(max(start, end - 1))[0] + 1)
    comments = [_OK.match(text) for text in map(source.line, lines) if "#" in text]
    return any(found.code in comment[1] for comment in comments if comment is not None)


class SpecError(Exception):
    """A spec has errors. `diagnostics` holds all findings, warnings included, in the order of the text.

    Its text is what the command line prints, with the lines of the spec; it can be pickled.
    """

    __module__ = "archspec"

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = list(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        from archspec.diagnostics.render import plain

        return plain(self.diagnostics, _SHOWN)

    def __repr__(self) -> str:
        errors = [d for d in self.diagnostics if d.severity == "error"]
        more = f" and {len(errors) - 1:,} more" if len(errors) > 1 else ""
        return f"SpecError({repr(errors[0])[len('Diagnostic(') : -1] if errors else ''}{more})"

    def _repr_html_(self) -> str:
        return html_lines(str(self))

    def _render_traceback_(self) -> list[str]:
        """What IPython prints in place of a traceback: the line of the user's own code, and the messages."""
        from traceback import extract_tb

        package = str(Path(__file__).parent.parent)
        own = [frame for frame in extract_tb(self.__traceback__) if not frame.filename.startswith(package)]
        at = [f"line {own[-1].lineno}: {own[-1].line}"] if own and own[-1].line else []
        return ["SpecError", *at, "", *str(self).splitlines()]


def _clipped(text: str) -> str:
    """A text without its middle, where somebody's name or number makes it too long to read."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 100]} ... {text[-90:]}"


def did_you_mean(word: str, known: Iterable[str], otherwise: T) -> str | T:
    """The help that proposes the known name of which the word is a misspelling, or else another help."""
    close = nearest(word, known)
    return f"did you mean `{close}`?" if close else otherwise


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name of which the word is a misspelling, or None.

    A letter more, less or wrong, or two that changed places; two such slips in words of six letters and more. Words of one or two letters
    that differ in one are different words, and so are those that differ in a digit.
    """
    folded = word.lower()
    if len(word) == 1:
        return next((name for name in islice(known, 400) if name.lower() == folded), None)
    if not 1 < len(word) <= 60:
        return None
    allowed = 2 if len(folded) >= 6 else 1
    fitting = (
        name
        for name in islice(known, 400)
        if abs(len(name) - len(folded)) <= allowed
        and (len(folded) > 2 or len(name) != len(folded) or sorted(folded) == sorted(name.lower()))
    )
    slips, best = min(((_slips(folded, name.lower(), allowed), name) for name in fitting), default=(allowed + 1, ""))
    return best if slips <= allowed else None


def _slips(a: str, b: str, most: int) -> int:
    """Letters added, left out, replaced or exchanged with the next between two words (Damerau 1964, restricted); most + 1 if more."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row = row, [i] + [0] * len(b)
        for j, y in enumerate(b, 1):
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (0 if x == y else 3 if x.isdigit() or y.isdigit() else 1))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                row[j] = min(row[j], before[j - 2] + 1)
        if min(row) > most:
            return most + 1
        before = above
    return row[-1]
