"""Caffe's `.prototxt` files: layers that name the blobs that they read and give.

Source: BVLC/caffe, src/caffe/proto/caffe.proto, net.cpp, util/upgrade_proto.cpp and layers/.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from archspec.diagnostics import Diagnostic, Enough, SpecError, did_you_mean
from archspec.imports.caffe_names import NAMINGS, by_slashes, name_layers
from archspec.imports.caffe_net import LOSSES, Entry, Net
from archspec.imports.flat import Flat, Site, Unsaid
from archspec.imports.imported import Imported, Stored
from archspec.imports.prototxt import Message, parse
from archspec.imports.texts import Misread, damaged, source_of
from archspec.types import Tokens, Type, from_shape

Coordinates = tuple[Fraction, Fraction]
"""Where position i of a value lies in the input: a*i + b."""


WORTH = 3
"""How many times the lines of a text without the file's names one with them may have."""
SHORT = 20
"""Lines of a text that is short with its names, however short it would be without."""
MANY = 2000
"""Layers of a network of which no other text is tried."""


class Unread(Exception):
    """Says that a layer reads one that could not be read, which has its message, or a label."""


class Layer:
    """A layer where it is read: what it can ask, and append."""

    def __init__(self, reader: Reader, entry: Entry, values: Sequence[int | None]) -> None:
        self.reader = reader
        self.entry = entry
        self.values = values
        self.site = reader.site(entry)
        self.tops = max(1, len(entry.tops))

    @property
    def x(self) -> int:
        """The first value that it reads. Raises Unread."""
        return self.value(0)

    def value(self, at: int) -> int:
        """A value that it reads. Raises Unread; Unsaid where there is none."""
        if at >= len(self.values):
            raise Unsaid(f"it reads {len(self.values)} blobs, and needs {at + 1}")
        value = self.values[at]
        if value is None:
            raise Unread
        return value

    def all(self) -> list[int]:
        """All values that it reads. Raises Unread."""
        return [self.value(at) for at in range(max(1, len(self.values)))]

    def type_of(self, value: int) -> Type:
        """The type of a value."""
        return self.reader.flat.type_of(value)

    def param(self, name: str) -> Message:
        """The message of its settings."""
        return self.entry.proto.message(f"{name}_param")

    def step(self, step: str, *values: int, key: str = "", **arguments: Any) -> int:
        """Append a layer; its weights are called as the layer is, with a `key` behind it. Raises Unsaid."""
        site = self.site._replace(key=f"{self.site.key}{key}")
        return self.reader.flat.step(site, step, *values, **arguments)

    def blob(self, at: int, *shape: int, entry: Entry | None = None) -> Stored:
        """A blob of this layer, or of another, as a tensor of a shape."""
        return Stored((f"{(entry or self.entry).name}/{at}",), shape)

    def custom(self, *values: int, out: Type, why: str, macs: int | None = None) -> int:
        """Append what the language lacks."""
        return self.reader.flat.custom(self.site._replace(key=""), *values, out=out, why=why, macs=macs)

    def axis(self, message: Message, value: int, name: str = "axis", default: int = 1) -> int:
        """An axis of a value, counted from the batch at 0. Raises Misread; Unsaid where there is none."""
        axes = 1 + len(self.type_of(value).shape)
        axis = message.integer(name, default, -axes)
        axis += axes if axis < 0 else 0
        if not 1 <= axis < axes:
            raise Unsaid(f"`{name}={axis}` is no axis of a blob of {axes} without the batch")
        return axis

    def letter(self, axis: int, value: int) -> str:
        """What an axis is in a value: `c` for the channels, `t` for the tokens, nothing for those of space."""
        type_ = self.type_of(value)
        if isinstance(type_, Tokens):
            return "tc"[axis - 1]
        return "c" if axis == 1 else ""

    def move(self, value: int, scale: Fraction, offset: Fraction) -> None:
        """Say where a value lies: position i of it is at scale*i + offset of what the layer reads."""
        a, b = self.reader.coordinates(self.x)
        self.reader.placed[value] = a * scale, a * offset + b


Row = Callable[[Layer], int | list[int]]


