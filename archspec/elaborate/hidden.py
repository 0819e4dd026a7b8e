"""Labels that the text has and a place does not see: where they are, why it does not see them, and what to write."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from archspec.source import Span
from archspec.syntax import ast

_PATTERNS = 100
"""Labels with expressions in them that are looked at."""


class Labels:
    """The labels and outputs of a file, at whatever depth."""

    def __init__(self, file: ast.File) -> None:
        self.plain: dict[str, tuple[ast.Suite, tuple[ast.Suite, ...]]] = {}
        self.patterns: list[tuple[re.Pattern[str], tuple[ast.Suite, tuple[ast.Suite, ...]]]] = []
        self.blocks: list[ast.Suite] = []
        for found in _suites(file.body, ()):
            match found[0].head:
                case ast.Label(ast.Name(written), _) | ast.Output(ast.Name(written), _, _):
                    self.plain.setdefault(written, found)
                case ast.Label(ast.Interpolated(parts), _) if len(self.patterns) < _PATTERNS:
                    pattern = "".join(re.escape(part) if isinstance(part, str) else r"\w+" for part in parts)
                    self.patterns.append((re.compile(pattern), found))
                case ast.Block():
                    self.blocks.append(found[0])

    def hidden(self, name: str, at: Span) -> tuple[Span, str, str] | None:
        """The place of a label that is not seen from here, what is said there, and the help; None where the file has none of that name."""
        found = self.plain.get(name) or next((found for pattern, found in self.patterns if pattern.fullmatch(name)), None)
        if found is None and "." in name:  # `group.label`, as weights are called
            return self.hidden(name.rpartition(".")[2], at)
        if found is None:
            return None
        suite, around = found
        last = bisect_right(self.blocks, at.start, key=lambda block: block.span.start) - 1
        reader = self.blocks[last] if last >= 0 and _holds(self.blocks[last], at) else None
        why = _why(suite, around, name, at)
        if reader is not None and reader not in around:
            help_ = f"a block sees only its own labels and its input: merge `{name}` after the call of the block"
            why = "this is outside of the block", help_
        return (suite.head.span, *why) if why is not None else None


def _suites(body: Sequence[ast.Statement], around: tuple[ast.Suite, ...]) -> Iterator[tuple[ast.Suite, tuple[ast.Suite, ...]]]:
    """Every head with a body, and those around it, the outermost first."""
    for statement in body:
        if isinstance(statement, ast.Suite):
            yield statement, around
            yield from _suites(statement.body, (*around, statement))


def _why(suite: ast.Suite, around: Sequence[ast.Suite], name: str, at: Span) -> tuple[str, str] | None:
    """What is said at a label that is not seen, and the help."""
    block = next((other.head for other in around if isinstance(other.head, ast.Block) and not _holds(other, at)), None)
    if block is not None:
        called = block.name.id
        label = f"`{name}: {called} ...` labels a call, whose value is that of the block's last line"
        return f"this is inside the block `{called}`", f"labels inside a block are not visible outside: {label}"
    if isinstance(suite.head, ast.Output):
        help_ = f"label the line that makes the value, `{name}: ...`; `output {name}` can stay"
        return "this is the name of an output, which other lines cannot read", help_
    if _holds(suite, at):
        return "this is the line itself", f"`{name}` is the value of the whole line, which does not exist yet: label a line above"
    closed = next((other for other in around if not _holds(other, at) and not isinstance(other.head, ast.Merge)), None)
    if closed is not None:
        return _inside(closed.head, name, suite.span.line)
    if suite.span.start > at.start:
        return "this is below", f"a label is visible only below its line: move line {suite.span.line} above line {at.line}"
    guards = [other.guard for other in (*around, suite) if other.guard is not None]
    if guards:
        guard = f"`if {guards[-1].span.text}`"
        return f"{guard} drops this line", f"end the line that reads `{name}` with {guard} too"
    return None


def _inside(head: ast.Head, name: str, line: int) -> tuple[str, str]:
    """A label within a head that shuts it off."""
    text = head.span.text
    match head:
        case ast.Repeat():
            label = f"`{name}: {text}:` labels the repeat, whose value is that of its last round"
            return "this is inside a repeat", f"labels inside a round are not visible outside: {label}"
        case ast.Label():
            label = f"`{text}` is the value of its last line; to use this one, end the group at line {line}"
            return f"this is inside the group `{text}`", f"labels inside a group are not visible outside: {label}"
        case ast.Output():
            return "this is inside an auxiliary head", f"its values are visible only inside it: label a line above `{text}:`"
    word = "shortcut" if isinstance(head, ast.Shortcut) else "residual"
    return f"this is inside a {word}", f"its labels are not visible outside: label the residual, `{name}: residual:`, or a line above it"


def _holds(suite: ast.Suite, at: Span) -> bool:
    """Whether a place is in a head or its body."""
    last: ast.Statement = suite
    while isinstance(last, ast.Suite) and last.body:
        last = last.body[-1]
    return suite.span.start <= at.start < max(suite.span.end, last.span.end)
