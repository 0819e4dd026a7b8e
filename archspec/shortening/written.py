"""Lines, and what stands on one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from archspec.shortening.items import Item
from archspec.shortening.usual import width

WIDE = 100
"""Characters of several steps on one line at most."""


class Guard(NamedTuple):
    """The instances that have a line, among those that have the lines around it; in a repeat the first round may lack it."""

    has: frozenset[int]
    among: frozenset[int]
    later: bool = False


@dataclass(slots=True)
class Line:
    """A line with those indented below it, if it is a head; one that `joins` may stand on one line with others, which it `begins`.

    A line `from` is one that `opens`: the next one stands behind it, and has its label before it. The `condition` is said once all parameters are
    known.
    """

    text: str
    inner: list[Line] | None = None
    guard: Guard | None = None
    joins: bool = False
    begins: bool = False
    opens: bool = False
    label: str = ""
    condition: str = ""
    items: list[Item] = field(default_factory=list)
    """What it says."""
    parts: list[Line] = field(default_factory=list)
    """The lines that were joined to it."""


def joined(lines: Sequence[Line]) -> Iterator[Line]:
    """Lines with what belongs on one with them: a layer with weights and what is behind it, and what a `from` begins."""
    current: Line | None = None
    for line in lines:
        if current is not None:
            if _fit(current, line):
                text = f"{current.text} | {line.text}"
                current = Line(
                    text,
                    guard=line.guard,
                    condition=line.condition,
                    joins=line.joins,
                    begins=current.begins,
                    label=line.label or current.label,
                    items=current.items + line.items,
                    parts=[*(current.parts or [current]), line],
                )
                continue
            yield current
        current = line
    if current is not None:
        yield current


def _fit(current: Line, line: Line) -> bool:
    """Whether a line stands behind another on one line."""
    if (
        line.inner is not None
        or (current.guard, current.condition) != (line.guard, line.condition)
        or width(current.text) + width(line.text) >= WIDE
    ):
        return False
    return (line.joins or bool(line.label)) if current.opens else current.joins and line.joins and not line.begins


def one_line(lines: Sequence[Line]) -> str | None:
    """Lines as one; None where they are none."""
    if any(line.inner is not None or line.guard is not None for line in lines) or (
        len(lines) > 1 and not all(line.joins for line in lines)
    ):
        return None
    text = lines[0].label + " | ".join(line.text for line in lines) if lines else ""
    return text if width(text) <= WIDE else None


def nested(label: str, lines: list[Line]) -> Line:
    """A label with what it names, on one line where that is short."""
    whole = one_line(lines)
    items = [item for line in lines for item in line.items]
    if whole is not None:
        return Line(f"{label}{whole}", items=items)
    if len(lines) == 1 and lines[0].guard is None and lines[0].inner is not None:
        return Line(f"{label}{lines[0].label}{lines[0].text}", lines[0].inner, items=items)
    return Line(label.rstrip(), lines)


def apart(label: str, line: Line) -> Line:
    """A label and a chain that it names on one line, so that this can go on from a `from`; any other line as it is."""
    rest = line.text.removeprefix(label)
    if line.inner is not None or ": " in rest or rest == line.text:
        return line
    return Line(rest, label=label, items=line.items)


def printed(lines: Sequence[Line], indent: int = 0) -> Iterator[tuple[str, Line]]:
    """The text, line by line, and what stands on each line."""
    for line in lines:
        condition = f" if {line.condition}" if line.condition else ""
        is_head = line.inner is not None and line.text.endswith(":")
        yield "  " * indent + line.label + (f"{line.text[:-1]}{condition}:" if is_head else line.text + condition), line
        yield from printed(line.inner or (), indent + 1)
