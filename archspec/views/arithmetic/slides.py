"""A window that slides over its input, as figures of Dumoulin & Visin 2016: a strip of steps, a moving picture, a page that plays it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import ceil, fsum

from archspec.views.arithmetic.grids import Grid, Square, drawn, of_numbers, styles
from archspec.views.arithmetic.stepped import stepped, stepper
from archspec.views.arithmetic.tracks import Track
from archspec.views.graphics.svg import HEADING, MARGIN, SMALL, Heading, document, element, heading_width, label, number, stroke
from archspec.views.graphics.text_width import width
from archspec.views.theme import BY_PAGE, Theme

_FRAMES = 9
"""Steps that a strip shows at most; of more, six that show every turn."""
_ROOM = 900.0
_BETWEEN = 18.0
"""From the output down to the input of a step, and between steps."""
_WORDS = {
    "value": "input", "padding": "padding", "gap": "zero between inputs", "overhang": "overhang", "unread": "never read", "window": "kernel",
    "made": "output",
}  # fmt: skip
_SECONDS = 0.8
"""How long a moving picture rests at a step."""


class Window:
    """A layer's window on height and width, and how it is described."""

    def __init__(self, tall: Track, wide: Track, heading: Heading) -> None:
        self.tall, self.wide, self.heading = tall, wide, heading
        self.places = [*product(range(tall.out), range(wide.out))]
        across = max(len(wide.cells), wide.out)
        self.cell = max(5.0, min(22.0, 176.0 / across))
        self.size = across * self.cell, (tall.out + len(tall.cells)) * self.cell + _BETWEEN
        self.origin = (self.size[0] - len(wide.cells) * self.cell) / 2, tall.out * self.cell + _BETWEEN
        """Of the input, below the output that is centred over it."""
        self.left = (self.size[0] - wide.out * self.cell) / 2

    def strip(self, theme: Theme) -> str:
        """The SVG of some steps side by side."""
        body = [*self.legend(theme)]
        x, y, right = MARGIN, MARGIN + HEADING + 22, 0.0
        shown = self.shown()
        most = max(1, int((_ROOM + 2 * _BETWEEN) // (self.size[0] + 2 * _BETWEEN)))
        side = ceil(len(shown) / ceil(len(shown) / most))  # rows of equal length
        for count, at in enumerate(shown):
            if count and count % side == 0:
                x, y = MARGIN, y + self.size[1] + 40
            body += self.frame(at, x, y, theme)
            row, column = self.places[at]
            body.append(
                label(
                    x + self.size[0] / 2,
                    y + self.size[1] + 15,
                    f"{row + 1}, {column + 1}" if self.tall.cells != ("value",) else f"{column + 1}",
                    SMALL,
                    theme.muted,
                    text_anchor="middle",
                )
            )
            x += self.size[0] + 2 * _BETWEEN
            right = max(right, x - 2 * _BETWEEN)
        return self.document(right, y + self.size[1] + 22, theme, body)

    def document(self, right: float, low: float, theme: Theme, body: list[str]) -> str:
        """The drawing as a document, as wide as its heading and its legend at least."""
        right = max(right, MARGIN + heading_width(self.heading), MARGIN + self.legend_width())
        return document(self.heading, theme, (right + MARGIN, low + MARGIN), body, data_as="window")

    def shown(self) -> list[int]:
        """The steps of a strip: all, or the first ones, the turn to the next row, and the last."""
        count, wide = len(self.places), self.wide.out
        turns = {0, 1, wide - 1, wide, count - wide, count - 1}
        return [*range(count)] if count <= _FRAMES else sorted(at for at in turns if at < count)

    def frame(self, at: int, x: float, y: float, theme: Theme) -> Iterator[str]:
        """A step: the output over the input, the window between them."""
        yield from self.grids(x, y, theme)
        (row, column), cell = self.places[at], self.cell
        left, top = self.corner(at)
        made = x + self.left + column * cell, y + row * cell
        window = x + self.origin[0] + left, y + self.origin[1] + top
        low = made[1] + cell
        yield stroke([(made[0], low), window], theme.accent["convolution"], 0.7)
        yield stroke([(made[0] + cell, low), (window[0] + self.wide.span * cell, window[1])], theme.accent["convolution"], 0.7)
        yield from self.window(*window, theme)
        yield element("rect", x=made[0], y=made[1], width=cell, height=cell, **styles(theme)["made"])

    def corner(self, at: int) -> tuple[float, float]:
        """Where the window stands in the input at a step."""
        row, column = self.places[at]
        return self.wide.start(column) * self.cell, self.tall.start(row) * self.cell

    def grids(self, x: float, y: float, theme: Theme) -> Iterator[str]:
        """Draw the output above the input with its padding."""
        output = [[Square("", "output")] * self.wide.out] * self.tall.out
        yield from drawn(Grid("", output, self.cell, self.cell), x + self.left, y, theme)
        yield from drawn(Grid("", self.squares(), self.cell, self.cell), x + self.origin[0], y + self.origin[1], theme)

    def squares(self) -> list[list[Square]]:
        """The cells of the input, each with what the window meets there."""
        return [[Square("", _met(row, column)) for column in self.wide.cells] for row in self.tall.cells]

    def window(self, x: float, y: float, theme: Theme) -> Iterator[str]:
        """The cells that the window reads, and a frame around it."""
        style = styles(theme)
        for down, across in product(self.tall.taps, self.wide.taps):
            yield element("rect", x=x + across * self.cell, y=y + down * self.cell, width=self.cell, height=self.cell, **style["window"])
        yield element("rect", x=x, y=y, width=self.wide.span * self.cell, height=self.tall.span * self.cell, **style["frame"])

    def kinds(self) -> list[str]:
        """What the legend explains."""
        if not self.heading.legend:
            return []
        met = {square.kind for row in self.squares() for square in row}
        return [kind for kind in _WORDS if kind in met or kind in ("window", "made")]

    def legend(self, theme: Theme) -> Iterator[str]:
        """Draw what the colours mean."""
        x, y = MARGIN, MARGIN + HEADING
        for kind in self.kinds():
            yield element("rect", x=x + 0.5, y=y + 0.5, width=10.0, height=10.0, **styles(theme)[kind])
            yield label(x + 16, y + 9, _WORDS[kind], SMALL, theme.ink)
            x += 16 + width(_WORDS[kind], SMALL) + 14

    def legend_width(self) -> float:
        """How wide the legend is."""
        return fsum(30 + width(_WORDS[kind], SMALL) for kind in self.kinds())

    def animation(self, theme: Theme) -> str:
        """The SVG of one step, in which the window moves; a program that moves nothing shows the first."""
        x, y = MARGIN, MARGIN + HEADING + 22
        cell, steps = self.cell, range(len(self.places))
        corners = [self.corner(at) for at in steps]
        spots = [(column * cell, row * cell) for row, column in self.places]
        window = element("g", "".join(self.window(x + self.origin[0], y + self.origin[1], theme)) + _moving(corners))
        made = element("rect", x=x + self.left, y=y, width=cell, height=cell, **styles(theme)["made"])
        body = [*self.legend(theme), *self.grids(x, y, theme), window, element("g", made + _moving(spots))]
        return self.document(x + self.size[0], y + self.size[1], theme, body)

    def page(self) -> str:
        """A page that plays the steps."""
        readers: dict[tuple[int, int], list[str]] = {}
        for at, (row, column) in enumerate(self.places):
            for down, across in product(self.tall.taps, self.wide.taps):
                readers.setdefault((self.tall.start(row) + down, self.wide.start(column) + across), []).append(str(at))
        rows = [
            [square._replace(mark=(("data_on", " ".join(readers.get((y, x), ()))),)) for x, square in enumerate(row)]
            for y, row in enumerate(self.squares())
        ]
        cells = iter(range(len(self.places)))
        output = [
            [Square("", "output", (("data_frame", str(at := next(cells))), ("data_on", str(at)))) for _ in range(self.wide.out)]
            for _ in range(self.tall.out)
        ]
        grids = of_numbers("output", output), of_numbers("input", rows)
        body = [*drawn(grids[1], 1, HEADING + 1, BY_PAGE), *drawn(grids[0], grids[1].size[0] + 40, HEADING + 1, BY_PAGE)]
        right = grids[1].size[0] + 40 + grids[0].size[0]
        low = HEADING + 1 + max(grid.size[1] for grid in grids)
        picture = document(Heading("", "", self.heading.description), BY_PAGE, (right + 1, low + 1), body, data_as="window")
        items = [f'<li data-on="{at}">{self.told(at)}</li>' for at in range(len(self.places))]
        return stepped(self.heading.title, "Window", [stepper(self.heading.facts, picture, items)])

    def told(self, at: int) -> str:
        """What is read for a position of the output."""
        row, column = self.places[at]
        read = [
            _met(self.tall.cells[self.tall.start(row) + down], self.wide.cells[self.wide.start(column) + across])
            for down, across in product(self.tall.taps, self.wide.taps)
        ]
        others = [
            f"{read.count(kind)} {words}"
            for kind, words in (("padding", "of the padding"), ("gap", "between inputs"), ("overhang", "beyond the padding"))
            if kind in read
        ]
        where = f"row {row + 1}, column {column + 1}" if self.tall.cells != ("value",) else f"position {column + 1}"
        return f"{where}: reads {len(read)} cells" + (f", {', '.join(others)}" if others else "")


def _met(row: str, column: str) -> str:
    """What a cell is whose row and whose column are something."""
    return next((kind for kind in ("unread", "overhang", "padding", "gap") if kind in (row, column)), "value")


def _moving(places: list[tuple[float, float]]) -> str:
    """The moves of an element from place to place, without an end."""
    values = ";".join(f"{number(x)} {number(y)}" for x, y in places)
    return element(
        "animateTransform", attributeName="transform", type="translate", values=values, dur=f"{number(_SECONDS * len(places))}s",
        calcMode="discrete", repeatCount="indefinite",
    )  # fmt: skip
