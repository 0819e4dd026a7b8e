"""Networks side by side: what they count, and how two similar ones differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archspec.analysis.layers import Row
from archspec.diagnostics.folding import StyledLine, folded
from archspec.diagnostics.markup import html_text
from archspec.diagnostics.visible import visible
from archspec.ir.graph import Network
from archspec.views import tables
from archspec.views.comparison.accuracies import Accuracy
from archspec.views.comparison.diff import Diff, difference
from archspec.views.comparison.edits import LEGEND, edits, summary
from archspec.views.comparison.measures import Model, measured
from archspec.views.comparison.side_by_side import MEASURES, grid, notes
from archspec.views.tables import grid as write
from archspec.views.tables.csv_json import separated
from archspec.views.tables.grid import Grid

if TYPE_CHECKING:
    import pandas

    from archspec.views.figures.drawing import Drawing

__all__ = ["FORMATS", "Comparison", "Model"]

FORMATS = ("text", *tables.FORMATS)


class Comparison:
    """Networks compared. Ratios are to the first.

    `models` has the numbers of each: `totals`, `depth`, `weight_layers`, `smallest_input`, and the accuracy that is `cited`.
    """

    def __init__(self, networks: Sequence[Network], accuracy: Mapping[str, float | Accuracy] | None = None) -> None:
        """`accuracy` gives top-1 accuracies by the names of networks, in per cent. Raises ValueError."""
        if not networks:
            raise ValueError("there is nothing to compare")
        self.models = measured(networks, accuracy or {})

    @cached_property
    def diff(self) -> Diff | None:
        """The difference of the networks; None unless there are exactly two."""
        if len(self.models) != 2:
            return None
        return difference(*(model.network for model in self.models))

    def _parts(self, width: int | None = None, *, brief: bool = False) -> Iterator[tuple[str, Grid | None, list[str]]]:
        """A line, a table and its notes: of the networks without a line, then of their difference, without a table where there is none."""
        yield "", grid(self.models, width), notes(self.models, brief=brief)
        if self.diff is not None and self.diff.why_not:
            yield visible(self.diff.why_not), None, []
        elif self.diff is not None:
            yield visible(summary(self.diff, *(model.name for model in self.models))), edits(self.diff), [LEGEND]

    def lines(self, width: int | None = None, unicode: bool = True, *, brief: bool = False) -> Iterator[StyledLine]:
        """Write the comparison for a screen of a width in columns."""

        def wrapped(lines: Sequence[str], style: str) -> Iterator[StyledLine]:
            for line in lines:
                yield from folded([(line if unicode else line.translate(write.ASCII), style)], width or 120, 2)

        for line, table, notes_ in self._parts(width, brief=brief):
            if line:
                yield []
                yield from wrapped([line], "")
            if table is not None:
                if line:
                    yield []
                yield from write.text(table, width, unicode)
                yield []
                yield from wrapped(notes_, "dim")

    def to_text(self, width: int | None = None) -> str:
        """Write the comparison as plain text; lines are no longer than `width` where it is given."""
        return "".join("".join(piece for piece, _ in line).rstrip() + "\n" for line in self.lines(width))

    def to_markdown(self) -> str:
        """Write tables of GitHub-flavoured Markdown."""
        parts = []
        for line, table, notes_ in self._parts():
            if line:
                parts.append(write.markdown_text(line) + "\n")
            if table is not None:
                parts.append("".join(write.markdown(table)))
                parts.append("  \n".join(f"<sub>{write.markdown_text(note)}</sub>" for note in notes_) + "\n")
        return "\n".join(parts)

    def to_latex(self) -> str:
        """Write tables for LaTeX's package booktabs, the notes as comments."""
        made = ["% needs \\usepackage{booktabs} and, for names, \\usepackage[T1]{fontenc}\n"]
        for line, table, notes_ in self._parts():
            made += [f"\n% {line}\n"] if line else []
            made += [*(write.latex(table) if table is not None else ()), *(f"% {note}\n" for note in notes_)]
        return "".join(made)

    def to_html(self) -> str:
        """Write table elements of HTML, without scripts, and without styles except alignment."""
        names = " and ".join(model.name for model in self.models) if len(self.models) < 3 else f"{len(self.models)} networks"
        made: list[str] = []
        for line, table, notes_ in self._parts():
            made += [f"<p>{html_text(line)}</p>\n"] if table is None else write.html(table, line or names, notes_)
        return "".join(made)

    def to_csv(self) -> str:
        """Write one row per network (RFC 4180), unknown cells empty; the difference, another table, is left out."""
        models = [_flat(model, self.models[0]) for model in self.models]
        rows = (["x".join(map(str, v)) if isinstance(v, list) else v for v in model.values()] for model in models)
        return "".join(separated(list(models[0]), rows))

    def to_json(self) -> str:
        """Write a JSON document: `models`, and `diff` with the `edits` of all layers, or null where there are not two networks."""
        diff = None
        if self.diff is not None:
            edits_ = [{"edit": edit.kind, "before": _layer(edit.before), "after": _layer(edit.after)} for edit in self.diff.edits]
            diff = {"near": not self.diff.why_not, "why_not": self.diff.why_not or None, "edits": edits_}
        models = [_data(model, self.models[0]) for model in self.models]
        return json.dumps({"archspec": 1, "models": models, "diff": diff}, indent=1) + "\n"

    def to_dataframe(self) -> pandas.DataFrame:
        """Return a pandas table with one row per network. Raises ImportError where pandas is not installed."""
        import pandas as pd

        return pd.DataFrame([_flat(model, self.models[0]) for model in self.models])

    def draw(self, theme: str = "light") -> Drawing:
        """Draw the bubble chart, as SVG: accuracy over MACs, parameters as areas. Raises ValueError for another theme."""
        from archspec.views.comparison.bubbles import Chart
        from archspec.views.figures.drawing import Drawing
        from archspec.views.theme import THEMES

        if theme not in THEMES:
            raise ValueError(f"there is no `{theme}`; there are {', '.join(THEMES)}")
        chart = Chart(self.models, THEMES[theme])
        return Drawing(chart.draw(), f"{self._names()} compared", (chart.note,) if chart.note else ())

    def _names(self) -> str:
        names = [visible(model.name) for model in self.models]
        return ", ".join(names[:4]) + (f" and {len(names) - 4:,} more" if len(names) > 4 else "")

    def __repr__(self) -> str:
        return f"Comparison({self._names()})"

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return self.draw().svg + self.to_html()

    def _repr_svg_(self) -> str:
        return self.draw().svg


def _flat(model: Model, first: Model) -> dict[str, Any]:
    """Return the values of a network's row, one per column."""
    found = _data(model, first)
    ratios = found.pop("ratios")
    found |= {f"{name}_ratio": round(value, 6) if value is not None else None for name, value in ratios.items()}
    found["weight_layers"] = " + ".join(f"{count} {step}" for step, count in found["weight_layers"].items())
    return found


def _data(model: Model, first: Model) -> dict[str, Any]:
    values = {name: measure.value(model) for name, measure in MEASURES.items()}
    return {
        "name": model.name,
        "title": model.title,
        **{name: list(value) if isinstance(value, tuple) else value for name, value in values.items()},
        "source": model.cited.source or None,
        "ratios": {name: measure.ratio(model, first) for name, measure in MEASURES.items() if measure.relative},
    }


def _layer(row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "name": row.name, "op": row.op, "config": row.config, "from": row.sources, "output": row.output,
        "params": row.params, "macs": 0 if row.training else row.macs,
    }  # fmt: skip
