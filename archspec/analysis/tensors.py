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


def stored(place: Place) -> list[Tensor]:
    """The tensors of a layer, or of the one whose weights it uses. Those without a name have that of the layer."""
    layer, weights = place.owner or place.name, place.node.op.weights(*place.graph.types_of(place.node))
    has = {"weight": place.tied} if place.tied is not None else {}
    return [Tensor(f"{has.get(name, layer)}.{name}" if name else layer, shape, role, name, place) for name, shape, role in weights]


def tensors(network: Network) -> Iterator[Tensor]:
    """The tensors of all layers, those of training heads too, in the order of the text."""
    for place in walk(network):
        if place.owner is None:
            yield from [tensor for tensor in stored(place) if place.tied is None or tensor.name != "weight"]


def aliases(network: Network) -> dict[str, str]:
    """The keys that a `state_dict` has besides those of `tensors`: of weights that are tied, with the keys under which they are stored."""
    return {f"{place.name}.weight": f"{place.tied}.weight" for place in walk(network) if place.tied is not None and place.owner is None}
