"""Parts of a body that are alike except for numbers, one behind the other, as the rounds of a repeat.

Lines are compared as texts. What differs from round to round is a label that counts, a list, or the name of a value: of the same round, of the one
before, or of a certain one. Whether the result is the same network is for others to prove.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise

from archspec.backends.arch import as_label
from archspec.shortening.merging import Merging, Unlike
from archspec.shortening.vocabulary import is_keyed, label_of, names_in, replaced, words_of
from archspec.shortening.written import Line, joined, printed

_LEAST = 6
"""Lines of a round at least, before they are joined."""
_APART = 3
"""Places at most that are in one round, where each line counts up."""
_SAVED = 12
"""Lines that are saved at least."""
_FEW = 16
"""Lines of a body in which rounds are looked for, at least."""
_MOST = 12
"""Rounds at most."""
_LIST = re.compile(r'=[^\s"(),]+,')
_NUMBER = re.compile(r"\d+")


@dataclass(slots=True)
class Spot:
    """A line with the names of the value behind it: its own, unless names of weights depend on it, and those of lines `x: skip`."""

    line: Line
    names: list[str] = field(default_factory=list)
    counts: str = ""
    """The name on which names of weights depend."""
    shape: str = ""
    """What it says, without numbers and names of values."""


def in_rounds(lines: Sequence[Line], outer: str = "") -> tuple[list[Line], bool]:
    """The lines of a body, in which parts that are alike are rounds, and whether there are any; `outer` are the indices of repeats around it."""
    atoms = [atom for line in lines for atom in (line.parts or [line])]
    changed = False
    while len(atoms) >= _FEW and (found := _best(atoms, outer)) is not None:
        atoms, changed = found, True
    found = []
    for line in joined(_unmarked(atoms)) if changed else lines:
        if line.inner:
            index = re.search(r"\bas (\w):$", line.text)
            around = index[1] if index else "-" if "repeat " in line.text else ""
            inner, inside = in_rounds(line.inner, outer + around)
            line, changed = replace(line, inner=inner), changed or inside
        found.append(line)
    return found, changed


def _best(atoms: Sequence[Line], outer: str) -> list[Line] | None:
    """The lines with those rounds by which most is saved; None where there are none."""
    spots = _spots(atoms)
    possible = dict.fromkeys(run for places in _families(spots) for run in _runs(places))
    if not possible:
        return None
    _shaped(spots)
    tried = {run: _common(spots, run) for run in possible}
    runs = {run: (len(run) - 1) * (run[1] - run[0]) for run, (ahead, _) in tried.items() if ahead}
    while runs:
        best = _earliest(runs, tried)
        try:
            return _rolled(spots, best, *tried[best], outer)
        except Unlike:
            del runs[best]
    return None


def _earliest(runs: Mapping[tuple[int, ...], int], tried: Mapping[tuple[int, ...], tuple[int, int]]) -> tuple[int, ...]:
    """The run by which most is saved of those that lie before all that save more, so that later ones know what their values are called."""
    best = max(runs, key=lambda run: (runs[run], run))
    while _disjoint(inner := [run for run in runs if _is_within(run, best)], runs) > runs[best]:
        best = max(inner, key=lambda run: (runs[run], run))
    while before := [run for run in runs if run[-1] + tried[run][0] <= best[0] - tried[best][1]]:
        best = max(before, key=lambda run: (runs[run], run))
    return best


def _is_within(run: Sequence[int], other: Sequence[int]) -> bool:
    """Whether a run has shorter rounds than another, and lies within it."""
    return other[0] <= run[0] and run[1] - run[0] < other[1] - other[0] and run[-1] < other[-1] + other[1] - other[0]


def _disjoint(inner: Sequence[tuple[int, ...]], runs: Mapping[tuple[int, ...], int]) -> int:
    """What is saved by runs that lie apart from one another, those that save most first."""
    taken: list[tuple[int, int]] = []
    saved = 0
    for run in sorted(inner, key=lambda run: (-runs[run], run)):
        start, stop = run[0], 2 * run[-1] - run[-2]
        if all(stop <= first or last <= start for first, last in taken):
            taken.append((start, stop))
            saved += runs[run]
    return saved


def _spots(atoms: Sequence[Line]) -> list[Spot]:
    """Lines with the names that are free to be others."""
    spots: list[Spot] = []
    for atom in _opened(atoms):
        name, rest = label_of(atom)
        if name and rest == "skip" and spots:
            spots[-1].names.append(name)
            continue
        free = bool(name) and not any(item.keyed for item in atom.items) and atom.inner is None
        spots.append(Spot(replace(atom, label="", text=rest) if free else atom, [name] if free else [], "" if free else name))
    return spots


def _shaped(spots: Sequence[Spot]) -> None:
    """Give lines their shapes, in which there are no names of values."""
    names = {name for spot in spots for name in (*spot.names, spot.counts)}
    counted = {
        re.sub(r"\{.*?\}", "#", label_of(one)[0]) for spot in spots for one in spot.line.inner or () if not any(i.keyed for i in one.items)
    }
    for word in set(names_in([spot.line for spot in spots])) if counted else ():
        names |= {word} if any(_NUMBER.sub("#", word) == _NUMBER.sub("#", one) for one in counted if "#" in one) else set()
    for spot in spots:
        spot.shape = _shape(spot.line, names)


def _opened(atoms: Sequence[Line]) -> Iterator[Line]:
    """Lines, each `from` on that which it begins."""
    before: Line | None = None
    for atom in atoms:
        if before is not None and atom.inner is None and atom.condition == before.condition:
            yield replace(atom, text=f"{before.text} | {atom.text}", items=before.items + atom.items, begins=True)
            before = None
            continue
        if before is not None:
            yield before
        before = atom if atom.opens else None
        if before is None:
            yield atom
    if before is not None:
        yield before


def _shape(line: Line, names: set[str]) -> str:
    """What a line says, without names, numbers, and arguments that may have defaults."""
    words = [word for word in words_of(line.label + line.text) if not is_keyed(word) or word.rpartition("=")[2].strip('"') in names]
    words = ["@" if word.rpartition("=")[2].strip('"') in names else "#" if word[0] in "(" or "//" in word else word for word in words]
    inner = "\n".join(_shape(one, names) for one in line.inner or ())
    return _NUMBER.sub("#", f"{' '.join(words)} {line.condition}\n{inner}")


def _families(spots: Sequence[Spot]) -> Iterator[list[tuple[int, int]]]:
    """Places of names that differ in one number alone, with this number, in order."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for at, spot in enumerate(spots):
        for number in _NUMBER.finditer(re.sub(r"\{.*?\}", lambda one: "~" * len(one[0]), spot.counts)):
            key = spot.counts[: number.start()], spot.counts[number.end() :]
            found.setdefault(key, []).append((at, int(number[0])))
    yield from (places for places in found.values() if len(places) > 1)


