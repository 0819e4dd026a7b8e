"""Which input sizes a spec takes, and where the others fail."""

from __future__ import annotations

from typing import Any, NamedTuple

from archspec.symbolic.cover import variants
from archspec.symbolic.phrasing import progression
from archspec.symbolic.space import LETTERS, Axis, Range, Shape, Space
from archspec.symbolic.subjects import Spec
from archspec.symbolic.tracing import Mistake, Subject

LAST = 4096
"""The largest size that is tried unless another is given."""
MOST = 10**7
"""The most sizes that are tried."""


class Sizes(NamedTuple):
    """The sizes of an axis that a spec takes, out of those from `first` to `last`, and the others by their first mistakes.

    `axis` is the letter of an axis, or `H` for all sides of a square.
    """

    input: str
    axis: str
    first: int
    last: int
    legal: tuple[int, ...]
    failing: dict[Mistake, tuple[int, ...]]
    file: str = ""
    """The name of the spec's own file, as mistakes name it."""

    @property
    def rule(self) -> str:
        """The legal sizes in a few words: `H = 16k, from 16`."""
        return progression(self.legal, self.axis, self.last)

    def lines(self) -> list[str]:
        """Write the rule, and a line for each mistake of the others, by the place in the spec."""
        others = sorted(self.failing.items(), key=lambda item: (item[0].file != self.file, item[0].file, item[0].line, item[0].code))
        places = {mistake: f"{mistake.place(self.file)}, " if mistake.line else "" for mistake, _ in others}
        return [f"{self.rule}.", *(f"  {places[mistake]}{mistake.code}: {_some(values)}" for mistake, values in others)]

    def to_data(self) -> dict[str, Any]:
        """Return the sizes as data for JSON."""
        failing = [
            {"code": mistake.code, "file": mistake.file, "line": mistake.line, "count": len(values), "first": values[0]}
            for mistake, values in self.failing.items()
        ]
        return {
            "input": self.input,
            "axis": self.axis,
            "from": self.first,
            "to": self.last,
            "rule": self.rule,
            "legal": list(self.legal),
            "failing": failing,
        }


def sizes_of(spec: Spec, input_: str = "", first: int = 1, last: int = LAST, *, free: bool = False) -> list[Sizes]:
    """Find the legal sizes of an input, the first unless it is named, as a square, or with `free` of each axis alone. Raises ValueError."""
    input_ = input_ or spec.first
    spec.know(input_, list(spec.inputs), "input")
    own = spec.inputs[input_]
    letters = LETTERS.get(len(own) - 1)
    if letters is None:
        raise ValueError(f"the input `{input_}` is a vector, which has no sides")
    if not 1 <= first <= last:
        raise ValueError(f"sizes are tried from {first} to {last}: expected 1 or more, and the smaller one first")
    if last - first >= MOST:
        raise ValueError(f"sizes from {first:,} to {last:,} are more than {MOST:,}")
    if len(letters) == 1 or free:
        shapes = [
            (letter, tuple(letter if other == letter else size for other, size in zip(letters, own, strict=False))) for letter in letters
        ]
    else:
        shapes = [("H", ("H",) * len(letters))]
    return [_sizes(spec.subject, Shape(input_, (*sizes, own[-1])), letter, first, last) for letter, sizes in shapes]


def _sizes(subject: Subject, shape: Shape, letter: str, first: int, last: int) -> Sizes:
    space = Space(((Axis(letter, Range(first, 1, last - first + 1)),),), (shape,))
    found: dict[Mistake | None, list[int]] = {}
    for answer in variants(subject, space, ()):
        found.setdefault(answer.mistake, []).extend(map(int, answer.values[letter]))
    legal = tuple(sorted(found.pop(None, [])))
    failing = {mistake: tuple(sorted(values)) for mistake, values in found.items() if mistake is not None}
    return Sizes(shape.input, letter, first, last, legal, failing, subject.file.span.source.name)


def _some(values: tuple[int, ...]) -> str:
    """A few numbers out of many."""
    shown = ", ".join(f"{value:,}" for value in values[:6])
    return f"{shown}, ... ({len(values):,} sizes)" if len(values) > 6 else shown
