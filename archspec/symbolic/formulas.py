"""Counts of a spec as formulas in its input's sizes and its params, and the conditions under which they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from keyword import iskeyword
from typing import Any, NamedTuple

from archspec.symbolic.forms import Form, Poly
from archspec.symbolic.phrasing import LATEX, TEXT, Script, Words, broken, progression, repeated, variables
from archspec.symbolic.program import JAVASCRIPT, Writer, scalar
from archspec.symbolic.subjects import Spec, counts_of, open_space
from archspec.symbolic.traced import Guard
from archspec.symbolic.tracing import Traced, stages, traced
from archspec.types import LIMIT

GROUPS = ("stage",)
"""Of what parts there may be formulas."""
_SHOWN = 4096
"""Values of a variable that are tried, to say which are legal."""


class Condition(NamedTuple):
    """What must hold for the formulas: of one variable the values that were tried and are legal, or a guard over several."""

    variable: str
    values: tuple[int, ...]
    guard: Guard | None = None
    end: int | None = None
    """The last value, where the larger ones that are legal end behind those that were tried."""

    def text(self, words: Words) -> str:
        """The condition in words."""
        if self.guard is not None:
            return words.guard(self.guard)
        if self.end is None:
            return progression(self.values, self.variable, _SHOWN)
        text = progression(self.values, self.variable, _SHOWN)
        return f"{self.variable} from 1 to {self.end:,}" if text.startswith("every") else f"{text} to {self.end:,}"


class Said(NamedTuple):
    """Formulas as texts, by their counts: in all, and of each stage by name; what the short names in them mean, and the conditions."""

    formulas: dict[str, str]
    stages: list[tuple[str, dict[str, str]]]
    where: list[tuple[str, str]]
    conditions: list[str]


class Formula:
    """Counts of a spec as formulas in some variables.

    `variables` are their names, `example` the spec's own values. With `group="stage"` what is at the top of the spec (labels, blocks,
    repeats, and layers outside of them) has formulas of its own, in `stages`. The formulas hold for all values for which every decision in
    the spec (a guard, a division that must be exact) is that of the example. Called with values it computes: `formula(H=256)["macs"]`; the
    call gives None where the formulas do not hold, and raises ValueError for other names, and for values of another kind.
    """

    def __init__(self, spec: Spec, names: Sequence[str], counts: Sequence[str] = ("params", "macs"), group: str | None = None) -> None:
        if group not in (None, *GROUPS):
            raise ValueError(f"there is no group `{group}`; there is {', '.join(GROUPS)}")
        self.group = group
        self.model = spec.subject.name
        self.counts = counts_of(counts)
        space, self.example = open_space(spec, names)
        self.variables = tuple(each.name for each in space.axes)
        self.domains = {domain.name: domain for domain in space.domains()}
        """Within which values the decisions were taken; outside of them the formulas say nothing."""
        self._found: Traced = traced(spec.subject, space.domains(), space.meaning, self.example, self.counts)
        if mistake := self._found.counted.mistake:
            raise ValueError(f"`{self.model}` has a mistake, so that there is nothing to count: {mistake.code}, line {mistake.line}")

    @property
    def forms(self) -> dict[str, Form]:
        """The counts in normal form."""
        return self._forms(self._found.counted.counts)

    @cached_property
    def stages(self) -> list[tuple[str, dict[str, Form]]]:
        """The name of each stage with its counts in normal form; empty without `group`."""
        network = self._found.counted.network if self.group is not None else None
        return [(name, self._forms(counts)) for name, counts in stages(network, self.counts)] if network is not None else []

    def _forms(self, counts: Mapping[str, Any]) -> dict[str, Form]:
        return {name: self._found.trace.form(counts[name]) for name in self.counts}

    def __call__(self, **values: Any) -> dict[str, int] | None:
        """Compute the counts; variables that are not given have the spec's own values. None where the formulas do not hold."""
        for name in values.keys() - set(self.variables):
            raise ValueError(f"there is no variable `{name}`; there are {', '.join(self.variables)}")
        numbers = [self._number(name, values.get(name, self.example[name])) for name in self.variables]
        within = all(
            self.domains[name].low <= number <= self.domains[name].high for name, number in zip(self.variables, numbers, strict=True)
        )
        found = self._compiled(*numbers) if within else None
        return dict(zip(self.counts, found, strict=True)) if found is not None else None

    def _number(self, name: str, value: Any) -> Any:
        """A value of a variable, of the kind of the spec's own. Raises ValueError."""
        plain = value.item() if hasattr(value, "item") else value
        if type(plain) in (int, float):
            if isinstance(self.example[name], float):
                return float(plain)
            if plain == plain // 1:
                return int(plain)
        raise ValueError(f"`{name}` is a {'number' if isinstance(self.example[name], float) else 'whole number'}, not {value!r}")

    @cached_property
    def _compiled(self) -> Callable[..., tuple[Any, ...] | None]:
        return scalar(self._found.trace.table, self.variables, self.guards, list(self.forms.values()))

    @cached_property
    def guards(self) -> list[Guard]:
        """The decisions that were taken, without those that only keep counts below 2^63."""
        return [guard for guard in self._found.trace.guards if not _is_limit(guard)]

    @cached_property
    def conditions(self) -> list[Condition]:
        """The guards: those over one whole number as the values for which they hold, up to 4,096, where larger ones go on like these."""
        table = self._found.trace.table
        single: dict[str, list[Guard]] = {}
        several = []
        for guard in self.guards:
            names = {*variables(table, guard.left), *variables(table, guard.right)}
            if len(names) == 1 and isinstance(self.example[next(iter(names))], int):
                single.setdefault(names.pop(), []).append(guard)
            else:
                several.append(guard)
        found = []
        for name, guards in single.items():
            program = scalar(table, (name,), guards, ())
            domain = self.domains[name]
            values = tuple(value for value in range(1, _SHOWN + 1) if program(value) is not None) if domain.low == 1 else ()
            end = _end(values, _holding(program), int(domain.high)) if values else None
            if end is not None:
                found.append(Condition(name, values, None, end if end < domain.high else None))
            else:
                several += guards
        return [*found, *(Condition("", (), guard) for guard in several)]

    @cached_property
    def exact(self) -> frozenset[int]:
        """Quotients of the table that leave no remainder where the formulas hold."""
        table = self._found.trace.table
        legal = {condition.variable: condition.values for condition in self.conditions if condition.guard is None}
        found = set()
        for place, item in enumerate(table.items):
            if item.operation == "//":
                a, b = item.parts
                names = set(variables(table, a - table.quotient(a, b) * b))
                if len(names) == 1 and (name := names.pop()) in legal:
                    rest = scalar(table, (name,), (), [a - Poly({(place,): 1}) * b])
                    if legal[name] and all(rest(value) == (0,) for value in legal[name]):
                        found.add(place)
        return frozenset(found)

    def words(self, script: Script) -> Said:
        """Write the formulas and what belongs to them as texts."""
        words = Words(self._found.trace.table, script, self.exact)
        parts = [(stage, {name: words.form(form) for name, form in forms.items()}) for stage, forms in self.stages]
        formulas = {name: words.form(form) for name, form in self.forms.items()}
        return Said(formulas, parts, words.where, [condition.text(words) for condition in self.conditions])

    def to_text(self) -> str:
        """Write the formulas for a terminal, a line each."""
        formulas, parts, where, conditions = self.words(TEXT)
        width = max(map(len, [*formulas, *("  " + stage for stage, _ in parts)]))
        lines = []
        for name, text in formulas.items():
            lines.append(f"{name:<{width}} = {text}")
            lines += [f"{'  ' + stage:<{width}} = {part[name]}" for stage, part in parts if part[name] != "0"]
        if where:
            lines.append(f"where {', '.join(f'{name} = {text}' for name, text in where)}")
        if conditions:
            lines.append(f"for {'; '.join(conditions)}")
        found = self()
        assert found is not None, "formulas hold for the example"
        values = ", ".join(f"{name} = {value:,}" for name, value in self.example.items())
        lines.append(f"At {values}: {', '.join(f'{name} = {number:,}' for name, number in found.items())}.")
        return "\n".join(lines) + "\n"

    def to_latex(self) -> str:
        """Write the formulas as an `align*` of amsmath, for LaTeX's mathematics."""
        formulas, parts, where, conditions = self.words(LATEX)
        lines = []
        for name, text in formulas.items():
            for stage, part in parts:
                if part[name] != "0":
                    lines += broken(rf"\mathit{{{name}}}_{{\text{{{stage.replace('_', _UNDERSCORE)}}}}}", part[name])
            lines += broken(rf"\mathit{{{name}}}", text)
        lines += [rf"{name} &= {text}" for name, text in where]
        noted = "".join(f"% {line}\n" for line in conditions)
        return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}\n" + (f"% for\n{noted}" if noted else "")

    def to_data(self) -> dict[str, Any]:
        """Return the formulas as data for JSON: texts, LaTeX and Python for each count."""
        formulas, parts, where, conditions = self.words(TEXT)
        latex = self.words(LATEX)
        return {
            "archspec": 1,
            "model": self.model,
            "variables": dict(self.example),
            "counts": _both(formulas, latex.formulas),
            **(
                {"stages": [{"name": n, "counts": _both(a, b)} for (n, a), (_, b) in zip(parts, latex.stages, strict=True)]}
                if parts
                else {}
            ),
            "where": dict(where),
            "conditions": conditions,
            "python": self.to_python(),
            "at": self(),
        }

    def to_python(self) -> str:
        """Write the formulas as a Python function of the variables, which returns a dict, or None where they do not hold."""
        table = self._found.trace.table
        names = {name: _identifier(name) for name in self.variables}
        writer, lines = Writer(table, names), []
        for name, domain in self.domains.items():
            lines.append(f"if not {domain.low} <= {names[name]} <= {domain.high}:\n        return None")
        for guard in self.guards:
            condition = writer.guard(guard)
            lines += [*writer.lines, f"if not ({condition}):\n        return None"]
            writer.lines.clear()
        results = ", ".join(f'"{name}": {writer.form(form)}' for name, form in self.forms.items())
        text = "\n    ".join([f"def counts({', '.join(names.values())}):", *lines, *writer.lines, f"return {{{results}}}"])
        words = [word for word in ("ceil", "floor", "gcd", "sqrt") if f"{word}(" in text]
        head = f"from math import {', '.join(words)}\n\n\n" if words else ""
        return head + (_DIVISIBLE if "divisible(" in text else "") + text + "\n"

    def to_javascript(self) -> str:
        """Write the formulas as a function in JavaScript, which returns an array of the counts, or null where they do not hold.

        It calls `divisible`, `round` and `gcd`, and is exact as long as all numbers are below 2^53.
        """
        names = {name: f"v{at}" for at, name in enumerate(self.variables)}
        writer = Writer(self._found.trace.table, names, JAVASCRIPT)
        lines = []
        for name, low, high in self.domains.values():  # guards that follow from these bounds were not noted
            whole = f" && Number.isInteger({names[name]})" if isinstance(self.example[name], int) else ""
            lines.append(f"if (!({low} <= {names[name]} && {names[name]} <= {high}{whole})) return null;")
        for guard in self.guards:
            condition = writer.guard(guard)
            lines += [*writer.lines, f"if (!({condition})) return null;"]
            writer.lines.clear()
        results = ", ".join([writer.form(form) for form in self.forms.values()])
        text = "\n".join([*lines, *writer.lines, f"return [{results}];"])
        return f"({', '.join(names.values())}) => {{\n{text}\n}}"

    def __str__(self) -> str:
        return self.to_text().rstrip()

    def __repr__(self) -> str:
        return f"Formula({self.model}: {', '.join(self.counts)} in {', '.join(self.variables)})"


