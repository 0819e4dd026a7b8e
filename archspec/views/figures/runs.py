"""What a picture of volumes places as one: maps of about one size that follow each other, and what is not seen in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

from archspec.types import Map, Type, Vector
from archspec.views.figures.cards import SIGNS
from archspec.views.figures.diagram import Arrow, Box, Diagram, alike
from archspec.views.figures.stacks import sides
from archspec.views.figures.wording import caption

Runs = dict[Box, list[Box]]
"""The boxes that are placed as one, by the first of them."""


def is_sign(box: Box) -> bool:
    """Whether a box is drawn as a circle."""
    return box.form == "merge" and box.step in SIGNS


def shape_of(box: Box) -> Type:
    """What is drawn for the output of a box."""
    return box.volume or box.output


def captions_of(box: Box) -> list[str]:
    """The operation that leads to a box, and what normalises and activates, or what is in a block."""
    times = f" ×{box.times}" if box.times > 1 else ""
    first, second = box.detail.split(" ")[0], box.inside
    if box.op is not None:
        shape = shape_of(box)
        first = caption(box.op, len(shape.spatial) if isinstance(shape, Map) else 1)
    own = f" = {box.owner}" * bool(box.owner)
    return [line for line in (*box.before, first + times + own, second or " · ".join(box.minors)) if line]


def gathered(diagram: Diagram, most: int) -> tuple[Diagram, Runs]:
    """A diagram of runs of at most so many boxes: without outputs, heads for training, and layers that change nothing to be seen."""
    whole = _unflattened(diagram)
    boxes = [box for box in whole.boxes if not box.training]
    arrows = [arrow for arrow in whole.arrows if not arrow.tail.training and not arrow.head.training]
    made = _Gatherer(Diagram(diagram.level, boxes, arrows), most)
    for box in boxes:
        made.take(box)
    return Diagram(diagram.level, [*made.runs], made.arrows()), made.runs


def singly(diagram: Diagram, runs: Runs) -> tuple[Diagram, Runs]:
    """The same with each box alone."""
    arrows = [Arrow(*ends) for run in runs.values() for ends in pairwise(run)]
    arrows += [replace(arrow, tail=runs[arrow.tail][-1]) for arrow in diagram.arrows]
    boxes = [box for run in runs.values() for box in run]
    return Diagram(diagram.level, boxes, arrows), {box: [box] for box in boxes}


class _Gatherer:
    """`into` has the first box of the run that a box is in; of a box that is not seen, that of what it reads."""

    def __init__(self, diagram: Diagram, most: int) -> None:
        self.diagram, self.most = diagram, most
        self.several = sum(box.form == "output" for box in diagram.boxes) > 1
        self.reads = diagram.sources()
        self.read_by = Counter(arrow.tail for arrow in diagram.arrows if self.several or arrow.head.form != "output")
        self.goes_on = {arrow.tail for arrow in diagram.arrows if arrow.head.form != "output"}
        self.runs: Runs = {}
        self.into: dict[Box, Box] = {}
        self.ahead: set[Box] = set()
        """Boxes that are written with what reads them."""

    def take(self, box: Box) -> None:
        """Enter the next box."""
        box.group = None
        sources = self.reads[box]
        for source in sources:
            self.absorb(source, box)
        alone = sources[0] if len(sources) == 1 else None
        first = self.into[alone] if alone and self.read_by[alone] == 1 and alone not in self.ahead else None
        if box.form == "output":
            if self.several and box.name != sources[0].name:
                sources[0].minors.append(f"→ {box.name}")
        elif first and _unseen(box):
            self.runs[first][-1].minors += [box.detail, *box.minors]
            self.runs[first][-1].kinds += box.kinds
            self.runs[first][-1].spans += box.spans
            self.into[box] = first
        elif alone and _unseen(box) and self.read_by[box] == 1 and box in self.goes_on:
            self.ahead.add(box)
            self.into[box] = self.into[alone]
        elif first and len(self.runs[first]) < self.most and _alike(self.runs[first][0], box):
            self.runs[first].append(box)
            self.into[box] = first
        else:
            self.runs[box] = [box]
            self.into[box] = box

    def absorb(self, source: Box, box: Box) -> None:
        """Write a source with a box: one that is not seen, and what makes a map larger for a concat, which shows it."""
        if source in self.ahead:
            box.before += [" · ".join([source.detail, *source.minors])]
        elif box.step == "concat" and self.read_by[source] == 1 and self.runs.get(source) == [source] and self.grows(source):
            box.before += captions_of(source)[:1]
            del self.runs[source]
            self.into[source] = self.into[self.reads[source][0]]
        else:
            return
        box.spans += source.spans

    def grows(self, box: Box) -> bool:
        """Whether a box gives larger maps than it reads."""
        return len(self.reads[box]) == 1 and shape_of(box).shape[:-1] > shape_of(self.reads[box][0]).shape[:-1]

    def arrows(self) -> list[Arrow]:
        """The arrows between runs."""
        found: dict[tuple[Box, Box], Arrow] = {}
        for arrow in self.diagram.arrows:
            ends = self.into[arrow.tail], self.into.get(arrow.head, arrow.tail)
            if ends[0] is not ends[1] and arrow.head not in self.ahead and ends[1] in self.runs:
                found.setdefault(ends, Arrow(*ends, skip=arrow.skip, past=arrow.past))
        order = {box: at for at, box in enumerate(self.runs)}
        return sorted(found.values(), key=lambda arrow: order[arrow.head])


def _unseen(box: Box) -> bool:
    return box.form == "minor" and not box.changes


def _alike(first: Box, box: Box) -> bool:
    """Whether a box gives maps of about the size of another's. Circles and vectors stand alone."""
    drawn = shape_of(first), shape_of(box)
    return not is_sign(first) and not is_sign(box) and all(sides(each, "boxes") for each in drawn) and alike(*drawn)


def _unflattened(diagram: Diagram) -> Diagram:
    """The diagram with each vector that a map is flattened to as a box of its own."""
    boxes, arrows = [], [*diagram.arrows]
    for box in diagram.boxes:
        boxes.append(box)
        if "flatten" in box.minors and isinstance(box.output, Vector) and sides(shape_of(box), "boxes"):
            at = box.minors.index("flatten")
            flat = Box("flatten", "layer", "flatten", "flatten", "other", box.output, minors=box.minors[at + 1 :], volume=box.output)
            if len(box.spans) == 1 + len(box.minors):  # one for each layer
                box.spans, flat.spans = box.spans[: at + 1], box.spans[at + 1 :]
            box.minors, box.output, flat.training = box.minors[:at], shape_of(box), box.training
            for arrow in arrows:
                if arrow.tail is box:
                    arrow.tail = flat
            arrows.append(Arrow(box, flat))
            boxes.append(flat)
    return Diagram(diagram.level, boxes, arrows)
