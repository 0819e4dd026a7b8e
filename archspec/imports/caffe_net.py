"""The layers of a Caffe network before they are read: which count, what they are called, what the inputs are, and who reads whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from archspec.imports.prototxt import Message
from archspec.imports.texts import MOST_LAYERS, Misread, damaged
from archspec.source import Span
from archspec.types import Map, Type, Vector


def canonical(kind: str) -> str:
    """The type of a layer in small letters. INNER_PRODUCT, of before 2014, is InnerProduct, and Netscope does not mind the case."""
    return {"softmaxloss": "softmaxwithloss"}.get(word := kind.replace("_", "").lower(), word)


LOSSES = tuple(
    canonical(f"{kind}Loss")
    for kind in ("SoftmaxWith", "SigmoidCrossEntropy", "Euclidean", "Hinge", "MultinomialLogistic", "Infogain", "Contrastive", "SmoothL1")
)
JUDGES = (*LOSSES, "accuracy", "silence")
"""Layers that nothing of the network follows from."""
_SOURCES = ("input", "data", "imagedata", "memorydata", "hdf5data", "windowdata", "dummydata", "annotateddata")


class Feed(NamedTuple):
    """An input: its blob, and its type where the file says it. A label is none of the network's own."""

    name: str
    type: Type | None
    span: Span
    is_label: bool
    is_main: bool


class Entry:
    """A layer. `key` is what its weights are called, `path` the levels of names around it, `number` its place among those that count."""

    def __init__(self, proto: Message, number: int) -> None:
        self.proto = proto
        self.number = number
        self.name = proto.word("name")[:200] or f"layer{number}"
        self.type = proto.word("type")
        self.kind = canonical(self.type)
        self.bottoms = proto.words("bottom")
        self.tops = proto.words("top")
        self.key = ""
        self.path = ""
        self.merged: Entry | None = None
        """The scale of a batch normalisation, which is one layer with it."""

    @property
    def is_source(self) -> bool:
        """Whether it gives data, as a layer of a data format or of somebody's own program does."""
        return self.kind in _SOURCES or (not self.bottoms and self.kind != "parameter")

    def params(self) -> list[str]:
        """The names of its parameters, by which layers share them."""
        return [message.word("name") for message in self.proto.messages("param")] or self.proto.words("param")


class Net:
    """The layers that count in the test phase, or in the training phase where those of the other read what nobody gives.

    Raises SpecError (A612) where there are none, or too many.
    """

    def __init__(self, proto: Message) -> None:
        self.proto = proto
        self.name = proto.word("name")
        self.span = proto.span
        layers = sorted(proto.messages("layer") + proto.messages("layers"), key=lambda layer: layer.span.start)
        if not layers:
            raise damaged("the file has no `layer { ... }`", None, "a solver's file names that of the network: import that one")
        if len(layers) > MOST_LAYERS:
            raise damaged(f"the file has more than {MOST_LAYERS:,} layers", layers[MOST_LAYERS].span)
        for layer in layers:
            if layer.messages("layer"):
                raise damaged(
                    "this is Caffe's first format, of 2013", layer.span, "Caffe's tool `upgrade_net_proto_text` makes a new one of it"
                )
        phases = [[Entry(layer, at) for at, layer in enumerate(layers) if _counts(layer, phase)] for phase in ("TEST", "TRAIN")]
        self.entries = min(phases, key=self._dangling)
        self._merge()
        self.sources = [entry for entry in self.entries if entry.is_source]
        self.entries = [entry for entry in self.entries if not entry.is_source]

    def _dangling(self, entries: Sequence[Entry]) -> int:
        """Count the blobs that are read and that nothing before gives; without layers all are."""
        known = set(self.proto.words("input"))
        count = 0 if entries else 1 << 30
        for entry in entries:
            count += sum(bottom not in known for bottom in entry.bottoms)
            known.update(entry.tops)
        return count

    def _merge(self) -> None:
        """Find each batch normalisation whose result only a scale with an offset for each channel reads: together they are one layer."""
        readers: dict[int, list[Entry]] = {}
        given: dict[str, Entry] = {}
        for entry in self.entries:
            for bottom in entry.bottoms:
                if bottom in given:
                    readers.setdefault(given[bottom].number, []).append(entry)
            given |= dict.fromkeys(entry.tops, entry)
        for entry in self.entries:
            following = readers.get(entry.number, [])
            if entry.kind == "batchnorm" and len(following) == 1 and _is_affine(following[0]):
                entry.merged = following[0]
        self.merged = {entry.merged for entry in self.entries if entry.merged is not None}

    def feeds(self) -> Iterator[Feed]:
        """The inputs. Source: upgrade_proto.cpp, UpgradeNetInput; data layers; what stands first is the image, and labels follow it."""
        read = {bottom for entry in self.entries if entry.kind not in JUDGES for bottom in entry.bottoms}
        names = self.proto.words("input")
        dims, shapes = self.proto.integers("input_dim"), self.proto.messages("input_shape")
        written = [shape.integers("dim") for shape in shapes] or [dims[at : at + 4] for at in range(0, len(dims), 4)]
        found = [
            (name, _of(written[at]) if at < len(written) else None, self.proto.fields["input"][at].span, False)
            for at, name in enumerate(names)
        ]
        for entry in self.sources:
            shapes_ = list(_shapes(entry))
            for at, top in enumerate(entry.tops):
                type_ = shapes_[min(at, len(shapes_) - 1)] if shapes_ else None
                found.append((top, type_, entry.proto.span, at > 0 and entry.kind not in ("input", "dummydata")))
        main = next((name for name, _, _, further in found if name in read and not further), "")
        for name, type_, span, further in {each[0]: each for each in reversed(found)}.values():
            yield Feed(name, type_, span, further or name not in read, name == main)

    def unread(self) -> list[tuple[Entry, str]]:
        """The results that no layer reads."""
        found: dict[str, Entry] = {}
        for entry in self.entries:
            for bottom in entry.bottoms:
                found.pop(bottom, None)
            found |= dict.fromkeys(entry.tops if entry.kind not in JUDGES else (), entry)
        return [(entry, top) for top, entry in found.items()]


