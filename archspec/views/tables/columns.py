"""The columns that a table may have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from math import fsum
from typing import NamedTuple

from archspec.analysis.layers import Report, Row, Totals
from archspec.diagnostics.visible import visible
from archspec.numeric import binary
from archspec.syntax.ast import Expect, promises

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
    roofline: tuple[float, float] | None = None
    """A machine's peak in FLOP/s and its memory's bandwidth in bytes/s."""


def cell_text(value: Cell, name: str) -> str:
    """A value of a column as text; `?` where it is not known."""
    if isinstance(value, str):
        return visible(value)
    if value is None:
        return "" if name.endswith(("work", "%", "intensity")) else "?"
    if isinstance(value, float):
        return _REAL[name](value) if name in _REAL else f"{value:.1%}"
    return f"{value:,}" if name != "line" else str(value)


class Column(NamedTuple):
    """`value` gives a row's cell, `total` the sum in the last row (None: no cell there). Numbers are right-aligned."""

    title: str
    about: str
    value: Callable[[Row, Report, Style], Cell]
    total: Callable[[Report, Style], Cell] | None = None
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
    return re.sub(r"(?<![\d.])\d{4,}", lambda m: f"{int(m[0]):,}", formula or "")


def field(seen: Row | Totals) -> str | None:
    """The receptive field of a layer or a network: `5x5`, or `2x2 to 3x3` where positions see different numbers of inputs."""
    if seen.receptive_field is None:
        return None
    least, largest = shape(seen.smallest_field or ()), shape(seen.receptive_field)
    return largest if least == largest else f"{least} to {largest}"


def _share(part: int | None, whole: int) -> float | None:
    return part / whole if whole and part is not None else None


def _counted(name: str, about: str, title: str) -> Column:
    return Column(title, about, lambda row, _, __: _times(getattr(row, name), row), lambda report, _: getattr(report.totals, name), True)


def _times(count: int | None, row: Row) -> int | None:
    """A count of a row, for all layers that it stands for."""
    return None if count is None else count * row.times


def _largest(seen: Row | Totals) -> Cell:
    return shape(seen.receptive_field) if seen.receptive_field else None


def _jump(row: Row, report: Report, style: Style) -> Cell:
    return "x".join(f"{j:g}" for j in row.jump) if row.jump else None


def _bytes(row: Row) -> int:
    """Bytes that a layer moves between the memory and the processor as float32: what it reads, its weights included, and what it puts out."""
    op, type_ = row.node.op, row.node.type
    if row.flops == 0 and op.reuses(*row.types, type_):
        return 0  # a view, or a layer that does nothing in inference
    weights = sum(weight.size for weight in op.weights(*row.types))
    return 4 * (weights + sum(each.size for each in row.types) + type_.size)


def _intensity(row: Row) -> float | None:
    moved = _bytes(row)
    return row.flops / moved if moved and row.flops is not None else None


def _least_time(row: Row, style: Style) -> float | None:
    """The seconds that a layer takes at least on a machine (Williams et al. 2009, "Roofline")."""
    if style.roofline is None or row.flops is None:
        return None
    peak, bandwidth = style.roofline
    return row.times * max(row.flops / peak, _bytes(row) / bandwidth)


def _time_of_all(report: Report, style: Style) -> float | None:
    """The sum of the least times: the layers run one after another."""
    return fsum(_least_time(row, style) or 0 for row in _inferred(report)) if style.roofline else None


def _inferred(report: Report) -> Iterator[Row]:
    return (row for row in report.rows(fold=True) if not row.training)


