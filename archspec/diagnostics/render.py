"""Diagnostics as text for people, and as data for programs.

Everything that comes from a spec passes `visible`, so that no control character of a text reaches a terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from archspec.diagnostics.diagnostic import Diagnostic
from archspec.diagnostics.folding import StyledLine, folded
from archspec.diagnostics.visible import visible
from archspec.source import Source, Span

_WIDTH = 160
"""Longer source lines are shown around the marked words only."""


def plain(diagnostics: Sequence[Diagnostic], most: int | None = None) -> str:
    """Errors and warnings as a terminal shows them, without colour; of more than `most` the first errors."""
    found = [diagnostic for diagnostic in diagnostics if diagnostic.severity != "note" or len(diagnostics) == 1]
    shown = found
    if most is not None and len(found) > most:
        shown = sorted(found, key=lambda diagnostic: diagnostic.severity != "error")[:most]
    texts = ["\n".join("".join(piece for piece, _ in line).rstrip() for line in full(diagnostic)) for diagnostic in shown]
    more = [f"... and {len(found) - len(shown):,} more; `diagnostics` has all of them"] if len(shown) < len(found) else []
    return "\n\n".join([*texts, *more])


def full(diagnostic: Diagnostic, columns: int | None = None) -> Iterator[StyledLine]:
    """The lines of a message, with the source quoted and the words marked; folded at words where a screen has no more `columns`."""
    style = diagnostic.severity
    yield from folded([(f"{diagnostic.severity}[{diagnostic.code}]", style), (f": {visible(diagnostic.message)}", "message")], columns, 2)
    width = 1
    if diagnostic.span is not None:
        marks = [(diagnostic.span, diagnostic.label, True), *((span, text, False) for span, text in diagnostic.secondary)]
        width = max(len(str(span.line)) for span, _, _ in marks)
        for source in dict.fromkeys(span.source for span, _, _ in marks):
            yield from _quoted(source, [mark for mark in marks if mark[0].source is source], width, style, columns)
    notes = [("note: ", note) for note in (*diagnostic.notes, *(frame.text for frame in diagnostic.trace))]
    for word, text in [*notes, *([("help: ", diagnostic.help)] if diagnostic.help else [])]:
        yield from folded([(" " * width, ""), (" = ", "frame"), (word, "label"), (visible(text), "")], columns, width + 9)


def _quoted(source: Source, marks: Sequence[tuple[Span, str, bool]], width: int, style: str, columns: int | None) -> Iterator[StyledLine]:
    """A source's marked lines, in order; gaps between them are not shown. Of a source without text, such as a model's file, its name."""
    if not source.text:
        yield [(" " * width + "--> ", "frame"), (visible(source.name), "")]
        return
    most = _WIDTH if columns is None else max(30, min(_WIDTH, columns - width - 3))
    line, column = source.locate(marks[0][0].start)
    yield [(" " * width + "--> ", "frame"), (f"{visible(source.name)}:{line}:{column}", "")]
    yield [(" " * width + " |", "frame")]
    quoted: StyledLine = []
    for span, text, primary in sorted(marks, key=lambda mark: (mark[0].start, not mark[2])):
        line, column = source.locate(span.start)
        written = source.line(line)
        length = max(1, min(span.end, source.starts[line - 1] + len(written)) - span.start)
        before, marked = written[: column - 1], written[column - 1 : column - 1 + length]
        after = written[column - 1 + length :]
        if len(written) > most:
            before, marked = _cropped(before, most * 3 // 8), _cropped(marked[::-1], most // 2)[::-1]
            after = after[: max(0, most - len(before) - len(marked))]
        before, marked = visible(before), visible(marked) or " "
        above, quoted = quoted, [(f"{line:>{width}} | ", "frame"), (before + marked + visible(after), "")]
        if quoted != above:  # marks of one line stand below one another
            yield quoted
        sign, style_ = ("^", style) if primary else ("-", "label")
        under: StyledLine = [(" " * width + " | ", "frame"), (" " * len(before), ""), (sign * len(marked), style_)]
        text = visible(text)
        if columns is None or width + 3 + len(before) + len(marked) + 1 + len(text) <= columns:
            yield [*under, (f" {text}" if text else "", style_)]
            continue
        yield under
        for line_ in folded([(text, style_)], max(20, columns - width - 5)):
            yield [(" " * width + " |   ", "frame"), *line_]


def _cropped(text: str, width: int) -> str:
    """The end of a text."""
    return text if len(text) <= width else "..." + text[-width:]


def concise(diagnostic: Diagnostic) -> str:
    """`file:line:col: code message`."""
    place = "-"
    if diagnostic.span is not None:
        line, column = diagnostic.span.source.locate(diagnostic.span.start)
        place = f"{visible(diagnostic.span.source.name)}:{line}:{column}"
    return f"{place}: {diagnostic.code} {visible(diagnostic.message)}"


def as_data(diagnostic: Diagnostic) -> dict[str, Any]:
    """The JSON form of cli.md: places count from 1, the end is exclusive."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        **_place(diagnostic.span),
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
        "trace": [
            {name: place[name] for name in _PLACE[:3]} | {"text": text} for span, text in diagnostic.trace if (place := _place(span))
        ],
    }


_PLACE = ("file", "line", "column", "end_line", "end_column")


def _place(span: Span | None) -> dict[str, Any]:
    where = (span.source.name, *span.source.locate(span.start), *span.source.locate(span.end)) if span is not None else [None] * 5
    return dict(zip(_PLACE, where, strict=True))


def github(diagnostic: Diagnostic) -> str:
    """A workflow command that GitHub shows beside the line."""
    data = as_data(diagnostic)
    kind = "notice" if diagnostic.severity == "note" else diagnostic.severity
    where = ""
    if data["file"] is not None:
        names = dict(zip(_PLACE, ("file", "line", "col", "endLine", "endColumn"), strict=True))
        where = "".join(f"{names[key]}={_escaped(str(data[key]), ':,')}," for key in _PLACE)
    body = "\n".join([diagnostic.message, *diagnostic.notes, *([f"help: {diagnostic.help}"] if diagnostic.help else [])])
    return f"::{kind} {where}title={diagnostic.code}::{_escaped(body)}"


def _escaped(text: str, more: str = "") -> str:
    for sign in "%\r\n" + more:
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text


def sarif(diagnostics: Iterable[Diagnostic], version: str) -> dict[str, Any]:
    """A SARIF 2.1.0 log."""
    from urllib.parse import quote

    results, rules = [], {}
    for diagnostic in diagnostics:
        data = as_data(diagnostic)
        rules[diagnostic.code] = {"id": diagnostic.code}
        result: dict[str, Any] = {
            "ruleId": diagnostic.code,
            "level": diagnostic.severity,
            "message": {"text": "\n".join([diagnostic.message, *diagnostic.notes])},
        }
        if data["file"] is not None:
            region = dict(zip(("startLine", "startColumn", "endLine", "endColumn"), map(data.get, _PLACE[1:]), strict=True))
            result["locations"] = [{"physicalLocation": {"artifactLocation": {"uri": quote(data["file"])}, "region": region}}]
        results.append(result)
    driver = {"name": "archspec", "version": version, "rules": [rules[code] for code in sorted(rules)]}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
