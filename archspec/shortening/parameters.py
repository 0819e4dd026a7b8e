"""What differs between the instances of a block: as few parameters as explain it, expressions of them, and conditions.

Example: instances whose first convolutions have 64, 128 and 256 filters, and whose last ones have 256, 512 and 1024, get a parameter `f`;
the last convolution has `4*f`. A shortcut that those instances have whose input has other than `4*f` channels stands `if cin != 4*f`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, combinations_with_replacement, islice

from archspec.shortening.items import Item

Texts = Mapping[int, str]
"""Texts by instance."""
_PARTS = (2, 3, 4, 8)
"""Of how many equal parts some are taken."""
_ATOMS = 60
"""Comparisons that are tried in pairs."""


_ANSWERS = ("yes", "no", "same")
"""The words that a parameter may be; `same` is no default."""


class Unsayable(Exception):
    """Instances differ in what no parameter says; it says in what, and which `items` do."""

    def __init__(self, what: str, items: Sequence[Item] = ()) -> None:
        super().__init__(what)
        self.items = items


@dataclass(slots=True, eq=False)
class Param:
    """A parameter, its value in each instance, and its default, where it has one; `whole` says that all instances need it."""

    name: str
    values: dict[int, str]
    default: str | None = None
    whole: bool = True


@dataclass(slots=True)
class Params:
    """The parameters of a block whose instances are given values of these `channels` and give such of these `widths`."""

    channels: Mapping[int, int]
    widths: Mapping[int, int]
    found: list[Param] = field(default_factory=list)
    names: set[str] = field(default_factory=lambda: {"cin", "x"})
    times: dict[str, set[int]] = field(default_factory=dict)
    """The multiples of what is known that lines say."""
    partial: bool = False
    """Whether some instances alone need an expression."""
    values: list[str] = field(default_factory=list)
    """The names of the values that it takes besides the one that it is given."""
    closed: bool = False
    """Whether there can be no parameters: for the network itself."""

    @property
    def ordered(self) -> list[Param]:
        """Those without a default first, as they are written."""
        return sorted(self.found, key=lambda param: param.default is not None)

    def express(self, values: Texts, hint: str) -> str:
        """An expression for texts, with new parameters where it takes some; these are called like the `hint`. Raises Unsayable."""
        texts = set(values.values())
        if len(texts) == 1:
            same = any(param.name == hint and all(param.values[at] in texts for at in values) for param in self.found)
            return hint if same and len(values) < len(self.channels) else texts.pop()
        self.partial |= len(values) < len(self.channels)
        if self.closed:
            raise Unsayable(f"{hint}: {', '.join(sorted(texts))}")
        numbers = _numbers(values)
        known = next((text for text, known in self.terms() if _equal(known, numbers or values)), None)
        if known is None and numbers is not None:
            known = self.scaled(numbers) or self.product(numbers)
        return known or self.apart(values, hint) or self.new(values, hint)

    def terms(self) -> Iterator[tuple[str, Mapping[int, int] | Texts]]:
        """What has a name, and its values."""
        for param in self.found:
            yield param.name, _numbers(param.values) or param.values
        yield "cin", self.channels

    def numbers(self) -> Iterator[tuple[str, Mapping[int, int]]]:
        """The names of numbers, and their values."""
        for param in self.found:
            found = _numbers(param.values)
            if found is not None:
                yield param.name, found
        yield "cin", self.channels

    def scaled(self, numbers: Mapping[int, int]) -> str | None:
        """A multiple or a part of something known."""
        for text, known in self.numbers():
            pairs = [(value, known[at]) for at, value in numbers.items()]
            if any(value < 1 or of < 1 for value, of in pairs):
                continue
            times, parts = {value / of for value, of in pairs}, {of // value for value, of in pairs}
            if len(times) == 1 and (ratio := times.pop()).is_integer():
                self.times.setdefault(text, set()).add(int(ratio))
                return f"{int(ratio)}*{text}"
            if len(parts) == 1 and (part := parts.pop()) > 1 and all(of // part == value for value, of in pairs):
                return f"{text}//{part}"
        return self.share(numbers)

    def share(self, numbers: Mapping[int, int]) -> str | None:
        """Some of the equal parts of something known: `3*f//8`."""
        for text, known in self.numbers():
            if text[0] in "kw" and all(known[at] // 2 == value for at, value in numbers.items()):
                return f"{text}//2"  # the padding of a window
            if all(value > 0 and known[at] > 0 for at, value in numbers.items()):
                shares = {Fraction(value, known[at]) for at, value in numbers.items()}
                share = shares.pop()
                if not shares and share.denominator in _PARTS and share.numerator <= 2 * max(_PARTS):
                    return f"{share.numerator}*{text}//{share.denominator}"
        return None

    def product(self, numbers: Mapping[int, int]) -> str | None:
        """A product of two known numbers, which may be one, or of the channels and a new parameter; nothing for a part of what the block gives."""
        if len({self.widths[at] / value for at, value in numbers.items() if value}) == 1:
            return None
        for (one, a), (other, b) in combinations_with_replacement(self.numbers(), 2):
            if all(a[at] * b[at] == value for at, value in numbers.items()):
                return f"{one}*{other}"
        ratios = {at: value / self.channels[at] for at, value in numbers.items() if self.channels[at]}
        few = len(set(ratios.values())) <= min(2, len(set(numbers.values())) - 1)
        if few and len(ratios) == len(numbers) and all(ratio.is_integer() for ratio in ratios.values()):
            return f"{self.new({at: str(int(ratio)) for at, ratio in ratios.items()}, 't')}*cin"
        return None

    def apart(self, values: Texts, hint: str) -> str | None:
        """An expression for each number of a list, a range or the axes of a window: `f,2*f`, `(2,f)`, `0:cin//2`, `(k)x1`."""
        if all(value.startswith("(") and value.endswith(")") for value in values.values()):
            inner = self.apart({at: value[1:-1] for at, value in values.items()}, hint)
            return f"({inner})" if inner is not None else None
        for sign in (",", ":", "x"):
            parts = {at: value.split(sign) for at, value in values.items()}
            counts = {len(part) for part in parts.values()}
            if len(counts) == 1 and counts != {1} and all(part.isdecimal() for own in parts.values() for part in own):
                found = [self.express({at: part[n] for at, part in parts.items()}, hint) for n in range(counts.pop())]
                return sign.join(text if text.isdecimal() or sign != "x" else f"({text})" for text in found)
        return None

    def new(self, values: Texts, hint: str) -> str:
        """A parameter of its own; its commonest value is its default where most instances have it and there are few others."""
        if any("," in value for value in values.values()):
            raise Unsayable(f"lists of {hint}")  # a block in a repeat is given one value of a list, not all
        if any(value.isidentifier() and value not in _ANSWERS for value in values.values()):
            raise Unsayable(f"words of {hint}")
        name, count = hint, 1
        while name in self.names:
            count += 1
            name = f"{hint}{count}"
        self.names.add(name)
        common, times = Counter(values.values()).most_common(1)[0]
        most = 2 if hint in ("f", "n") else max(2, len(values) // 4)
        usual = (
            common != "same"
            and times > 1
            and 2 * times >= len(values)
            and len(set(values.values())) <= most
            and (len(values) > 2 or len(self.found) > 0)
        )
        whole = len(values) == len(self.channels)
        self.found.append(Param(name, {at: values.get(at, common) for at in self.channels}, common if usual else None, whole))
        return name

    def condition(self, present: set[int], among: set[int]) -> str:
        """A condition that holds for these of some instances: a comparison, two of them, or a parameter of its own."""
        atoms = [(text, holds & among) for text, holds in self.atoms()]
        for text, holds in atoms:
            if holds == present:
                return text
        few = list(islice(atoms, _ATOMS))
        for (one, a), (other, b) in combinations([atom for atom in few if atom[1] > present], 2):
            if a & b == present:
                return f"{one} and {other}"
        for (one, a), (other, b) in combinations([atom for atom in few if atom[1] and atom[1] < present], 2):
            if a | b == present:
                return f"{one} or {other}"
        return self.new({at: "yes" if at in present else "no" for at in self.channels}, "on")

    def atoms(self) -> Iterator[tuple[str, set[int]]]:
        """Comparisons, and the instances for which they hold."""
        known = list(self.numbers())
        for text, values in known[:-1]:
            for times in sorted({1, *self.times.get(text, ())}):
                equal = {at for at, value in values.items() if times * value == self.channels[at]}
                of = f"{times}*{text}" if times > 1 else text
                yield f"cin == {of}", equal
                yield f"cin != {of}", set(self.channels) - equal
        for text, values in known:
            for bound in sorted(set(values.values())):
                yield f"{text} > {bound}", {at for at, value in values.items() if value > bound}
                yield f"{text} == {bound}", {at for at, value in values.items() if value == bound}
                yield f"{text} != {bound}", {at for at, value in values.items() if value != bound}
        for param in self.found:
            if set(param.values.values()) <= {"yes", "no"}:
                yield param.name, {at for at, value in param.values.items() if value == "yes"}


def _equal(known: Mapping[int, int] | Texts, values: Mapping[int, int] | Texts) -> bool:
    return all(known[at] == value for at, value in values.items())


def _numbers(values: Texts) -> dict[int, int] | None:
    """The texts as whole numbers; None where one is none."""
    return {at: int(value) for at, value in values.items()} if all(value.isdecimal() for value in values.values()) else None
