"""The stored tensors of a network, by the names they have in files of weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archspec.ir.graph import Network
from archspec.ir.walk import Place, walk


class Tensor(NamedTuple):
    """A stored tensor: `key` is its name in a `state_dict`, `name` that within its layer, `role` as in ops.base.Weight."""

    key: str
    shape: tuple[int, ...]
    role: str
    name: str
    place: Place


def key_of(layer: str, name: str) -> str:
    """The name in a `state_dict` of a layer's tensor."""
    return f"{layer}.{name}" if name else layer


def tensors(network: Network) -> Iterator[Tensor]:
    """The tensors of all layers, those of training heads too, in the order of the text."""
    for place in walk(network):
        stored = place.node.op.weights(place.graph.type_of(place.node.inputs[0])) if place.owner is None else ()
        for weight in stored:
            yield Tensor(key_of(place.name, weight.name), weight.shape, weight.role, weight.name, place)