def _counts(layer: Message, phase: str) -> bool:
    """Whether a layer counts in a phase. Source: net.cpp, FilterNet and StateMeetsRule, at level 0 and without stages."""

    def met(rule: Message) -> bool:
        if rule.word("phase", phase) not in (phase, str(("TRAIN", "TEST").index(phase))):
            return False
        return rule.integer("min_level", 0, -(10**9)) <= 0 <= rule.integer("max_level", 0, -(10**9)) and not rule.words("stage")

    try:
        include, exclude = layer.messages("include"), layer.messages("exclude")
        return any(map(met, include)) if include else not any(map(met, exclude))
    except Misread as misread:
        raise damaged(str(misread), misread.span) from None


def _is_affine(entry: Entry) -> bool:
    """Whether a layer is a factor and an offset for each channel."""
    scale = entry.proto.message("scale_param")
    plain = scale.word("axis", "1") == "1" and scale.word("num_axes", "1") == "1" and scale.flag("bias_term", False)
    return entry.kind == "scale" and len(entry.bottoms) == 1 and plain


def _shapes(entry: Entry) -> Iterator[Type | None]:
    """The types of what a data layer gives, as far as its settings say them."""
    proto, kind = entry.proto, entry.kind
    if kind in ("input", "dummydata"):
        settings = proto.message("input_param" if kind == "input" else "dummy_data_param")
        yield from [_of(shape.integers("dim")) for shape in settings.messages("shape")]
        old = [settings.integers(name) for name in ("num", "channels", "height", "width")]
        if all(old):
            yield _of([sizes[0] for sizes in old])
        return
    if kind == "memorydata":
        settings = proto.message("memory_data_param")
        yield _of([1, *(settings.integer(name, 0) for name in ("channels", "height", "width"))])
        return
    if "input_param" in proto.fields:  # as Netscope writes it
        yield from [_of(shape.integers("dim")) for shape in proto.message("input_param").messages("shape")]
        return
    settings = proto.message({"imagedata": "image_data_param", "windowdata": "window_data_param"}.get(kind, "data_param"))
    transform = proto.message("transform_param")
    crop = transform.integer("crop_size", settings.integer("crop_size", 0))
    height, width = (crop or settings.integer(f"new_{name}", 0) for name in ("height", "width"))
    grey = transform.flag("force_gray", False) or not settings.flag("is_color", True) or len(transform.words("mean_value")) == 1
    yield Map((height, width), 1 if grey else 3) if height and width else None


def _of(dims: Sequence[int]) -> Type | None:
    """The type of a blob: the batch stands first, then the channels, then space."""
    if len(dims) < 2 or min(dims[1:]) < 1 or len(dims) > 5:
        return None
    return Map(tuple(dims[2:]), dims[1]) if len(dims) > 2 else Vector(dims[1])