def _runs(places: Sequence[tuple[int, int]]) -> Iterator[tuple[int, ...]]:
    """Places as far from one another as others, whose numbers count up."""
    start = 0
    for at, ((one, a), (other, b)) in enumerate(pairwise([*places, (0, -1)])):
        again = at > start and one - places[at - 1][0] != other - one
        if b != a + 1 or again:
            for first, last in combinations(range(start, at + 1), 2):
                period = places[first + 1][0] - places[first][0]
                for by in range(1, _APART + 1 if period == 1 else 2):
                    count = (last - first) // by + 1
                    if 1 < count <= _MOST and (by > 1 or period >= _LEAST) and by * period * (count - 1) >= _SAVED:
                        yield tuple([place for place, _ in places[first : last + 1 : by]])
            start = at if b == a + 1 else at + 1


def _common(spots: Sequence[Spot], run: Sequence[int]) -> tuple[int, int]:
    """How many lines from each place on are alike in all rounds, and how many more before the places are in all rounds but the first; 0 where
    these are no whole rounds.
    """
    period = run[1] - run[0]
    ahead = 0
    while ahead < period and run[-1] + ahead < len(spots) and len({spots[at + ahead].shape for at in run}) == 1:
        ahead += 1
    behind = period - ahead
    if 4 * behind > period or any(len({spots[at - n].shape for at in run[1:]}) > 1 for n in range(1, behind + 1)):
        return 0, 0
    return ahead, behind


def _rolled(spots: Sequence[Spot], run: Sequence[int], ahead: int, behind: int, outer: str) -> list[Line]:
    """The lines with a repeat. Raises Unlike."""
    first = run[0]
    early = 0
    if spots[run[1] - behind - 1].line.opens:
        raise Unlike
    while early < behind and first > early and spots[first - early - 1].shape == spots[run[1] - early - 1].shape:
        early += 1
    rounds = [[spots[at + n] if n >= -early or at != first else None for at in run] for n in range(-behind, ahead)]
    before, after = spots[: first - early], spots[run[-1] + ahead :]
    outside = set(names_in([spot.line for spot in (*before, *after)]))
    names = {*names_in([spot.line for spot in spots]), *(name for spot in spots for name in spot.names)}
    texts = "\n".join(text for text, _ in printed([spot.line for spots in rounds for spot in spots if spot is not None]))
    index = next((letter for letter in "ijmo" if letter not in names and letter not in outer and f"as {letter}:" not in texts), None)
    if index is None or (outer and _LIST.search(texts)):  # a list follows the innermost repeat
        raise Unlike
    merging = Merging(rounds, index, outside, names)
    inner = merging.lines()
    marks = []
    for name, called in merging.marks:
        spot = next((spot for spot in before if called in (*spot.names, spot.counts)), None)
        if spot is not None:
            spot.names.append(name)
        else:
            marks.append(Line(f"from {as_label(called)} | skip", label=f"{name}: "))
    found = [
        *_plain(before, merging.renamed),
        *(replaced(line, merging.renamed) for line in marks),
        Line(f"repeat {len(run)} as {index}:", inner, items=[i for one in inner for i in one.items]),
    ]
    return [*found, *_plain(after, merging.renamed)]


def _unmarked(atoms: Sequence[Line]) -> list[Line]:
    """Lines without those that give a value a further name, where its own can be that."""
    found = list(atoms)
    at = 1
    while at < len(found):
        name, rest = label_of(found[at])
        own = label_of(found[at - 1])[0]
        free = own and found[at - 1].inner is None and not any(item.keyed for item in found[at - 1].items)
        if name and rest == "skip" and free:
            del found[at]
            found = [replaced(one, {own: name}) for one in found]
        else:
            at += 1
    return found


def _plain(spots: Sequence[Spot], names: dict[str, str]) -> Iterator[Line]:
    """Lines as they were, with some names in the place of others."""
    for spot in spots:
        lines = [spot.line]
        free = list(spot.names)
        if free and spot.line.inner is None and not spot.counts and spot.line.text and not spot.line.opens:
            lines = [replace(spot.line, label=f"{free.pop(0)}: ")]
        lines += [Line(f"{name}: skip") for name in free]
        yield from (replaced(line, names) for line in lines)
