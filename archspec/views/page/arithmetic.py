"""How the numbers of a layer come about, for readers of a page."""

from __future__ import annotations

from collections.abc import Mapping

from archspec.analysis.layers import Report, Row
from archspec.views.explanation import steps
from archspec.views.page.html import sides, tag, text


def arithmetic(row: Row, known: Mapping[str, Row], report: Report) -> str:
    """A layer's numbers with their formulas, as a description list. `known` has the layers before it by name."""
    items = [(step.name, sides(step.text), step.how) for step in steps(row, known, report)]
    if row.line is not None:
        items.append(("written", f"line {row.line}", "implied by the layer that follows" if row.node.implied else ""))
    made = []
    for term, value, formula in items:
        how = tag("span", text(formula), class_="how") if formula else ""
        made.append(tag("div", tag("dt", term), tag("dd", tag("b", text(value)), how)))
    return tag("dl", *made)
