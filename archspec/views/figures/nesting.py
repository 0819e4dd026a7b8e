"""How a diagram is nested: chains, branches side by side, frames, and trunks with what hangs at them.

Each group is taken apart on its own. Values that come from outside enter at its head, those that are read outside leave at its
foot. Arrows that a longer way goes past are no part of the structure: they are arcs beside it (Aho, Garey, Ullman 1972,
The transitive reduction of a directed graph). In the order of the text, a box lies on every way exactly if no arrow of
the structure spans it; between two such boxes, what is connected is a branch, and is taken apart likewise. One that has no
such box has a trunk, the longest way through it: what it leads to elsewhere hangs where it leaves the trunk, as a detection
head does, and what comes back from there to the trunk, or is collected at its end, is an arc.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate

from archspec.views.figures.chains import Parallel, Series
from archspec.views.figures.diagram import Box, Diagram, Group, outward
from archspec.views.figures.pieces import Framed, Leaf, Piece, Through, passed, steps

_DEEPEST = 40
"""Branches within branches; what lies deeper hangs at a trunk."""

_RIDING = ("crop", "slice", "pad")
"""Layers that only cut a value or add borders: alone on an arc they stand on it."""

Edges = set[tuple[int, int]]


def nested(diagram: Diagram) -> Piece:
    """Return the pieces of a diagram, one within another, with the arrows that pass each."""
    leaves = {box: Leaf(box) for box in diagram.boxes}
    made = _Scopes(diagram, leaves).piece(None)
    for arrow in diagram.arrows:
        tail, head = leaves[arrow.tail], leaves[arrow.head]
        for piece, at, to in steps(tail, head):
            piece.join(at, to, passed(piece, tail, head))
            if piece is head.up and head.rider and isinstance(piece, Series):
                piece.origin[head.box] = tail.box
    return made


class _Scopes:
    """The units of each group, which are boxes and groups within it, and the edges between them."""

    def __init__(self, diagram: Diagram, leaves: dict[Box, Leaf]) -> None:
        self.leaves = leaves
        self.units: dict[Group | None, dict[Box | Group, int]] = defaultdict(dict)
        for box in diagram.boxes:
            for unit, group in _within(box):
                self.units[group].setdefault(unit, len(self.units[group]) + 1)
        self.edges: dict[Group | None, Edges] = defaultdict(set)
        self.edges[None] = {(0, self.units[None][box]) for box in diagram.boxes if box.form == "input"}
        for arrow in diagram.arrows:
            self.lift(arrow.tail, arrow.head)
        for group, units in self.units.items():
            read = {tail for tail, _ in self.edges[group]}
            self.edges[group] |= {(at, len(units) + 1) for at in units.values() if at not in read}

    def lift(self, tail: Box, head: Box) -> None:
        """Enter an arrow into the groups that it passes: it leaves those around its tail, and enters those around its head."""
        into = _within(head)
        around = {group for _, group in into}
        outs = _within(tail)
        while (group := outs[0][1]) not in around:
            unit, _ = outs.pop(0)
            self.edges[group].add((self.units[group][unit], len(self.units[group]) + 1))
        leaving, shared = outs[0]
        for unit, group in into:
            self.edges[group].add((self.units[group][leaving] if group is shared else 0, self.units[group][unit]))
            if group is shared:
                break

    def piece(self, group: Group | None) -> Piece:
        """Take a group apart."""
        units = self.units[group]
        pieces: list[Piece] = [self.leaves[unit] if isinstance(unit, Box) else Framed(unit, self.piece(unit)) for unit in units]
        return _Scope(pieces, self.edges[group]).whole()


class _Scope:
    """Units that are numbered from 1 on. 0 is where values enter, and the number after the last where they leave."""

    def __init__(self, pieces: list[Piece], edges: Edges) -> None:
        self.pieces = pieces
        self.end = len(pieces) + 1
        self.after = _reduced(self.end, edges)
        self.riders: dict[int, tuple[int, int]] = {}
        for at, before, after in self._riders(edges):
            self.riders[at] = before, after
            self.after[before].discard(at)
            self.after[at].clear()
        self.edges = {(tail, head) for tail, heads in self.after.items() for head in heads}
        self.leads = self._leads()

    def _riders(self, edges: Edges) -> Iterator[tuple[int, int, int]]:
        """What crops, slices or pads alone on an arc, with the units before and after it."""
        into, out = defaultdict(set), defaultdict(set)
        for tail, head in edges:
            out[tail].add(head)
            into[head].add(tail)
        for at, piece in enumerate(self.pieces, 1):
            alone = isinstance(piece, Leaf) and piece.box.step in _RIDING
            if alone and len(into[at]) == len(out[at]) == 1:
                (before,), (after,) = into[at], out[at]
                reach = _reach(self.end, {edge for edge in edges if at not in edge and edge != (before, after)})
                if before > 0 and after < self.end and reach[before] >> after & 1:
                    yield at, before, after

    def _leads(self) -> list[bool]:
        """Whether what a unit puts out gets to where the longest way that is not for training ends."""
        depth = [0] * (self.end + 1)
        for tail, heads in self.after.items():
            for head in heads:
                depth[head] = max(depth[head], depth[tail] + 1)
        ends = [at for at in range(1, self.end) if self.end in self.after[at] and not _training(self.pieces[at - 1])]
        last = max(ends, key=lambda at: depth[at], default=self.end - 1)
        reach = _reach(self.end, self.edges)
        return [at == last or bool(reach[at] >> last & 1) for at in range(self.end + 1)]

    def whole(self) -> Piece:
        """Take the units apart."""
        units = [at for at in range(1, self.end) if at not in self.riders]
        made = self.chain(units, 0, self.end, 0)
        self.ride()
        return made

    def ride(self) -> None:
        """Hand each rider to the chain that its arc is in."""
        for at, (before, after) in self.riders.items():
            rider, tail, head = self.pieces[at - 1], self.pieces[before - 1], self.pieces[after - 1]
            around = dict(tail.path())
            for piece, n in head.path():
                if piece in around and isinstance(piece, Series) and isinstance(rider, Leaf):
                    piece.ride(rider, around[piece], n)
                    break
            else:
                raise AssertionError("an arc lies in no chain")

    def chain(self, units: list[int], entry: int, end: int, depth: int) -> Piece:
        """Units one after the other, with branches between those that lie on every way from `entry` to `end`."""
        order = {at: n for n, at in enumerate([entry, *units, end])}
        spans = [0] * (len(order) + 1)
        for tail in order:
            for head in self.after[tail]:
                if head in order and (tail, head) != (entry, end):
                    spans[order[tail] + 1] += 1
                    spans[order[head]] -= 1
        spanned = [*accumulate(spans)]
        items: list[Piece] = []
        between: list[int] = []
        before = entry
        for at in [*units, end]:
            if at == end or not spanned[order[at]]:
                if between:
                    direct = at in self.after[before] and (before, at) != (entry, end)
                    items.append(self.branches(between, before, at, depth, direct=direct))
                if at != end:
                    items.append(self.pieces[at - 1])
                before, between = at, []
            else:
                between.append(at)
        return items[0] if len(items) == 1 else Series(items)

    def branches(self, units: list[int], before: int, after: int, depth: int, *, direct: bool) -> Piece:
        """What lies between two units: branches in the order of the text, or a trunk where there is but one that is no chain."""
        parts = self.parts(units)
        if (len(parts) == 1 and not direct) or depth > _DEEPEST:
            return self.trunk(units, before, after, depth + 1)
        made: list[Piece] = [self.chain(part, before, after, depth + 1) for part in parts]
        if direct:
            return Parallel([Through(), *made], 0)
        main = [n for n, part in enumerate(parts) if any(self.leads[at] for at in part)]
        if len(main) == len(parts) and after < self.end and _adds(self.pieces[after - 1]):
            longest = max(map(len, parts))
            main = [n for n, part in enumerate(parts) if len(part) == longest > 1]
        return Parallel(made, main[0] if len(main) == 1 else None)

    def parts(self, units: list[int]) -> list[list[int]]:
        """Units that are connected with each other."""
        part = {at: [at] for at in units}
        for at in units:
            for head in self.after[at]:
                if head in part and part[head] is not part[at]:
                    joined = sorted(part[at] + part[head])
                    part.update(dict.fromkeys(joined, joined))
        found = {id(each): each for each in part.values()}
        return [*found.values()]

    def trunk(self, units: list[int], before: int, after: int, depth: int) -> Piece:
        """Units as a trunk, which is the longest way through them, with heads that hang at its places.

        What a head puts out to what comes later leaves the structure: it is an arc.
        """
        longest: dict[int, list[int]] = {}
        for at in reversed(units):
            longest[at] = [at, *max((longest.get(head, []) for head in sorted(self.after[at])), key=len, default=[])]
        trunk = max((longest[at] for at in units), key=len)
        hung = self.hung(units, trunk)
        last = max([0, *hung])
        rungs: list[tuple[list[Piece], list[Piece]]] = []
        late: set[int] = set()
        for n, goes_on in enumerate(trunk[: last + 1], -1):
            if n in hung and n < last:
                late = self.cut(hung[n])
                rungs.append(([], [self.chain(part, trunk[n] if n >= 0 else before, self.end, depth) for part in self.parts(hung[n])]))
            if not rungs or not rungs[-1][1] or goes_on in late:
                rungs.append(([], []))
            rungs[-1][0].append(self.pieces[goes_on - 1])
        ends = self.parts(sorted(trunk[last + 1 :] + hung.get(last, [])))
        pieces = [self.chain(part, trunk[last], after, depth) for part in ends]
        if len(pieces) > 1:
            pieces = [Parallel(pieces, [trunk[-1] in part for part in ends].index(True))]
        items = [piece for beside, heads in rungs for piece in _rung(beside, heads)] + pieces
        return items[0] if len(items) == 1 else Series(items)

    def hung(self, units: list[int], trunk: list[int]) -> dict[int, list[int]]:
        """What hangs at each place of a trunk, the last place that leads to it; -1 is above the trunk."""
        taps = dict.fromkeys(units, -1) | {at: n for n, at in enumerate(trunk)}
        found: dict[int, list[int]] = defaultdict(list)
        on = {*trunk}
        for at in units:
            for head in self.after[at]:
                if head in taps:
                    taps[head] = max(taps[head], taps[at])
            if at not in on:
                found[taps[at]].append(at)
        return found

    def cut(self, units: list[int]) -> set[int]:
        """Take away what units put out to others, and return these."""
        own = {*units}
        late = {head for at in units for head in self.after[at]} - own
        for at in units:
            self.after[at] = {head if head in own else self.end for head in self.after[at]}
            self.leads[at] = False
        return late


def _rung(beside: list[Piece], heads: list[Piece]) -> list[Piece]:
    """A stretch of a trunk beside the heads that hang where it begins."""
    if not heads:
        return beside
    return [Parallel([Series(beside) if len(beside) > 1 else beside[0] if beside else Through(), *heads], 0)]


def _within(box: Box) -> list[tuple[Box | Group, Group | None]]:
    """A box and the groups around it, inner ones first, each with the group that it is a unit of."""
    groups = [*outward(box.group)]
    units: list[Box | Group] = [box, *groups]
    return [*zip(units, [*groups, None], strict=True)]


def _training(piece: Piece) -> bool:
    return piece.box.training if isinstance(piece, Leaf) else isinstance(piece, Framed) and piece.group.training


def _adds(piece: Piece) -> bool:
    return isinstance(piece, Leaf) and piece.box.step == "add"


def _reach(end: int, edges: Edges) -> list[int]:
    """What can be reached from each of the numbers up to `end`, as bits."""
    after = defaultdict(set)
    for tail, head in edges:
        after[tail].add(head)
    reach = [0] * (end + 1)
    for tail in range(end, -1, -1):
        for head in after[tail]:
            reach[tail] |= reach[head] | 1 << head
    return reach


def _reduced(end: int, edges: Edges) -> dict[int, set[int]]:
    """The edges that no longer way goes past, as the heads by tail."""
    reach = _reach(end, edges)
    after: dict[int, set[int]] = {at: set() for at in range(end + 1)}
    for tail, head in edges:
        after[tail].add(head)
    return {tail: {head for head in heads if not any(reach[other] >> head & 1 for other in heads)} for tail, heads in after.items()}
