"""The statements of a `forward`."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import groupby

from archspec.backends.source.body import ONE, Body, Item
from archspec.backends.source.dialect import Dialect

Results = dict[str, tuple[int, bool]]
"""Outputs by name: their values, and whether they exist in training only."""

_WIDTH = 120 - 8
"""Columns of a line, without the indentation of a method's body."""

_LONGEST = 70
"""Characters after which an expression is given a variable."""


class Forward:
    """Values are kept in as few variables as their lives allow; steps of one line are nested."""

    def __init__(
        self,
        dialect: Dialect,
        body: Body,
        inputs: list[str],
        training: list[bool],
        results: Results | None,
        returned: str,
        *,
        indexed: bool,
    ) -> None:
        self.dialect = dialect
        self.indexed = indexed
        self.body = body
        self.inputs = inputs
        self.training = training
        self.results = results
        self.returned = returned
        """What is made of the results, where they have names."""
        self.first = len(body.inputs)
        ends = [value for value, _ in results.values()] if results else body.results
        every = [(item.reads if item.guard is None else (*item.reads, item.reads[0])) for item in body.items] + [tuple(ends)]
        self.levels = self.alike()
        """What each value that is the same for all images is, ONE or BARE."""
        if self.first and any(map(self.level, ends)):
            every[-1] += (0,)  # for the batch of the results
        reads = [(body.whole(value), at) for at, values in enumerate(every) for value in values]
        self.last = dict.fromkeys(range(self.first + len(body.items)), -1) | dict(reads)
        self.uses = Counter(value for value, _ in reads)
        self.kept = set(map(body.whole, ends)) if results else set()
        self.variables: dict[int, str] = dict(enumerate(inputs))
        given = dict.fromkeys(body.shared.values(), len(body.items))
        self.names = Variables(given | {name: self.last[value] for value, name in enumerate(inputs)})
        self.heads: dict[int, str] = {}
        """The variables of heads that exist in training only."""
        self.pending: tuple[int, str] | None = None

    def alike(self) -> dict[int, str]:
        """Find the values that are the same for all images: tensors, and what is computed from these alone."""
        found: dict[int, str] = {}
        for value, item in enumerate(self.body.items, self.first):
            if item.stored:
                found[value] = self.dialect.level(item)
            elif all(self.body.whole(read) in found for read in item.reads):
                found[value] = ONE
        return found

    def level(self, value: int) -> str:
        """What a value is that is the same for all images, ONE or BARE; empty where each image has its own."""
        return self.levels.get(value) or (ONE if self.body.whole(value) in self.levels else "")

    def lines(self) -> Iterator[str]:
        """Write the body of the method, unindented, in lines of at most 112 characters."""
        for statement in self.statements():
            yield from _folded(statement)

    def statements(self) -> Iterator[str]:
        """Write the statements, not folded yet: items in order, those of auxiliary heads below `if self.training:`, and the `return`."""
        for training, places in groupby(range(len(self.body.items)), self.training.__getitem__):
            run = list(places)
            if training and not all(self.body.items[at].stored for at in run):  # a tensor takes no statement
                yield from self.head(run)
            else:
                for at in run:
                    yield from self.item(at, "")
        yield from self.end()

    def head(self, run: list[int]) -> Iterator[str]:
        """The items of heads that exist in training only."""
        yield from self.flush("")
        assert self.results is not None
        made = range(self.first + run[0], self.first + run[-1] + 1)
        heads = {value: f"{name}_head" for name, (value, training) in self.results.items() if training and value in made}
        for name in heads.values():
            yield f"{name} = None"
        self.heads.update(heads)
        yield "if self.training:"
        for at in run:
            yield from self.item(at, "    ")
        yield from self.flush("    ")

    def end(self) -> Iterator[str]:
        """Write the `return`: of the one result, or of a class with each result by its name; an auxiliary head is None at inference."""
        if self.results is None:
            if self.pending is not None and self.pending[0] != self.body.whole(self.body.results[0]):
                yield from self.flush("")  # nobody reads it
            yield f"return {self.batched(self.body.results[0])}"
            return
        yield from self.flush("")
        shown = ", ".join(f"{name}={self.result(value, training)}" for name, (value, training) in self.results.items())
        yield f"return {self.returned}({shown})"

    def result(self, value: int, training: bool) -> str:
        """An output; one that exists in training only may be a value that inference computes too."""
        text = self.batched(value)
        settled = value in self.heads and not self.level(value)  # the variable itself, which is None then
        return f"{text} if self.training else None" if training and not settled else text

    def batched(self, value: int) -> str:
        """A result; what is the same for all images takes the batch of the first input."""
        text, level = self.expression(value), self.level(value)
        if not level:
            return text
        type_ = self.body.items[value - self.first].type if value >= self.first else None
        axes = self.body.picks[value].axes if value in self.body.picks else len(type_.shape) if type_ is not None else 0
        return self.dialect.stretched(text, level, axes, self.variables[0] if self.first else "") if axes else text

    def item(self, at: int, indent: str) -> Iterator[str]:
        """Hold the expression of an item back, since the next may nest it; the one held before gets a variable if it is not nested here."""
        item = self.body.items[at]
        if item.stored:
            self.variables[self.first + at] = self.call(item)
            return
        if self.pending is not None and not self.nests(at, *self.pending):
            yield from self.flush(indent)
        self.pending = (self.first + at, self.call(item))

    def nests(self, at: int, value: int, text: str) -> bool:
        """Whether a value's expression may be written where the item reads it."""
        item = self.body.items[at]
        whole = self.body.items[value - self.first].guard is None
        alone = value in map(self.body.whole, item.reads) and self.uses[value] == 1 and whole and value not in self.kept
        same_line = at == 0 or self.body.items[at - 1].line == item.line or item.module is None
        template = self.dialect.expressions.get(item.step, "")
        once = template.count("{x}") < 2 and not (template and is_compound(text))
        once &= item.step in self.dialect.stretching or not any(map(self.level, item.reads))
        return alone and same_line and once and len(text) < _LONGEST

    def flush(self, indent: str) -> Iterator[str]:
        """Give the pending value a variable."""
        if self.pending is None:
            return
        value, text = self.pending
        name = self.variables[value] = self.variable(value)
        self.pending = None
        yield f"{indent}{name} = {text}"

    def variable(self, value: int) -> str:
        """A free local name. A value used beyond the next statement gets its label as its name."""
        if value in self.heads:
            return self.heads[value]
        at, end = value - self.first, self.last[value]
        label = self.body.items[at].label or ""
        taken = label in self.dialect.reserved | {"x", "y", "z"} or re.fullmatch(r"x\d+|.*_head", label)
        return self.names.take(label if end > at + 1 and is_simple(label) and not taken else None, at, end)

    def expression(self, value: int) -> str:
        """A value where it is read: what is pending, or its variable."""
        if value in self.body.picks:
            pick = self.body.picks[value]
            return self.expression(pick.value) + pick.text
        if self.pending is not None and self.pending[0] == value:
            text = self.pending[1]
            self.pending = None
            return text
        return self.variables[value]

    def call(self, item: Item) -> str:
        """Write the expression of an item around those that it reads; under a guard it is `CALL if self.FLAG else X`."""
        gathered = self.gathered(item)
        texts = [self.expression(value) for value in item.reads] if gathered is None else [gathered]
        levels = tuple(map(self.level, item.reads)) if gathered is None else ()
        item = item._replace(levels=levels) if any(levels) else item
        otherwise = "" if item.guard is None else f" if self.{item.flag} else {texts[0]}"
        return self.dialect.call(item, texts, self.indexed) + otherwise

    def gathered(self, item: Item) -> str | None:
        """The expression of the list whose values, one after the other, are all that a merge reads."""
        picks = [pick for value in item.reads if (pick := self.body.picks.get(value)) is not None]
        if item.step not in self.dialect.gathering or len(picks) < max(len(item.reads), 3) or len(set(item.types)) > 1:
            return None
        value, text = picks[0].value, picks[0].text.removesuffix("[0]")
        if not text or any(pick[:3] != (value, f"{text}[{at}]", len(picks)) for at, pick in enumerate(picks)):
            return None
        return self.expression(value) + text


