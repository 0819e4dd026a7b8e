"""Statements under conditions: those under one condition together, one condition once, short ones on a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

WIDTH = 116
_ASSIGNED = re.compile(r"(\w+) = (.*)")


class Branch(NamedTuple):
    """Statements where a condition holds, and others, or none, where it does not."""

    condition: str
    yes: list[str]
    no: list[str]

    def whole(self) -> Iterator[str]:
        """The statements on lines of their own."""
        yield f"if {self.condition}:"
        yield from [f"    {line}" for line in self.yes]
        if self.no:
            yield "else:"
            yield from [f"    {line}" for line in self.no]

    def lines(self) -> Iterator[str]:
        """The statements; one assignment for two where that is short enough."""
        found = [_ASSIGNED.fullmatch(lines[0]) if len(lines) == 1 else None for lines in (self.yes, self.no)]
        if found[0] is not None and found[1] is not None and found[0][1] == found[1][1]:
            text = f"{found[0][1]} = {found[0][2]} if {self.condition} else {found[1][2]}"
            if len(text) <= WIDTH:
                yield text
                return
        yield from Branch(self.condition, list(branched(self._once())), list(branched(self.no))).whole()

    def _once(self) -> list[str]:
        """The statements where it holds, which need not ask for it again."""
        found: list[str] = []
        for each in _read(self.yes):
            found += [each] if isinstance(each, str) else each.yes if each.condition == self.condition else each.whole()
        return found

    def joined(self, other: Branch) -> Branch | None:
        """Join this with the branch behind it; None where their conditions have nothing to do with each other."""
        if self.condition == other.condition:
            return Branch(self.condition, [*self.yes, *other.yes], [*self.no, *other.no])
        if self.condition == f"not {other.condition}":
            return Branch(other.condition, [*self.no, *other.yes], [*self.yes, *other.no])
        return None


def _read(lines: Sequence[str]) -> Iterator[str | Branch]:
    """Statements, with those under conditions as branches."""
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if not line.startswith("if "):
            yield line
            continue
        bodies: list[list[str]] = []
        while not bodies or (at < len(lines) and lines[at] == "else:" and len(bodies) < 2):
            end = at + bool(bodies)
            start = end
            while end < len(lines) and lines[end].startswith(" "):
                end += 1
            bodies.append([inner[4:] for inner in lines[start:end]])
            at = end
        yield Branch(line[3:-1], bodies[0], bodies[1] if len(bodies) > 1 else [])


def branched(lines: Sequence[str]) -> Iterator[str]:
    """Statements, those under one condition together."""
    pending: Branch | None = None
    for each in _read(lines):
        if pending is not None:
            one = pending.joined(each) if isinstance(each, Branch) else None
            if one is not None:
                pending = one
                continue
            yield from pending.lines()
        pending = each if isinstance(each, Branch) else None
        if isinstance(each, str):
            yield each
    if pending is not None:
        yield from pending.lines()
