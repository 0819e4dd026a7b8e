"""Pages on which a computation is played step by step."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.views.arithmetic.grids import in_rows
from archspec.views.arithmetic.sums import head, number, place, sum_of
from archspec.views.arithmetic.working import Worked
from archspec.views.arithmetic.worksheet import grids_of
from archspec.views.graphics.svg import HEADING, Heading, document
from archspec.views.page.document import strict, whole
from archspec.views.page.html import sides, tag, text
from archspec.views.theme import BY_PAGE

_ROOM = 900.0


def work_page(layers: Sequence[Worked]) -> str:
    """The page of layers at work: grids whose numbers show what they are computed from, and all sums below."""
    title = " | ".join(layer.step for layer in layers)
    first, made = 0, []
    for layer in layers:
        grids, right, low = in_rows(grids_of(layer, first), 1, HEADING + 1, _ROOM, BY_PAGE)
        picture = document(Heading("", "", head(layer)), BY_PAGE, (right + 1, low + 1), grids, data_as="work")
        items = []
        for at, cell in enumerate(layer.cells, first):
            value = number(cell.value)
            equation = f"{sum_of(layer.kind, cell)} {value if value.startswith('≈') else '= ' + value}"
            items.append(tag("li", text(f"{place(cell, layer)}: {equation}"), data_on=str(at)))
        made.append(stepper(head(layer), picture, items))
        first += len(layer.cells)
    return stepped(title, "Work", made)


def stepped(title: str, kind: str, steppers: Sequence[str]) -> str:
    """A page of a title around pictures that are played."""
    button = tag("button", "Theme", type="button", class_="theme", hidden=True)
    top = tag("header", tag("h1", kind), button, class_="top")
    return whole(title, top + tag("main", tag("h2", text(title)), *steppers), strict(["theme.js", "stepper.js"]))


def stepper(title: str, picture: str, items: Sequence[str]) -> str:
    """A picture with buttons that play it, and what is said about each step."""
    controls = tag(
        "div",
        tag("button", "Back", type="button", data_do="back"),
        tag("button", "Play", type="button", data_do="play"),
        tag("button", "Next", type="button", data_do="next"),
        tag("input", type="range", min=1, max=len(items), value=1, aria_label="Step").removesuffix("</input>"),
        class_="bar",
        hidden=True,
    )
    told = tag("p", class_="told", role="status")
    return tag(
        "section", tag("h3", text(sides(title))), tag("div", picture, class_="grids"), controls, told, tag("ol", *items), class_="stepper"
    )
