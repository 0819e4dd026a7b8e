"""The rounds of a repeat as one: line by line, word by word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from archspec.backends.arch import as_label
from archspec.shortening.items import Item
from archspec.shortening.saying import counting_part, listed, variants
from archspec.shortening.vocabulary import argument, filled, is_keyed, is_name, label_of, replaced, words_of
from archspec.shortening.written import Line, joined

if TYPE_CHECKING:
    from archspec.shortening.sections import Spot

_MARK = re.compile("\2(\\d+)(-?)\3")
"""A value of a line of the same round, or of the one before, until it has a name."""


class Unlike(Exception):
    """Says that parts differ in more than numbers."""


class Merging:
    """Makes one round of all: `rounds` are their lines side by side, of which the first round may lack some.

    `outside` are names in other lines of the body, and `taken` all of them; those that have become others are in `renamed`.
    """

    def __init__(self, rounds: Sequence[Sequence[Spot | None]], index: str, outside: set[str], taken: set[str]) -> None:
        self.rounds = rounds
        self.index = index
        self.outside = outside
        self.taken = set(taken)
        self.renamed: dict[str, str] = {}
        self.defined = {
            name: (row, at) for row, spots in enumerate(rounds) for at, spot in enumerate(spots) if spot is not None for name in spot.names
        }
        """The line and the round of each name."""
        self.begun: dict[int, str] = {}
        """What the first round reads where the others read a line of the round before."""
        self.marks: list[tuple[str, str]] = []
        """Names that values before the first round need, and those that they have."""
        self.bound = 0
        """The repeats around a line, whose lists follow their own rounds."""
        self.read: set[int] = set()
        """Lines that others read."""

    def lines(self) -> list[Line]:
        """The lines of all rounds. Raises Unlike."""
        merged = [self.line([spot.line if spot is not None else None for spot in spots]) for spots in self.rounds]
        called: dict[int, tuple[str, bool]] = {}
        for row, spots in enumerate(self.rounds):
            names = [(at, name) for at, spot in enumerate(spots) if spot is not None for name in spot.names]
            used = [(at, name) for at, name in names if name in self.outside]
            if not (row in self.begun or row in self.read or used):
                continue
            stem = next(stem for stem in variants(names[0][1]) if f"{stem}_" not in self.taken)
            self.taken.add(f"{stem}_")
            ahead = row in self.begun
            called[row] = f"{stem}_", ahead
            self.renamed |= {name: f"{stem}_{at + ahead}" for at, name in used}
            if ahead:
                self.marks.append((f"{stem}_0", self.begun[row]))

        def name(found: re.Match[str]) -> str:
            stem, ahead = called[int(found[1])]
            return f"{stem}{{{self.index}{'+1' if ahead and not found[2] else ''}}}"

        found: list[Line] = []
        for row, line in enumerate(merged):
            line = _substituted(line, name)
            if row in called:
                stem, ahead = called[row]
                label = f"{stem}{{{self.index}{'+1' if ahead else ''}}}: "
                spot = next(spot for spot in self.rounds[row] if spot is not None)
                if line.inner is None and not spot.counts and not line.opens:
                    found.append(replace(line, label=label))
                    continue
                found += [line, Line(f"{label}skip")]
                continue
            found.append(line)
        return [replaced(line, self.renamed) for line in joined(found)]

    def line(self, lines: Sequence[Line | None], *, inside: bool = False) -> Line:
        """One line of all rounds, with marks for names of values."""
        own = [line for line in lines if line is not None]
        first = own[0]
        items = [item for line in own for item in line.items]
        shift = len(lines) - len(own)
        if len({line.condition for line in own}) > 1 or len({len(line.inner or ()) for line in own}) > 1 or (shift and first.condition):
            raise Unlike
        names = [label_of(line) for line in own]
        label = self.counted([name for name, _ in names], shift)
        self.bound += (again := "repeat " in first.text)
        text = self.text([rest for _, rest in names], items, shift)
        inner = (
            None
            if first.inner is None
            else [self.line([None] * shift + list(row), inside=True) for row in zip(*[line.inner or () for line in own], strict=True)]
        )
        self.bound -= again
        condition = f"{self.index} > 0" if shift and not inside else first.condition
        found = replace(first, text=text, label=f"{label}: " if label else "", inner=inner, items=items, parts=[], condition=condition)
        if inner is not None and label:
            found = replace(found, text=f"{label}: {text}", label="")
        return found

    def counted(self, names: Sequence[str], shift: int) -> str:
        """A name in which a number counts the rounds."""
        first = names[0]
        if len(set(names)) == 1:
            return as_label(first) if first and "{" not in first else f'"{first}"' if first else ""
        part = counting_part(first, names[1])
        if part is None or "" in names:
            raise Unlike
        before, start, second, behind = part
        by = second - start
        begin = start - by * shift
        if by < 1 or begin < 0 or [f"{before}{start + by * at}{behind}" for at in range(len(names))] != list(names):
            raise Unlike
        one = f"{before}0{behind}"
        text = f"{before}{{{f'{by}*' if by > 1 else ''}{self.index}{f'+{begin}' if begin else ''}}}{behind}"
        plain = as_label(one) == one and "{" in text.partition(".")[0]
        return text if plain else f'"{text}"'

    def text(self, texts: Sequence[str], items: Sequence[Item], shift: int) -> str:
        """The text of all rounds."""
        parts = [text.split(" | ") for text in texts]
        if len(set(map(len, parts))) > 1:
            raise Unlike
        return " | ".join(self.step(steps, items, shift) for steps in zip(*parts, strict=True))

    def step(self, steps: Sequence[str], items: Sequence[Item], shift: int) -> str:
        """One step of all rounds."""
        if len(set(steps)) == 1 and not any(word.rpartition("=")[2] in self.defined for word in words_of(steps[0])):
            return steps[0]
        rows = filled([words_of(step) for step in steps], items)
        if rows is None:
            raise Unlike
        found: list[str] = []
        heads = [at for at, word in enumerate(rows[0]) if word.endswith(":")]
        begin = heads[-1] + 1 if heads else 0
        step = rows[0][begin] if begin < len(rows[0]) else ""
        for at, words in enumerate(zip(*rows, strict=True)):
            word, place = self.word(words, step, at - begin - 1, items, shift), at - begin - 1
            behind = place > 0 and is_keyed(found[-1]) and not is_keyed(word)
            found.append(f"{argument(step, place, items)}={word}" if behind else word)
        return " ".join(found)

    def word(self, words: Sequence[str], step: str, at: int, items: Sequence[Item], shift: int) -> str:
        """One word of all rounds."""
        if words[0].endswith(":"):
            return self.counted([word[:-1].strip('"') for word in words], shift) + ":" if len(set(words)) > 1 else words[0]
        keys = {word.partition("=")[0] if "=" in word else "" for word in words}
        values = [word.partition("=")[2] if "=" in word else word for word in words]
        key = keys.pop()
        if keys:
            raise Unlike
        if all(map(is_name, values)) and (key or at >= 0):
            name = self.reference([value.strip('"') for value in values], shift)
            if name is not None:
                return f"{key}={name}" if key else name
        if len(set(values)) == 1:
            return words[0]
        if at < 0 or self.bound or any(set(value) & set('",\0\1 ') for value in values):
            raise Unlike
        key = key or argument(step, at, items) or ""
        if not key:
            raise Unlike
        return f"{key}={listed([values[0]] * shift + values)}"

    def reference(self, names: Sequence[str], shift: int) -> str | None:
        """The name of a value that each round reads; None where it is none."""
        known = [self.defined.get(name) for name in names]
        rounds = range(shift, shift + len(names))
        if all(one is not None and one[1] == at for one, at in zip(known, rounds, strict=True)):
            rows = {one[0] for one in known if one is not None}
            if len(rows) > 1:
                raise Unlike
            self.read |= rows
            return f"\2{rows.pop()}\3"
        behind = known[1:] if not shift else known
        if behind and all(one is not None and one[1] == at - 1 for one, at in zip(behind, list(rounds)[-len(behind) :], strict=True)):
            rows = {one[0] for one in behind if one is not None}
            if len(rows) > 1:
                raise Unlike
            row = rows.pop()
            if not shift:
                if self.begun.get(row, names[0]) != names[0]:
                    raise Unlike
                self.begun[row] = names[0]
            elif row not in self.begun:
                raise Unlike
            return f"\2{row}-\3"
        if any(one is not None for one in known):
            raise Unlike
        if len(set(names)) == 1:
            return None
        return self.counted(names, shift) if counting_part(names[0], names[1]) is not None and _is_counted(names[0]) else None


def _is_counted(name: str) -> bool:
    return not re.fullmatch(r"[\dx.]+", name)


def _substituted(line: Line, name: object) -> Line:
    """A line with names in the places of marks."""
    inner = None if line.inner is None else [_substituted(one, name) for one in line.inner]
    return replace(line, text=_MARK.sub(name, line.text), inner=inner)  # type: ignore[call-overload]
