"""The part of a page that is about one network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from archspec.analysis.layers import Report
from archspec.diagnostics import Diagnostic
from archspec.ir.graph import Network
from archspec.views.page.groups import Layers
from archspec.views.page.html import sides, tag, text
from archspec.views.page.layer_table import Blanks, Table
from archspec.views.page.pictures import Pictures, markup
from archspec.views.page.sliders import Sliders
from archspec.views.tables.columns import field, footer, shape

_SHAPE = re.compile(r"(?<=\d)x(?=\d)")
_TOLD = ("title", "source", "year")


class Section(NamedTuple):
    """The description of a network."""

    report: Report
    layers: Layers
    pictures: Pictures
    sliders: Sliders | None

    @property
    def title(self) -> str:
        """Find the title of a network: the spec's, or else its name."""
        network = self.report.network
        return network.meta.get("title") or network.name


def section(at: int, part: Section, blanks: Blanks | None) -> str:
    """The section element. `at` is the network's position on the page."""
    report = part.report
    facts = (tag("div", tag("dt", text(name)), tag("dd", text(value))) for name, value in _quick(report, quiz=blanks is not None))
    name = tag("h2", text(part.title), id=f"n{at}")
    head = tag(
        "header",
        name,
        _source(report.network),
        tag("dl", *facts, class_="facts"),
        part.sliders.controls if part.sliders else "",
        _messages(part),
    )
    rows = tag("div", Table(report, part.layers, blanks).element(), class_="scroll", tabindex=0, role="region", aria_label="The layers")
    listed = tag("div", _TOOLS, rows, class_="listing")
    panes = tag("div", markup(part.pictures, part.title), listed, class_="panes")
    foot = "" if blanks is not None else tag("footer", *(tag("p", text(_SHAPE.sub("×", line))) for line in footer(report)))
    return "\n" + tag("section", head, panes, foot, class_="model", aria_labelledby=f"n{at}", data_linked=not part.layers.notes) + "\n"


def telling(part: Section) -> Iterator[str]:
    """All texts of a section beside a quiz, except those of the table."""
    network = part.report.network
    yield from (part.title, *network.meta.values())
    for name, value in _quick(part.report, quiz=True):
        yield f"{name} {value}"
    for message in network.diagnostics:
        yield _told(message)
    yield from (*part.pictures.notes, *part.layers.notes)
    for picture in part.pictures.shown:
        yield re.sub(r"<[^>]*>", " ", picture.svg)
        yield from re.findall(r'aria-label="([^"]*)"', picture.svg)


def _source(network: Network) -> str:
    """Show the source of the network, and what else the spec says about it."""
    source, year = network.meta.get("source", ""), network.meta.get("year", "")
    more = [f"{name}: {value}" for name, value in network.meta.items() if name not in _TOLD]
    words = [tag("bdi", text(part)) for part in (source, "" if year in source else year, *more) if part]
    return tag("p", " · ".join(words), class_="source") if words else ""


def _quick(report: Report, *, quiz: bool) -> Iterator[tuple[str, str]]:
    """Show the totals at the top."""
    totals = report.totals
    for name, value in report.inputs.items():
        yield name if len(report.inputs) > 1 else "input", sides(shape(value))
    if not quiz:
        for name, value in report.outputs.items():
            yield name if len(report.outputs) > 1 else "output", sides(shape(value))
    yield "layers", f"{totals.layers:,}"
    if quiz:
        return
    yield "parameters", f"{totals.params:,}"
    if report.frozen_params:
        yield "of which frozen", f"{report.frozen_params:,}"
    yield "MACs", f"{totals.macs:,}{totals.left_out}"
    yield "FLOPs", f"{totals.flops:,}{totals.left_out}"
    yield "activations", f"{totals.activations:,}"
    if totals.receptive_field:
        yield "receptive field", sides(field(totals) or "")


def _messages(part: Section) -> str:
    """Warnings, and notes folded away, of the spec and of the pictures."""
    made = []
    for word, more in (("warning", ()), ("note", part.pictures.notes + part.layers.notes)):
        found = (message for message in part.report.network.diagnostics if (message.severity == "note") == (word == "note"))
        lines = [*map(_told, found), *more]
        if lines:
            count = f"{len(lines)} {word}{'s' if len(lines) > 1 else ''}"
            items = tag("ul", *(tag("li", text(line)) for line in lines))
            made.append(tag("details", tag("summary", count), items, class_=f"messages {word}", open=word == "warning"))
    return "".join(made)


def _told(message: Diagnostic) -> str:
    line = f"line {message.span.line}: " if message.span is not None and message.span.source.text else ""
    return f"{message.code}, {line}{message.message}" + (f" ({message.help})" if message.help else "")


_TOOLS = """
<div class="tools" hidden>
<input type="search" class="search" placeholder="search layers" aria-label="Search layers">
<span class="count" role="status"></span>
<span class="space"></span>
<button type="button" data-do="beside" aria-pressed="false">Beside the picture</button>
<button type="button" data-do="fold">Fold all</button>
<button type="button" data-do="unfold">Unfold all</button>
<button type="button" data-do="copy">Copy as CSV</button>
</div>
"""
