"""Replaces the general help of a message by the line rewritten, where it is one of another tool."""

from __future__ import annotations

import re

from archspec.diagnostics import Diagnostic
from archspec.diagnostics.fix import Fixes, lines_removed, written
from archspec.foreign.equivalents import REASONS, known_as
from archspec.foreign.whole_lines import ALONE, PROGRAM, Rewritten, rewritten
from archspec.source import Source, Span
from archspec.syntax.lalr import Unexpected, automaton
from archspec.syntax.lines import roles

_LINES = frozenset(("A001", "A005", "A008", "A117", "A105", "A106", "A112"))
"""Messages whose help is a rewritten line where there is one."""
_NAMES = frozenset(("A101", "A102", "A103", "A104"))
"""Messages whose help may also say that the language has no such thing."""
_LONGEST = 400
"""Characters of the longest help that is shown."""
_COMMENT = re.compile(r"(?<=[ ;,)])(?://|--|/\*) *(\w.*?) *(?:\*/ *)?$")
"""A comment of other languages behind a line."""
_POWER = re.compile(r"\w\s*(?:\*\*|\^)\s*[\w(]")
_MOST = 200
"""Lines that are rewritten; a file with more mistakes needs the first of them mended."""


def advised(found: list[Diagnostic], source: Source) -> list[Diagnostic]:
    """The findings in a text, with the help that knows other tools where there is one; a single one where it is a file of another kind."""
    if any(diagnostic.code.startswith("A0") for diagnostic in found):
        from archspec.foreign.pasted import pasted

        other = pasted(source)
        if other is not None:
            return [other]
    seen: dict[tuple[Source, int], Rewritten | None] = {}
    result = []
    for diagnostic in found:
        span = diagnostic.span
        if span is None or diagnostic.code not in _LINES | _NAMES or len(seen) >= _MOST:
            result.append(diagnostic)
            continue
        place = (span.source, span.line)
        if place not in seen:
            seen[place] = _checked(rewritten(_logical(*place), _blocks(span.source), _defaults(*place)))
        result.append(_general(_with(_unguessed(_powerless(diagnostic, span), span), seen[place])))
    return result


_GENERAL = {
    "expected a layer,": "a line begins with a layer or with a label: `conv k=3 f=8`, `stem: conv k=3 f=8`",
    "expected `key=value`, `|` or the end": "arguments are `key=value` with spaces between them, steps are joined by `|`, a comment begins with `#`",
}
"""Help for messages that have none, by their first words."""


def _general(diagnostic: Diagnostic) -> Diagnostic:
    """The diagnostic with what a line may hold, where nothing is known that helps more."""
    help_ = next((text for start, text in _GENERAL.items() if diagnostic.message.startswith(start)), None)
    return diagnostic._replace(help=help_) if diagnostic.help is None and help_ else diagnostic


def _powerless(diagnostic: Diagnostic, span: Span) -> Diagnostic:
    """The diagnostic with what is written in the place of a power, where that is what cannot be read."""
    power = diagnostic.help is None and span.text in ("*", "**", "^") and _POWER.search(span.source.line(span.line))
    return diagnostic._replace(help="there are no powers; a list has a value for each round: `f=16,32,64`") if power else diagnostic


def _blocks(source: Source) -> list[str]:
    """The names of a file's own blocks."""
    return re.findall(r"^[ \t]*block +(\w+)", source.text, re.MULTILINE)


def _unguessed(diagnostic: Diagnostic, span: Span) -> Diagnostic:
    """The diagnostic without the layer of nearly the same letters, where the word has a meaning of its own elsewhere."""
    guess = re.fullmatch(r"did you mean `(\w+)`\?", diagnostic.help or "")
    if guess is None or diagnostic.code != "A101" or guess[1] in _blocks(span.source):
        return diagnostic
    said = known_as(span.text)
    return diagnostic._replace(help=said) if said else diagnostic


