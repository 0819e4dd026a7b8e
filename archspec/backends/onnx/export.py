"""A network as an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, BinaryIO, NamedTuple

from onnx import GraphProto, ModelProto

from archspec.backends.onnx import file, proto
from archspec.backends.onnx.constants import given
from archspec.backends.onnx.draft import Stored
from archspec.backends.onnx.layer import Load
from archspec.backends.onnx.lower import lower
from archspec.backends.onnx.opsets import Settings
from archspec.ir.graph import Network
from archspec.weights.files import read_weights
from archspec.weights.initializers import draw

Weights = Mapping[str, Any] | str | None


class Emitted(NamedTuple):
    """A model, its graph without weights, and the weights, whose values are made when they are written.

    `told` says how given weights were matched; it is empty if there is nothing to report. `external` asks for the weights in a file
    of their own.
    """

    model: ModelProto
    graph: GraphProto
    stored: list[Stored]
    told: str
    external: bool

    @property
    def fits(self) -> bool:
        """Whether one protobuf can hold the weights."""
        return file.size(self.model, self.graph, self.stored) <= proto.LIMIT

    @property
    def apart(self) -> bool:
        """Whether the weights need a file of their own."""
        return self.external or not self.fits

    def write(self, stream: BinaryIO, data: BinaryIO | None = None, location: str = "") -> None:
        """Write the model, one tensor at a time; its weights go to `data`, which the model calls `location`, if it is given."""
        if data is None:
            file.write(stream, self.model, self.graph, self.stored)
        else:
            file.write_external(stream, data, location, self.model, self.graph, self.stored)

    def whole(self) -> ModelProto:
        """Return the model in memory. Raises ValueError above 2 GiB, which no protobuf can hold."""
        if not self.fits:
            raise ValueError("weights above 2 GiB do not fit in one ModelProto; `archspec emit onnx -o FILE` writes them beside it")
        self.model.graph.CopyFrom(self.graph)
        for stored in self.stored:
            tensor = proto.header(stored)
            tensor.raw_data = proto.little(stored.load()).tobytes()
            self.model.graph.initializer.append(tensor)
        return self.model


def emit(network: Network, *, weights: Weights = None, seed: int | None = None, external_data: bool = False, **settings: Any) -> Emitted:
    """Make the model of a network.

    `weights` are values by key, the path of a file that holds them, "none" to declare them as inputs, or None to draw them with `seed`.
    `settings` are those of `opsets.Settings`. Raises Unsupported for a layer that ONNX lacks, SpecError if a name has two meanings;
    ValueError if the settings make no sense, WeightsError if the weights do not fit; OSError and ImportError for the file of weights.
    """
    chosen = Settings(**settings)
    chosen.check()
    if seed is not None and (seed < 0 or weights is not None):
        raise ValueError("--seed takes a whole number of at least 0, and excludes --weights")
    declare = weights == "none"
    if declare and chosen.fold_bn:
        raise ValueError("batch norms cannot be folded without weights")
    load, told = (partial(draw, seed=seed or 0), "") if weights is None or declare else _given(network, weights)
    draft = lower(network, chosen, load)
    graph = proto.graph(network, draft, declare=declare)
    return Emitted(proto.model(network, chosen), graph, [] if declare else list(draft.stored.values()), told, external_data)


def _given(network: Network, weights: Mapping[str, Any] | str) -> tuple[Load, str]:
    """What makes the values of a tensor from given weights, and how these were matched."""
    if not isinstance(weights, str):
        return given(network, weights)
    load, told = given(network, read_weights(weights, "numpy").tensors)
    return load, f"{weights}: {told}" if told else ""
