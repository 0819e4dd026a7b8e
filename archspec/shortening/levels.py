"""The levels of names: layers whose names share what stands before a dot are a group, where they have one way in and one way out."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from archspec.backends.arch import is_again
from archspec.ir.graph import Network
from archspec.ir.walk import Place, flattened
from archspec.shortening.items import Entry, Exit, Group, Item, Layer, Mark
from archspec.shortening.parameters import Unsayable
from archspec.shortening.recalled import Graph, fold

_ARGUMENT = re.compile(r'(?:(\w+)=)?("[^"]*"|(?:\((?:[^()]|\([^()]*\))*\)|[^\s()])+)')
"""A name and a value, which may be quoted or have spaces within parentheses."""
_MAIN = "output"
"""The name of the main output, which no label may be."""
SEVERAL = 4
"""Values that a group reads, and gives, at most."""
_FARTHEST = 4
"""Layers at most that a module is given so that it is closed."""


class Flat:
    """The layers of a network in order, each with the numbers of what it reads: inputs come first, then the layers.

    Where they are not `named`, no name of weights is kept.
    """

    def __init__(self, network: Network, *, named: bool = True) -> None:
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
            layer = _layer(place)
            layer.keyed &= named
            self.layers.append(layer)
            self.parts.append(place.name.split(".") if named else [place.name.replace(".", "_")])
            self.sources.append(sources)
        if unknown := [layer.owner for layer in self.layers if layer.owner and layer.owner not in numbers]:
            raise Unsayable(f"weights of {unknown[0]}")
        lenders = {at: numbers[layer.owner] - len(self.inputs) for at, layer in enumerate(self.layers) if layer.owner}
        results = [numbers[end.partition(":")[0]] for end in ends]
        again = {at: lender for at, lender in lenders.items() if not self.layers[at].tied}
        graph = Graph(len(self.inputs), self.layers, self.parts, self.sources, results, again)
        for at, lender in lenders.items():
            self.layers[at].lender = self.layers[lender]
        self.lent = fold(graph) if again else set()
        """The full names of modules that are called again."""
        self.layers, self.sources, self.results = graph.layers, graph.sources, graph.results
        self.parts = _without_shells(self.layers, graph.parts)
        _nest(self.layers, self.sources, len(self.inputs))
        for layer in self.layers:
            if layer.lender is not None:
                layer.lender.label = layer.lender.lends = True


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


def _without_shells(layers: Sequence[Layer], parts: Sequence[list[str]]) -> list[list[str]]:
    """The names, those of layers without weights without levels that have no weights at all."""
    levels = {tuple(own[:depth]) for layer, own in zip(layers, parts, strict=True) if layer.keyed for depth in range(len(own))}
    return [
        own
        if layer.keyed
        else [*next(own[:depth] for depth in range(len(own) - 1, -1, -1) if tuple(own[:depth]) in levels or not depth), own[-1]]
        for layer, own in zip(layers, parts, strict=True)
    ]


def _nest(layers: Sequence[Layer], sources: Sequence[list[int]], first: int) -> None:
    """Let each `concat` of what an earlier one has and of more read that one."""
    known: dict[tuple[str, ...], dict[tuple[int, ...], int]] = {}
    for at, (layer, own) in enumerate(zip(layers, sources, strict=True)):
        if layer.step == "concat":
            before = known.setdefault(tuple(layer.arguments.values()), {})
            whole = tuple(own)
            length = next((length for length in range(len(whole) - 1, 1, -1) if whole[:length] in before), 0)
            if length:
                own[:length] = [before[whole[:length]]]
            before.setdefault(whole, first + at)


def _layer(place: Place) -> Layer:
    op, types = place.node.op, place.graph.types_of(place.node)
    operands = () if op.variadic else [f"{{{at}}}" for at in range(len(place.sources) - 1)]
    arguments: dict[str | int, str] = {}
    for at, (name, value) in enumerate(_ARGUMENT.findall(op.config(*types, operands=operands))):
        arguments[name or at] = value
    again = is_again(place)
    return Layer(
        place.name,
        keyed=not again and (place.tied is not None or len(op.weights(*types)) > 0),
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

    def __init__(self, flat: Flat, opened: Collection[str] = (), most: int = 1) -> None:
        self.flat = flat
        self.opened = opened
        """The full names of modules that are no group."""
        self.most = most
        """Values that a group reads, and gives, at most."""
        self.several = False
        """Whether there are modules that read or give some more values than one."""
        self.first = len(flat.inputs)
        self.users: list[list[int]] = [[] for _ in range(self.first + len(flat.layers))]
        for at, sources in enumerate(flat.sources):
            for source in sources:
                self.users[source].append(at)
        self.ends = set(flat.results)
        self.given = self.alike() if most > 1 else {}
        """For modules, by their full names, the layers whose values they, or others that are built alike, give."""
        self.holders: dict[int, Item] = {at: Mark(name, label=True) for at, name in enumerate(flat.inputs)}
        """The items of the top level by the values that they hold."""
        self.items = self.level(range(len(flat.layers)), dict(enumerate(flat.parts)), self.holders, "")

    def level(self, run: Sequence[int], parts: Mapping[int, list[str]], holders: dict[int, Item], above: str) -> list[Item]:
        """The items of layers, whose names at this level are `parts`, below a level; `holders` gets the items of their values."""
        found: list[Item] = []
        pieces, parts = self.settled(run, parts, above)
        for piece in pieces:
            name, *inner = parts[piece[0]]
            if inner:
                item: Item = self.group(name, piece, {at: parts[at][1:] for at in piece}, above)
                sources = self.entered(piece)
            else:
                layer, sources = self.flat.layers[piece[0]], self.flat.sources[piece[0]]
                layer.name = name
                if layer.owner:
                    layer.home, layer.owner = _parted(layer.owner, above)
                item = layer
            item.reads = [holders.get(source) for source in sources]
            holders |= {self.first + at: item for at in piece}
            found.append(item)
            if isinstance(item, Group):
                holders |= {self.first + at: exit_ for at, exit_ in zip(self.given_by(item.path, piece), item.exits, strict=False)}
                found += item.exits
        return found

    def group(self, name: str, piece: Sequence[int], parts: Mapping[int, list[str]], above: str) -> Group:
        """Build the group `name` of a piece of a level's layers; `parts` are their names inside of it."""
        entry, *further = self.entered(piece)
        layers = self.flat.layers
        channels = next((layers[at].channels for at in piece if self.flat.sources[at][:1] == [entry]), 0)
        keyed = any(layers[at].keyed for at in piece)
        entries = [Entry("", label=True, number=number) for number in range(len(further))]
        holders: dict[int, Item] = dict(zip(further, entries, strict=True))
        path = f"{above}{name}"
        *outs, end = self.given_by(path, piece)
        body = self.level(piece, parts, holders, f"{path}.")
        group = Group(
            name,
            label=path in self.flat.lent,
            keyed=keyed,
            path=path,
            body=body,
            end=holders[self.first + end],
            entries=entries,
            exits=[Exit("", label=True, of=holders[self.first + at]) for at in outs],
            channels=channels,
            width=layers[end].width,
        )
        for own in entries:
            own.group = group
        for exit_ in group.exits:
            exit_.group, exit_.reads = group, [group]
            assert exit_.of is not None, "an exit is a value of the group"
            exit_.of.label = True
            if isinstance(exit_.of, Exit):
                exit_.of.tell()
        return group

    def alike(self) -> dict[str, list[int]]:
        """For modules that give several values, or one where others of the same layers give several, the layers whose values these are."""
        modules: dict[tuple[str, ...], list[int]] = {}
        for at, parts in enumerate(self.flat.parts):
            for depth in range(1, len(parts)):
                modules.setdefault(tuple(parts[:depth]), []).append(at)
        places: dict[object, set[int]] = {}
        built: dict[tuple[str, ...], object] = {}
        layers = self.flat.layers
        for module, piece in modules.items():
            exits = self.exits(piece)
            own = tuple((layers[at].step, self.flat.parts[at][len(module) :] if layers[at].keyed else ()) for at in piece)
            if len(exits) > 1:
                places.setdefault(str(own), set()).update(piece.index(at) for at in exits)
            built[module] = str(own)
        return {".".join(module): [modules[module][n] for n in sorted(places[own])] for module, own in built.items() if own in places}

    def given_by(self, path: str, piece: Sequence[int]) -> list[int]:
        """The layers of a module whose values are read outside, or where others are built alike, in order."""
        return sorted(self.exits(piece) | {at for at in self.given.get(path, ()) if at in piece})

    def settled(self, run: Sequence[int], parts: Mapping[int, list[str]], above: str) -> tuple[list[list[int]], dict[int, list[str]]]:
        """The groups of a level and its layers of no group, in order. What is no group has its level in the names: `layer1.0` and `layer1.1`.

        Layers without weights may be in a group or around it, so that it is closed.
        """
        parts = dict(parts)
        moved: set[int] = set()
        wide: set[str] = set()
        while broken := [
            (head, piece)
            for head, piece in _modules(run, parts).items()
            if above + head in self.opened or not self.is_group(piece, parts, self.most if head in wide else 1)
        ]:
            for head, piece in broken:
                piece = [at for at in piece if parts[at][0] == head and len(parts[at]) > 1]
                changed: tuple[list[int], list[int]] = [], []
                several = len(self.given_by(above + head, piece)) > 1 and self.is_group(piece, parts, self.most)
                if above + head not in self.opened and not several:
                    changed = self.trimmed(piece, parts, moved) or self.widened(piece, run, parts, moved) or changed
                for at in changed[0]:
                    parts[at] = parts[at][-1:]
                for at in changed[1]:
                    parts[at] = [head, *parts[at]]
                moved.update(*changed)
                closed = not any(changed) and head not in wide and above + head not in self.opened
                self.several |= closed and len(self.exits(piece)) <= SEVERAL
                if closed and self.is_group(piece, parts, self.most):
                    wide.add(head)
                elif not any(changed):
                    for at in piece:
                        parts[at] = [".".join(parts[at][:2]), *parts[at][2:]]
        pieces = [*_modules(run, parts).values(), *([at] for at in run if len(parts[at]) == 1)]
        return self.in_order(sorted(pieces)) if wide else sorted(pieces), parts

    def in_order(self, pieces: Sequence[list[int]]) -> list[list[int]]:
        """Pieces in the order of their first layers, what each reads before it."""
        of = {at: number for number, piece in enumerate(pieces) for at in piece}
        order: dict[int, None] = {}
        pending = list(range(len(pieces) - 1, -1, -1))
        while pending:
            number = pending.pop()
            before = {of[entry - self.first] for entry in self.entries(pieces[number]) if entry - self.first in of} - order.keys()
            if number not in order and before:
                pending += [number, *sorted(before, reverse=True)]
            else:
                order[number] = None
        return [pieces[number] for number in order]

    def trimmed(self, piece: Sequence[int], parts: Mapping[int, list[str]], moved: set[int]) -> tuple[list[int], list[int]] | None:
        """Layers without weights at the ends of a module, without which it is a group."""
        own = list(piece)
        left: list[int] = []
        while not self.is_group(own, parts):
            inside = {self.first + at for at in own}
            free = [at for at in own if self.is_free(at) and at not in moved]
            begins = [at for at in free if inside.isdisjoint(self.flat.sources[at])]
            ends = [at for at in reversed(free) if not any(self.first + user in inside for user in self.users[self.first + at])]
            merges = [at for at in begins if len(set(self.flat.sources[at])) > 1]
            drop = next(iter([*begins] if self.is_closed(own) else [*merges, *ends, *begins]), None)
            if drop is None or len(own) == 1:
                return None
            own.remove(drop)
            left.append(drop)
        return left, []

    def widened(
        self, piece: Sequence[int], run: Sequence[int], parts: Mapping[int, list[str]], moved: set[int]
    ) -> tuple[list[int], list[int]] | None:
        """Layers without weights behind a module of positions, or one that is at a position, with which it is closed."""
        if not any(name.isdecimal() for at in piece for name in parts[at][:2]):
            return None
        own = sorted(piece)
        more: list[int] = []
        beside = {at for at in run if len(parts[at]) == 1 and self.is_free(at) and at not in moved}
        while not self.is_closed(own):
            users = sorted({user for at in self.exits(own) for user in self.users[self.first + at]} & beside - set(own))
            if not users or len(more) == _FARTHEST:
                return None
            more.append(users[0])
            own.append(users[0])
        return [], more

    def is_free(self, at: int) -> bool:
        """Whether a layer may be in another module, since no name of weights depends on it."""
        layer = self.flat.layers[at]
        return not layer.keyed and not layer.owner and not layer.label and len(self.flat.sources[at]) > 0

    def entries(self, piece: Sequence[int]) -> set[int]:
        """The values outside that layers read."""
        inside = {self.first + at for at in piece}
        return {source for at in piece for source in self.flat.sources[at] if source not in inside}

    def entered(self, piece: Sequence[int]) -> list[int]:
        """The values outside that layers read: first the last one that is no tensor, from which the group goes on, others as they are read."""
        inside = {self.first + at for at in piece}
        read = dict.fromkeys(source for at in piece for source in self.flat.sources[at] if source not in inside)
        main = max(read, key=lambda source: (source < self.first or not self.flat.layers[source - self.first].aside, source))
        return [main, *(source for source in read if source != main)]

    def exits(self, piece: Sequence[int]) -> set[int]:
        """The layers whose values are read outside."""
        inside = set(piece)
        return {at for at in piece if self.first + at in self.ends or not inside.issuperset(self.users[self.first + at])}

    def is_group(self, piece: Sequence[int], parts: Mapping[int, list[str]], most: int = 1) -> bool:
        """Whether a module can be a level: it is closed, no word of the language is in the way, and positions come in order."""
        if not self.is_closed(piece, most) or parts[piece[0]][0] == _MAIN:
            return False
        position = 0
        seen: set[str] = set()
        for at in sorted(piece):
            _, name, *inner = parts[at]
            layer = self.flat.layers[at]
            if name in seen or not (inner or layer.keyed or layer.numbered):
                continue
            if inner or layer.keyed:
                seen.add(name)
                if (name == _MAIN and not inner) or (name.isdecimal() and int(name) < position):
                    return False
            position = int(name) + 1 if name.isdecimal() else position + 1
        return True

    def is_closed(self, piece: Sequence[int], most: int = 1) -> bool:
        """Whether layers read one value from outside and give one, or as many more as are allowed if all belong together."""
        entries, exits = self.entries(piece), self.exits(piece)
        if not (1 <= len(entries) <= most and 1 <= len(exits) <= most):
            return False
        return most == 1 or (self.is_convex(piece, entries) and (len(exits) == 1 or self.is_connected(piece)))

    def is_convex(self, piece: Sequence[int], entries: Collection[int]) -> bool:
        """Whether none of the values that layers read follows from what they give."""
        inside, first = set(piece), min(piece)
        seen: set[int] = set()
        pending = [entry - self.first for entry in entries]
        while pending:
            at = pending.pop()
            if at in inside:
                return False
            if at > first and at not in seen:
                seen.add(at)
                pending += [source - self.first for source in self.flat.sources[at]]
        return True

    def is_connected(self, piece: Sequence[int]) -> bool:
        """Whether layers hang together without what is outside."""
        inside, reached, pending = set(piece), {piece[0]}, [piece[0]]
        while pending:
            at = pending.pop()
            near = {source - self.first for source in self.flat.sources[at]} | set(self.users[self.first + at])
            more = (near & inside) - reached
            reached |= more
            pending += more
        return reached == inside


def _parted(name: str, above: str) -> tuple[str, str]:
    """The levels that a name shares with those `above` a layer, and the rest of it."""
    parts, levels = name.split("."), above.rstrip(".").split(".")
    same = 0
    while same < min(len(parts) - 1, len(levels)) and parts[same] == levels[same]:
        same += 1
    return ".".join(parts[:same]), ".".join(parts[same:])


def _modules(run: Sequence[int], parts: Mapping[int, list[str]]) -> dict[str, list[int]]:
    """The layers of each level of names."""
    found: dict[str, list[int]] = {}
    for at in run:
        if len(parts[at]) > 1:
            found.setdefault(parts[at][0], []).append(at)
    return found
