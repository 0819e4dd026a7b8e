"""Variants of a spec with their counts: all of a space, those that a condition admits, the best of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from archspec.diagnostics import Diagnostics
from archspec.elaborate.expressions import Refused, Rounds, Scope, truth
from archspec.source import Source
from archspec.symbolic.cover import Answer, Covering, variants
from archspec.symbolic.space import Space
from archspec.symbolic.traced import Trace, Untraceable
from archspec.symbolic.tracing import COUNTS, Counted, Mistake, Subject, Traced
from archspec.syntax import ast
from archspec.syntax.parser import parse
from archspec.types import LIMIT

if TYPE_CHECKING:
    import pandas

VARIANTS = 1_000_000
"""The most variants of a space, unless more are allowed."""


class Variant(NamedTuple):
    """A variant: its number in the space, the values that set it apart, and its counts, or the mistake that it has."""

    number: int
    values: Mapping[str, Any]
    counts: Mapping[str, int]
    mistake: Mistake | None = None


class Plateau(NamedTuple):
    """Variants with equal counts next to one another along one axis: one network, written with different values."""

    first: Variant
    last: Variant

    def shown(self, name: str) -> str:
        """The values of an axis: `0.836 to 0.874`."""
        return " to ".join(dict.fromkeys([plain(end.values[name]) for end in self]))


class Sweep:
    """The variants of a space, as far as they were counted: `answers` are columns of those with equal mistakes or none."""

    def __init__(self, model: str, space: Space, answers: Sequence[Answer], done: int, condition: str = "") -> None:
        self.model = model
        self.file = ""
        """The name of the spec's own file, as mistakes name it."""
        self.space = space
        self.answers = answers
        self.done = done
        """How many variants were looked at."""
        self.condition = condition
        """What all that are kept meet, where `where` was asked."""

    @property
    def names(self) -> list[str]:
        """What sets variants apart, in the order in which it was given."""
        return [each.name for each in self.space.axes]

    @property
    def counts(self) -> list[str]:
        """What is counted, except counts whose name is that of a param which varies."""
        return [name for name in COUNTS if name not in self.names]

    @property
    def mistakes(self) -> dict[Mistake, int]:
        """How many variants have each mistake, the most frequent first."""
        found: dict[Mistake, int] = {}
        for answer in self.answers:
            if answer.mistake is not None:
                found[answer.mistake] = found.get(answer.mistake, 0) + len(answer.numbers)
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    @property
    def legal(self) -> int:
        """How many variants are networks."""
        return sum(len(answer.numbers) for answer in self.answers if answer.mistake is None)

    def variants(self) -> list[Variant]:
        """List all variants that are networks, in the order of the space: each has `values` by param or size, and `counts` by name."""
        found = [variant for answer in self.answers if answer.mistake is None for variant in _rows(answer)]
        return sorted(found, key=lambda variant: variant.number)

    def to_dataframe(self) -> pandas.DataFrame:
        """Return the variants that are networks as a pandas table. Raises ImportError where pandas is not installed."""
        import pandas as pd

        return pd.DataFrame([{**variant.values, **variant.counts} for variant in self.variants()], columns=[*self.names, *self.counts])

    def __repr__(self) -> str:
        return f"Sweep({self.model}: {self.legal:,} networks of {self.done:,} variants in {', '.join(self.names)})"

    def where(self, text: str) -> Sweep:
        """Keep the variants that a condition admits, such as `params < 5e6 and macs < 300e6`. Raises ValueError where it cannot be read."""
        condition = read_condition(text)
        kept: list[Answer] = []
        covering: dict[tuple[type, ...], Covering] = {}
        for answer in self.answers:
            if answer.mistake is not None:
                kept.append(answer)
            elif len(answer.numbers):
                kept += _admitted(condition, answer, covering)
        found = Sweep(self.model, self.space, kept, self.done, f"({self.condition}) and ({text})" if self.condition else text)
        found.file = self.file
        return found

    def best(self, name: str, *, largest: bool) -> list[Plateau]:
        """Sort the variants by one of their values or counts, the best first; those with equal counts next to one another are one plateau.

        Raises ValueError where there is no such value or count.
        """
        if name not in (*self.names, *self.counts):
            raise ValueError(f"there is no `{name}` to sort by; there are {', '.join([*self.names, *self.counts])}")
        along = name if name in self.names else self.names[-1]
        others = [other for other in self.names if other != along]
        ranks: dict[tuple[Any, ...], list[Variant]] = {}
        for variant in self.variants():
            ranks.setdefault(tuple(variant.values[other] for other in others), []).append(variant)
        stride = self.space.stride(along)
        joined = [found for rows in ranks.values() for found in plateaus(rows, stride)]
        return sorted(joined, key=lambda found: {**found.last.values, **found.last.counts}[name], reverse=largest)

    def front(self, *names: str) -> list[Variant]:
        """Find the variants of which no other has less in one of the counts without more in another; `+` before a name turns it around.

        Raises ValueError for names that there are not, and for values that have no order.
        """
        signed = [(name.lstrip("+-"), -1 if name.startswith("+") else 1) for name in names]
        for name, _ in signed:
            if name not in (*self.names, *self.counts):
                raise ValueError(f"there is no `{name}` to compare; there are {', '.join([*self.names, *self.counts])}")
            if any(each.name == name and not each.ordered for each in self.space.axes):
                raise ValueError(f"`{name}` is no number, by which variants could be compared")
        keyed = sorted(
            ((tuple(sign * {**v.values, **v.counts}[name] for name, sign in signed), v) for v in self.variants()), key=lambda pair: pair[0]
        )
        return _front(keyed)