class Reader:
    """Reads the layers of a file one by one."""

    def __init__(self, path: Path, net: Net, inputs: Mapping[str, tuple[int, ...]]) -> None:
        self.net = net
        self.flat = Flat(re.sub(r"\s+", "-", net.name) or path.stem, path.name)
        self.placed: dict[int, Coordinates] = {}
        self.blobs: dict[str, int | None] = {}
        self.shared: dict[tuple[str, ...], str] = {}
        self.masks: dict[str, dict[str, Any]] = {}
        """The blobs that have the places of maxima, and the arguments of their pools; their values are what was pooled."""
        self.softmaxes: dict[tuple[int, str], int] = {}
        """What was made a softmax of along which axis, and that: a loss has one inside, and may stand beside a layer."""
        self.ends: list[tuple[Entry, int]] = []
        """The losses, and what they judge."""
        self.declare(inputs)

    def declare(self, given: Mapping[str, tuple[int, ...]]) -> None:
        """Make the inputs. Raises SpecError (A613) for those whose shape nothing says."""
        missing = []
        for feed in self.net.feeds():
            shape = given.get(feed.name) or (given.get("") if feed.is_main else None)
            type_ = from_shape(shape) if shape else feed.type
            if feed.is_label:
                self.blobs[feed.name] = None
            elif type_ is None:
                why = f"the file does not say what shape the input `{feed.name}` has"
                missing.append(Diagnostic("A613", why, feed.span, help="give it, channels last: `--input 224x224x3`"))
            else:
                self.blobs[feed.name] = self.flat.input(feed.name, type_, feed.span)
        if missing:
            raise SpecError(missing)

    def coordinates(self, value: int) -> Coordinates:
        """Where the positions of a value lie in the input, as far as that is known."""
        return self.placed.get(value, (Fraction(1), Fraction(0)))

    def site(self, entry: Entry) -> Site:
        """Where a layer stands; layers whose parameters have the same names have the same weights."""
        names = tuple(entry.params())
        key = self.shared.setdefault(names, entry.key) if names and all(names) else entry.key
        return Site(entry.type or "layer", f"layer `{entry.name}`", entry.path, key, entry.proto.span)

    def read(self, rows: Mapping[str, Row]) -> None:
        """Append all layers; those that cannot be read are reported."""
        for entry in self.net.entries:
            values: list[int | None] = []
            for name in entry.bottoms:
                if name not in self.blobs:
                    self.flat.refuse(self.site(entry), f"no layer before it gives the blob `{name}`")
                values.append(self.blobs.get(name))
                if name in self.masks and entry.kind not in ("upsample", "silence"):
                    self.flat.refuse(self.site(entry), f"the places of maxima, `{name}`, are read for an `Upsample` only")
            found = self.one(rows, Layer(self, entry, values))
            for at, top in enumerate(entry.tops):
                self.blobs[top] = found[at] if found is not None and at < len(found) else None
                if found is not None and at < len(found) and values and values[0] is not None:
                    self.placed.setdefault(found[at], self.coordinates(values[0]))

    def one(self, rows: Mapping[str, Row], layer: Layer) -> list[int] | None:
        """Append a layer; returns its values."""
        kind = layer.entry.kind
        row = rows.get(kind)
        try:
            if row is None:
                help_ = did_you_mean(kind, rows, "its result is not known, so neither is what follows")
                self.flat.refuse(layer.site, f"`{layer.site.operator[:60]}` is no type of layer that is read", help_=help_)
                return None
            found = row(layer)
        except Unread:
            return None
        except Unsaid as unsaid:
            span = unsaid.span if isinstance(unsaid, Misread) else layer.site.span
            self.flat.refuse(layer.site._replace(span=span), str(unsaid))
            return None
        return found if isinstance(found, list) else [found]

    def finish(self) -> Imported:
        """Name the results: what no layer reads, and what losses judge. Of these the last is the main one."""
        ends = self.results()
        if not self.flat.found.errors and not ends:
            site = Site("", self.flat.source, span=self.net.span)
            self.flat.refuse(site, "the file has no layers that give a result", "A612")
        labels: set[str] = set()
        for at, (entry, value) in enumerate(reversed(ends)):
            label = entry.bottoms[1] if entry.kind in LOSSES and len(entry.bottoms) > 1 else ""
            name = re.sub(r"\W+", "_", entry.name.rpartition("/")[0] or entry.name) or "result"
            self.flat.output(value, name if at else "output", training=label in labels)
            labels |= {label} - {""}
        return self.flat.finish()

    def results(self) -> list[tuple[Entry, int]]:
        """The layers that end the network, with their values, in order."""
        ends = [(entry, self.blobs[top]) for entry, top in self.net.unread()]
        found = {value: entry for entry, value in [*self.ends, *ends] if value is not None}
        strong = {value: entry for value, entry in found.items() if entry.kind != "accuracy"}
        return sorted(((entry, value) for value, entry in (strong or found).items()), key=lambda end: end[0].number)


def read(path: Path, inputs: Mapping[str, tuple[int, ...]]) -> Imported:
    """Read a `.prototxt` file. `inputs` has shapes of inputs, channels last, by the names of their blobs. Raises SpecError, OSError."""
    try:
        net = Net(parse(source_of(path)))
        if len(net.entries) > MANY:
            return _named(path, net, by_slashes, inputs)
        *named, nameless = [_named(path, net, naming, inputs) for naming in NAMINGS]
    except Misread as misread:
        raise damaged(str(misread), misread.span) from None
    shortest = min(named, key=_length)
    if _length(shortest) <= max(SHORT, WORTH * _length(nameless)):
        return shortest
    return nameless._replace(note=nameless.note or "layers have new names: those that they had make no modules")


def _named(path: Path, net: Net, naming: Callable[[Sequence[Entry]], list[str]], inputs: Mapping[str, tuple[int, ...]]) -> Imported:
    from archspec.imports.caffe_parts import ROWS

    name_layers(net.entries, naming(net.entries))
    reader = Reader(path, net, inputs)
    try:
        reader.read(ROWS)
        return reader.finish()
    except Enough:
        raise SpecError(reader.flat.found.sorted()) from None


def _length(imported: Imported) -> int:
    return imported.text.count("\n")
