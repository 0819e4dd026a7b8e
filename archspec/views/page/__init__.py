"""One self-contained HTML page about networks: pictures, table, arithmetic; or a quiz about them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import NamedTuple

from archspec.analysis.layers import Report
from archspec.ir.graph import Network
from archspec.saving import write_whole
from archspec.views.page.document import document, key_document
from archspec.views.page.groups import layers
from archspec.views.page.pictures import pictures
from archspec.views.page.quiz import Quiz
from archspec.views.page.section import Section, section
from archspec.views.page.sliders import sliders


class Page(NamedTuple):
    """HTML; of a quiz also its key, another page. `notes` are remarks about it."""

    html: str
    key: str | None
    notes: tuple[str, ...]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page as .html; the key of a quiz goes beside it, as NAME.key.html. Raises ValueError for another ending; OSError."""
        place = Path(path)
        if place.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"a page is saved as .html, not as `{place.name}`")
        if self.key is not None:
            write_whole(place.with_suffix(f".key{place.suffix}"), self.key)
        write_whole(place, self.html)

    def __repr__(self) -> str:
        return f"Page({len(self.html):,} characters of HTML{', and the key of a quiz' if self.key else ''})"

    def _repr_html_(self) -> str:
        """A frame of its own, so that the page's style and a notebook's leave each other alone."""
        return f'<iframe srcdoc="{escape(self.html)}" style="width:100%;height:45em;border:0" sandbox="allow-scripts"></iframe>\n'


def page(networks: Sequence[Network], quiz: str | None = None, *, whole: bool = True) -> Page:
    """A page about one or more networks. With `quiz`, a seed, cells of the tables are blanked and the page holds no answers.

    One that is not `whole` has what is seen first: one picture, no formulas. It takes a third of the time.
    """
    reports = [Report(network) for network in networks]
    parts = [
        Section(
            report,
            layers(report),
            pictures(report.network, numbers=quiz is None, others=whole),
            sliders(report) if quiz is None and whole else None,
        )
        for report in reports
    ]
    notes = tuple(f"{part.report.model}: {note}" for part in parts for note in part.pictures.notes + part.layers.notes)
    asked = Quiz(quiz, parts) if quiz is not None else None
    made = [section(at, part, partial(asked.blank, at) if asked else None) for at, part in enumerate(parts)]
    return Page(document(parts, made, asked), key_document(asked) if asked else None, notes)


__all__ = ["Page", "page"]