def sweep(
    subject: Subject,
    space: Space,
    numbers: Iterable[int] | None = None,
    *,
    tick: Callable[[int], None] | None = None,
    most: int = VARIANTS,
    most_traces: int | None = None,
) -> Sweep:
    """Count the variants of a space, by default all. A keyboard interrupt ends it with what is done. Raises ValueError where they are too many."""
    if numbers is None and space.size > most:
        raise ValueError(f"the space has {space.size:,} variants, more than {most:,}")
    answers: list[Answer] = []
    done = 0
    try:
        wanted = [name for name in COUNTS if all(name != each.name for each in space.axes)]
        for answer in variants(subject, space, wanted, numbers, **({} if most_traces is None else {"most_traces": most_traces})):
            answers.append(answer)
            done += len(answer.numbers)
            if tick is not None:
                tick(done)
    except KeyboardInterrupt:
        pass
    found = Sweep(subject.name, space, answers, done)
    found.file = subject.file.span.source.name
    return found


def plateaus(variants_: Sequence[Variant], stride: int = 1) -> list[Plateau]:
    """Join neighbours with equal counts that differ in one value; the numbers of neighbours in the space are `stride` apart."""
    found: list[Plateau] = []
    for variant in variants_:
        last = found[-1] if found else None
        if last is not None and variant.number - last.last.number == stride and variant.counts == last.last.counts:
            moved = {name for name, value in variant.values.items() if value != last.first.values[name]}
            if len(moved) <= 1 and all(last.last.values[name] == value for name, value in variant.values.items() if name not in moved):
                found[-1] = last._replace(last=variant)
                continue
        found.append(Plateau(variant, variant))
    return [Plateau(*sorted(plateau, key=lambda variant: variant.number)) for plateau in found]


def _front(keyed: Sequence[tuple[tuple[Any, ...], Variant]]) -> list[Variant]:
    """Variants, by ascending keys, that none before them is at least as good as in every key."""
    kept: list[tuple[tuple[Any, ...], Variant]] = []
    for key, group in groupby(keyed, key=lambda pair: pair[0]):
        if not any(all(a <= b for a, b in zip(other, key, strict=True)) for other, _ in kept):
            kept += list(group)[:1]
    return [variant for _, variant in kept]


