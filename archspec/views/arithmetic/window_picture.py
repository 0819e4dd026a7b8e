"""The sliding window of a layer, for the command and for Python."""

from __future__ import annotations

import os
from pathlib import Path

from archspec.analysis.layers import Report, Row
from archspec.saving import PICTURES, write_whole
from archspec.views.arithmetic.slides import Window
from archspec.views.arithmetic.tracks import Track, tracks
from archspec.views.figures.look import Look
from archspec.views.graphics.svg import Heading
from archspec.views.graphics.text_width import leading
from archspec.views.tables.columns import spaced
from archspec.views.theme import THEMES

_FEW = 6


class SlidingWindow:
    """The window of one layer as it slides over its input. It shows itself in a notebook, and moves there."""

    def __init__(self, report: Report, layer: str) -> None:
        """Raises ValueError where there is no such layer, or nothing to draw."""
        self.row = _windowed(report, layer)
        tall, wide = tracks(self.row)
        if not tall.out or not wide.out:
            raise ValueError(f"the window of `{self.row.name}` ({self.row.written}) has no position that can be drawn")
        self._window = Window(tall, wide, _heading(self.row, tall, wide))

    def to_svg(self, theme: str = "light", *, animated: bool = False) -> str:
        """Draw a strip of steps, or with `animated` one picture in which the window moves. Raises ValueError for another theme."""
        if theme not in THEMES:
            raise ValueError(f"there is no `{theme}`; there are {', '.join(THEMES)}")
        return self.drawn(Look(THEMES[theme]), animated=animated)

    def drawn(self, look: Look, *, animated: bool = False) -> str:
        """Draw the SVG in the theme, size and frame of a look."""
        window = Window(self._window.tall, self._window.wide, look.heading(self._window.heading))
        return look.sized(window.animation(look.palette) if animated else window.strip(look.palette))

    def to_html(self) -> str:
        """Write an HTML page that plays the steps."""
        return self._window.page()

    def save(self, path: str | os.PathLike[str], theme: str = "light", *, animated: bool = False) -> None:
        """Write a file: .svg, .png, .pdf or .html, by the ending of its name.

        Raises ValueError for another ending or theme; ImportError without what makes PNG or PDF; OSError.
        """
        from archspec.views.graphics.convert import converted

        place = Path(path)
        ending = place.suffix.lower()
        if ending not in (*PICTURES, ".html", ".htm"):
            raise ValueError(
                f"a window is saved as {', '.join(PICTURES)} or .html, by the ending of the file's name; not as `{place.name}`"
            )
        write_whole(place, converted(self.to_svg(theme, animated=animated), ending) if ending in PICTURES else self.to_html())

    def __repr__(self) -> str:
        return f"SlidingWindow({self._window.heading.title})"

    def _repr_svg_(self) -> str:
        return self.to_svg(animated=True)


def _windowed(report: Report, layer: str) -> Row:
    """The layer of a name, or the only one with a window in a group. Raises ValueError."""
    rows = report.named(layer)
    found = [row for row in rows if row.node.op.window(*row.types)] if len(rows) > 1 else rows
    if len(found) != 1:
        names = ", ".join(f"`{row.name}`" for row in found[:_FEW]) + (", ..." if len(found) > _FEW else "")
        raise ValueError(f"expected one layer, found the group `{layer}`" + (f" with {names}" if names else " without windows"))
    return found[0]


def _heading(row: Row, tall: Track, wide: Track) -> Heading:
    title = leading(f"{row.name}: {row.written}", 700, 18, bold=True)
    axes = len(row.types[0].shape) - 1
    sizes = ["×".join(map(str, shape[:-1])) for shape in (*row.inputs[:1], row.output)]
    facts = f"{sizes[0]} → {sizes[1]}, {spaced(row.work.get('output', ''))}"
    given, made = ((wide.size,), (wide.out,)) if axes == 1 else ((tall.size, wide.size), (tall.out, wide.out))
    if (given, made) != (row.inputs[0][:-1][-2:], row.output[:-1][-2:]) or axes > 2:
        what = "height and width" if axes > 2 else ""
        drawn_for = f"{'×'.join(map(str, given))} → {'×'.join(map(str, made))}"
        facts += f"; drawn for {f'{what}, ' if what else ''}{drawn_for}"
    return Heading(title, facts, f"The window of {title} slides over its input: {facts}.")