def _defaults(source: Source, number: int) -> dict[str, frozenset[str]]:
    """The arguments that the lines of defaults above a line give to each layer."""
    above = source.text[: source.starts[number - 1]]
    found: dict[str, frozenset[str]] = {}
    for step, rest in re.findall(r"^default +(\w+) +(.*)", above, re.MULTILINE):
        found[step] = found.get(step, frozenset()) | frozenset(re.findall(r"(\w+) *=", rest))
    return found


def _with(diagnostic: Diagnostic, found: Rewritten | None) -> Diagnostic:
    """The diagnostic with what was found as its help, where that answers it."""
    span, code = diagnostic.span, diagnostic.code
    own = span is not None and code in ("A103", "A104") and span.text.partition(" ")[0] in _blocks(span.source)
    if found is None or span is None or own or (found.line is None and code not in _NAMES and not _reasoned(diagnostic, span, found)):
        return diagnostic
    line = found.line or ""
    unfit = {
        "A117": not line.startswith("input "),
        "A106": not _means_otherwise(span, line),
        "A105": span.text.rpartition("=")[2].strip() in re.split(r"[ =]", line),  # the value is what is wrong, and still there
        "A112": not re.match(r"\(|\w+=\d+,000\b|\d+,000\b", span.text),  # a list outside of a repeat may be meant
    }
    if unfit.get(code) or not found.help:
        return diagnostic
    whole = span.source.line(span.line).split("#")[0].strip()
    alone = (found.reason == REASONS["word"] and whole == span.text) or (found.reason == PROGRAM and ALONE.fullmatch(whole))
    needless = found.line is None and alone
    fixes = (lines_removed(span.source, span.line, span.line, "remove the line")._replace(safe=True),) if needless else _instead(span, line)
    return diagnostic._replace(help=found.help, fixes=fixes)


def _instead(span: Span, line: str) -> Fixes:
    """The fix that writes another line in the place of that of a span; its indentation and its comment stay."""
    source, number = span.source, span.line
    if not line:
        return ()
    text = _logical(source, number)
    start = source.starts[number - 1] + len(text) - len(text.lstrip(" "))
    end = next((token.start for token in automaton().lex(text) if token.type == "COMMENT"), len(text))
    stop = source.starts[number - 1] + len(text[:end].rstrip())
    if (comment := _COMMENT.search(text[:end])) and comment[1] not in line:
        line += f"  # {comment[1]}"
    return (written(Span(source, start, stop), line, safe=True),) if stop > start else ()


def _means_otherwise(span: Span, line: str) -> bool:
    """Whether a name that is not defined is a word of Python, the key of `f:8`, or a word of a comment, which the line is without."""
    word = span.text
    named = word in ("True", "False", "None") or span.source.text[span.end : span.end + 1] == ":"
    return named or (word not in ("true", "false") and re.search(rf"\b{re.escape(word)}\b", line) is None)


def _reasoned(diagnostic: Diagnostic, span: Span, found: Rewritten) -> bool:
    """Whether a reason helps more than the sign that does not fit: where nothing else does, and in a call, an assignment or a list."""
    if diagnostic.code not in ("A001", "A005", "A008") or not found.reason:
        return False
    line = span.source.line(span.line)
    return (
        diagnostic.help is None
        or span.text == ","
        or "(" in line
        or re.match(r"\s*(?:[\w.]+\s*\+?=|return\b|import\b|from\b.*\bimport\b|shortcut from=)", line) is not None
    )


def _logical(source: Source, number: int) -> str:
    """A line with those below that its brackets take in, ten at most."""
    text = source.line(number)
    for below in range(number + 1, min(number + 10, len(source.starts)) + 1):
        if text.count("(") + text.count("[") <= text.count(")") + text.count("]"):
            break
        text += "\n" + source.line(below)
    return text


def _checked(found: Rewritten | None) -> Rewritten | None:
    """A rewritten line is proposed only if it can be read, by the parser and by people."""
    if found is None or len(found.help or "") > _LONGEST:
        return None
    if found.line is not None and not found.line.startswith("#"):
        try:
            automaton().parse(roles(list(automaton().lex(found.line))))
        except Unexpected:
            return None
    return found