class Variables:
    """Variables, each until its value was last read: `x`, `y`, `z`, then the lowest of `x1`, `x2`, ... that is free."""

    def __init__(self, held: dict[str, int]) -> None:
        self.held = held
        """The position at which a variable's value is last read."""
        self.busy: list[tuple[int, int]] = []
        """Numbered variables that are held, by the end of that: (end, number)."""
        self.idle: list[int] = []
        self.highest = 0

    def take(self, wanted: str | None, at: int, end: int) -> str:
        """A variable that is free at a position, the wanted one if that is, and is held from there to an end. Positions go up."""
        plain = (name for name in (wanted, "x", "y", "z") if name is not None and self.held.get(name, -1) <= at)
        name = next(plain, None) or self.numbered(at, end)
        self.held[name] = end
        return name

    def numbered(self, at: int, end: int) -> str:
        """Take the lowest of `x1`, `x2`, ... that is free at a position, and hold it to an end. Inputs called so are passed over."""
        while self.busy and self.busy[0][0] <= at:
            heappush(self.idle, heappop(self.busy)[1])
        while True:
            if not self.idle:
                self.highest += 1
            number = heappop(self.idle) if self.idle else self.highest
            until = self.held.get(f"x{number}", -1)  # an input may be called so
            free = until <= at
            heappush(self.busy, (end if free else until, number))
            if free:
                return f"x{number}"


def _folded(statement: str) -> list[str]:
    """A statement of a body, its outermost call broken over lines where it is long, as code formatters do."""
    if len(statement) <= _WIDTH or "(" not in statement or not statement.endswith((")", "),")):
        return [statement]
    indent = " " * (len(statement) - len(statement.lstrip()))
    before, _, rest = statement.partition("(")
    inner, _, after = rest.rpartition(")")
    whole = f"{indent}    {inner}"
    lines = [whole] if len(whole) <= _WIDTH else [line for part in _parts(inner) for line in _folded(f"{indent}    {part},")]
    return [f"{before}(", *lines, f"{indent}){after}"]


def _parts(text: str) -> list[str]:
    """Arguments, as the commas outside of brackets part them."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def is_simple(name: str) -> bool:
    """Whether a name can be written as an attribute."""
    return name.isidentifier() and not keyword.iskeyword(name)


def is_compound(text: str) -> bool:
    """Whether an expression is a sum, a difference or a product."""
    return " + " in text or " - " in text or " * " in text
