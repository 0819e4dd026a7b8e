"""The columns that a table may have."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

from archspec.analysis.layers import Report, Row, Totals
from archspec.diagnostics.visible import visible
from archspec.numeric import binary

Cell = str | int | float | None


LAYOUTS = ("hwc", "chw")
"""How shapes are written: channels last, or first."""


class Style(NamedTuple):
    """How a table is shown: which columns, formulas or not, channels last or first, equal rounds folded or not, what is counted said or not."""

    columns: tuple[str, ...] | None = None
    work: bool = False
    layout: str = LAYOUTS[0]
    fold: bool = False
    brief: bool = False


def cell_text(value: Cell, name: str) -> str:
    """A value of a column as text; `?` where it is not known."""
    if isinstance(value, str):
        return visible(value)
    if value is None:
        return "" if name.endswith(("work", "%")) else "?"
    if isinstance(value, float):
        return f"{value:.1%}"
    return f"{value:,}" if name != "line" else str(value)


class Column(NamedTuple):
    """`value` gives a row's cell, `total` the sum in the last row (None: no cell there). Numbers are right-aligned."""

    title: str
    about: str
    value: Callable[[Row, Report, str], Cell]
    total: Callable[[Totals], Cell] | None = None
    number: bool = False


def shape(value: tuple[int, ...], layout: str = LAYOUTS[0]) -> str:
    """A shape as text: channels last, or (chw) first."""
    if layout == "chw" and len(value) > 2:
        value = (value[-1], *value[:-1])
    return "x".join(map(str, value))


def short(value: float, gap: str = "") -> str:
    """Write a count with three digits and a unit of the field: 4.09G, 25.6M, 500k. `gap` stands before the unit."""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= 0.9995 * size:  # 999,500 and more is 1M, not 1,000k
            return f"{value / size:.3g}{gap}{unit}" if value / size < 999.5 else f"{value / size:,.0f}{gap}{unit}"
    return f"{value:.3g}"


def spaced(formula: str | None) -> str:
    """A formula with thousands set apart."""
    return re.sub(r"\d{4,}", lambda m: f"{int(m[0]):,}", formula or "")


def field(seen: Row | Totals) -> str | None:
    """The receptive field of a layer or a network: `5x5`, or `2x2 to 3x3` where positions see different numbers of inputs."""
    if seen.receptive_field is None:
        return None
    least, largest = shape(seen.smallest_field or ()), shape(seen.receptive_field)
    return largest if least == largest else f"{least} to {largest}"


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _counted(name: str, about: str, title: str) -> Column:
    return Column(title, about, lambda row, _, __: getattr(row, name) * row.times, attrgetter(name), True)


def _largest(seen: Row | Totals) -> Cell:
    return shape(seen.receptive_field) if seen.receptive_field else None


def _jump(row: Row, report: Report, layout: str) -> Cell:
    return "x".join(f"{j:g}" for j in row.jump) if row.jump else None


def _worked(title: str, about: str, key: str) -> Column:
    return Column(title, about, lambda row, _, __: row.work.get(key))


COLUMNS: dict[str, Column] = {
    "name": Column("name", "the layer's name: the state_dict key without the tensor", lambda r, _, __: r.name),
    "layer": Column("layer", "the step as written, arguments resolved", lambda r, _, __: r.written),
    "op": Column("op", "the step's name", lambda r, _, __: r.op),
    "config": Column("config", "its arguments, defaults left out", lambda r, _, __: r.config),
    "from": Column("from", "the layers it reads", lambda r, _, __: ", ".join(r.sources)),
    "line": Column("line", "the line of the spec", lambda r, _, __: r.line, None, True),
    "input": Column("input", "the shapes it reads", lambda r, _, layout: " + ".join(shape(x, layout) for x in r.inputs)),
    "output": Column("output", "the shape it puts out", lambda r, _, layout: shape(r.output, layout)),
    "params": _counted("params", "learned numbers", "params"),
    "params%": Column("", "share of all parameters", lambda r, report, __: _share(r.params * r.times, report.totals.params), None, True),
    "weights": _counted("weights", "learned numbers except biases", "weights"),
    "biases": _counted("biases", "learned biases and offsets", "biases"),
    "buffers": _counted("buffers", "stored numbers that are not learned", "buffers"),
    "frozen": _counted("frozen", "fixed weights", "frozen"),
    "macs": _counted("macs", "multiply-accumulates of convolutions and matrix products", "MACs"),
    "macs%": Column(
        "", "share of all MACs", lambda r, report, __: None if r.training else _share(r.macs * r.times, report.totals.macs), None, True
    ),
    "flops": _counted("flops", "2 per MAC, and the elementary operations of other layers", "FLOPs"),
    "activations": _counted("activations", "numbers put out", "activations"),
    "connections": _counted("connections", "inputs, bias included, summed over the output units (LeCun et al. 1998)", "connections"),
    "rf": Column("rf", "receptive field in the input, the largest of a position", lambda r, _, __: _largest(r), _largest, True),
    "jump": Column("jump", "distance of neighbouring receptive fields, on average", _jump, None, True),
    "times": Column("times", "layers that a folded row stands for", lambda r, _, __: r.times, None, True),
    "size-work": _worked("output size", "the size rule with numbers", "output"),
    "params-work": _worked("parameters", "the parameters' formula with numbers", "params"),
    "macs-work": _worked("multiply-accumulates", "the MACs' formula with numbers", "macs"),
}
DEFAULT = ("name", "layer", "output", "params", "params%", "macs", "macs%")
DOCUMENT = ("name", "layer", "output", "params", "macs")
WORK = ("size-work", "params-work", "macs-work")


def chosen(columns: tuple[str, ...] | None, default: tuple[str, ...], *, work: bool, fold: bool) -> list[str]:
    """The columns of a table."""
    found = list(columns or default)
    if work:
        found += [column for column in WORK if column not in found]
    if fold and columns is None:
        found.insert(1, "times")
    return found


COUNTED = (
    "Batch 1, inference. Parameters: learned numbers. MACs: multiply-accumulates of convolutions and matrix products, without biases "
    "(papers often call them FLOPs). FLOPs: 2 per MAC, and each elementary operation of other layers. Activations: numbers stored, "
    "the input included; a layer that overwrites its input stores none."
)
"""What is counted; printed under every table."""


def footer(report: Report) -> list[str]:
    """The totals in words."""
    t = report.totals
    many = [
        f"{t.layers:,} layer{'s' if t.layers != 1 else ''}",
        f"{t.params:,} parameters ({t.weights:,} weights + {t.biases:,} biases)",
        f"{t.macs:,} MACs",
        f"{t.flops:,} FLOPs",
    ]
    seen = f"; receptive field of the last map {field(t)}" if t.receptive_field else ""
    lines = [
        ", ".join(many),
        f"{t.activations:,} activations ({binary(4 * t.activations)} as float32), at most {t.peak_activations:,} alive at once{seen}",
    ]
    if t.buffers:
        lines.append(f"{t.buffers:,} buffers are stored, not learned; Keras counts them: {t.params + t.buffers + t.frozen:,} in total")
    if t.frozen:
        lines.append(f"{t.frozen:,} weights are frozen: fixed, not learned")
    return lines
