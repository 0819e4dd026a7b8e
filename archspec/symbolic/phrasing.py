"""Forms as people write them: `7,574*width^2 + 118*width + 2`, and the same for LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from archspec.symbolic.forms import Form, Item, Monomial, Poly, Real, Table
from archspec.symbolic.traced import Guard


class Script(NamedTuple):
    """How formulas are written. Places are filled with the parts of an operation."""

    product: str
    power: str
    thousands: str
    floor: str
    quotient: str
    call: str
    name: str
    signs: Mapping[str, str]


TEXT = Script("*", "{}^{}", ",", "floor({}/{})", "{}/{}", "{}({})", "{}", {})
LATEX = Script(
    r" \cdot ",
    "{}^{{{}}}",
    "{{,}}",
    r"\left\lfloor\frac{{{}}}{{{}}}\right\rfloor",
    r"\frac{{{}}}{{{}}}",
    r"\operatorname{{{}}}\left({}\right)",
    r"\mathit{{{}}}",
    {"==": "=", "!=": r"\neq", ">=": r"\geq", "<=": r"\leq", "%": r"\bmod"},
)
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_RANKS = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2, "**": 3}
_ATOM = 4
_SIGNS = re.compile(r" [+-] ")
_PRINTED = 62
"""Characters of a formula on a line of a page."""


class Words:
    """Writes the forms of a table in one script. Rounded quotients and other atoms get short names, listed in `where`."""

    def __init__(self, table: Table, script: Script, exact: frozenset[int] = frozenset()) -> None:
        self.table = table
        self.script = script
        self.exact = exact
        """Quotients that leave no remainder under the conditions, so that nothing is rounded."""
        self.short: dict[int, str] = {}
        self.where: list[tuple[str, str]] = []
        self._taken = {str(item.parts[0]) for item in table.items if item.operation == "name"}

    def form(self, form: Form) -> str:
        """A form as a sum, the highest powers first."""
        return self._real(form.place)[0] if isinstance(form, Real) else self._sum(self._divided(form))

    def _divided(self, form: Poly) -> Poly:
        """The form with exact quotients divided, where that leaves whole factors: 120*H^2 for 1,920*(H/4)^2."""
        found: dict[Monomial, Fraction] = {}
        for monomial, factor in self._fractions(form).items():
            if factor.denominator > 1:
                return form
            found[monomial] = factor
        return Poly({monomial: int(factor) for monomial, factor in found.items() if factor})

    def _fractions(self, form: Poly) -> dict[Monomial, Fraction]:
        found: dict[Monomial, Fraction] = {}
        for monomial, factor in form.terms.items():
            product: dict[Monomial, Fraction] = {(): Fraction(factor)}
            for place in monomial:
                product = _multiplied(product, self._quotient(place))
            for powers, part in product.items():
                found[powers] = found.get(powers, Fraction(0)) + part
        return found

    def _quotient(self, place: int) -> dict[Monomial, Fraction]:
        if place not in self.exact or (divisor := self.table.items[place].parts[1].constant) is None:
            return {(place,): Fraction(1)}
        return {monomial: factor / divisor for monomial, factor in self._fractions(self.table.items[place].parts[0]).items()}

    def guard(self, guard: Guard) -> str:
        """A guard as a condition, with what is subtracted on the other side."""
        left, right, sign = guard.left, guard.right, guard.sign
        if isinstance(left, Poly) and all(factor < 0 for monomial, factor in left.terms.items() if monomial):
            left, sign = -left, _TURNED.get(sign, sign)
        sign = self.script.signs.get(sign, sign)
        if isinstance(left, Poly) and (found := self._divides(left)) is not None and guard.sign in ("==", "!="):
            divisor, number = found
            return f"{divisor} {'divides' if guard.sign == '==' else 'does not divide'} {number}"
        if isinstance(left, Poly):
            right = Poly({m: -f for m, f in left.terms.items() if f < 0 or not m})
            left = Poly({m: f for m, f in left.terms.items() if f > 0 and m})
        return f"{self.form(left)} {sign} {self.form(right)}"

    def _divides(self, form: Poly) -> tuple[str, str] | None:
        """The divisor and the number of a remainder, p - d*floor(p/d)."""
        for monomial in form.terms:
            for place in monomial:
                item = self.table.items[place]
                if item.operation == "//":
                    a, b = item.parts
                    remainder = a - Poly({(place,): 1}) * b
                    if form in (remainder, -remainder):
                        return self._factor(b), self.form(a)
        return None

    def _sum(self, form: Poly) -> str:
        ordered = sorted(form.terms.items(), key=lambda term: (-len(term[0]), term[0]))
        text = ""
        for monomial, factor in ordered:
            sign = ("-" if factor < 0 else "") if not text else " - " if factor < 0 else " + "
            text += sign + self._term(monomial, abs(factor))
        return text or "0"

    def _term(self, monomial: Monomial, factor: int) -> str:
        powers: dict[int, int] = {}
        for place in monomial:
            powers[place] = powers.get(place, 0) + 1
        parts = [self.number(factor)] if factor != 1 or not monomial else []
        for place, power in powers.items():
            name = self.atom(place)
            parts.append(self.script.power.format(name, power) if power > 1 else name)
        return self.script.product.join(parts)

    def number(self, number: float) -> str:
        """A number with its thousands separated."""
        text = f"{number:,}" if isinstance(number, int) else repr(number)
        return text.replace(",", self.script.thousands.format())

    def name(self, name: str) -> str:
        """The name of a variable or of an atom: `h1`."""
        if self.script is TEXT:
            return name
        letter, digits = re.fullmatch(r"(.*?)(\d*)", name).groups()  # type: ignore[union-attr]
        letter = letter.replace("_", r"\_")
        base = letter if len(letter) == 1 else self.script.name.format(letter)
        return f"{base}_{{{digits}}}" if digits else base

    def atom(self, place: int) -> str:
        """The name of an atom."""
        item = self.table.items[place]
        if item.operation == "name":
            return self.name(item.parts[0])
        if place not in self.short:
            text = self._operation(item)[0] if item.operation != "//" else self._rounded(place, item)
            self.short[place] = self.name(self._fresh(place))
            self.where.append((self.short[place], text))
        return self.short[place]

    def _rounded(self, place: int, item: Item) -> str:
        a, b = item.parts
        if place in self.exact:
            return self.script.quotient.format(self._factor(a) if self.script is TEXT else self.form(a), self._factor(b))
        over = self.form(a) if self.script is not TEXT else self._factor(a)
        return self.script.floor.format(over, self._factor(b) if self.script is TEXT else self.form(b))

    def _fresh(self, place: int) -> str:
        """A name that is not taken: the first letter of the only variable in it, and a number."""
        variables = set(self.variables(Poly({(place,): 1})))
        letter = variables.pop()[0].lower() if len(variables) == 1 else "n"
        number = 1
        while f"{letter}{number}" in self._taken:
            number += 1
        self._taken.add(f"{letter}{number}")
        return f"{letter}{number}"

    def _factor(self, form: Form) -> str:
        text, rank = (self._sum(form), 1 if len(form.terms) > 1 else _ATOM) if isinstance(form, Poly) else self._real(form.place)
        if isinstance(form, Poly) and rank == _ATOM and form.terms and next(iter(form.terms.values())) != 1 and form.constant is None:
            rank = 2
        return text if rank == _ATOM else f"({text})"

    def _real(self, place: int) -> tuple[str, int]:
        item = self.table.items[place]
        if item.operation == "name":
            return self.name(item.parts[0]), _ATOM
        if item.operation == "float":
            return self.number(item.parts[0]), _ATOM
        return self._operation(item)

    def _operation(self, item: Item) -> tuple[str, int]:
        parts = item.parts
        if item.operation == "real":
            return self._factor(parts[0]), _ATOM
        if item.operation == "negative":
            return f"-{self._factor(parts[0])}", 1
        rank = _RANKS.get(item.operation)
        if rank is None:
            return self.script.call.format(item.operation, ", ".join(map(self.form, parts))), _ATOM
        if item.operation == "/" and self.script is not TEXT:
            return self.script.quotient.format(self.form(parts[0]), self.form(parts[1])), _ATOM
        left, right = (self._factor(part) for part in parts)
        sign = self.script.product if item.operation == "*" else self.script.signs.get(item.operation, item.operation)
        return f"{left} {sign} {right}" if rank == 1 or item.operation == "%" else f"{left}{sign}{right}", rank

    def variables(self, form: Form) -> Iterator[str]:
        """The variables of a form, each as often as it is met."""
        return variables(self.table, form)


def _multiplied(a: Mapping[Monomial, Fraction], b: Mapping[Monomial, Fraction]) -> dict[Monomial, Fraction]:
    found: dict[Monomial, Fraction] = {}
    for x, p in a.items():
        for y, q in b.items():
            key = tuple(sorted((*x, *y)))
            found[key] = found.get(key, Fraction(0)) + p * q
    return found


def variables(table: Table, form: Form) -> Iterator[str]:
    """List the variables of a form, some of them several times."""
    places = [form.place] if isinstance(form, Real) else [place for monomial in form.terms for place in monomial]
    for place in places:
        item = table.items[place]
        if item.operation == "name":
            yield item.parts[0]
        elif item.operation != "float":
            for part in item.parts:
                yield from variables(table, part)


def broken(name: str, formula: str) -> list[str]:
    """A formula in LaTeX as the lines of an `align*`, those after the first from a sign on, each about as long as a page is wide."""
    lines, start = [f"{name} &= "], 0
    ends = [
        match.start() for match in _SIGNS.finditer(formula) if formula.count("{", 0, match.start()) == formula.count("}", 0, match.start())
    ]
    for end in (*ends, len(formula)):
        term = formula[start:end]
        if start and _printed(lines[-1] + term) > _PRINTED:
            lines.append(r"&\quad ")
            term = term.lstrip()
        lines[-1] += term
        start = end
    return lines


def _printed(latex: str) -> int:
    return len(re.sub(r"\\[a-z]+|[{}^\\ ]", "", latex))


def progression(values: Sequence[int], letter: str, last: int) -> str:
    """Describe ascending numbers out of those up to `last` by their period: `16k, from 16`, `32k + 29 to 32k + 32, from 61`.

    >>> progression(range(16, 4097, 4), "H", 4096)
    'H = 4k, from 16'
    """
    if not len(values):
        return f"no {letter}"
    first = values[0]
    if len(values) == 1:
        return f"{letter} = {first:,}"
    steps = [b - a for a, b in pairwise(values)]
    period = _period(steps)
    if period is None:
        shown = ", ".join(f"{value:,}" for value in values[:12])
        return f"{letter} = {shown}{f', ... ({len(values):,} values to {values[-1]:,})' if len(values) > 12 else ''}"
    length = sum(steps[:period])
    ends = values[-1] + steps[len(steps) % period] <= last
    until = f" to {values[-1]:,}" if ends else ""
    if length == 1:
        return f"{letter} from {first:,}{until}" if first > 1 or until else f"every {letter}"
    residues = [first % length]
    for step in steps[: period - 1]:
        residues.append(residues[-1] + step)
    runs = [_run(run, length) for run in _runs(residues)]
    return f"{letter} = {', '.join(runs)}, from {first:,}{until}"


def repeated(values: Sequence[int], last: int) -> int:
    """After how many numbers ascending ones out of those up to `last` repeat; 1 where none or all follow."""
    steps = [b - a for a, b in pairwise(values)]
    period = _period(steps)
    if not period or values[-1] + steps[len(steps) % period] <= last:
        return 1
    return sum(steps[:period])


def _period(steps: Sequence[int]) -> int | None:
    """The least number of steps that repeat to the end; None where fewer than two rounds are seen."""
    for period in range(1, min(len(steps) // 2, 512) + 1):
        if all(steps[at] == steps[at - period] for at in range(period, len(steps))):
            return period
    return 1 if len(steps) == 1 else None


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for at in range(1, len(numbers) + 1):
        if at == len(numbers) or numbers[at] != numbers[at - 1] + 1:
            yield numbers[start], numbers[at - 1]
            start = at


def _run(run: tuple[int, int], length: int) -> str:
    ends = [f"{length}k" + (f" + {number}" if number else "") for number in dict.fromkeys(run)]
    return " to ".join(ends)
