"""One part of a diagram alone: a block or a group, with what it reads and what reads it as its ends."""

from __future__ import annotations

from archspec.views.figures.diagram import Arrow, Box, Diagram, outward


def part(diagram: Diagram, name: str) -> Diagram | None:
    """The boxes of a part and the arrows between them; None where no box of the diagram belongs to it alone."""
    inner = {
        box
        for box in diagram.boxes
        if f"{box.name}.".startswith(f"{name}.") and box.form not in ("input", "output") and not _beyond(box, name)
    }
    if not inner:
        return None
    for box in inner:
        frames = [group for group in outward(box.group) if group.name.startswith(f"{name}.")]
        box.group = frames[0] if frames else None
        if frames:
            frames[-1].parent = None
    return alone(diagram, inner)


def alone(diagram: Diagram, inner: set[Box]) -> Diagram:
    """Some boxes and the arrows between them, with what they read and what reads them as ends."""
    ends: dict[tuple[Box, bool], Box] = {}
    arrows = []
    for arrow in diagram.arrows:
        tail, head = arrow.tail, arrow.head
        if head in inner and tail not in inner:
            ends.setdefault((tail, True), Box(tail.name, "input", tail.name, "", "other", tail.output, volume=tail.output))
            arrows.append(Arrow(ends[tail, True], head, skip=arrow.skip, past=arrow.past, main=arrow.main))
        elif head in inner:
            arrows.append(arrow)
        elif tail in inner and (tail, False) not in ends:
            ends[tail, False] = Box(head.name, "output", "output" if head.form != "output" else head.title, "", "other", tail.output)
            arrows.append(Arrow(tail, ends[tail, False]))
    inputs = [box for (_, enters), box in ends.items() if enters]
    outputs = [box for (_, enters), box in ends.items() if not enters]
    return Diagram(diagram.level, [*inputs, *(box for box in diagram.boxes if box in inner), *outputs], arrows)


def _beyond(box: Box, name: str) -> bool:
    """Whether a box represents equal ones outside of the part too."""
    return bool(box.last) and not f"{box.last}.".startswith(f"{name}.")