def _seconds(value: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= 0.9995 * size:
            return f"{value / size:,.3g} {unit}" if value < 999.5 else f"{value:,.0f} s"
    return f"{value * 1e9:.3g} ns"


_REAL: dict[str, Callable[[float], str]] = {"intensity": lambda value: f"{value:,.3g}", "least-time": _seconds}
"""How columns of real numbers that are no shares are written."""


def _worked(title: str, about: str, key: str) -> Column:
    return Column(title, about, lambda row, _, __: row.work.get(key))


COLUMNS: dict[str, Column] = {
    "name": Column("name", "the layer's name: the state_dict key without the tensor", lambda r, _, __: r.name),
    "layer": Column("layer", "the step as written, arguments resolved", lambda r, _, __: r.written),
    "op": Column("op", "the step's name", lambda r, _, __: r.op),
    "config": Column("config", "its arguments, defaults left out", lambda r, _, __: r.config),
    "from": Column("from", "the layers it reads", lambda r, _, __: ", ".join(r.sources)),
    "line": Column("line", "the line of the spec", lambda r, _, __: r.line, None, True),
    "input": Column("input", "the shapes it reads", lambda r, _, style: " + ".join(shape(x, style.layout) for x in r.inputs)),
    "output": Column("output", "the shape it puts out", lambda r, _, style: shape(r.output, style.layout)),
    "params": _counted("params", "learned numbers", "params"),
    "params%": Column("", "share of all parameters", lambda r, report, __: _share(r.params * r.times, report.totals.params), None, True),
    "weights": _counted("weights", "learned numbers except biases", "weights"),
    "biases": _counted("biases", "learned biases and offsets", "biases"),
    "buffers": _counted("buffers", "stored numbers that are not learned", "buffers"),
    "frozen": _counted("frozen", "fixed weights", "frozen"),
    "macs": _counted("macs", "multiply-accumulates of convolutions and matrix products", "MACs"),
    "macs%": Column(
        "", "share of all MACs", lambda r, report, __: None if r.training else _share(_times(r.macs, r), report.totals.macs), None, True
    ),
    "flops": _counted("flops", "2 per MAC, and the elementary operations of other layers", "FLOPs"),
    "activations": _counted("activations", "numbers put out", "activations"),
    "connections": _counted("connections", "inputs, bias included, summed over the output units (LeCun et al. 1998)", "connections"),
    "bytes": Column(
        "bytes",
        "bytes that it moves: 4 per weight, input and output",
        lambda r, _, __: _bytes(r) * r.times,
        lambda report, _: sum(_bytes(row) * row.times for row in _inferred(report)),
        True,
    ),
    "intensity": Column("FLOPs/byte", "arithmetic intensity: FLOPs per byte that it moves", lambda r, _, __: _intensity(r), None, True),
    "least-time": Column(
        "least time", "lower bound of its time on the machine of --roofline", lambda r, _, style: _least_time(r, style), _time_of_all, True
    ),
    "rf": Column(
        "rf",
        "receptive field in the input, the largest of a position",
        lambda r, _, __: _largest(r),
        lambda report, _: _largest(report.totals),
        True,
    ),
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
ROOFLINE = ("bytes", "intensity", "least-time")
_BOUND = (
    "Bytes: one image in float32, each layer reads its weights and inputs and writes its output once; no cache keeps anything between layers. "
    "The least time is a lower bound by the roofline model (Williams et al. 2009) for layers that run one by one, not a prediction."
)


def counted(style: Style) -> list[str]:
    """What the columns of a table count."""
    return [COUNTED, *([_BOUND] if set(ROOFLINE) & set(style.columns or ()) else [])]


def of_which_frozen(report: Report) -> str:
    """Words behind the parameters, where some of them are not learned."""
    return f", of which {report.frozen_params:,} are frozen" if report.frozen_params else ""


def footer(report: Report) -> list[str]:
    """The totals in words."""
    t = report.totals
    many = [
        f"{t.layers:,} layer{'s' if t.layers != 1 else ''}",
        f"{t.params:,} parameters ({t.weights:,} weights + {t.biases:,} biases){of_which_frozen(report)}",
        f"{t.macs:,} MACs",
        f"{t.flops:,} FLOPs{t.left_out}",
    ]
    fixed = t.frozen - report.frozen_params
    seen = f"; receptive field of the last map {field(t)}" if t.receptive_field else ""
    lines = [
        ", ".join(many),
        f"{t.activations:,} activations ({binary(4 * t.activations)} as float32), at most {t.peak_activations:,} alive at once{seen}",
    ]
    if t.buffers:
        lines.append(f"{t.buffers:,} buffers are stored, not learned; Keras counts them: {t.params + t.buffers + fixed:,} in total")
    if fixed:
        lines.append(f"{fixed:,} weights are frozen: fixed, not learned")
    return [*lines, *_budgets(report)]


def _budgets(report: Report) -> Iterator[str]:
    """A line for each budget of the spec, and whether the network keeps it."""
    recipe = report.network.recipe
    if recipe is not None and promises(recipe[0]):
        from archspec.symbolic.promises import expectation

        for line in [statement for statement in recipe[0].body if isinstance(statement, Expect)]:
            expected = expectation(line, report.network, report)
            condition, _, values = str(expected).partition(": ")
            yield f"Budget {condition}: {'kept' if expected.holds else 'missed'}, {values}"
