"""Memory of training: weights, gradients, the optimizer's states, what is kept for the gradients, and the peak of a step.

Each layer says what its gradient keeps (`Op.kept`). Values may share memory: a view, or an activation that overwrites its input. So memory
is counted by storages. A step is followed forwards and backwards, storage by storage; each moment is a number of bytes per batch and
one per image, so that the peak of any batch is known at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import compress, repeat
from typing import Any, NamedTuple

from archspec.analysis.cost import Costs
from archspec.diagnostics import did_you_mean
from archspec.ir.graph import Network
from archspec.ir.walk import Leave, Visit, events
from archspec.numeric import binary
from archspec.ops.base import Op
from archspec.types import LIMIT, Map, Tokens, Type

OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}
"""States per learned number."""
PRECISIONS = ("float32", "bfloat16")
"""float32, or autocast to bfloat16 with weights in float32."""
_OVERWRITING = frozenset(["relu", "leaky"])
_INDEPENDENT = frozenset(["conv", "dwconv", "deconv", "bn", "gn", "ln", "fc", "linear", "add", "concat"])
"""Layers whose result these activations overwrite, as modules for PyTorch do. Others that overwrite keep a copy of what they read."""
_VIEWS = frozenset(["flatten", "tokens", "slice", "first", "crop"])
_DROPS = frozenset(["dropout", "dropout2d", "droppath"])
_TO_LAST = frozenset(["linear", "ln", "rmsnorm", "attn", "winattn", "attend"])
"""Layers that give a map with the channels last in memory, whatever they read."""
_FROM_LAST = frozenset(["linear", "attn", "winattn", "attend"])
"""Layers that keep a copy of what they read where its channels are not last in memory."""
_HALF = frozenset(["convolution", "fully connected", "recurrent", "attention"])
"""Kinds of layers that autocast computes in bfloat16."""
_FULL = frozenset(["ln", "gn", "instnorm", "rmsnorm", "l2norm", "grn", "evonorm", "lrn", "softmax", "logsoftmax", "softplus", "prelu"])
"""Layers that autocast computes in float32."""


def _drops_nothing(op: Op) -> bool:
    return op.step in _DROPS and getattr(op, "p", 0) == 0


class Bytes(NamedTuple):
    """An amount of memory: bytes per batch, and bytes per image."""

    fixed: int = 0
    image: int = 0

    def of(self, batch: int) -> int:
        """The bytes for a batch."""
        return self.fixed + batch * self.image

    def plus(self, other: Bytes) -> Bytes:
        """Add another amount."""
        return Bytes(self.fixed + other.fixed, self.image + other.image)


class Storage:
    """Memory that one or several values share: its size, the steps between which it is needed forwards, and the first that keeps it."""

    __slots__ = ("first", "kept", "last", "per_image", "width")

    def __init__(self, per_image: int, width: int, first: int) -> None:
        self.per_image = per_image * width
        self.width = width
        self.first = self.last = first
        self.kept: int | None = None
        """The earliest step whose gradient needs it; None where none does."""

    def keep(self, step: int) -> None:
        """Keep it for the gradient of a step."""
        if self.kept is None:
            self.kept = step


class Value(NamedTuple):
    """A value: its storage, and whether its channels or features are last in memory as they are named."""

    storage: Storage
    type: Type
    last: bool

    @property
    def bytes(self) -> int:
        """Bytes of it per image, and of its gradient; none for a tensor, which is counted among the weights."""
        return self.type.size * self.storage.width if self.storage.per_image else 0


class Step(NamedTuple):
    """A layer of a step of training: what it reads and gives, its learned numbers, and what it keeps of its own."""

    sources: tuple[int, ...]
    reads: tuple[Value, ...]
    gives: Value
    numbers: range
    """Those of the values that it gives."""
    params: int
    own: Bytes
    trained: bool
    """Whether a gradient flows to what it gives."""
    passes: bool
    """Whether it hands the gradient on as it is, to one reader or to several."""


class TrainingMemory:
    """Memory of one step of training a network, in bytes; `batch` is the number of images.

    `weights` are all stored numbers, `gradients` those of the learned ones, `states` the optimizer's; `kept` is what the forward pass keeps
    for the gradients, and `peak` the most memory at once. What a library takes besides is not in it: what its allocator rounds up,
    workspaces, and the context of a GPU (0.5 to 1 GiB).
    """

    def __init__(self, network: Network, batch: int = 32, optimizer: str = "adam", precision: str = "float32") -> None:
        for word, known, what in ((optimizer, OPTIMIZERS, "optimizer"), (precision, PRECISIONS, "precision")):
            if word not in known:
                raise ValueError(f"there is no {what} `{word}`; {did_you_mean(word, known, 'there are ' + ', '.join(known))}")
        if batch < 1:
            raise ValueError(f"a batch has 1 image or more, not {batch}")
        self.batch = batch
        self.network, self.optimizer, self.precision = network, optimizer, precision
        self._half = precision == "bfloat16"
        total = Costs.of(network).network(network)
        self.params = total.learned
        self.weights = 4 * sum(total.tensors)
        self.gradients = 4 * self.params
        self.states = 4 * OPTIMIZERS[optimizer] * self.params
        self.storages: list[Storage] = []
        self.largest = 0
        self.casts = 0
        """Bytes of the weights' copies in bfloat16."""
        self.steps = list(self._followed())
        self.moments = _highest(self._moments())

    def _storage(self, per_image: int, width: int, step: int) -> Storage:
        made = Storage(per_image, width, step)
        self.storages.append(made)
        return made

    def _followed(self) -> Iterator[Step]:
        """The layers in order, with the storages that they read and give."""
        values = [Value(self._storage(i.type.size, 4, 0), i.type, not isinstance(i.type, Map)) for i in self.network.inputs]
        self.values = values
        """Those of inputs and layers, by their numbers."""
        trained = self.flows = [False] * len(values)
        readers = self._readers()
        for at, met in enumerate([event for event in events(self.network.graph) if isinstance(event, Visit)]):
            op, y = met.node.op, met.node.type
            reads = tuple([values[source] for source in met.sources])
            types = (*[value.type for value in reads], y)
            learned = [weight for weight in op.weights(*types[:-1]) if weight.role in ("weight", "bias")]
            sizes = [weight.size for weight in learned]
            self.casts += 2 * sum(sizes) * (self._half and op.kind in _HALF and met.owner is None)
            sizes = [] if op.frozen else sizes
            params = sum(sizes) if met.owner is None else 0
            params -= learned[0].size if met.tied is not None and params else 0
            self.largest = max([self.largest, *sizes])
            flows = len(sizes) > 0 or any(trained[source] for source in met.sources)
            gives, own = self._given(met, reads, types, at, readers, flows)
            for value in reads:
                value.storage.last = at
            numbers = range(len(values), len(values) + len(met.names))
            values.append(gives)
            values += [Value(self._storage(type_.size, gives.storage.width, at), type_, gives.last) for type_ in met.node.further]
            trained += [flows] * len(numbers)
            passes = op.step in ("add", "concat", "flatten", "tokens") or _drops_nothing(op)
            yield Step(met.sources, reads, gives, numbers, params, own if flows else Bytes(), flows, passes)

    def _given(
        self, met: Visit, reads: tuple[Value, ...], types: tuple[Type, ...], at: int, readers: list[tuple[int, str]], flows: bool
    ) -> tuple[Value, Bytes]:
        """What a layer gives, and what it keeps of its own; notes which storages it keeps."""
        op, y = met.node.op, met.node.type
        if not reads:
            return Value(self._storage(0, 4, at), y, True), Bytes()
        x, kept = reads[0], op.kept(*types)
        width = self._width(met.node.op.step, op.kind, reads)
        count, maker = readers[met.sources[0]]
        overwrites = op.step in _OVERWRITING and count == 1 and maker in _INDEPENDENT and width == x.storage.width
        own = Bytes(4 * kept.statistics, kept.bytes)
        if overwrites:
            gives = Value(x.storage, y, x.last)
            kept = kept._replace(input=False, output=True)
        elif (op.step in _VIEWS or _drops_nothing(op)) and not (
            op.step == "flatten" and isinstance(x.type, Map) and x.last and y.size > x.type.channels
        ):
            gives = Value(x.storage, y, x.last)
        elif (last := op.view(x.type, x.last)) is not None:
            gives = Value(x.storage, y, last)
        else:
            last = op.step in _TO_LAST or (x.last and not isinstance(y, Tokens)) or not isinstance(y, Map)
            gives = Value(self._storage(y.size, width, at), y, last)
        if flows:
            own = own.plus(Bytes(0, width * kept.numbers))
            if kept.output:
                gives.storage.keep(at)
            wanted: Iterable[bool] = kept.input if isinstance(kept.input, tuple) else repeat(kept.input)
            if kept.products is not None:
                wanted, products = _factors([self.flows[source] for source in met.sources], kept.products)
                own = own.plus(Bytes(0, width * products))
            for value in compress(reads, wanted):
                copied = self._copied(op.step, op.kind, value, width)
                if copied:
                    own = own.plus(Bytes(0, width * value.type.size))
                else:
                    value.storage.keep(at)
        return gives, own

    def _copied(self, step: str, kind: str, value: Value, width: int) -> bool:
        """Whether a layer keeps a copy of what it reads: with its features last, or in another precision."""
        return (step in _FROM_LAST and not value.last) or (width != value.storage.width and kind in _HALF)

    def _width(self, step: str, kind: str, reads: tuple[Value, ...]) -> int:
        """Bytes of a number that a layer gives."""
        if not self._half or step in _FULL:
            return 4
        return 2 if kind in _HALF else max(value.storage.width for value in reads)

    def _readers(self) -> list[tuple[int, str]]:
        """How often each value is read, as a further result of a graph too, and the step that makes it."""
        counts = [1] * len(self.network.inputs)
        makers = [""] * len(self.network.inputs)
        for met in events(self.network.graph):
            if isinstance(met, Visit):
                for source in met.sources:
                    counts[source] += 1
                counts += [0] * len(met.names)
                makers += [met.node.op.step] * len(met.names)
            elif isinstance(met, Leave) and met.call is not None:
                for result in met.call.graph.results[1:]:
                    counts[met.values[result]] += 1
        return list(zip(counts, makers, strict=True))

    @cached_property
    def held(self) -> Bytes:
        """What the forward pass keeps for the gradients: storages that layers share, and numbers of their own."""
        own = Bytes(0, sum(storage.per_image for storage in self.storages if storage.kept is not None))
        for step in self.steps:
            own = own.plus(step.own)
        return own

    def _moments(self) -> Iterator[Bytes]:
        """Memory at each moment of a step, the forward pass, the backward pass, and the optimizer's."""
        constant = self.weights + self.states + self.casts
        own = Bytes()
        for at, step in enumerate(self.steps):
            own = own.plus(step.own)
            live = sum(
                [s.per_image for s in self.storages if s.first <= at and (s.last >= at or s.kept is not None or s is step.gives.storage)]
            )
            yield own.plus(Bytes(constant, live))
        yield from self._backwards(constant, own)
        yield Bytes(
            constant - self.casts + self.gradients + 8 * self.largest * (OPTIMIZERS[self.optimizer] > 1),
            sum(s.per_image for s in self.storages[: len(self.network.inputs)]),
        )

    def _backwards(self, constant: int, own: Bytes) -> Iterator[Bytes]:
        """Memory while the layers' gradients are computed, from the last to the first."""
        first = len(self.network.inputs)
        fed = sum(s.per_image for s in self.storages[:first])
        held: dict[int, list[Storage]] = {}
        for storage in self.storages[first:]:
            if storage.kept is not None:
                held.setdefault(storage.kept, []).append(storage)
        kept = sum(storage.per_image for storages in held.values() for storage in storages)
        gradients = {number: self.values[number].bytes for number in self._results()}
        learned = 0
        for at in reversed(range(len(self.steps))):
            step = self.steps[at]
            found = [number for number in step.numbers if number in gradients]
            if step.trained and found:
                learned += 4 * step.params
                made = [source for source, value in zip(step.sources, step.reads, strict=True) if self.flows[source]]
                passed = 0 if step.passes else sum(self.values[source].bytes for source in made)
                yield own.plus(Bytes(constant + learned, fed + kept + sum(gradients.values()) + passed))
                for number in found:
                    del gradients[number]
                for source in made:
                    gradients[source] = self.values[source].bytes
            own = Bytes(own.fixed - step.own.fixed, own.image - step.own.image)
            kept -= sum([storage.per_image for storage in held.get(at, ())])

    def _results(self) -> list[int]:
        """The numbers of the values that are outputs, those of heads for training too."""
        *_, end = events(self.network.graph)
        assert isinstance(end, Leave)
        return [end.values[output.value] for output in self.network.outputs]

    @property
    def kept(self) -> int:
        """Bytes that the forward pass keeps for the gradients."""
        return self.held.of(self.batch)

    @property
    def peak(self) -> int:
        """The most bytes at once."""
        return self.peak_of(self.batch)

    def peak_of(self, batch: int) -> int:
        """Count the most bytes at once with another batch."""
        return max(moment.of(batch) for moment in self.moments)

    def largest_batch(self, limit: int) -> int:
        """Find the largest batch whose peak is within a limit of bytes; 0 where not even one image is."""
        return max(
            0, min((limit - moment.fixed) // moment.image if moment.image else LIMIT * (moment.fixed <= limit) for moment in self.moments)
        )

    def to_text(self, limit: int | None = None) -> str:
        """Write the amounts for a terminal; with a limit in bytes, the largest batch too."""
        each = OPTIMIZERS[self.optimizer]
        rows = [
            (
                "weights",
                self.weights,
                f"{self.params:,} learned numbers"
                + (f", {self.weights // 4 - self.params:,} others" if self.weights > 4 * self.params else ""),
            ),
            ("gradients", self.gradients, "one per learned number"),
            ("states", self.states, f"{each} per learned number" if each else "none"),
            ("kept", self.kept, f"for the gradients; {binary(self.held.image)} per image"),
            ("peak", self.peak, "the most at once"),
        ]
        lines = [f"{self.network.name}: batch {self.batch:,}, {self.optimizer}, {self.precision}"]
        lines += [f"{name:<10} {binary(amount):>10}  {about}" for name, amount, about in rows]
        if limit is not None:
            lines.append(f"The largest batch in {binary(limit)}: {self.largest_batch(limit):,}.")
        lines.append("Not in it: what the allocator rounds up, workspaces of convolutions, and the context of a GPU (0.5 to 1 GiB).")
        return "\n".join(lines) + "\n"

    def to_data(self, limit: int | None = None) -> dict[str, Any]:
        """Return the amounts as data for JSON, in bytes."""
        amounts = {name: getattr(self, name) for name in ("weights", "gradients", "states", "kept", "peak")}
        found: dict[str, Any] = {"archspec": 1, "model": self.network.name, "batch": self.batch, "optimizer": self.optimizer}
        return (
            found | {"precision": self.precision, **amounts} | ({"largest_batch": self.largest_batch(limit)} if limit is not None else {})
        )

    def __str__(self) -> str:
        return self.to_text().rstrip()

    def __repr__(self) -> str:
        return f"TrainingMemory({self.network.name}: batch {self.batch:,}, {self.optimizer}, {self.precision}, peak {binary(self.peak)})"


def _factors(flows: list[bool], products: tuple[int, ...]) -> tuple[list[bool], int]:
    """Which factors are kept, and how many numbers of the products between them; `flows` says which have a gradient."""
    wanted, between = [len(flows) > 1 and flows[1]], 0
    for at in range(1, len(flows)):
        wanted.append(any(flows[:at]))
        between += products[at - 2] if at > 1 and flows[at] else 0
    return wanted, between


def _highest(moments: Iterable[Bytes]) -> list[Bytes]:
    """The moments of which, for some batch, none is above."""
    kept: list[Bytes] = []
    for moment in sorted(set(moments), key=lambda moment: (-moment.image, -moment.fixed)):
        if not kept or moment.fixed > kept[-1].fixed:
            kept.append(moment)
    return kept
