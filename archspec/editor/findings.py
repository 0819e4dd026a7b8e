"""Services about messages: what is wrong, where, and the edits that mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate, takewhile
from typing import NamedTuple

from archspec.diagnostics import Diagnostic
from archspec.diagnostics.fix import Fix
from archspec.diagnostics.visible import visible
from archspec.editor.mending import mended
from archspec.editor.named import Location, located
from archspec.editor.open_text import Document
from archspec.editor.positions import Position, Range, range_
from archspec.elaborate.compiled import blocks_only
from archspec.source import Span

MOST = 100
"""Messages that are shown; of more than these the last says how many there are."""


class Finding(NamedTuple):
    """A message at a place of this document. `text` has its notes and its help; `related` are the other places that matter."""

    range: Range
    severity: str
    code: str
    text: str
    related: tuple[tuple[Location, str], ...]
    unneeded: bool
    """Whether what is marked could be left out."""


class Action(NamedTuple):
    """A fix that can be applied: its title, the message that it is for, its edits, and whether it is the one to be preferred."""

    title: str
    finding: Finding | None
    edits: tuple[tuple[Range, str], ...]
    preferred: bool


_UNNEEDED = frozenset(("A406", "A407"))


def findings(document: Document) -> list[Finding]:
    """The messages about a document, in the order of the text; where they are too many, errors before warnings before notes.

    A file of blocks for others is right, although it is no network.
    """
    found = list(document.compiled.diagnostics)
    if blocks_only(document.text, found):
        found = [each for each in found if each.severity != "error"]
    if len(found) <= MOST:
        return [_finding(document, each) for each in found]
    ranks = {"error": 0, "warning": 1, "note": 2}
    shown = sorted(found, key=lambda each: ranks[each.severity])[: MOST - 1]
    last = Finding(_range(document, None), "note", "", f"and {len(found) - len(shown):,} more", (), False)
    return [*(_finding(document, each) for each in shown), last]


def _finding(document: Document, each: Diagnostic) -> Finding:
    words = [each.message, *each.notes, *([f"help: {each.help}"] if each.help else [])]
    places = [*each.secondary, *((frame.span, frame.text) for frame in each.trace)]
    outside = each.span is not None and each.span.source is not document.source
    if outside and each.span is not None:
        places.insert(0, (each.span, "in this file"))
    related = tuple((located(document, span), visible(text)) for span, text in places)
    place = next((span for span, _ in places if span.source is document.source), None) if outside else each.span
    return Finding(_range(document, place), each.severity, each.code, "\n".join(map(visible, words)), related, each.code in _UNNEEDED)


def _range(document: Document, span: Span | None) -> Range:
    """The range of a span of this document; its first line for what has no place in it."""
    if span is not None and span.source is document.source:
        return range_(span)
    return range_(Span(document.source, 0, len(document.source.line(1))))


def actions(document: Document, start: Position, end: Position) -> list[Action]:
    """The fixes of the messages at a range."""
    first, last = document.offset(start), document.offset(end)
    found = []
    for each in document.compiled.diagnostics:
        span = each.span
        if span is None or span.source is not document.source or span.end < first or span.start > last:
            continue
        for at, fix in enumerate(fix for fix in each.fixes if _own(document, fix)):
            edits = tuple((range_(edit.span), edit.text) for edit in fix.edits)
            found.append(Action(fix.title, _finding(document, each), edits, at == 0))
    return found


def all_fixed(document: Document) -> list[tuple[Range, str]]:
    """The edit that applies all safe fixes; nothing where there are none."""
    text = mended(document.compiled, document.compile).text
    return list(replaced(document, text))


MOST_COMPARED = 1_000_000
"""The pairs of lines that are looked through for those that stay; where there are more, all from the first that differs to the last is one edit."""


def replaced(document: Document, text: str) -> Iterator[tuple[Range, str]]:
    """The edits, one for each run of lines that differ, that make another text of the document."""
    from difflib import SequenceMatcher

    old, new = document.text.splitlines(keepends=True), text.splitlines(keepends=True)
    head = _common(zip(old, new, strict=False))
    tail = _common(zip(reversed(old[head:]), reversed(new[head:]), strict=False))
    last, end = len(old) - tail, len(new) - tail
    starts = [*accumulate(map(len, old), initial=0)]
    if (last - head) * (end - head) > MOST_COMPARED:
        yield range_(Span(document.source, starts[head], starts[last])), "".join(new[head:end])
        return
    for kind, a, b, c, d in SequenceMatcher(None, old[head:last], new[head:end], autojunk=False).get_opcodes():
        if kind != "equal":
            yield range_(Span(document.source, starts[head + a], starts[head + b])), "".join(new[head + c : head + d])


def _common(pairs: Iterable[tuple[str, str]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _own(document: Document, fix: Fix) -> bool:
    return all(edit.span.source is document.source for edit in fix.edits)
