"""Darknet's `.cfg` files: a list of sections, each a layer that reads the one before it, or layers by their numbers.

Source: pjreddie/darknet, src/parser.c and the layers' files, and AlexeyAB/darknet for what only it has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from archspec.diagnostics import Diagnostic, Enough, SpecError, did_you_mean
from archspec.imports.flat import Flat, Site, Unsaid
from archspec.imports.imported import Imported, Stored
from archspec.imports.texts import MOST_LAYERS, Misread, damaged, real, source_of, whole
from archspec.source import Source, Span
from archspec.types import Map, Type, Vector, from_shape

MOST_NUMBERS = 1000
_HEADER = re.compile(r"\[([^\]\s]*)\]?")
_NETS = ("net", "network")
_OVER_TIME = ("rnn", "gru", "lstm")
_OTHERS = {"route": "layers", "shortcut": "from", "sam": "from", "scale_channels": "from"}
"""The layers that read others by number, and the option that has the numbers."""


class Option(NamedTuple):
    """What stands behind a `=`, without spaces, and the line."""

    text: str
    span: Span


class Section(NamedTuple):
    """A layer: its name, the line of that, and its options."""

    name: str
    span: Span
    options: dict[str, Option]

    def word(self, name: str, default: str) -> str:
        """An option that is a word."""
        option = self.options.get(name)
        return option.text if option is not None else default

    def integer(self, name: str, default: int, least: int = 0) -> int:
        """An option that is a whole number. Raises Misread."""
        option = self.options.get(name)
        return whole(name, *option, least) if option is not None else default

    def number(self, name: str, default: float) -> float:
        """An option that is a number. Raises Misread."""
        option = self.options.get(name)
        return real(name, *option) if option is not None else default

    def integers(self, name: str) -> list[int]:
        """An option that is a list of whole numbers. Raises Misread where it is missing or has another part."""
        option = self.options.get(name)
        if option is None:
            raise Misread(f"`{name}=` is missing", self.span)
        parts = [part for part in option.text.split(",") if part]
        if len(parts) > MOST_NUMBERS:
            raise Misread(f"`{name}` has {len(parts):,} numbers, more than {MOST_NUMBERS:,}", option.span)
        return [whole(name, part, option.span, -(10**9)) for part in parts]


def sections(source: Source) -> list[Section]:
    """The sections of a text, as Darknet reads them: spaces do not count, `#` and `;` begin comments, of two options the first counts.

    Raises SpecError (A612).
    """
    found: list[Section] = []
    at = 0
    for written in source.text.split("\n"):
        line = "".join(written.split())
        span = Span(source, at + len(written) - len(written.lstrip()), at + len(written.rstrip()))
        at += len(written) + 1
        if not line or line[0] in "#;":
            continue
        header = _HEADER.match(line)
        if header is not None:
            if len(found) > MOST_LAYERS:
                raise damaged(f"the file has more than {MOST_LAYERS:,} sections", span)
            found.append(Section(header[1], span, {}))
            continue
        name, is_, text = line.partition("=")
        if not found or not is_:
            raise damaged(f"`{line[:60]}` is no section and no option", span, "a layer is `[convolutional]`, an option `filters=64`")
        found[-1].options.setdefault(name, Option(text, span))
    if not found or found[0].name not in _NETS:
        raise damaged("the file does not begin with `[net]`", found[0].span if found else None, "this is not a Darknet file")
    return found


class Layer:
    """A section where it is read: what it can ask, and append."""

    def __init__(self, reader: Reader, index: int, section: Section) -> None:
        self.reader = reader
        self.index = index
        self.section = section
        self.site = Site(section.name, f"layer {index}, `[{section.name}]`", span=section.span)

    @property
    def x(self) -> int:
        """The value of the layer before. Raises Unread."""
        return self.reader.value(self.index - 1)

    def refs(self, name: str) -> list[int]:
        """The values of the layers that an option lists; below 0 they count back from this one. Raises Misread, Unread."""
        numbers = [number + self.index if number < 0 else number for number in self.section.integers(name)]
        for number in numbers:
            if not 0 <= number < self.index:
                why = f"`{name}` names layer {number}, and before this layer there are 0 to {self.index - 1}"
                raise Misread(
                    why if self.index else f"`{name}` names a layer, and there is none before this one", self.section.options[name].span
                )
        if not numbers:
            raise Misread(f"`{name}` names no layer", self.section.options[name].span)
        return [self.reader.value(number) for number in numbers]

    def type_of(self, value: int) -> Type:
        """The type of a value."""
        return self.reader.flat.type_of(value)

    def map(self, value: int) -> tuple[int, Map]:
        """A value as a map of height and width: a vector is 1x1xC. Raises Unsaid."""
        type_ = self.type_of(value)
        if isinstance(type_, Vector):
            value = self.step("reshape", value, shape=(1, 1, type_.channels))
        elif len(type_.shape) != 3:
            raise Unsaid("it needs an image, and reads a sequence")
        found = self.type_of(value)
        assert isinstance(found, Map)
        return value, found

    def step(self, step: str, *values: int, stored: Mapping[str, Stored] | None = None, **arguments: Any) -> int:
        """Append a layer. Raises Unsaid."""
        return self.reader.flat.step(self.site, step, *values, stored=stored, **arguments)

    def custom(
        self,
        *values: int,
        out: Type,
        why: str,
        tensors: Mapping[str, tuple[int, ...]] | None = None,
        macs: int | None = None,
        name: str = "",
    ) -> int:
        """Append what the language lacks; a file of weights holds its tensors in their order."""
        site = self.site._replace(operator=name) if name else self.site
        shapes = dict(tensors or {})
        stored = {key: self.held(key, shape) for key, shape in shapes.items()}
        return self.reader.flat.custom(site, *values, out=out, why=why, tensors=dict(sorted(shapes.items())), stored=stored, macs=macs)

    def held(self, name: str, shape: tuple[int, ...]) -> Stored:
        """The next tensor of this layer in a file of weights; one of a layer with `dontload` is in no file."""
        key = f"{self.index}.{name}"
        if not self.section.integer("dontload", 0):
            self.reader.held[self.index][key] = shape
        return Stored((key,))

    def statistics(self, count: int) -> dict[str, Stored]:
        """The next tensors, where they are those of a batch normalisation, without its offset."""
        names = {"weight": "scales", "running_mean": "mean", "running_var": "variance"}
        return {name: self.held(own, (count,)) for name, own in names.items()}

    def output(self, value: int) -> int:
        """A result of the network that is not its last layer."""
        self.reader.results[value] = f"{self.section.name.lower()}{self.index}"
        return value


class Unread(Exception):
    """Says that a layer reads one that could not be read, which has its message."""


Row = Callable[[Layer], int]


class Reader:
    """Reads the sections of a file one by one."""

    def __init__(self, path: Path, found: list[Section], inputs: Mapping[str, tuple[int, ...]]) -> None:
        self.net, *self.layers = found
        self.flat = Flat(path.stem, path.name)
        self.values: list[int | None] = [None] * len(self.layers)
        self.held: list[dict[str, tuple[int, ...]]] = [{} for _ in self.layers]
        """The tensors of each layer, in the order in which a file of weights holds them."""
        self.results: dict[int, str] = {}
        """Values of results that are not the last one, with their names."""
        self.steps = max(1, self.net.integer("time_steps", 1))
        self.entry = self.flat.input("input", self.given(inputs), self.net.span)

    def given(self, inputs: Mapping[str, tuple[int, ...]]) -> Type:
        """The type of the input. Raises Unsaid where nothing says it."""
        if inputs:
            return from_shape(next(iter(inputs.values())))
        height, width, channels = (self.net.integer(name, 0) for name in ("height", "width", "channels"))
        if height and width and channels:
            return Map((height, width), channels)
        count = self.net.integer("inputs", 0)
        if not count:
            raise Unsaid("`[net]` has no height, width and channels, and no inputs")
        return Map((self.steps,), count) if any(layer.name in _OVER_TIME for layer in self.layers) else Vector(count)

    def value(self, index: int) -> int:
        """The value of a layer; that of -1 is the input. Raises Unread."""
        value = self.entry if index < 0 else self.values[index]
        if value is None:
            raise Unread
        return value

    def read(self, rows: Mapping[str, Row]) -> None:
        """Append all layers, those of the main result first; those that cannot be read are reported."""
        main = self.leading()
        for index in sorted(range(len(self.layers)), key=lambda index: index not in main):
            section = self.layers[index]
            layer = Layer(self, index, section)
            value: int | None = None
            try:
                row = rows.get(section.name)
                if row is None:
                    known = did_you_mean(section.name, rows, "its result is not known, so neither is what follows")
                    self.flat.refuse(layer.site, f"Darknet has no layer `[{section.name[:60]}]`", help_=known)
                else:
                    value = row(layer)
            except Misread as misread:
                self.flat.refuse(layer.site._replace(span=misread.span), str(misread))
            except Unsaid as unsaid:
                self.flat.refuse(layer.site, str(unsaid))
            except Unread:
                pass
            self.values[index] = value
        last = self.values[-1] if self.layers else self.entry
        if last is None:
            return
        self.flat.output(last)
        for value, name in self.results.items():
            if value != last:
                self.flat.output(value, name)

    def leading(self) -> set[int]:
        """The layers that lead to the last one. Layers of other results come after them, as they do in a spec."""
        found: set[int] = set()
        pending = [len(self.layers) - 1]
        while pending:
            index = pending.pop()
            if 0 <= index < len(self.layers) and index not in found:
                found.add(index)
                pending += self.before(index)
        return found

    def before(self, index: int) -> list[int]:
        """The layers that one reads."""
        section = self.layers[index]
        try:
            named = section.integers(_OTHERS[section.name]) if section.name in _OTHERS else []
        except Misread:
            named = []
        numbers = [number + index if number < 0 else number for number in named]
        return [number for number in numbers if number < index] + ([index - 1] if section.name != "route" else [])


def read(path: Path, inputs: Mapping[str, tuple[int, ...]]) -> Imported:
    """Read a `.cfg` file. `inputs` has the shape of the input, channels last, where it is to be another. Raises SpecError, OSError."""
    return reader_of(path, inputs).flat.finish()


def reader_of(path: Path, inputs: Mapping[str, tuple[int, ...]]) -> Reader:
    """Read the layers of a file. Raises SpecError, OSError."""
    from archspec.imports.darknet_parts import ROWS

    found = sections(source_of(path))
    try:
        reader = Reader(path, found, inputs)
    except Misread as misread:
        raise damaged(str(misread), misread.span) from None
    except Unsaid as unsaid:
        help_ = "give it: `--input 416x416x3`"
        raise SpecError([Diagnostic("A613", str(unsaid), found[0].span, help=help_)]) from None
    try:
        reader.read(ROWS)
    except Enough:
        raise SpecError(reader.flat.found.sorted()) from None
    return reader
