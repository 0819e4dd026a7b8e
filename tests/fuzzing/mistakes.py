"""A valid spec with one mistake put into it: refused there, by the right code, and for nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import archspec
from tests.fuzzing.draw import ROUND, Draw, Random, const
from tests.fuzzing.generator import SpecGenerator
from tests.fuzzing.runner import Seen
from tests.fuzzing.steps import Options
from tests.fuzzing.tree import Block, Body, Branches, Group, Line, Part, Residual, Step, bodies

OPTIONS = Options(giving_up=0, longest=5)


@dataclass(eq=False)
class Raw:
    """A step as it is written, mistakes and all."""

    words: str

    def text(self) -> str:
        return self.words


class Planted(NamedTuple):
    """A part to put in, the code that it is refused with, and the words that are to blame."""

    part: Part
    code: str
    blamed: str


@dataclass(frozen=True)
class Mistaken:
    """A spec with a mistake; `line` is where it stands."""

    text: str
    planted: Planted
    line: int
    refused: object = None


Mistake = Callable[[Draw, Seen], "Planted | None"]


def line(words: str, code: str, blamed: str | None = None) -> Planted:
    return Planted(Line(Body(items=[Raw(words)], steps=True)), code, blamed or words)


def window(draw: Draw, seen: Seen) -> Planted | None:
    if not seen.x.rank:
        return None
    size = max(seen.x.spatial) + draw.number(5, 9)
    words, blamed = draw.pick(
        [
            (f"conv k={size} f=3", f"k={size}"),
            (f"dwconv k={size}", f"k={size}"),
            (f"pool {size} s=1", f"{size}"),
            (f"avgpool w={size} s=1", f"w={size}"),
        ]
    )
    return line(words, "A202", blamed)


def remainder(draw: Draw, seen: Seen) -> Planted | None:
    if not seen.x.rank or min(seen.x.spatial) < 2:
        return None
    k = 1 if seen.x.spatial[0] % 2 == 0 else 2
    return line(draw.pick([f"conv k={k} f=3 s=2 p=0 d=1 round=exact", f"pool {k} s=2 p=0 round=exact"]), "A203")


def unequal_sum(draw: Draw, seen: Seen) -> Planted | None:
    wider = Line(Body(items=[Raw(f"linear {seen.x.channels + 1}")], steps=True))
    if draw.number(0, 1):
        return Planted(Residual(Body(items=[wider])), "A301", "residual")
    kind = draw.pick(["add", "mul"]) if seen.x.channels > 1 else "add"  # a product stretches axes of size 1
    return Planted(Branches(kind, Body(items=[Line(Body(items=[Step("skip")], steps=True)), wider])), "A301", kind)


def unequal_row(draw: Draw, seen: Seen) -> Planted | None:
    if not seen.x.rank:
        return None
    other, code = draw.pick([("pad 1", "A302"), ("upsample 2", "A302"), ("tokens", "A303"), ("flatten", "A303")])
    skip, line_ = (Line(Body(items=[step], steps=True)) for step in (Step("skip"), Raw(other)))
    return Planted(Branches("concat", Body(items=[skip, line_])), code, "concat")


def unknown_layer(draw: Draw, seen: Seen) -> Planted:
    name = draw.pick(["konv", "dense", "maxpool", "batchnorm", "nosuch", "conv2d", "Relu"])
    return line(draw.pick([name, f"{name} 3", f"relu | {name} k=3"]), "A101", name)


def unknown_argument(draw: Draw, seen: Seen) -> Planted:
    blamed = f"{draw.pick(['speed', 'kernel_size', 'outputs'])}={draw.number(1, 3)}"
    return line(draw.pick([f"relu {blamed}", f"linear 3 {blamed}", f"ln {blamed}"]), "A102", blamed)


def groups(draw: Draw, seen: Seen) -> Planted:
    many = seen.x.channels + draw.number(1, 3)
    if seen.x.rank and draw.number(0, 1):
        return line(f"conv k=1 f={many} g={many} p=0", "A205", f"g={many}")
    return line(f"gn {many}", "A205", f"{many}")


def unknown_name(draw: Draw, seen: Seen) -> Planted:
    return line(draw.pick(["linear nosuch", "linear n=nosuch+1", "linear max(2,nosuch)", "relu | linear 2*nosuch"]), "A106", "nosuch")


def unknown_value(draw: Draw, seen: Seen) -> Planted:
    return line(draw.pick(["add nosuch", "concat nosuch", "relu | mul nosuch"]), "A107", "nosuch")


def missing(draw: Draw, seen: Seen) -> Planted:
    return line(draw.pick(["fc", "linear bias=no", "gn", "slice", "rbf", "embed 4", "attn", "winattn w=1"]), "A103")


def wrong_value(draw: Draw, seen: Seen) -> Planted:
    words, code, blamed = draw.pick(
        [
            ('linear "big"', "A105", '"big"'),
            ("linear 0", "A105", "0"),
            ("linear 2.5", "A114", "2.5"),
            ("dropout 1.5", "A105", "1.5"),
            ("linear 3 bias=7", "A105", "bias=7"),
            ("linear n=yes", "A105", "n=yes"),
            ("leaky no", "A105", "no"),
            ("linear 7//0", "A113", "0"),
        ]
    )
    return line(words, code, blamed)


def wrong_kind(draw: Draw, seen: Seen) -> Planted:
    takers = {
        "map": ["cls", "pos", "first", "rbf 3"],
        "tokens": ["conv k=1 f=3", "pool 1", "rbf 3", "crop 1"],
        "vector": ["conv k=1 f=3", "gap", "cls", "tokens"],
    }
    return line(draw.pick(takers[seen.x.kind]), "A201")


def second_label(draw: Draw, seen: Seen) -> Planted | None:
    taken = [name for name in seen.labels if name != "input" and "_" not in name and name.isidentifier()]
    if not taken:
        return None
    name = draw.pick(taken)
    return Planted(Group(const(name), Body(items=[Line(Body(items=[Step("relu")], steps=True))])), "A108", name)


def reserved_label(draw: Draw, seen: Seen) -> Planted:
    name = draw.pick(["class", "forward", "__x", "training", "output"])
    return Planted(Group(const(name), Body(items=[Line(Body(items=[Step("relu")], steps=True))])), "A109", name)


def size(draw: Draw, seen: Seen) -> Planted | None:
    channels = seen.x.channels
    words = [(f"slice 0:{channels + 1}", f"0:{channels + 1}", "A208"), (f"slice {channels}:{channels}", f"{channels}:{channels}", "A208")]
    if seen.x.rank:
        most = max(seen.x.spatial)
        words += [
            (f"crop {most + 1}", f"{most + 1}", "A208"),
            (f"deconv k=1 f=3 s=1 p={most} op=0", f"p={most}", "A202"),
            ("pool 2 s=1 p=2", "p=2", "A204"),
        ]
    return line(*(lambda words, blamed, code: (words, code, blamed))(*draw.pick(words)))


def axes(draw: Draw, seen: Seen) -> Planted | None:
    if not seen.x.rank:
        return None
    ones = "x".join("1" * (seen.x.rank + 1))
    return line(f"conv k={ones} f=2 s=1 d=1 p=0", "A206", f"k={ones}")


def arguments(draw: Draw, seen: Seen) -> Planted:
    words, code, blamed = draw.pick(
        [("relu 3", "A104", "3"), ("linear 3 4", "A104", "4"), ("linear n=3 n=4", "A110", "n=4"), ("skip 1", "A104", "skip 1")]
    )
    return line(words, code, blamed)


def one_each(draw: Draw, seen: Seen) -> Planted | None:
    return line("linear n=2,3", "A112", "2,3") if ROUND not in seen.env else None


def brackets(draw: Draw, seen: Seen) -> Planted:
    words, blamed = draw.pick([("linear (3", "("), ("linear 3)", ")"), ("linear max(3,4", "(")])
    return line(words, "A005", blamed)


MISTAKES: dict[str, Mistake] = {
    "a window larger than its input": window,
    "a division with a remainder": remainder,
    "unequal shapes in a sum": unequal_sum,
    "unequal shapes side by side": unequal_row,
    "no such layer": unknown_layer,
    "no such argument": unknown_argument,
    "groups that do not divide": groups,
    "no such name": unknown_name,
    "no such value": unknown_value,
    "a missing argument": missing,
    "a wrong value": wrong_value,
    "a wrong kind of value": wrong_kind,
    "a label used twice": second_label,
    "a label that is reserved": reserved_label,
    "a size that is not there": size,
    "a wrong number of axes": axes,
    "too many arguments": arguments,
    "a list outside of a repeat": one_each,
    "brackets that do not match": brackets,
}


_POSITION = re.compile(r"[A-Za-z_]\w*\.[0-9]")
"""A path that ends in a position: a part more before it, or one that is not known, makes it another."""


class Planter(SpecGenerator):
    """Draws a valid spec, and puts a mistake before one of its parts."""

    def plant(self) -> Mistaken | None:
        """None where no part is left to put one before."""
        drawn = self.generate()
        assert drawn.refused is None
        places = list(self.places(self.top, Block))
        if not places:
            return None
        planted = None
        while planted is None:
            body, at, seen, branch = self.draw.pick(places)
            planted = MISTAKES[self.draw.pick(list(MISTAKES))](self.draw, seen)
            if branch and isinstance(planted, Planted) and isinstance(planted.part, Group):
                planted = None  # a branch more has a value, whatever its label: it may not fit the others
        body.items.insert(at, planted.part)
        text, where = self.written_out()
        return Mistaken(text, planted, where.places[id(planted.part)].line)

    def places(self, body: Body, head: type) -> Iterator[tuple[Body, int, Seen, bool]]:
        """Everywhere that a part can be put: before each that ran; and whether it would be a branch there."""
        for at, item in enumerate(body.items):
            seen = self.seen.get(id(item))
            if seen is not None and seen.x.kind != "words":
                yield body, at, seen, head is Branches
            for inner in bodies(item):
                yield from self.places(inner, type(item))


def draw(source: Draw, options: Options = OPTIONS) -> Mistaken:
    found = Planter(source, options).plant()
    return found if found is not None and not _POSITION.search(found.text) else draw(source, options)


def check_mistake(seed: int) -> str | None:
    """None, or what is told otherwise than it should be."""
    return compare(draw(Random(seed)))


def compare(mistaken: Mistaken) -> str | None:
    """None, or what is told otherwise than it should be."""
    _, code, blamed = mistaken.planted
    try:
        archspec.loads(mistaken.text)
    except archspec.SpecError as error:
        errors = [d for d in error.diagnostics if d.severity == "error"]
        told = [(d.code, d.span.line if d.span else None, d.span.text if d.span else None) for d in errors]
        return None if told == [(code, mistaken.line, blamed)] else f"{code} at line {mistaken.line}, `{blamed}`, but told: {told}"
    return f"taken, but line {mistaken.line} has {code}: `{blamed}`"
