"""Answers for every variant of a space, by few traces: each serves all variants for which its guards hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

from archspec.symbolic.program import one_by_one, vector
from archspec.symbolic.space import Axis, Range, Space
from archspec.symbolic.traced import Untraceable
from archspec.symbolic.tracing import Counted, Mistake, Subject, Traced, count, traced

CHUNK = 1 << 16
"""Variants that are looked at together."""
MOST_TRACES = 2000
"""Traces after which variants are elaborated one by one."""


class Answer(NamedTuple):
    """What a run of variants came to: their numbers in the space, and columns of what is known of them, or why they are none.

    `values` are those of the axes, `counts` are empty where there is a mistake. Columns are NumPy arrays, or lists where that is not installed.
    """

    numbers: Sequence[int]
    values: Mapping[str, Sequence[Any]]
    counts: Mapping[str, Sequence[Any]]
    mistake: Mistake | None = None

    def taken(self, places: Sequence[int]) -> Answer:
        """Some of the variants, by their places here."""
        rows = _Rows(self.numbers, {**self.values, **self.counts}, hasattr(self.numbers, "tolist")).taken(places)
        columns = rows.columns
        return Answer(rows.numbers, {n: columns[n] for n in self.values}, {n: columns[n] for n in self.counts}, self.mistake)


class Covering:
    """Answers for variants of something that can be traced; traces are kept from one call to the next.

    `variables` are left open; other names of variants are taken one by one. `trace` elaborates on open numbers around an example, and
    `alone` a single variant.
    """

    def __init__(
        self,
        variables: Sequence[str],
        trace: Callable[[Mapping[str, Any]], Traced],
        alone: Callable[[Mapping[str, Any]], Counted],
        wanted: Sequence[str],
        most_traces: int = MOST_TRACES,
    ) -> None:
        self.variables, self.trace, self.alone = variables, trace, alone
        self.wanted = tuple(wanted)
        self.most_traces = most_traces
        self.traces: dict[tuple[Any, ...], list[_Fitted]] = {}
        """The traces by the values that cannot be left open."""
        self.made = 0
        self.single = 0
        """Variants that were elaborated one by one."""
        self.arrays = find_spec("numpy") is not None

    def answers(self, numbers: Sequence[int], columns: Mapping[str, Any]) -> Iterator[Answer]:
        """Answer for variants of which the values are given, a column for each name."""
        rows = _Rows(numbers, columns, self.arrays)
        choices = [name for name in columns if name not in self.variables]
        if not choices:
            yield from self._answered((), rows)
            return
        places: dict[tuple[Any, ...], list[int]] = {}
        for at, fixed in enumerate(zip(*[_plain(columns[name]) for name in choices], strict=True)):
            places.setdefault(fixed, []).append(at)
        for fixed, found in places.items():
            yield from self._answered(fixed, rows.taken(found))

    def _answered(self, fixed: tuple[Any, ...], rows: _Rows) -> Iterator[Answer]:
        traces = self.traces.setdefault(fixed, [])
        traces.sort(key=lambda fitted: fitted.served, reverse=True)  # the fewer variants are left, the fewer guards are tried
        for fitted in list(traces):
            if not len(rows):
                return
            answer, rows = fitted.serve(rows)
            yield from answer
        while len(rows):
            new = self._fitted(rows)
            if new is None:
                yield self._alone(rows.taken([0]))
                rows = rows.taken(range(1, len(rows)))
                continue
            traces.append(new)
            answer, left = new.serve(rows)
            assert len(left) < len(rows), "a trace holds for its own example"
            yield from answer
            rows = left

    def _fitted(self, rows: _Rows) -> _Fitted | None:
        """A trace of the first variant; None where it cannot be traced."""
        if self.made >= self.most_traces:
            return None
        try:
            found = self.trace(rows.first())
        except Untraceable:
            return None
        self.made += 1
        return _Fitted(found, self.variables, self.wanted, self.arrays)

    def _alone(self, row: _Rows) -> Answer:
        self.single += 1
        found = self.alone(row.first())
        counts = {name: [found.counts[name]] for name in self.wanted} if not found.mistake else {}
        return Answer(row.numbers, row.columns, counts, found.mistake)


def variants(
    subject: Subject, space: Space, wanted: Sequence[str], numbers: Iterable[int] | None = None, most_traces: int = MOST_TRACES
) -> Iterator[Answer]:
    """Answer for variants of a spec, by default for all of a space, a chunk at a time."""
    domains = space.domains()
    covering = Covering(
        [domain.name for domain in domains],
        lambda example: traced(subject, domains, space.meaning, example, wanted),
        lambda values: count(subject, space.meaning(values), wanted),
        wanted,
        most_traces,
    )
    for chunk in _chunks(range(space.size) if numbers is None else numbers):
        columns = _columns(space, chunk, covering.arrays)
        yield from covering.answers(_numbers(chunk) if covering.arrays else chunk, columns)


class _Rows:
    """Variants: their numbers, and the columns of their values."""

    def __init__(self, numbers: Sequence[int], columns: Mapping[str, Any], arrays: bool) -> None:
        self.numbers, self.columns, self.arrays = numbers, columns, arrays

    def __len__(self) -> int:
        return len(self.numbers)

    def first(self) -> dict[str, Any]:
        """The values of the first."""
        return {name: column[0].item() if hasattr(column[0], "item") else column[0] for name, column in self.columns.items()}

    def taken(self, places: Any) -> _Rows:
        """Some of them; `places` are numbers of rows, or an array of NumPy."""
        if self.arrays:
            import numpy as np

            places = np.asarray(places, dtype="int64")
            return _Rows(np.asarray(self.numbers)[places], {name: column[places] for name, column in self.columns.items()}, True)
        return _Rows([self.numbers[at] for at in places], {n: [c[at] for at in places] for n, c in self.columns.items()}, False)


class _Fitted:
    """A trace with the programs of its guards and counts."""

    def __init__(self, found: Traced, variables: Sequence[str], wanted: Sequence[str], arrays: bool) -> None:
        trace, counted = found
        self.mistake = counted.mistake
        self.variables = variables
        self.wanted = wanted if self.mistake is None else ()
        forms = [trace.form(counted.counts[name]) for name in self.wanted]
        self.served = 0
        """How many variants it held for so far."""
        self.always = not trace.guards
        self.guards = vector(trace.table, variables, trace.guards, ()) if arrays else None
        self.counts = vector(trace.table, variables, (), forms) if arrays else None
        self.each = one_by_one(trace.table, variables, trace.guards, forms)

    def serve(self, rows: _Rows) -> tuple[list[Answer], _Rows]:
        """The answer for the variants for which the guards hold, and the others."""
        answer, left = self._at_once(rows) if self.guards is not None and self.counts is not None else self._one_by_one(rows)
        self.served += len(rows) - len(left)
        return answer, left

    def _one_by_one(self, rows: _Rows) -> tuple[list[Answer], _Rows]:
        columns = [_plain(rows.columns[name]) for name in self.variables]
        held, left, found = self.each(zip(*columns, strict=True) if columns else [()] * len(rows))
        if not held:
            return [], rows
        counts = dict(zip(self.wanted, map(list, zip(*found, strict=True)), strict=True)) if self.wanted else {}
        served = rows.taken(held)
        return [Answer(served.numbers, served.columns, counts, self.mistake)], rows.taken(left)

    def _at_once(self, rows: _Rows) -> tuple[list[Answer], _Rows]:
        import numpy as np

        assert self.guards is not None and self.counts is not None
        left = rows.taken([])
        if not self.always:
            with np.errstate(all="ignore"):  # what is behind a guard that does not hold is nothing
                conditions = self.guards(*[rows.columns[name] for name in self.variables])
            held = np.ones(len(rows), dtype=bool)
            for condition in conditions:
                held &= condition
            places = np.flatnonzero(held)
            if not len(places):
                return [], rows
            if len(places) < len(rows):
                left, rows = rows.taken(np.flatnonzero(~held)), rows.taken(places)
        found = self.counts(*[rows.columns[name] for name in self.variables])
        counts = {
            name: np.broadcast_to(np.asarray(column, dtype="int64"), (len(rows),)) for name, column in zip(self.wanted, found, strict=True)
        }
        return [Answer(rows.numbers, rows.columns, counts, self.mistake)], left  # type: ignore[arg-type]


def _plain(column: Any) -> Sequence[Any]:
    plain: Sequence[Any] = column.tolist() if hasattr(column, "tolist") else column
    return plain


def _chunks(numbers: Iterable[int]) -> Iterator[Sequence[int]]:
    sequence = numbers if isinstance(numbers, (range, list)) else list(numbers)
    for start in range(0, len(sequence), CHUNK):
        yield sequence[start : start + CHUNK]


def _columns(space: Space, chunk: Sequence[int], arrays: bool) -> dict[str, Any]:
    """The values of variants, a column for each axis; the last axis changes fastest."""
    left: Any = _numbers(chunk) if arrays else chunk
    found = {}
    for group in reversed(space.groups):
        size = len(group[0].values)
        places = left % size if arrays else [number % size for number in left]
        left = left // size if arrays else [number // size for number in left]
        for each in group:
            if isinstance(each.values, Range):
                found[each.name] = each.values.column(places)
            else:
                found[each.name] = _listed(each)[places] if arrays else [each.values[at] for at in places]
    return {each.name: found[each.name] for each in space.axes}


def _numbers(chunk: Sequence[int]) -> Any:
    import numpy as np

    return np.asarray(chunk, dtype="int64")


def _listed(axis: Axis) -> Any:
    """The values of an axis as an array."""
    import numpy as np

    if axis.numeric:
        return np.asarray(axis.values)
    column = np.empty(len(axis.values), dtype=object)
    for at, value in enumerate(axis.values):
        column[at] = value
    return column
