"""Sliders over the size of the input and the params of a spec: what counts it would have, computed on the page by formulas."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Any, NamedTuple

from archspec.analysis.layers import Report
from archspec.symbolic.formulas import Formula
from archspec.symbolic.subjects import Spec, spec_of
from archspec.symbolic.traced import Untraceable
from archspec.views.page.html import tag, text

COUNTED = {"params": "parameters", "macs": "MACs", "flops": "FLOPs"}


class Sliders(NamedTuple):
    """The controls of a network, and a function in JavaScript of their values, which returns the counts, or null where they do not hold."""

    controls: str
    program: str


def sliders(report: Report) -> Sliders | None:
    """The sliders of a network; None where it was not read from a spec, or where no formula that gives its own counts is found."""
    network = report.network
    if network.recipe is None:
        return None
    spec = spec_of(network)
    formula = open_formula(spec)
    if formula is None or formula() != {name: getattr(report.totals, name) for name in COUNTED}:
        return None
    controls = [_control(spec, formula, name) for name in formula.variables]
    counts = [tag("div", tag("dt", words), tag("dd", tag("output", data_count=name))) for name, words in COUNTED.items()]
    note = tag("p", class_="branch", role="status", data_command=f"archspec table {network.name}")
    whole = tag(
        "fieldset", tag("legend", "Other sizes"), *controls, tag("dl", *counts, class_="facts"), note, class_="sliders", hidden=True
    )
    return Sliders(whole, formula.to_javascript())


def open_formula(spec: Spec) -> Formula | None:
    """The counts in all sizes of the input and params that have a formula together; None where none has."""
    names = [name for name, value in spec.params.items() if type(value) in (int, float)]
    if len(spec.letters) > 1 and spec.letters[0] not in spec.params:
        names.insert(0, spec.letters[0])
    found = _tried(spec, names)
    if found is None:
        left: list[str] = []
        for name in names:
            more = _tried(spec, [*left, name])
            if more is not None:
                found = more
                left.append(name)
    return found


def _tried(spec: Spec, names: Sequence[str]) -> Formula | None:
    if not names:
        return None
    try:
        return Formula(spec, names, tuple(COUNTED))
    except (Untraceable, ValueError):
        return None


def _control(spec: Spec, formula: Formula, name: str) -> str:
    """A slider and a field for any number. A slider over whole numbers has the distance of those for which the formulas hold."""
    own = formula.example[name]
    least, most, step = reach(formula, name, own)
    slider = tag("input", type="range", min=_plain(least), max=_plain(most), step=_plain(step), value=_plain(own), aria_label=name)
    field = tag("input", type="number", step="any", value=_plain(own), aria_label=f"{name}, any number")
    inputs = [each.removesuffix("</input>") for each in (slider, field)]
    return tag("div", tag("span", text(name)), *inputs, class_="slider", data_flag=_flag(spec, name))


def _flag(spec: Spec, name: str) -> str:
    """The option that sets a variable, with {} for its value."""
    if name in spec.params:
        return f"--set {name}={{}}"
    *sides, channels = spec.inputs[spec.first]
    sizes = ["{}"] * len(sides) if len(set(sides)) == 1 else ["{}", *sides[1:]]
    return f"--input {f'{spec.first}=' if len(spec.inputs) > 1 else ''}{'x'.join(map(str, [*sizes, channels]))}"


def reach(formula: Formula, name: str, own: Any) -> tuple[Any, Any, Any]:
    """Choose the ends and the step of a slider."""
    if isinstance(own, float):
        step = abs(own) / 20 or 0.05
        return (step if own > 0 else own - 40 * step), own + 40 * step, step
    least, most = (1 if own > 0 else own - 10), max(4 * own, own + 10)
    legal = next((found.values for found in formula.conditions if found.variable == name and found.guard is None), ())
    inside = [value for value in legal if value <= most]
    if len(inside) < 2:
        return least, most, 1
    return inside[0], inside[-1], gcd(*[value - inside[0] for value in inside])


def _plain(number: float) -> str:
    """A number as fields of HTML have it."""
    return f"{number:.12g}" if isinstance(number, float) else str(number)
