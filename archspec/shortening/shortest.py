"""A network as a short spec: what `expand` took apart is put together again, and proved to be the same network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import NamedTuple

from archspec.api import compile_text
from archspec.backends.arch import expand, inputs, named
from archspec.elaborate.assumptions import Options
from archspec.ir.graph import Network, given
from archspec.shortening.branches import Structure
from archspec.shortening.composing import Writer
from archspec.shortening.doubts import Doubts
from archspec.shortening.grouped import like_others
from archspec.shortening.instances import Instances
from archspec.shortening.items import Group, Item, Layer, every
from archspec.shortening.levels import SEVERAL, Flat, Levels
from archspec.shortening.mining import mine
from archspec.shortening.parameters import Unsayable
from archspec.shortening.prove import differing, renamed
from archspec.shortening.referring import taken_up
from archspec.shortening.scoping import Scope
from archspec.shortening.sections import in_rounds
from archspec.shortening.usual import defaults, find_usual, unmarked
from archspec.shortening.written import Line, printed


class Short(NamedTuple):
    """A spec as a text, and a note on what was given up so that it is the same network; empty where nothing was.

    `renamed` says what its layers were called before, where they have new names.
    """

    text: str
    note: str = ""
    renamed: Mapping[str, str] = {}


_TRIES = 24
"""Texts that are tried at most."""


def shorten(model: Network, *, named: bool = True) -> Short:
    r"""Write a network, the `model`, as a short spec: with blocks, repeats, params and guards where its layers are alike. The inverse of `expand`.

    The text is read back and proved to be the same network: every value follows from the same values by the same layers, with the same names
    of weights. Names of layers without weights and the order of layers may differ; where the names are not to be kept (`named`), those of all
    layers do, and the result says what they were. Where no shorter text is proved to be, the result is a longer
    one, and its `note` says so.

    >>> print(archspec.shorten(archspec.loads("input 8x8x3\nconv k=3 f=8 p=1\nrelu\nconv k=3 f=8 p=1\nrelu")).text)
    model model
    <BLANKLINE>
    input 8x8x3
    repeat 2: conv k=3 f=8 p=1 | relu
    <BLANKLINE>
    """
    network = given(model)
    narrow = _Attempt(network, Doubts(), named=named, most=1, even=False)
    texts = {narrow: narrow.text()}
    if narrow.several:
        wide = _Attempt(network, Doubts(), named=named, most=SEVERAL, even=False)
        texts[wide] = wide.text()
    best = min(texts, key=lambda attempt: _length(texts[attempt]))
    if best.uneven:
        even = _Attempt(network, Doubts(), named=named, most=best.most, even=True)
        texts[even] = even.text()
    found: list[Short] = []
    for attempt, text in sorted(texts.items(), key=lambda pair: _length(pair[1])):
        found.append(_proved(attempt, text))
        if found[-1].text == text:
            break
    return min(found, key=lambda short: _length(short.text))


def _length(text: str | None) -> tuple[float, int]:
    """The lines of a text, and its letters; none is longer than all."""
    return (text.count("\n"), len(text)) if text is not None else (inf, 0)


def _proved(attempt: _Attempt, text: str | None) -> Short:
    """The first text that is proved to be the network, of the text of an attempt and of those that follow, each with more given up."""
    for _ in range(_TRIES):
        if text is not None and attempt.proved(text):
            return Short(text, attempt.doubts.note(), attempt.renamed)
        if attempt.rolled:
            attempt.in_rounds = False
            text = attempt.text()
            continue
        if not attempt.doubts.blame(attempt.items, attempt.names, attempt.top):
            break
        attempt = _Attempt(attempt.network, attempt.doubts, named=attempt.named, most=attempt.most, even=attempt.even)
        text = attempt.text()
    return Short(expand(attempt.network), "every layer has a line of its own: no shorter text was proved to be the same network")


class _Attempt:
    """A text for a network whose groups read, and give, some values at `most`, and have `even` heights or not, and what is wrong with it: `items` of it
    that cannot be said, or the `names` of layers that differ.
    """

    def __init__(self, network: Network, doubts: Doubts, *, named: bool, most: int, even: bool) -> None:
        self.network = network
        self.named = named
        self.most = most
        self.even = even
        self.uneven = False
        """Whether heights would be others if they were even."""
        self.several = False
        """Whether there are modules that would be groups if these had more values."""
        self.in_rounds = True
        """Whether parts of bodies that are alike as texts may be rounds."""
        self.rolled = False
        """Whether some are."""
        self.doubts = doubts
        self.top: list[Item] = []
        self.items: Sequence[Item] = ()
        self.names: Sequence[str] = ()
        self.lines: list[Line | None] = []
        self.renamed: dict[str, str] = {}

    def text(self) -> str | None:
        """The text, or None where something cannot be said."""
        try:
            written = list(self.written())
        except Unsayable as unsayable:
            self.items = unsayable.items
            return None
        self.lines = [line for _, line in written]
        return "".join(f"{text}\n" for text, _ in written)

    def proved(self, text: str) -> bool:
        """Whether a text is that of the same network."""
        again, found = compile_text(text, self.network.name, Options())
        if again is None:
            rows = {text.count("\n", 0, one.span.start) for one in found if one.severity == "error" and one.span is not None}
            lines = [self.lines[row] for row in sorted(rows) if row < len(self.lines)]
            self.items = [item for line in lines if line is not None for item in line.items]
            self.names = [item.owner for item in self.items if isinstance(item, Layer) and item.owner]
            return False
        if not self.named:
            self.renamed, names = renamed(self.network, again)
            called = [name.replace(".", "_") for name in names[:1]]
            self.items = [item for item in every(self.top) if isinstance(item, Layer) and item.name in called]
            return not names
        unlike = differing(self.network, again)
        self.names = (unlike or ())[:1]
        return unlike is None

    def written(self) -> Iterator[tuple[str, Line | None]]:
        """The lines, and what stands on each. Raises Unsayable."""
        network = self.network
        flat = Flat(network, named=self.named)
        like_others(flat.layers, flat.parts)
        find_usual(flat.layers)
        levels = Levels(flat, self.doubts.opened, self.most)
        self.several = levels.several
        main, *further = ends = _ends(network, levels)
        for end in further:
            own = {id(item) for item in end.items}
            outside = [value for item in end.items for value in item.reads if id(value) not in own]
            for value in end.suite.reads if end.suite is not None else [end.item, main.item, *outside]:
                if value is not None:
                    value.label = True
        structure = Structure(self.doubts.listed)
        bodies = [structure.body(main.items, main.item, levels.holders[len(flat.inputs) - 1])]
        for end in further:
            structure.inside([end.suite] if end.suite is not None else [])
            bodies.append(end.suite.body if end.suite is not None else structure.listed(end.items, end.item) if end.items else [])
        if not self.named:
            mine(bodies, self.doubts.apart)
        self.top = [item for body in bodies for item in body]
        found = Instances(bodies, self.doubts, even=self.even)
        self.uneven = found.uneven
        top = _top(found.bodies, ends, {*flat.inputs})
        parts = [list(printed(lines)) for lines in self.rounds([*(block.lines for block in found.found), top])]
        texts = [text for part in parts for text, _ in part]
        yield from _plain([*named(network), *defaults(texts)])
        shown = iter(unmarked(texts))
        for part in parts:
            yield "", None
            if part is parts[-1]:
                yield from _plain(inputs(network))
            yield from ((next(shown), line) for _, line in part)

    def rounds(self, parts: Sequence[list[Line]]) -> list[list[Line]]:
        """Lines of blocks and of the top level, in which parts that are alike are rounds, where they may be."""
        found = [in_rounds(lines) if self.in_rounds else (lines, False) for lines in parts]
        self.rolled = any(changed for _, changed in found)
        return [lines for lines, _ in found]


def _plain(texts: Iterable[str]) -> Iterator[tuple[str, None]]:
    """Lines that no item stands on."""
    return ((text, None) for text in texts)


class End(NamedTuple):
    """An output, the item that gives it, the layers that lead to it and to no output before it, and their group, if they are one."""

    name: str
    training: bool
    item: Item
    items: list[Item]
    suite: Group | None


def _ends(network: Network, levels: Levels) -> list[End]:
    """The outputs; layers that lead nowhere go to the first."""
    taken: set[int] = set()
    found: list[End] = []
    for output, result in zip(network.outputs, levels.flat.results, strict=True):
        item = levels.holders[result]
        pending: list[Item | None] = [item]
        own: set[int] = set()
        while pending:
            before = pending.pop()
            if before is not None and id(before) not in taken:
                taken.add(id(before))
                own.add(id(before))
                pending += before.reads
        items = [item for item in levels.items if id(item) in own]
        only = items[0] if len(items) == 1 else None
        suite = only if isinstance(only, Group) and only.name == output.name and not only.entries else None
        found.append(End(output.name, output.training, item, items, suite))
    used = {id(item) for end in found[1:] for item in end.items}
    return [found[0]._replace(items=[item for item in levels.items if id(item) not in used], suite=None), *found[1:]]


def _top(bodies: Sequence[Sequence[Item]], ends: Sequence[End], used: set[str]) -> list[Line]:
    """The lines of the top level: those of the main output, and then those of each further one."""
    scope = Scope.of([0], "ordinal")
    scope.used |= used
    writer = Writer()
    lines = writer.body({0: bodies[0]}, scope)
    for end, body in zip(ends[1:], bodies[1:], strict=True):
        words = f"output {end.name}{' train' if end.training else ''}"
        if end.suite is None:
            lines += writer.body({0: body}, scope) if body else [taken_up(end.item)]
            lines.append(Line(words))
            continue
        begin = end.suite.reads[0]
        inner = writer.body({0: body}, Scope.of([0], "index"))
        if len(body) == 1 and isinstance(body[0], (Layer, Group)):
            inner = [Line("repeat 1:", inner)]
        lines.append(Line(f"{words}:", [*([taken_up(begin)] if begin is not None else []), *inner]))
    writer.conditions(lines)
    back = any(end.suite is None for end in ends[1:])
    return [*lines, taken_up(ends[0].item)] if back else lines
