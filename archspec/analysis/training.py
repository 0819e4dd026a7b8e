"""Memory of training: weights, gradients, the optimizer's states, what is kept for the gradients, and the peak of a step.

Each layer says what its gradient keeps (`Op.kept`). Values may share memory: a view, or an activation that overwrites its input. So memory
is counted by storages. A step is followed forwards and backwards, storage by storage; each moment is a number of bytes per batch and
one per image, so that the peak of any batch is known at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archspec.analysis.cost import Costs
from archspec.ir.graph import Network
from archspec.ir.walk import Visit, events
from archspec.types import Map, Tokens, Type

OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}
"""States per learned number."""
PRECISIONS = ("float32", "bfloat16")
"""float32, or autocast to bfloat16 with weights in float32."""
_OVERWRITING = frozenset(["relu", "leaky"])
_INDEPENDENT = frozenset(["conv", "dwconv", "deconv", "bn", "gn", "ln", "fc", "linear", "add", "concat"])
"""Layers whose result these activations overwrite, as modules for PyTorch do. Others that overwrite keep a copy of what they read."""
_VIEWS = frozenset(["flatten", "tokens", "slice", "first", "crop"])
_COPIED = frozenset(["attn", "winattn"])
_TO_LAST = frozenset(["linear", "ln"])
"""Layers that give a map with the channels last in memory, whatever they read."""
_HALF = frozenset(["convolution", "fully connected", "attention"])
"""Kinds of layers that autocast computes in bfloat16."""
_FULL = frozenset(["ln", "gn", "instnorm", "lrn", "softmax", "logsoftmax", "softplus", "prelu"])
"""Layers that autocast computes in float32."""


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


class Step(NamedTuple):
    """A layer of a step of training: what it reads and gives, its learned numbers, and what it keeps of its own."""

    reads: tuple[Value, ...]
    gives: Value
    params: int
    own: Bytes
    trained: bool
    """Whether a gradient flows to what it gives."""


class TrainingMemory:
    """Memory of one step of training a network. All amounts are bytes; `batch` is the number of images."""

    def __init__(self, network: Network, optimizer: str = "adam", precision: str = "float32") -> None:
        self.network, self.optimizer, self.precision = network, optimizer, precision
        self._half = precision == "bfloat16"
        total = Costs.of(network).network(network)
        self.params = total.params
        self.weights = 4 * sum(total.tensors)
        self.gradients = 4 * total.params
        self.states = 4 * OPTIMIZERS[optimizer] * total.params
        self.storages: list[Storage] = []
        self.largest = 0
        self.steps = list(self._followed())
        self.moments = list(self._moments())

    def _storage(self, per_image: int, width: int, step: int) -> Storage:
        made = Storage(per_image, width, step)
        self.storages.append(made)
        return made

    def _followed(self) -> Iterator[Step]:
        """The layers in order, with the storages that they read and give."""
        values = [Value(self._storage(i.type.size, 4, 0), i.type, len(i.type.shape) < 3) for i in self.network.inputs]
        trained = [False] * len(values)
        readers = self._readers()
        for at, met in enumerate([event for event in events(self.network.graph) if isinstance(event, Visit)]):
            op, y = met.node.op, met.node.type
            reads = tuple([values[source] for source in met.sources])
            types = (*[value.type for value in reads], y)
            sizes = [weight.size for weight in op.weights(*types[:-1]) if weight.role in ("weight", "bias")]
            params = sum(sizes) if met.owner is None else 0
            self.largest = max([self.largest, *sizes])
            flows = params > 0 or met.owner is not None or any(trained[source] for source in met.sources)
            gives, own = self._given(met, reads, types, at, readers, flows)
            for value in reads:
                value.storage.last = at
            values.append(gives)
            trained.append(flows)
            yield Step(reads, gives, params, own, flows)

    def _given(
        self, met: Visit, reads: tuple[Value, ...], types: tuple[Type, ...], at: int, readers: list[tuple[int, str]], flows: bool
    ) -> tuple[Value, Bytes]:
        """What a layer gives, and what it keeps of its own; notes which storages it keeps."""
        op, y, x = met.node.op, met.node.type, reads[0]
        kept = op.kept(*types)
        width = self._width(met.node.op.step, op.kind, reads)
        count, maker = readers[met.sources[0]]
        overwrites = op.step in _OVERWRITING and count == 1 and maker in _INDEPENDENT and width == x.storage.width
        own = Bytes(4 * kept.statistics, kept.bytes)
        if overwrites:
            gives = Value(x.storage, y, x.last)
            kept = kept._replace(input=False, output=True)
        elif (op.step in _VIEWS or getattr(op, "p", None) == 0.0) and not (op.step == "flatten" and isinstance(x.type, Map) and x.last and y.size > x.type.channels):
            gives = Value(x.storage, y, x.last)
        else:
            last = op.step in _TO_LAST or (x.last and not isinstance(y, Tokens)) or not isinstance(y, Map)
            gives = Value(self._storage(y.size, width, at), y, last)
        if flows:
            own = own.plus(Bytes(0, width * kept.numbers))
            if kept.output:
                gives.storage.keep(at)
            for value in reads if kept.input else ():
                copied = self._copied(op.step, op.kind, value, width)
                if copied:
                    own = own.plus(Bytes(0, width * value.type.size))
                else:
                    value.storage.keep(at)
        return gives, own

    def _copied(self, step: str, kind: str, value: Value, width: int) -> bool:
        """Whether a layer keeps a copy of what it reads: with its features last, or in another precision."""
        return (step == "linear" and not value.last) or (width != value.storage.width and kind in _HALF)

    def _width(self, step: str, kind: str, reads: tuple[Value, ...]) -> int:
        """Bytes of a number that a layer gives."""
        if not self._half or step in _FULL:
            return 4
        return 2 if kind in _HALF else max(value.storage.width for value in reads)

    def _readers(self) -> list[tuple[int, str]]:
        """How often each value is read, and the step that makes it."""
        counts = [1] * len(self.network.inputs)
        makers = [""] * len(self.network.inputs)
        for met in events(self.network.graph):
            if isinstance(met, Visit):
                for source in met.sources:
                    counts[source] += 1
                counts.append(0)
                makers.append(met.node.op.step)
        return list(zip(counts, makers, strict=True))

    @property
    def kept(self) -> Bytes:
        """What the forward pass keeps for the gradients: storages that layers share, and numbers of their own."""
        own = Bytes(0, sum(storage.per_image for storage in self.storages if storage.kept is not None))
        for step in self.steps:
            own = own.plus(step.own if step.trained else Bytes())
        return own

    def _moments(self) -> Iterator[Bytes]:
        """Memory at each moment of a step."""
        constant = self.weights + self.states
        own = Bytes()
        for at, step in enumerate(self.steps):
            own = own.plus(step.own if step.trained else Bytes())
            live = sum(s.per_image for s in self.storages if s.first <= at and (s.last >= at or s.kept is not None or s is step.gives.storage))
            yield own.plus(Bytes(constant, live))

    def peak(self, batch: int) -> int:
        """The most memory at once, in bytes."""
        return max(moment.of(batch) for moment in self.moments)
