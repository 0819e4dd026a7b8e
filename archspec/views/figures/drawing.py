"""A picture as Python hands it out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from archspec.ir.graph import Network
from archspec.saving import DRAWN, write_whole
from archspec.views.figures.look import Look
from archspec.views.graphics.svg import size_of


class Drawing(str):
    """A picture: the text of its SVG, which shows itself in a notebook and is saved in other forms.

    `width` and `height` are in pixels; `notes` say what is not as asked for, such as a coarser level.
    """

    about: str
    width: float
    height: float
    notes: tuple[str, ...]
    _boxes: tuple[Network, str, Look] | None

    def __new__(cls, svg: str, about: str = "", notes: tuple[str, ...] = (), boxes: tuple[Network, str, Look] | None = None) -> Drawing:
        """Make a picture; `about` names its subject, and `boxes` gives network, level and look where text forms exist too."""
        made = super().__new__(cls, svg)
        made.about, made.notes, made._boxes = about, notes, boxes
        made.width, made.height = size_of(svg)
        return made

    @property
    def svg(self) -> str:
        """The text of the SVG."""
        return str(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file: .svg, .png, .pdf, .tex (TikZ), and for boxes and arrows .dot or .mmd (Mermaid), by the ending of its name.

        Raises ValueError for another ending; ImportError where the library for PNG or PDF is not installed; OSError.
        """
        from archspec.views.figures import TEXT_FORMS, text_form
        from archspec.views.graphics.convert import converted

        place = Path(path)
        form = place.suffix.lower()
        if form in DRAWN:
            return write_whole(place, converted(self, form))
        if form not in TEXT_FORMS:
            known = ", ".join([*DRAWN, *TEXT_FORMS])
            raise ValueError(f"a picture is saved as {known}, by the ending of the file's name; not as `{form}`")
        if self._boxes is None:
            raise ValueError(f"only boxes and arrows have a form in {form}: `archspec.draw(model)`")
        network, level, look = self._boxes
        return write_whole(place, text_form(network, form[1:], level, look).text.encode())

    def __repr__(self) -> str:
        return f"Drawing({self.about}, {self.width:g} x {self.height:g})"

    def _repr_svg_(self) -> str:
        return str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return Drawing, (str(self), self.about, self.notes, self._boxes)
