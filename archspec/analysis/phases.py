"""The algebra of receptive fields: how they go through a layer, through a graph, and together where paths meet.

A field says for each position of a value which positions of the input it depends on: the smallest box that holds them. It is one of

    NOT     nothing
    terms   what a position sees is the box around what it sees by each of the terms, which are a Reach per axis
    None    not known
    WHOLE   everything

in this order: the union of two fields is the later of them, and of two with terms all their terms. So a union depends neither on the order
nor on the grouping of what it is made of: everything is everything whatever else is seen. POINT is the term that sees its own position.

Borders count for nothing: padding is seen as if the input went on. What a position sees repeats along an axis: after some positions, the
phases, it is the same again, moved by a step. Their quotient is the jump, the distance of neighbouring fields. Terms are kept apart only
where one box per phase cannot describe both: where their jumps differ, or where one of them sees nothing at some positions along an axis.

Araujo, Norris & Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks", is the case of a single phase.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import gcd, lcm
from typing import NamedTuple

from archspec.ops.base import PHASES, POINT, WHOLE, Reach, Taps, sliding

Term = tuple[Reach, ...]
Field = tuple[Term, ...] | str | None
NOT: Field = ()

TERMS = 32
"""Terms of a field; one that has more is not known."""
FARTHEST = 2**63
"""A field whose step is larger is not known: no input is as large."""
_TAPS = 64
"""Positions that are looked at one by one for one that reads them; what reads more of a field that is not `even` is not known."""


class Sizes(NamedTuple):
    """How much of the input the positions of a value see along each axis: the least and the largest, and how far apart neighbours lie.

    The jump is a mean where positions see unlike much, and None where paths of different strides meet.
    """

    least: tuple[int, ...]
    largest: tuple[int, ...]
    jump: tuple[float, ...] | None


def chain(outer: Field, inner: Field) -> Field:
    """The field of a value that reads `inner` of what has field `outer`. Where `inner` is itself a field, `outer` is to be `even`.

    A pool of 2 with stride 2 behind a convolution of 5: 6 numbers at a time, 2 apart.

    >>> conv, pool = ((sliding(0, 4, 1),),), ((sliding(0, 1, 2),),)
    >>> chain(conv, pool)
    ((Reach(step=2, taps=(Taps(low=0, high=5, gap=0),)),),)
    """
    if inner is POINT:
        return outer
    if outer is POINT:
        return inner
    for whatever in (NOT, WHOLE, None):
        if whatever in (outer, inner):
            return whatever
    assert isinstance(outer, tuple) and isinstance(inner, tuple)
    if len(outer) == 1 == len(inner):  # nearly always: so tables need not form unions
        term = _term_through(outer[0], inner[0])
        return None if term is None else (term,) if term else NOT
    result: Field = NOT
    for a, b in product(outer, inner):
        term = _term_through(a, b)
        result = union(result, None if term is None else (term,) if term else NOT)
    return result


def union(a: Field, b: Field) -> Field:
    """The field of a value made of two, such as a sum of a branch of 3 and one of 5.

    >>> union(((sliding(-1, 1, 1),),), ((sliding(-2, 2, 1),),))
    ((Reach(step=1, taps=(Taps(low=-2, high=2, gap=0),)),),)
    """
    if a == b or b == NOT:
        return a
    if a == NOT:
        return b
    if a is WHOLE or b is WHOLE:
        return WHOLE
    if a is None or b is None:
        return None
    left = a if isinstance(a, tuple) else still(len(b[0]))
    right = b if isinstance(b, tuple) else still(len(left[0]))
    if len(left[0]) != len(right[0]):
        return None
    terms = list(left)
    for term in right:
        _join(terms, term)
    return tuple(terms) if len(terms) <= TERMS else None


def even(field: Field) -> bool:
    """Whether every position sees something, and neither end of what it sees moves back from one to the next.

    What reads several of its positions then sees from the first one's beginning to the last one's end, whatever it reads in between.
    """
    return not isinstance(field, tuple) or all(len(reach.taps) == 1 or _even(reach) for term in field for reach in term)


def sizes(field: Field, spatial: tuple[int, ...] | None, whole: tuple[int, ...] | None) -> Sizes | None:
    """What the positions of a value see; None where that is not known, or nothing.

    `spatial` is the size of the value, where it is a map, and `whole` that of the input. Positions near a border, which would see beyond
    it, are left aside where there are others.
    """
    if field is WHOLE:
        return Sizes(whole, whole, None) if whole is not None else None
    if not isinstance(field, tuple) or not field:
        return None
    found, jump = [], []
    for step, taps in field[0]:
        if len(field) > 1 or len(taps) > 1 or taps[0] is None:
            return _sizes(field, spatial, whole)
        found.append(taps[0].high - taps[0].low + 1)
        jump.append(step)
    alike = tuple(found)
    return Sizes(alike, alike, tuple(jump))


def still(axes: int) -> tuple[Term, ...]:
    """The field of a map each of whose positions sees itself: POINT as a term."""
    return ((sliding(0, 0, 1),) * axes,)


# through a layer


def _term_through(outer: Term, inner: Term) -> Term | None:
    """The term that reads `inner` of `outer`; no axes where it sees nothing."""
    if len(outer) != len(inner):
        return None
    found: list[Reach] = []
    last: tuple[Reach, Reach] | None = None
    for pair in zip(outer, inner, strict=True):
        reach = found[-1] if pair == last else _through(*pair)
        if reach is None:
            return None
        if None in reach.taps and not any(reach.taps):
            return ()
        found.append(reach)
        last = pair
    return tuple(found)


def _through(outer: Reach, inner: Reach) -> Reach | None:
    """What is seen by reading `inner` of `outer`, along one axis."""
    far = outer.step
    step = far * inner.step
    if len(outer.taps) == 1 == len(inner.taps):
        seen, read = outer.taps[0], inner.taps[0]
        if seen is None or read is None:
            return Reach(1, (None,))
        return Reach(step, (Taps(seen.low + far * read.low, seen.high + far * read.high, 0),)) if step <= FARTHEST else None
    more = len(outer.taps) // gcd(len(outer.taps), inner.step)
    if more * len(inner.taps) > PHASES or step * more > FARTHEST * len(outer.taps):
        return None
    steady = _even(outer)
    taps: list[Taps | None] = []
    for at in range(more):
        for read in inner.taps:
            if read is None:
                taps.append(None)
                continue
            low, high = read.low + at * inner.step, read.high + at * inner.step
            gap = high - low if steady else read.gap  # the ends alone matter
            count = (high - low) // (gap or 1) + 1
            if (gap == 0 and low < high) or min(count, len(outer.taps)) > _TAPS:
                return None  # what is read in between matters
            taps.append(_around(outer, low, gap, count))
    return Reach(step * more // len(outer.taps), tuple(taps))


def _at(reach: Reach, position: int) -> Taps | None:
    """What a position reads."""
    times, phase = divmod(position, len(reach.taps))
    taps = reach.taps[phase]
    return Taps(taps.low + times * reach.step, taps.high + times * reach.step, taps.gap) if taps is not None else None


def _around(outer: Reach, low: int, gap: int, count: int) -> Taps | None:
    """What so many positions see together, `gap` apart, the first at `low`. After all phases they see the same, further on."""
    cycle = min(count, len(outer.taps))
    first = [seen.low for at in range(cycle) if (seen := _at(outer, low + at * gap)) is not None]
    last = [seen.high for at in range(cycle) if (seen := _at(outer, low + (count - 1 - at) * gap)) is not None]
    return Taps(min(first), max(last), 0) if first else None


@lru_cache(256)
def _even(reach: Reach) -> bool:
    taps = reach.taps
    known = [t for t in taps if t is not None]
    if len(known) < len(taps):
        return False
    after = [*known[1:], Taps(known[0].low + reach.step, known[0].high + reach.step)]
    return all(a.low <= b.low and a.high <= b.high for a, b in zip(known, after, strict=True))


# where paths meet


def _join(terms: list[Term], new: Term) -> None:
    """Adds a term, as part of one of those at hand where that is possible."""
    for at, term in enumerate(terms):
        joined = _joined(term, new)
        if joined is not None:
            del terms[at]
            _join(terms, joined)
            return
    terms.append(new)


def _joined(a: Term, b: Term) -> Term | None:
    """Two terms as one, or None where that is not possible."""
    found = []
    for x, y in zip(a, b, strict=True):
        reach = x if x == y else _both(x, y, alone=len(a) == 1)
        if reach is None:
            return None
        found.append(reach)
    return tuple(found)


def _both(a: Reach, b: Reach, *, alone: bool) -> Reach | None:
    """What is seen by either, along one axis, or None where the jumps are unlike.

    So it is where there are other axes and one of the two sees nothing at a position: it sees nothing then along the others.
    """
    phases = lcm(len(a.taps), len(b.taps))
    if a.step * len(b.taps) != b.step * len(a.taps) or phases > PHASES:
        return None
    pairs = [(_at(a, phase), _at(b, phase)) for phase in range(phases)]
    if not alone and any((p is None) != (q is None) for p, q in pairs):
        return None
    return Reach(a.step * phases // len(a.taps), tuple([_hull(pair) for pair in pairs]))


def _hull(seen: Sequence[Taps | None]) -> Taps | None:
    known = [taps for taps in seen if taps is not None]
    return Taps(min([taps.low for taps in known]), max([taps.high for taps in known]), 0) if known else None


# how much is seen


class _Axis(NamedTuple):
    """The positions of a value along one axis.

    `seen` has for each of them what it sees by each term; after these it is the same again, moved by `step`, up to position `size`.
    """

    seen: list[tuple[Taps | None, ...]]
    step: int
    size: int | None
    jump: float | None


def _sizes(field: tuple[Term, ...], spatial: tuple[int, ...] | None, whole: tuple[int, ...] | None) -> Sizes | None:
    axes: list[_Axis] = []
    for at, reaches in enumerate(zip(*field, strict=True)):
        axes += filter(None, [_axis(reaches, spatial[at] if spatial is not None else None)])
    if len(axes) < len(field[0]):
        return None
    found = []
    for at, axis in enumerate(axes):
        # What a position sees by a term it sees only where the term sees something along the other axes as well.
        kinds = [{tuple([taps is not None for taps in seen]) for seen in other.seen} for other in axes[:at] + axes[at + 1 :]]
        others = {tuple(map(all, zip(*chosen, strict=True))) for chosen in product(*kinds)} if kinds else {(True,) * len(field)}
        found.append(_extent(axis, others, whole[at] if whole is not None else None))
    least, largest = zip(*found, strict=True)
    jumps = tuple([axis.jump for axis in axes if axis.jump is not None])
    return Sizes(least, largest, jumps if len(jumps) == len(axes) else None)


def _axis(reaches: Sequence[Reach], size: int | None) -> _Axis | None:
    """What is seen along an axis by each of some terms. Where their jumps differ each position is another: it takes a known size."""
    first = reaches[0]
    phases = len(first.taps)
    alike = all(reach.step * phases == first.step * len(reach.taps) for reach in reaches)
    period = lcm(*[len(reach.taps) for reach in reaches]) if alike else size
    if period is None or period > PHASES:
        return None
    shown = period if size is None else min(period, size)
    seen = [tuple([_at(reach, position) for reach in reaches]) for position in range(shown)]
    jump = first.step / phases if first.step % phases else first.step // phases
    return _Axis(seen, first.step * period // phases, size, jump) if alike else _Axis(seen, 1, size, None)


def _extent(axis: _Axis, others: set[tuple[bool, ...]], end: int | None) -> tuple[int, int]:
    """The least and the largest number of inputs that a position sees, of those that see none beyond the input where there are such.

    `others` has the sets of terms that see something along the other axes.
    """
    inner, outer = set(), set()
    for phase, seen in enumerate(axis.seen):
        for live in others:
            hull = _hull([taps for taps, lives in zip(seen, live, strict=True) if lives])
            size = hull.high - hull.low + 1 if hull is not None else 0
            outer.add(size)
            if hull is None or (end is not None and _inside(axis, phase, hull, end)):
                inner.add(size)
    found = inner if any(inner) else outer
    return min(found), max(found)


def _inside(axis: _Axis, phase: int, hull: Taps, end: int) -> bool:
    """Whether a position of a phase sees none beyond the input."""
    least, most = -(hull.low // axis.step), (end - 1 - hull.high) // axis.step
    if axis.size is not None:
        most = min(most, (axis.size - 1 - phase) // len(axis.seen))
    return max(least, 0) <= most
