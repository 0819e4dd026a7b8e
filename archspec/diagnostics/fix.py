"""Fixes: edits of a text that would mend what a message reports, and the edits that messages share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from archspec.source import Source, Span


class Edit(NamedTuple):
    """A piece of a text, and what to write in its place."""

    span: Span
    text: str


class Fix(NamedTuple):
    """Edits that belong together.

    A `safe` one writes what the words can only mean, or leaves the network's function as it is; another one chooses among several ways, or
    makes another network. `title` says what it does, as an imperative.
    """

    title: str
    edits: tuple[Edit, ...]
    safe: bool = False


Fixes = tuple[Fix, ...]
_AT_LEFT = re.compile(r"[^ \n\r#|)\]}]")
"""What a line of the top level begins with."""


def written(span: Span, text: str, *, safe: bool = False, title: str = "") -> Fix:
    """Write a text in the place of a span."""
    return Fix(title or f"write `{text.strip()}`", (Edit(span, text),), safe)


def respelled(span: Span, word: str, known: str | None) -> Fixes:
    """Write the known name of which the word of a span is a misspelling; nothing where there is none."""
    at = span.text.find(word)
    return (written(Span(span.source, span.start + at, span.start + at + len(word)), known, safe=True),) if known and at >= 0 else ()


def inserted(span: Span, text: str, *, safe: bool = False, title: str = "") -> Fix:
    """Write a text behind a span."""
    return Fix(title or f"add `{text.strip()}`", (Edit(Span(span.source, span.end, span.end), text),), safe)


def preceded(span: Span, text: str) -> Fix:
    """Write a text before a span."""
    return Fix(f"put `{text.strip(' |')}` before it", (Edit(Span(span.source, span.start, span.start), text),))


def argued(step: Span, *arguments: str, place: Span | None = None, safe: bool = False) -> Fix:
    """Give a step arguments such as `p=1`, in the place of those that it has; `place` is that of a first one without a name."""
    edits, new = [], []
    for argument in arguments:
        name, _, value = argument.partition("=")
        found = re.search(rf"(?<![\w.\"]){re.escape(name)} *=(?!=) *", step.text)
        if found is not None:
            end = _end_of_value(step.text, found.end())
            edits.append(Edit(Span(step.source, step.start + found.start(), step.start + end), argument))
        elif place is not None and "=" not in place.text and not edits:
            edits.append(Edit(place, value))
        else:
            new.append(argument)
    if new:
        edits.append(Edit(Span(step.source, step.end, step.end), "".join(f" {argument}" for argument in new)))
    return Fix(f"write `{' '.join(arguments)}`", tuple(edits), safe)


def _end_of_value(text: str, start: int) -> int:
    """Where a value ends: at the first space outside brackets and quotes."""
    depth, quoted = 0, False
    for at in range(start, len(text)):
        char = text[at]
        quoted ^= char == '"'
        depth += (char in "([{") - (char in ")]}")
        if char in " |" and depth <= 0 and not quoted:
            return at
    return len(text)


def removed(step: Span, title: str = "") -> Fixes:
    """Take a step out of its chain, with the bar beside it, or a line that is nothing else; nothing where it stands behind a head."""
    text, (source, start, end) = step.source.text, step
    before, after = text[:start].rstrip(" "), text[end:]
    behind = re.match(r" *\| *", after)
    line = text.rfind("\n", 0, start) + 1
    if before.endswith("|"):
        start = len(before[:-1].rstrip(" \n")) if "\n" not in text[len(before[:-1].rstrip(" \n")) : start] else len(before) - 1
    elif behind:
        end += behind.end()
    elif not text[line:start].strip() and (rest := re.match(r"[ \r]*\n", after)):
        start, end = line, end + rest.end()
    else:
        return ()
    return (Fix(title or f"remove `{step.text}`", (Edit(Span(source, start, end), ""),)),)


def lines_removed(source: Source, first: int, last: int, title: str) -> Fix:
    """Remove lines, counted from 1, the last one included."""
    end = source.starts[last] if last < len(source.starts) else len(source.text)
    return Fix(title, (Edit(Span(source, source.starts[first - 1], end), ""),))


def doubled(span: Span) -> Fixes:
    """Remove the line of a span where it says the same as the line above; nothing where it does not."""
    source, number = span.source, span.line
    if number == 1 or source.line(number - 1).split("#")[0].split() != source.line(number).split("#")[0].split():
        return ()
    return (lines_removed(source, number, number, "remove the line that is there twice")._replace(safe=True),)


def shifted(source: Source, lines: Iterable[int], spaces: int, title: str) -> Fix:
    """Indent lines by so many spaces more, or less."""
    edits = []
    for number in lines:
        start, blank = source.starts[number - 1], len(source.line(number)) - len(source.line(number).lstrip(" "))
        if source.line(number).strip():
            edits.append(Edit(Span(source, start, start + blank), " " * max(0, blank + spaces)))
    return Fix(title, tuple(edits))


def beside(span: Span) -> str:
    """The text that a line would be above if it were moved to the top level, without what it is above already."""
    source, number = span.source, span.line
    left = [at for at in range(1, len(source.starts) + 1) if _AT_LEFT.match(source.line(at))]
    top = max((at for at in left if at < number), default=number)
    below = min((at for at in left if at > number), default=None)
    return source.text[source.starts[top - 1] : span.start] + (source.text[source.starts[below - 1] :] if below is not None else "")


def moved_up(span: Span, *, safe: bool = False) -> Fixes:
    """Move a line, with its comment, to the top level, above the line that it is indented under."""
    source, number = span.source, span.line
    top = next((at for at in range(number - 1, 0, -1) if _AT_LEFT.match(source.line(at))), None)
    line = source.line(number).strip()
    if top is None or not re.fullmatch(r" *(?:#.*)?", line.removeprefix(span.text)):
        return ()
    return (moved_above(span, top, line)._replace(safe=safe),)


def moved_above(span: Span, top: int, line: str) -> Fix:
    """Move the line of a span, which is to be written as `line`, above another one, counted from 1."""
    source, place = span.source, span.source.starts[top - 1]
    gone = lines_removed(source, span.line, span.line, "").edits
    return Fix(f"move `{span.text}` above line {top}", (Edit(Span(source, place, place), f"{line}\n"), *gone))


def apply(text: str, fixes: Sequence[Fix]) -> tuple[str, list[Fix]]:
    """Apply to a text the fixes whose edits do not meet those of a fix before them; returns the text, and the fixes that were applied."""
    taken: dict[Edit, None] = {}
    applied = []
    for fix in fixes:
        new = [edit for edit in fix.edits if edit not in taken]
        if not any(_meet(edit.span, other.span) for edit in new for other in taken):
            taken.update(dict.fromkeys(new))
            applied.append(fix)
    for edit in sorted(taken, key=lambda edit: (edit.span.start, edit.span.end), reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text, applied


def _meet(one: Span, other: Span) -> bool:
    """Whether spans have characters in common, or are insertions at one place."""
    return (one.start < other.end and other.start < one.end) or one.start == other.start or one.end == other.end
