"""Tensors of Keras over the values of a network: the batch first, and channels last, or first where a layer says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from archspec.diagnostics import Diagnostic
from archspec.imports.flat import Flat, Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.keras_config import Call, Layer, Settings
from archspec.imports.layout import Digit, Dim, Dims, merged, size, viewed
from archspec.imports.views import View, Views
from archspec.ops import make, op_class
from archspec.ops.base import Misfit
from archspec.types import Map, Vector, is_line

Pairs = tuple[tuple[int, int], ...]


class Table(NamedTuple):
    """The layer whose table another one uses, and where the source has its weights."""

    of: Layer
    source: str


class Spot(NamedTuple):
    """A call of a layer: where it is, the key of its weights and where the source has them, and how many axes stand before its own."""

    layer: Layer
    call: Call
    site: Site
    key: str
    source: str
    lead: int = 0
    """1 within a TimeDistributed, which adds an axis of time."""
    table: Table | None = None
    """What it uses of another layer."""

    @property
    def config(self) -> Settings:
        """What the layer says."""
        return self.layer.config

    def weight(self, at: int, shape: Sequence[int] = (), order: Sequence[int] = (), rows: Sequence[tuple[int, int]] = ()) -> Stored:
        """Where the source has a weight of the layer, by its number."""
        return Stored((f"{self.source}/{at}",), tuple(shape), tuple(order), tuple(rows))


class Keras(Views):
    """Keras's tensors. `first` says that channels are first where nothing else does; `uneven` that some layer of zeros puts them only at the end,
    `even` that all put as many at both ends, so that padding is said in numbers wherever it is.
    """

    def __init__(self, flat: Flat, *, first: bool = False, uneven: bool = False, even: bool = False, old: bool = False) -> None:
        super().__init__(flat, 1)
        self.first, self.uneven, self.even, self.old = first, uneven, even, old
        self.padded: dict[int, tuple[int, Pairs]] = {}
        """Values that zeros were put around: what was there before, and how many zeros."""
        self.flattened: dict[tuple[int, Dims], View] = {}
        """Vectors that were flattened, and the tensors that they were before: for what needs Keras's order, one layer does both."""
        self.tables: set[str] = set()
        """The names of layers whose tables others use."""
        self.hard: dict[int, int] = {}
        """The values relu6(x + 3), and their x: a sixth of them is a hard sigmoid."""

    # tensors and values

    def at(self, x: View, config: Settings | None = None) -> int:
        """The dimension of the channels: as `data_format` says, or where those of the value are."""
        said = config.get("data_format") if config is not None else None
        if len(x.dims) < 3 or said == "channels_last":
            return len(x.dims) - 1
        if said == "channels_first":
            return 1
        whole = self.axis(x.value, "c")
        own = [at for at, dim in enumerate(x.dims) if dim and dim == whole]
        return own[0] if own else (1 if self.first else len(x.dims) - 1)

    def value(self, spot: Spot, x: View, at: int = -1, kind: str = "") -> int:
        """The value whose channels are dimension `at`, and whose positions are the others: a `kind` map, tokens or vector.

        Raises Unsaid.
        """
        if len(x.dims) < 2:
            raise Unsaid("it is one number for each example, without an axis")
        at %= len(x.dims)
        others = [dim for number, dim in enumerate(x.dims) if number not in (0, at)]
        here = self.flat.type_of(x.value)
        if not others:
            x = self.vector(spot, x)
            return self.settle(spot.site, self.flattened.get((x.value, x.dims), x), "vector")
        if len(others) > 1:
            return self.settle(spot.site, x._replace(dims=((), x.dims[at], *others)), "map")
        dims: tuple[Dim, ...] = (others[0], x.dims[at])
        if is_line(here):
            if dims == (self.axis(x.value, "w"), self.axis(x.value, "c")) and kind != "tokens":
                return x.value
            x = x._replace(value=self.step(spot, "tokens", x.value))
            dims = _renamed(dims, "w", "t")
        tokens = self.settle(spot.site, x._replace(dims=((), *dims)), "tokens")
        return self.step(spot, "map", tokens, size=size(dims[0])) if kind == "map" else tokens

    def map(self, spot: Spot, x: View, at: int = -1) -> int:
        """The value of a tensor as a map."""
        return self.value(spot, x, at, "map")

    def back(self, value: int, at: int = -1) -> View:
        """The tensor of a value, with its channels as dimension `at`."""
        x = self.of(value)
        batch, *dims = x.dims
        channels = dims.pop(0 if isinstance(self.flat.type_of(value), Map) else -1)
        dims.insert(at % (len(dims) + 2) - 1, channels)
        return x._replace(dims=(batch, *dims))

    def vector(self, spot: Spot, x: View) -> View:
        """A tensor of one dimension over the value of a vector, whose numbers may have another order than Keras's."""
        here = self.flat.type_of(x.value)
        if isinstance(here, Vector):
            return x
        strides: dict[str, int] = {}
        behind = 1
        for dim in reversed(self.of(x.value).dims[1:]):
            strides |= {digit.axis: behind for digit in dim}
            behind *= size(dim)
        value = self.step(spot, "flatten", x.value)
        found = View(value, ((), merged([Digit("c", digit.size, digit.stride * strides[digit.axis]) for digit in x.dims[1]])))
        self.flattened[found.value, found.dims] = x
        return found

    def part(self, spot: Spot, x: View, at: int, start: int, stop: int) -> View:
        """The numbers from `start` up to, not including, `stop` along a dimension."""
        if (start, stop) == (0, x.sizes[at]):
            return x
        if at == 1 and len(x.dims) == 3:
            return self.back(self.step(spot, "slice", self.value(spot, x), bounds=(start, stop), axis="t"))
        return self.over(spot, "slice", x, at, bounds=(start, stop))

    def shaped(self, spot: Spot, x: View, sizes: Sequence[int]) -> View:
        """A tensor with other sizes, in the order of Keras's numbers; one of them may be open, as -1."""
        sizes = self._filled(sizes, prod(x.sizes))
        dims = viewed(x.dims, (1, *sizes))
        if dims is None:  # parts of axes that do not divide each other: all numbers as one vector first
            flat = viewed(x.dims, (1, prod(x.sizes)))
            value = self.settle(spot.site, x._replace(dims=flat), "vector") if flat else x.value
            dims = viewed(self.of(value).dims, (1, *sizes))
            x = x._replace(value=value)
        if dims is None:
            raise Unsaid(f"it makes {'x'.join(map(str, sizes))} of {'x'.join(map(str, x.sizes[1:]))}")
        return x._replace(dims=dims)

    def _filled(self, sizes: Sequence[int], count: int) -> list[int]:
        rest = [each for each in sizes if each != -1]
        if sizes.count(-1) > 1 or any(each < 1 for each in rest) or count % prod(rest) or (prod(rest) != count and -1 not in sizes):
            raise Unsaid(f"it makes {'x'.join(map(str, sizes))} of {count:,} numbers")
        return [count // prod(rest) if each == -1 else each for each in sizes]

    # layers

    def step(self, spot: Spot, step: str, *values: int, key: str | None = None, stored: Any = None, **arguments: Any) -> int:
        """Append a layer. `key` is that of its weights, by default the layer's. Raises Unsaid."""
        given = spot.layer.config.get("trainable")
        if given is False and stored and op_class(step).freezes:
            arguments["frozen"] = True
        if stored and key is None and spot.layer.name in self.tables:
            arguments.setdefault("table", f"{spot.source}/0")
        own = spot.key if key is None else f"{spot.key}.{key}" if spot.key else ""
        return self.flat.step(spot.site._replace(key=own), step, *values, stored=stored, **arguments)

    def unknown(self, spot: Spot, x: View, function: str) -> View:
        """A function of each number that the language lacks."""
        why = f"the language has no activation function `{function}`"
        return x._replace(value=self.flat.custom(spot.site._replace(operator=function), x.value, out=self.flat.type_of(x.value), why=why))

    def note(self, spot: Spot, why: str) -> None:
        """Warn of what differs."""
        self.flat.found.add(Diagnostic("A610", f"{spot.site.where}: {why}", None, severity="warning"))

    def alone(self, spot: Spot, step: str, x: View, **arguments: Any) -> View:
        """A layer that acts on each number by itself, whatever the order of axes."""
        return x._replace(value=self.step(spot, step, x.value, **arguments))

    def over(self, spot: Spot, step: str, x: View, at: int = -1, *, stored: Any = None, kind: str = "", **arguments: Any) -> View:
        """A layer over the channels, dimension `at`, of each position."""
        return self.back(self.step(spot, step, self.value(spot, x, at, kind), stored=stored, **arguments), at)

    def features(self, spot: Spot, x: View) -> tuple[View, tuple[int, ...], tuple[int, ...]]:
        """A tensor of one dimension, and how Keras's order of its numbers becomes that of its value: a shape, and an order of that."""
        x = self.vector(spot, x)
        digits = x.dims[1]
        if len(digits) < 2:
            return x, (), ()
        order = sorted(range(len(digits)), key=lambda at: -digits[at].stride)
        return x, tuple([digit.size for digit in digits]), tuple(order)

    def same(self, spot: Spot, tensors: Sequence[View]) -> tuple[list[int], Any]:
        """The values of tensors that meet number by number, and how their result becomes a tensor again."""
        first = tensors[0]
        types = {self.flat.type_of(x.value) for x in tensors}
        if len(types) == 1 and all(x.dims == first.dims for x in tensors):
            return [x.value for x in tensors], lambda value: first._replace(value=value)
        widest = max(tensors, key=lambda x: len(x.dims))
        at = self.at(widest)
        count = len(widest.dims)
        tensors = [x._replace(dims=((), *((),) * (count - len(x.dims)), *x.dims[1:])) for x in tensors]
        kind = "map" if count == 3 and any(is_line(self.flat.type_of(x.value)) for x in tensors) else ""
        return [self.value(spot, x, at, kind) for x in tensors], lambda value: self.back(value, at)

    def padding(self, spot: Spot, step: str, value: int, **given: Any) -> tuple[int, dict[str, Any]]:
        """What a window reads and its padding, as arguments. Zeros that were put around a map before are the padding of the window."""
        word = spot.config.word("padding", "valid")
        letter = "w" if step in ("pool", "avgpool") else "k"
        if word in ("same", "causal"):
            if all(each == 1 for each in _axes(given[letter], 3)):
                return value, {"round": "floor"}
            pairs = self.zeros(step, value, given) if word == "same" and self.even else ()
            return value, {"p": narrow([before for before, _ in pairs]), "round": "floor"} if _is_even(pairs) else {"p": word}
        if word != "valid":
            raise Unsaid(f"its padding is `{word}`")
        found = self.padded.get(value)
        if found is None or (step == "avgpool"):
            return value, {"round": "floor"}
        source, pairs = found
        here = self.flat.type_of(source)
        if step == "pool" and not self.positive(source):
            return value, {"round": "floor"}
        if self.zeros(step, source, given) == pairs and (self.uneven or not _is_even(pairs)):
            return source, {"p": "same"}
        if _is_even(pairs):
            p = narrow([before for before, _ in pairs])
        elif len(set(pairs)) == 1:
            p = pairs[:1]
        else:
            return value, {"round": "floor"}
        try:
            make(step, {**given, "p": p, "round": "floor"}).infer([here])
        except Misfit:  # a padding that the layer does not take stays a layer of its own
            return value, {"round": "floor"}
        return source, {"p": p, "round": "floor"}

    def zeros(self, step: str, value: int, given: Mapping[str, Any]) -> Pairs:
        """How many zeros `p=same` puts before and after each axis."""
        return tuple([(slide.before, slide.after) for slide in make(step, {**given, "p": "same"}).window(self.flat.type_of(value))])

    def positive(self, value: int) -> bool:
        """Whether no number of a value is below zero, so that zeros around it change no maximum."""
        made = self.flat.made(value)
        return made is not None and made.op.step in ("relu", "relu6", "sigmoid", "softmax")


def _renamed(dims: tuple[Dim, ...], axis: str, other: str) -> tuple[Dim, ...]:
    """Dimensions over an axis that has another name now."""
    return tuple([tuple([digit._replace(axis=other) if digit.axis == axis else digit for digit in dim]) for dim in dims])


def _is_even(pairs: Pairs) -> bool:
    """Whether there is padding, as much before each axis as after it."""
    return bool(pairs) and all(before == after for before, after in pairs)


def narrow(values: Sequence[int]) -> Any:
    """A size as an argument: one number where all axes have the same."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def _axes(value: Any, count: int) -> Sequence[int]:
    return value if isinstance(value, tuple) else (value,) * count


def along(x: View, axis: int) -> int:
    """A dimension by its number, which may be counted from the end. Raises Unsaid where there is none, or it is the batch."""
    if not -len(x.dims) <= axis < len(x.dims) or axis % len(x.dims) == 0:
        raise Unsaid(f"it acts on axis {axis} of {len(x.dims)}")
    return axis % len(x.dims)


def places(weights: Mapping[str, Stored], bias: bool) -> dict[str, Stored]:
    """The weights of a layer that may have no bias."""
    return {name: stored for name, stored in weights.items() if bias or name != "bias"}
