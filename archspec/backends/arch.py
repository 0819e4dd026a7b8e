"""A network as a flat spec: one layer per line, with blocks, repeats and params resolved.

Names are kept: a layer whose name is not the one it would get by itself carries it as a label, dots included. The chain goes on from
line to line; `from NAME` takes it up elsewhere. The result is a valid spec of the same network, and expanding it again gives it back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from archspec.ir.graph import Network
from archspec.ir.walk import Names, Place, flattened

_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"


def expand(network: Network) -> str:
    """The flat spec of a network."""
    return "".join(line + "\n" for line in _lines(network))


def _lines(network: Network) -> Iterator[str]:
    places, ends = flattened(network)
    yield f"model {_name(network.name)}"
    if network.meta:
        yield "meta " + " ".join(f"{key}={_text(value)}" for key, value in network.meta.items())
    for input_ in network.inputs:
        label = "" if input_.name == "input" and len(network.inputs) == 1 else f"{input_.name}: "
        yield f"{label}input {input_.type}"
    referred = _referred(network, places, ends)
    names = Names("", "ordinal")
    current = network.inputs[-1].name
    for place in places:
        auto = names.local(place.node._replace(label=None, stem=_stem(place)))
        label = "" if auto == place.name and place.name not in referred else f"{place.name}: "
        if place.sources[0] != current:
            yield f"from {place.sources[0]}"
        yield label + _step(place)
        current = place.name
    for output, producer in zip(network.outputs[1:], ends[1:], strict=True):
        if producer != current:
            yield f"from {producer}"
        current = producer
        yield f"output {output.name}{' train' if output.training else ''}"
    if ends[0] != current:
        yield f"from {ends[0]}"


def _stem(place: Place) -> str:
    return place.node.op.step


def _step(place: Place) -> str:
    node = place.node
    if node.op.variadic:
        return " ".join([node.op.step, *place.sources[1:]])
    type_ = place.graph.type_of(node.inputs[0])
    return f"{node.op.step} {node.op.config(type_)}".rstrip()


def _referred(network: Network, places: list[Place], ends: list[str]) -> set[str]:
    """Layers that a line of the flat spec names."""
    found: set[str] = set()
    current = network.inputs[-1].name
    for place in places:
        if place.sources[0] != current:
            found.add(place.sources[0])
        found.update(place.sources[1:])
        current = place.name
    for producer in [*ends[1:], ends[0]]:
        if producer != current:
            found.add(producer)
        current = producer
    return found


def _name(name: str) -> str:
    return name if name and all(char in _PLAIN for char in name) and not name[0].isdigit() else _text(name)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
