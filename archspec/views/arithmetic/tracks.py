"""What a window slides over, axis by axis: padding, values, gaps, overhang, and how it moves.

A transposed convolution is drawn as the convolution that it is equal to: stride 1 over the input with zeros between and around its numbers
(Dumoulin & Visin 2016, A guide to convolution arithmetic for deep learning, section 4). Long axes are drawn shorter: with the same
window, stride, padding and remainder, and fewer steps.
"""

from __future__ import annotations

from typing import NamedTuple

from archspec.analysis.layers import Row
from archspec.ops.window import Slide

_STEPS = 3
"""Steps along an axis at least, if there are so many."""
MOST = 48
"""The most cells along an axis."""
ALONE = Slide(1, 1, 1, 1, 1, 0, 0)


class Track(NamedTuple):
    """An axis as it is drawn.

    `cells` are kinds: value, padding, gap (a zero between the numbers of a transposed convolution), overhang, unread. The window's
    first cell stands at `first + n*step` for the n-th of `out` positions; `taps` are the cells that it reads, from its first on.
    """

    cells: tuple[str, ...]
    first: int
    step: int
    taps: tuple[int, ...]
    out: int
    size: int

    @property
    def span(self) -> int:
        """The cells that the window covers."""
        return self.taps[-1] + 1

    def start(self, at: int) -> int:
        """Where the window stands for a position of the output."""
        return self.first + at * self.step


def tracks(row: Row) -> tuple[Track, Track]:
    """The height and the width of a layer's input, the last axes of more. Raises ValueError for a layer without a window, or a too large one."""
    slides: tuple[Slide, ...] = row.node.op.window(*row.types)
    if not slides:
        raise ValueError(f"`{row.name}` ({row.written}) has no window that slides")
    transposed = row.node.op.step == "deconv"
    tall, wide = ((ALONE, *slides) if len(slides) == 1 else slides)[-2:]
    found = (_spread(tall), _spread(wide)) if transposed else (_direct(tall), _direct(wide))
    for track in found:
        if len(track.cells) > MOST:
            raise ValueError(f"the window of `{row.name}` ({row.written}) needs more than {MOST} cells along an axis, too many to draw")
    return found


def _direct(slide: Slide) -> Track:
    span = slide.d * (slide.k - 1) + 1
    out = min(slide.out, _STEPS)
    while out < slide.out and slide.size - (slide.out - out) * slide.s < min(slide.size, span + 1):
        out += 1
        if slide.before + span + out * slide.s > 4 * MOST:  # long before it is too large to be drawn
            break
    size = max(1, slide.size - (slide.out - out) * slide.s)
    cells = ["padding"] * min(slide.before, 2 * MOST) + ["value"] * min(size, 2 * MOST) + ["padding"] * min(slide.after, 2 * MOST)
    cells += ["overhang"] * min(slide.overhang, MOST)
    if slide.rest < 0:
        unread = min(-slide.rest, len(cells))
        cells[len(cells) - unread :] = ["unread"] * unread
    return Track(tuple(cells), 0, slide.s, tuple(range(0, min(span, 4 * MOST), slide.d)), out, size)


def _spread(slide: Slide) -> Track:
    span = slide.d * (slide.k - 1) + 1
    size = min(slide.size, _STEPS)
    front, back = span - 1 - slide.before, span - 1 - slide.after
    inner = ["value", *["gap"] * min(slide.s - 1, MOST)] * size
    inner = inner[: len(inner) - min(slide.s - 1, MOST)]
    for end, count in ((0, front), (-1, back)):
        for at in range(min(-count, len(inner))):  # cropped: no window reaches it
            inner[at if end == 0 else -1 - at] = "unread"
    cells = ["padding"] * min(max(front, 0), 2 * MOST) + inner + ["padding"] * min(max(back, 0), 2 * MOST)
    first = max(0, -front)
    out = len(cells) - first - max(0, -back) - span + 1
    return Track(tuple(cells), first, 1, tuple(range(0, min(span, 4 * MOST), slide.d)), max(out, 0), size)
