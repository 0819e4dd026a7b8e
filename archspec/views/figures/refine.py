"""What makes a diagram of boxes and arrows fit to be drawn: folding, frames, shapes and skip connections."""

from __future__ import annotations

from collections import Counter

from archspec.views.figures.diagram import Arrow, Box, Diagram, Group, outward, whose
from archspec.views.figures.wording import text_of


def folded(diagram: Diagram) -> Diagram:
    """Equal boxes that follow each other are one box with `times`."""
    reads = diagram.sources()
    read_by = Counter(arrow.tail for arrow in diagram.arrows)
    into: dict[Box, Box] = {}
    kept = []
    for box in diagram.boxes:
        sources = reads[box]
        before = into.get(sources[0], sources[0]) if len(sources) == 1 else None
        if before is not None and read_by[sources[0]] == 1 and _same(before, box):
            before.times += box.times
            before.spans += box.spans
            before.last = box.last or box.name
            into[box] = before
        else:
            kept.append(box)
    ends = [(into.get(a.tail, a.tail), a.head) for a in diagram.arrows if a.head not in into]
    once = dict.fromkeys((tail, head, at * (tail.times == 1)) for at, (tail, head) in enumerate(ends))  # all rounds leave by one arrow
    return Diagram(diagram.level, kept, [Arrow(tail, head) for tail, head, _ in once])


def _same(a: Box, b: Box) -> bool:
    alike = a.form == b.form and a.equal == b.equal and a.group is b.group and a.training == b.training and whose(a) == whose(b)
    return alike and a.form in ("block", "layer", "minor") and not a.changes


def finish(diagram: Diagram) -> None:
    """Groups that frame fewer than two boxes go, titles become relative to the frame around, arrows get their shapes."""
    held = Counter(group for box in diagram.boxes for group in outward(box.group))
    inner = {group.parent: held[group] for group in held if group.parent is not None}
    bare = {group for group in held if held[group] < 2 or inner.get(group) == held[group]}
    for group in held:
        group.parent = _outer(group.parent, bare)
        group.title = _relative(group.name, group.parent) + whose(group)
    for box in diagram.boxes:
        box.group = _outer(box.group, bare)
        box.title = _relative(box.name, box.group)
    _label(diagram)
    _carry(diagram)


def without_numbers(diagram: Diagram) -> None:
    """Remove the numbers that follow from the spec by arithmetic, for pictures beside a quiz."""
    for box in diagram.boxes:
        box.parts = {}
        if box.step == "concat":
            box.detail = ""
    for arrow in diagram.arrows:
        arrow.label = ""


def _outer(group: Group | None, bare: set[Group]) -> Group | None:
    return next((frame for frame in outward(group) if frame not in bare), None)


def _relative(name: str, group: Group | None) -> str:
    """A name within a frame; a bare position keeps the end of the frame's name, from its last word on."""
    if group is None or not name.startswith(group.name + "."):
        return name
    inner = name[len(group.name) + 1 :]
    if not inner[0].isdigit():
        return inner
    parts = group.name.split(".")
    last = max((at for at, part in enumerate(parts) if not part.isdigit()), default=0)
    return ".".join([*parts[last:], inner])


def _label(diagram: Diagram) -> None:
    """Shapes are on the first arrow that leaves a box which changes them; arrows past other boxes are skips."""
    depth: dict[Box, int] = dict.fromkeys(diagram.boxes, 0)
    for arrow in diagram.arrows:  # in the order of their heads
        depth[arrow.head] = max(depth[arrow.head], depth[arrow.tail] + 1)
    height: dict[Box, int] = dict.fromkeys(diagram.boxes, 0)
    for arrow in reversed(diagram.arrows):
        height[arrow.tail] = max(height[arrow.tail], height[arrow.head] + 1)
    labelled: set[Box] = set()
    left: set[Box] = set()
    reached: set[Box] = set()
    for arrow in diagram.arrows:
        tail, head = arrow.tail, arrow.head
        arrow.skip = depth[head] - depth[tail] > 1 and head.form != "output"
        if tail.changes and tail not in labelled and head.form != "output":
            arrow.label = text_of(tail.output)
            labelled.add(tail)
        # the first of several ways of equal length
        arrow.main = height[tail] == height[head] + 1 and not arrow.skip and tail not in left and head not in reached
        if arrow.main:
            left.add(tail)
            reached.add(head)


def _carry(diagram: Diagram) -> None:
    """Finds the skip connections: what is merged with something computed from it, or goes through a shortcut of its own."""
    reads = diagram.sources()
    from_: dict[Box, int] = {}
    """What each box is computed from, itself included, as bits."""
    for at, box in enumerate(diagram.boxes):
        from_[box] = 1 << at
        for source in reads[box]:
            from_[box] |= from_[source]
    for arrow in diagram.arrows:
        inner = arrow.head.within.boxes if arrow.head.within is not None else [arrow.head]
        if not arrow.skip or all(box.form != "merge" for box in inner):
            continue
        origin = arrow.tail
        while origin.kind == "other" and len(reads[origin]) == 1:  # what crops or slices only
            origin = reads[origin][0]
        own = from_[origin].bit_length() - 1
        others = [box for box in reads[arrow.head] if box is not arrow.tail]
        arrow.past = arrow.head.step == "add" or any(from_[box] >> own & 1 for box in others)