def read_condition(text: str) -> ast.Expr:
    """Read a condition as the language writes it. Raises ValueError."""
    if "\n" in text or "\r" in text:
        raise ValueError("a condition is one line")
    sink = Diagnostics()
    file = parse(Source("condition", f"{_BEFORE}{text}\n"), sink)
    if sink.errors or len(file.body) != 1 or not isinstance(file.body[0], ast.Param):
        first = next((finding for finding in sink.sorted() if finding.severity == "error"), None)
        meant = re.sub(r"(?<![=!<>])=(?!=)", "==", text)
        if meant != text:
            raise ValueError(f"the condition `{text}` compares with `==`: write `{meant}`")
        at = max(first.span.start - len(_BEFORE), 0) if first is not None and first.span is not None else 0
        raise ValueError(
            f"the condition `{text}` cannot be read: {first.message if first is not None else 'it is none'}, at column {at + 1}"
        )
    condition = file.body[0].value
    if not ast.compares(condition, COUNTS):
        raise ValueError(f"`{text}` is a number and no condition: compare it, as in `params < 5e6`")
    return condition


_BEFORE = "param condition = "


def holds(condition: ast.Expr, values: Mapping[str, Any]) -> bool:
    """Whether a condition holds for values. Raises ValueError where it has none."""
    try:
        return truth(condition, Scope(dict(values)))
    except Refused as refused:
        if refused.code == "A106":
            known = ", ".join(values)
            raise ValueError(f"the condition names `{refused.span.text}`, which is neither swept nor a count; there are {known}") from None
        raise ValueError(f"the condition has no value: {refused.message}") from None


def _admitted(condition: ast.Expr, answer: Answer, coverings: dict[tuple[type, ...], Covering]) -> Iterator[Answer]:
    """The variants of an answer that a condition admits."""
    columns = {**answer.values, **answer.counts}
    first = {name: _first(column) for name, column in columns.items()}
    kinds = tuple(map(type, first.values()))
    numbers = [name for name, value in first.items() if type(value) in (int, float)]

    def trace(example: Mapping[str, Any]) -> Traced:
        made = Trace()
        bound = {int: LIMIT, float: 1e300}
        opened = {name: made.open(name, example[name], -bound[type(example[name])], bound[type(example[name])]) for name in numbers}
        try:
            return Traced(made, Counted({"holds": int(holds(condition, {**example, **opened}))}, ()))
        except TypeError as error:
            raise Untraceable(str(error)) from None

    if kinds not in coverings:
        coverings[kinds] = Covering(numbers, trace, lambda values: Counted({"holds": int(holds(condition, values))}, ()), ("holds",))
    places = range(len(answer.numbers))
    kept = sorted(
        int(at)
        for found in coverings[kinds].answers(places, columns)
        for at, yes in zip(found.numbers, found.counts["holds"], strict=True)
        if yes
    )
    if kept:
        yield answer.taken(kept)


def _first(column: Sequence[Any]) -> Any:
    value = column[0]
    return value.item() if hasattr(value, "item") else value


def _rows(answer: Answer) -> Iterator[Variant]:
    values = zip(*[_listed(column) for column in answer.values.values()], strict=True)
    counts = zip(*[_listed(column) for column in answer.counts.values()], strict=True)
    for number, row, found in zip(_listed(answer.numbers), values, counts, strict=True):
        yield Variant(number, dict(zip(answer.values, row, strict=True)), dict(zip(answer.counts, found, strict=True)))


def _listed(column: Any) -> list[Any]:
    return column.tolist() if hasattr(column, "tolist") else list(column)


def plain(value: Any) -> str:
    """A value as it would be set."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Rounds):
        return ",".join(map(plain, value))
    return f"{value:.10g}" if isinstance(value, float) else "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
