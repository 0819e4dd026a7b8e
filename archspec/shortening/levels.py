"""The levels of names: layers whose names share what stands before a dot are a group, where they have one way in and one way out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from archspec.backends.arch import is_again
from archspec.ir.graph import Network
from archspec.ir.walk import Place, flattened
from archspec.shortening.items import Group, Item, Layer, Mark

_ARGUMENT = re.compile(r'(?:(\w+)=)?("[^"]*"|(?:\((?:[^()]|\([^()]*\))*\)|[^\s()])+)')
"""A name and a value, which may be quoted or have spaces within parentheses."""


class Flat:
    """The layers of a network in order, each with the numbers of what it reads: inputs come first, then the layers."""

    def __init__(self, network: Network) -> None:
        places, ends = flattened(network)
        self.inputs = [input_.name for input_ in network.inputs]
        self.layers: list[Layer] = []
        self.parts: list[list[str]] = []
        """Their names, parted at dots."""
        self.sources: list[list[int]] = []
        numbers = {name: at for at, name in enumerate(self.inputs)}
        left_out = _implied(places)
        for place in places:
            sources = [numbers[source.partition(":")[0]] for source in place.sources]
            if place.name in left_out:
                numbers[place.name] = sources[0]
                continue
            numbers[place.name] = len(self.inputs) + len(self.layers)
            self.layers.append(_layer(place))
            self.parts.append(place.name.split("."))
            self.sources.append(sources)
        self.results = [numbers[end.partition(":")[0]] for end in ends]
        """The values of the outputs."""
        for layer in self.layers:
            if layer.owner:
                self.layers[numbers[layer.owner] - len(self.inputs)].label = True


def _implied(places: Sequence[Place]) -> set[str]:
    """Each `flatten` that a fully connected layer behind it implies, and that takes no position from others."""
    users: dict[str, list[str]] = {}
    for place in places:
        for source in place.sources:
            users.setdefault(source, []).append(place.node.op.step)
    return {
        place.name
        for place in places
        if place.node.op.step == "flatten"
        and (place.node.implied or (users.get(place.name) == ["fc"] and not place.name.rpartition(".")[2].isdecimal()))
    }


def _layer(place: Place) -> Layer:
    op, types = place.node.op, place.graph.types_of(place.node)
    operands = () if op.variadic else [f"{{{at}}}" for at in range(len(place.sources) - 1)]
    arguments: dict[str | int, str] = {}
    for at, (name, value) in enumerate(_ARGUMENT.findall(op.config(*types, operands=operands))):
        arguments[name or at] = value
    again = is_again(place)
    return Layer(
        place.name,
        keyed=not again and len(op.weights(*types)) > 0,
        step=op.step,
        arguments=arguments,
        channels=types[0].channels if types else 0,
        width=place.node.type.channels,
        merge=op.variadic,
        aside=op.origin or op.aside,
        owner=(place.owner if again else place.tied) or "",
        tied=place.tied is not None,
    )


class Levels:
    """Builds the items of a level, with groups inside; what they read is filled in."""

    def __init__(self, flat: Flat) -> None:
        self.flat = flat
        self.first = len(flat.inputs)
        self.users: list[list[int]] = [[] for _ in range(self.first + len(flat.layers))]
        for at, sources in enumerate(flat.sources):
            for source in sources:
                self.users[source].append(at)
        self.ends = set(flat.results)
        self.holders: dict[int, Item] = {at: Mark(name, label=True) for at, name in enumerate(flat.inputs)}
        """The items of the top level by the values that they hold."""
        self.items = self.level(range(len(flat.layers)), dict(enumerate(flat.parts)), self.holders)

    def level(self, run: Sequence[int], parts: Mapping[int, list[str]], holders: dict[int, Item]) -> list[Item]:
        """The items of layers, whose names at this level are `parts`; `holders` gets the items of their values."""
        found: list[Item] = []
        pieces, parts = self.settled(run, parts)
        for piece in pieces:
            name, *inner = parts[piece[0]]
            if inner:
                item: Item = self.group(name, piece, {at: parts[at][1:] for at in piece})
                sources = sorted(self.entries(piece))
            else:
                item, sources = self.flat.layers[piece[0]], self.flat.sources[piece[0]]
                item.name = name
            item.reads = [holders.get(source) for source in sources]
            holders |= {self.first + at: item for at in piece}
            found.append(item)
        return found

    def group(self, name: str, piece: Sequence[int], parts: Mapping[int, list[str]]) -> Group:
        (entry,), (end,) = self.entries(piece), self.exits(piece)
        layers = self.flat.layers
        channels = next((layers[at].channels for at in piece if self.flat.sources[at][:1] == [entry]), 0)
        keyed = any(layers[at].keyed for at in piece)
        return Group(name, keyed=keyed, body=self.level(piece, parts, {}), channels=channels, width=layers[end].width)

    def settled(self, run: Sequence[int], parts: Mapping[int, list[str]]) -> tuple[list[list[int]], dict[int, list[str]]]:
        """The groups of a level and its layers of no group. What is no group has its level in the names: `layer1.0` and `layer1.1`."""
        parts = dict(parts)
        while True:
            pieces = _pieces(run, parts)
            times = Counter(parts[piece[0]][0] for piece in pieces if len(parts[piece[0]]) > 1)
            open_ = {head for head, count in times.items() if count > 1}
            open_ |= {
                parts[piece[0]][0]
                for piece in pieces
                if len(parts[piece[0]]) > 1 and parts[piece[0]][0] not in open_ and not self.is_closed(piece)
            }
            if not open_:
                return pieces, parts
            for at in run:
                if parts[at][0] in open_ and len(parts[at]) > 1:
                    head, inner, *others = parts[at]
                    parts[at] = [f"{head}.{inner}", *others]

    def entries(self, piece: Sequence[int]) -> set[int]:
        """The values outside that layers read."""
        inside = {self.first + at for at in piece}
        return {source for at in piece for source in self.flat.sources[at] if source not in inside}

    def exits(self, piece: Sequence[int]) -> set[int]:
        """The layers whose values are read outside."""
        inside = set(piece)
        return {at for at in piece if self.first + at in self.ends or not inside.issuperset(self.users[self.first + at])}

    def is_closed(self, piece: Sequence[int]) -> bool:
        """Whether layers read one value from outside, and give one."""
        return len(self.entries(piece)) == 1 and len(self.exits(piece)) == 1


def _pieces(run: Sequence[int], parts: Mapping[int, list[str]]) -> list[list[int]]:
    """Neighbours whose names begin alike; a layer with no level of its own stands alone."""
    found: list[list[int]] = []
    for at in run:
        before = parts[found[-1][-1]] if found else []
        if len(parts[at]) > 1 and len(before) > 1 and before[0] == parts[at][0]:
            found[-1].append(at)
        else:
            found.append([at])
    return found