_UNDERSCORE = r"\_"


def _both(text: Mapping[str, str], latex: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"text": text[name], "latex": latex[name]} for name in text}


_DIVISIBLE = '''def divisible(value, divisor):
    """Round to the nearest multiple of a number, to at least that and not below 0.9 of the value."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


'''


def _holding(program: Callable[..., Any]) -> Callable[[int], bool]:
    return lambda value: program(value) is not None


def _end(values: Sequence[int], holds: Callable[[int], bool], high: int) -> int | None:
    """Up to which value those that were tried up to `_SHOWN` repeat as their last ones do, by looks at larger ones up to `high`; None where
    they do not.
    """
    length = repeated(values, _SHOWN)
    least = _SHOWN - length + 1
    for at in range(least, _SHOWN + 1, max(1, length // 64)):
        expected, times = holds(at), 1
        while times <= (high - at) // length:
            rest = (high - at) // length // times  # from the largest down, and close to those that were tried
            if holds(at + rest * length) != expected or holds(at + times * length) != expected:
                return _last(holds, high) if length == 1 and expected else None
            times *= 2
    return high


def _last(holds: Callable[[int], bool], high: int) -> int:
    """The last of the values from `_SHOWN` on that hold one after the other, where those behind a value do not."""
    low = _SHOWN
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _is_limit(guard: Guard) -> bool:
    """Whether a guard only keeps a count below 2^63."""
    return isinstance(guard.left, Poly) and abs(guard.left.terms.get((), 0)) > LIMIT // 2


def _identifier(name: str) -> str:
    return f"{name}_" if iskeyword(name) else name
