"""Numbers in normal form: whole ones as polynomials, real ones as the operations that give them, in their order.

A polynomial is over atoms: a variable, a quotient rounded down, a maximum, a real number cut off. Equal numbers mostly have equal forms:
the sizes of ResNet come out as floor((H + 31)/32), however many windows slid. Real numbers are never reordered, since their
sums depend on it. Atoms and real numbers are numbered in a table, each once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from archspec.numeric import OPERATIONS

Monomial = tuple[int, ...]
"""Numbers of atoms in ascending order, repeated for powers; () is that of the constant."""
Bounds = tuple[float, float]
"""The least and the largest value; integers, or floats, which may be infinite."""


class Poly:
    """A polynomial with whole coefficients: monomials to their factors, none of them 0."""

    __slots__ = ("_key", "terms")

    def __init__(self, terms: dict[Monomial, int]) -> None:
        self.terms = terms
        self._key: tuple[tuple[Monomial, int], ...] | None = None

    @property
    def key(self) -> tuple[tuple[Monomial, int], ...]:
        """Its terms in order, for comparing."""
        if self._key is None:
            self._key = tuple(sorted(self.terms.items()))
        return self._key

    @property
    def constant(self) -> int | None:
        """Its value where it has no atoms."""
        if not self.terms:
            return 0
        return self.terms.get(()) if len(self.terms) == 1 else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Poly) and self.terms == other.terms

    def __hash__(self) -> int:
        return hash(self.key)

    def __add__(self, other: Poly) -> Poly:
        terms = dict(self.terms)
        for monomial, factor in other.terms.items():
            terms[monomial] = terms.get(monomial, 0) + factor
        return _poly(terms)

    def __sub__(self, other: Poly) -> Poly:
        terms = dict(self.terms)
        for monomial, factor in other.terms.items():
            terms[monomial] = terms.get(monomial, 0) - factor
        return _poly(terms)

    def __mul__(self, other: Poly) -> Poly:
        factor = other.constant
        if factor is not None:
            return Poly({monomial: factor * own for monomial, own in self.terms.items()}) if factor else other
        terms: dict[Monomial, int] = {}
        for a, x in self.terms.items():
            for b, y in other.terms.items():
                monomial = tuple(sorted((*a, *b))) if a and b else a or b
                terms[monomial] = terms.get(monomial, 0) + x * y
        return _poly(terms)

    def __neg__(self) -> Poly:
        return self * MINUS


def _poly(terms: dict[Monomial, int]) -> Poly:
    return Poly({monomial: factor for monomial, factor in terms.items() if factor})


def whole(number: int) -> Poly:
    """The polynomial of a plain number."""
    return Poly({(): number} if number else {})


MINUS = whole(-1)


class Real(NamedTuple):
    """A real number, by its place in the table."""

    place: int


Form = Poly | Real


class Item(NamedTuple):
    """An atom or a real number: the operation, what it works on, and its bounds. A variable is `name` of its name, a constant `float`."""

    operation: str
    parts: tuple[Any, ...]
    bounds: Bounds


class Table:
    """The atoms and real numbers of forms, each after those that it is made of."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._places: dict[tuple[Any, ...], int] = {}

    def place(self, operation: str, parts: tuple[Any, ...], bounds: Bounds) -> int:
        """The number of an item, which is entered where it is new."""
        key = (operation, *parts)
        if key not in self._places:
            self._places[key] = len(self.items)
            self.items.append(Item(operation, parts, bounds))
        return self._places[key]

    def atom(self, operation: str, parts: tuple[Any, ...], bounds: Bounds) -> Poly:
        """An atom as a polynomial."""
        low, high = bounds
        return whole(int(low)) if low == high else Poly({(self.place(operation, parts, bounds),): 1})

    def variable(self, name: str, low: float, high: float, real: bool) -> Form:
        """A variable with its bounds."""
        place = self.place("name", (name,), (low, high))
        return Real(place) if real else Poly({(place,): 1})

    def form(self, number: Any) -> Form:
        """The form of a plain number."""
        return whole(int(number)) if isinstance(number, int) else Real(self.place("float", (number,), (number, number)))

    def bounds(self, form: Form) -> Bounds:
        """Bounds of a form; of a polynomial the sum of those of its terms."""
        if isinstance(form, Real):
            return self.items[form.place].bounds
        low: float = 0
        high: float = 0
        for monomial, factor in form.terms.items():
            ends = _times((factor, factor), [self.items[place].bounds for place in monomial])
            low, high = low + ends[0], high + ends[1]
        return low, high

    def largest_term(self, form: Poly) -> float:
        """The largest number met where the form is computed term by term, from the left."""
        total: float = 0
        for monomial, factor in form.terms.items():
            size: float = abs(factor)
            for place in monomial:
                size *= max(1, *map(abs, self.items[place].bounds))
            total += size
        return total

    # operations

    def applied(self, operation: str, parts: list[Form]) -> Form:
        """The form of an operation of `Spelled` on forms. Raises KeyError for an operation that is not known here."""
        if operation == "worked out":
            return parts[0]
        if operation in _TO_WHOLE and isinstance(parts[0], Poly) and operation not in ("round8", "divisible"):
            return parts[0]
        if operation not in (*_TO_WHOLE, "/", "real", "sqrt") and all(isinstance(part, Poly) for part in parts):
            return self._whole(operation, parts)  # type: ignore[arg-type]
        return self._real(operation, parts)

    def _whole(self, operation: str, parts: list[Poly]) -> Poly:
        match operation:
            case "+":
                return parts[0] + parts[1]
            case "-":
                return parts[0] - parts[1]
            case "*":
                return parts[0] * parts[1]
            case "negative":
                return -parts[0]
            case "//":
                return self.quotient(parts[0], parts[1])
            case "%":
                return parts[0] - self.quotient(parts[0], parts[1]) * parts[1]
            case "ceil_div" | "round up":
                return -self.quotient(-parts[0], parts[1])
            case "max" | "min":
                return self._extreme(operation, parts)
            case "gcd":
                return self._gcd(parts[0], parts[1])
        power = parts[1].constant
        if operation != "**" or power is None or not 0 <= power <= 64:
            raise KeyError(operation)
        result = whole(1)
        for _ in range(power):
            result = result * parts[0]
        return result

    def quotient(self, a: Poly, b: Poly) -> Poly:
        """The quotient rounded down. By a plain number, multiples of it leave the quotient, and quotients of quotients become one."""
        d = b.constant
        if d is None:
            return self._by_form(a, b)
        if d < 0:
            a, d = -a, -d
        outside, rest = {}, {}
        for monomial, factor in a.terms.items():
            times, left = divmod(factor, d)
            outside[monomial] = times
            rest[monomial] = left
        left_over = _poly(rest)
        return _poly(outside) + self._rounded(left_over, d)

    def _rounded(self, a: Poly, d: int) -> Poly:
        low, high = self.bounds(a)
        if low >= 0 and high < d:
            return whole(0)
        constant = a.terms.get((), 0)
        common = math.gcd(d, *[factor for monomial, factor in a.terms.items() if monomial])
        if common > 1:
            a = Poly({m: f // common for m, f in a.terms.items() if m or constant // common})
            return self.quotient(a, whole(d // common))
        (atom, factor), *more = [(m, f) for m, f in a.terms.items() if m]
        if not more and factor == 1 and len(atom) == 1:
            inner = self.items[atom[0]]
            if inner.operation == "//" and (e := inner.parts[1].constant) is not None:
                return self.quotient(inner.parts[0] + whole(constant * e), whole(e * d))
        return self.atom("//", (a, whole(d)), _floors((low, high), (d, d)))

    def _by_form(self, a: Poly, b: Poly) -> Poly:
        """By a divisor that is not known: exact where it is one term that all terms have."""
        if len(b.terms) == 1:
            ((divisor, factor),) = b.terms.items()
            exact = {}
            for monomial, times in a.terms.items():
                left = _without(monomial, divisor)
                if left is None or times % factor:
                    break
                exact[left] = times // factor
            else:
                return Poly(exact)
        return self.atom("//", (a, b), _floors(self.bounds(a), self.bounds(b)))

    def _extreme(self, operation: str, parts: list[Poly]) -> Poly:
        """A maximum or minimum of those that may be it, each once."""
        sign = 1 if operation == "max" else -1
        left: list[Poly] = []
        for part in dict.fromkeys(parts):
            above = [other for other in left if self._at_least(other, part, sign)]
            if not above:
                left = [other for other in left if not self._at_least(part, other, sign)] + [part]
        if len(left) == 1:
            return left[0]
        choose = max if operation == "max" else min
        low, high = zip(*map(self.bounds, left), strict=True)
        return self.atom(operation, tuple(sorted(left, key=lambda part: part.key)), (choose(low), choose(high)))

    def _at_least(self, a: Poly, b: Poly, sign: int) -> bool:
        low, high = self.bounds(a - b)
        return low >= 0 if sign > 0 else high <= 0

    def _gcd(self, a: Poly, b: Poly) -> Poly:
        x, y = a.constant, b.constant
        if x is not None and y is not None:
            return whole(math.gcd(x, y))
        if a == b and self.bounds(a)[0] >= 0:
            return a
        ends = [self.bounds(part) for part in (a, b)]
        zero = any(low <= 0 <= high for low, high in ends)  # of 0 and n it is n
        most = (max if zero else min)(max(map(abs, each)) for each in ends)
        return self.atom("gcd", tuple(sorted((a, b), key=lambda part: part.key)), (0 if zero else 1, most))

    def _real(self, operation: str, parts: list[Form]) -> Form:
        """A real number, or a whole one made of it."""
        bounds = _real_bounds(operation, [self.bounds(part) for part in parts])
        key = tuple(parts)
        return self.atom(operation, key, bounds) if operation in _TO_WHOLE else Real(self.place(operation, key, bounds))


_TO_WHOLE = ("int", "ceil", "floor", "round", "round8", "divisible")
"""Operations that make a whole number of a real one; all of them grow with it."""
_ANYTHING = -math.inf, math.inf


def _without(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """A monomial divided by another; None where that is no monomial."""
    left = list(monomial)
    for place in divisor:
        if place not in left:
            return None
        left.remove(place)
    return tuple(left)


def _times(first: Bounds, more: Iterable[Bounds]) -> Bounds:
    low, high = first
    for a, b in more:
        if low >= 0 and a >= 0:
            low, high = _product(low, a), _product(high, b)
        else:
            ends = [_product(x, y) for x in (low, high) for y in (a, b)]
            low, high = min(ends), max(ends)
    return low, high


def _product(x: float, y: float) -> float:
    """A product in which 0 times anything is 0."""
    return x * y if x and y else 0


def _floors(a: Bounds, b: Bounds) -> Bounds:
    """Bounds of a quotient rounded down."""
    if b[0] <= 0 <= b[1] or not all(map(math.isfinite, b)):
        return (0, a[1]) if a[0] >= 0 and b[0] >= 1 else _ANYTHING
    ends = [x // y if math.isfinite(x) else math.copysign(math.inf, x) * math.copysign(1, y) for x in a for y in b]
    return min(ends), max(ends)


def _real_bounds(operation: str, parts: list[Bounds]) -> Bounds:
    """Bounds of an operation on real numbers. Rounding keeps the order of numbers, so that the ends are exact."""
    if not all(math.isfinite(end) for ends in parts for end in ends):
        return _ANYTHING
    compute: Callable[..., Any] = float if operation == "real" else OPERATIONS[operation]
    try:
        if operation in ("+", "-", "*") or (operation in ("/", "//") and not parts[1][0] <= 0 <= parts[1][1]):
            found = [compute(x, y) for x in parts[0] for y in parts[1]]
        elif operation in (*_TO_WHOLE, "negative", "real", "sqrt") and all(low == high for low, high in parts[1:]):
            found = [compute(x, *[low for low, _ in parts[1:]]) for x in parts[0]]
        elif operation in ("max", "min"):
            low, high = zip(*parts, strict=True)
            return compute(low), compute(high)
        else:
            return _ANYTHING
    except (OverflowError, ValueError):
        return _ANYTHING
    return min(found), max(found)
