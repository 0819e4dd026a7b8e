"""A network as an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from onnx import GraphProto, ModelProto

from archspec.backends.onnx import file, proto
from archspec.backends.onnx.constants import given
from archspec.backends.onnx.draft import Stored
from archspec.backends.onnx.lower import lower
from archspec.backends.onnx.opsets import Settings
from archspec.ir.graph import Network
from archspec.weights.initializers import draw

Weights = Mapping[str, Any] | str | None


class Emitted(NamedTuple):
    """A model, its graph without weights, and the weights, whose values are made when they are written.

    `told` is what a reader should know of how given weights were matched; empty where there is nothing to tell.
    """

    model: ModelProto
    graph: GraphProto
    stored: list[Stored]
    told: str = ""

    @property
    def fits(self) -> bool:
        """Whether one protobuf can hold the weights."""
        return file.size(self.model, self.graph, self.stored) <= proto.LIMIT

    def whole(self) -> ModelProto:
        """The model in memory. Raises ValueError above 2 GiB, which no protobuf can hold."""
        if not self.fits:
            raise ValueError("weights above 2 GiB do not fit in one ModelProto; `archspec emit onnx -o FILE` writes them beside it")
        self.model.graph.CopyFrom(self.graph)
        for stored in self.stored:
            tensor = proto.header(stored)
            tensor.raw_data = proto.little(stored.load()).tobytes()
            self.model.graph.initializer.append(tensor)
        return self.model


def emit(network: Network, settings: Settings, weights: Weights, seed: int) -> Emitted:
    """The model of a network.

    `weights` are values by key, None to draw them with `seed`, or "none" to declare them as inputs. Raises SpecError where ONNX lacks
    a layer or a name has two meanings; ValueError where the settings make no sense, WeightsError where the weights do not fit.
    """
    settings.check()
    declare = weights == "none"
    if declare and settings.fold_bn:
        raise ValueError("batch norms cannot be folded without weights")
    if isinstance(weights, str) and not declare:
        raise ValueError(f'weights are values by key, or "none", not {weights!r}')
    load, told = given(network, weights) if isinstance(weights, Mapping) else (partial(draw, seed=seed), "")
    draft = lower(network, settings, load)
    graph = proto.graph(network, draft, declare=declare)
    return Emitted(proto.model(network, settings), graph, [] if declare else list(draft.stored.values()), told)
