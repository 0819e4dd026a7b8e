"""Lines, and what stands on one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDE = 100
"""Characters of several steps on one line at most."""

Guard = tuple[frozenset[int], frozenset[int]]
"""The instances that have a line, among those that have what it stands in."""


@dataclass(slots=True)
class Line:
    """A line with those indented below it, if it is a head; one that `joins` may stand on one line with others, which it `begins`.

    The `condition` is said once all parameters are known.
    """

    text: str
    inner: list[Line] | None = None
    guard: Guard | None = None
    joins: bool = False
    begins: bool = False
    condition: str = ""


def joined(lines: Sequence[Line]) -> Iterator[Line]:
    """Lines with what belongs on one with them: a layer with weights and what is behind it."""
    current: Line | None = None
    for line in lines:
        if current is not None:
            fit = current.joins and line.joins and not line.begins and len(current.text) + len(line.text) < WIDE
            if fit and current.guard == line.guard:
                current = Line(f"{current.text} | {line.text}", guard=line.guard, joins=True, begins=current.begins)
                continue
            yield current
        current = line
    if current is not None:
        yield current


def one_line(lines: Sequence[Line]) -> str | None:
    """Lines as one; None where they are none."""
    if any(line.inner is not None or line.guard is not None for line in lines) or (
        len(lines) > 1 and not all(line.joins for line in lines)
    ):
        return None
    text = " | ".join(line.text for line in lines)
    return text if len(text) <= WIDE else None


def nested(label: str, lines: list[Line]) -> Line:
    """A label with what it names, on one line where that is short."""
    whole = one_line(lines)
    if whole is not None:
        return Line(f"{label}{whole}")
    if len(lines) == 1 and lines[0].guard is None and lines[0].inner is not None:
        return Line(f"{label}{lines[0].text}", lines[0].inner)
    return Line(label.rstrip(), lines)


def printed(lines: Sequence[Line], indent: int = 0) -> Iterator[str]:
    """The text, line by line."""
    for line in lines:
        condition = f" if {line.condition}" if line.condition else ""
        is_head = line.inner is not None and line.text.endswith(":")
        yield "  " * indent + (f"{line.text[:-1]}{condition}:" if is_head else line.text + condition)
        yield from printed(line.inner or (), indent + 1)
