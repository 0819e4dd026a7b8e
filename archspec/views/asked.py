"""What can be asked about a layer, with its answer: one source for the quiz of a page and for exams.

Answers and arithmetic are those of `explain`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from archspec.analysis.layers import Report, Row
from archspec.types import Map
from archspec.views.explanation import steps
from archspec.views.reference import about
from archspec.views.tables.columns import field, shape

KINDS = ("shape", "params", "macs", "rf", "fit")
"""What is asked for: the output shape, parameters, multiply-accumulates, the receptive field, which layers fit."""
WORDS = {"shape": "output shape", "params": "parameters", "macs": "MACs", "rf": "receptive field", "fit": "layers that fit"}
POINTS = {"shape": 1, "params": 2, "macs": 2, "rf": 3, "fit": 2}
_STEP = {"shape": "output", "params": "parameters", "macs": "MACs", "rf": "receptive field"}
"""The steps of `explain` that give an answer and its arithmetic."""
_HINTS = {
    "rf": "start with a field and a jump of one; a window of F adds (F - 1) times the jump; then its stride S multiplies the jump",
    "fit": "a layer fits where the stride divides W - F + 2P, which is not below zero; F counts the gaps of a dilation too",
}
_SECTION = {"shape": "Shape", "params": "Params", "macs": "MACs"}


class Asked(NamedTuple):
    """A question of a kind about a layer. `known` are the layers of its network by name."""

    kind: str
    row: Row
    known: Mapping[str, Row]
    report: Report

    @property
    def answer(self) -> str:
        """The answer as tables write it; empty where it is not known or there is nothing to ask for."""
        row = self.row
        if self.kind == "shape":
            return shape(row.output)
        if self.kind == "rf":
            return field(row) or ""
        count = row.params if self.kind == "params" else row.macs
        return f"{count:,}" if count else ""

    @property
    def how(self) -> str:
        """The arithmetic of `explain`."""
        found = next((step for step in steps(self.row, self.known, self.report) if step.name == _STEP[self.kind]), None)
        return found.how if found is not None else ""

    @property
    def hint(self) -> str:
        """The rule without numbers, for somebody whose first answer was wrong."""
        return hint(self.kind, self.row)


def hint(kind: str, row: Row) -> str:
    """The rule in letters that answers a question of a kind about a layer."""
    if kind in _HINTS:
        return _HINTS[kind]
    rule = about(type(row.node.op))[1].get(_SECTION[kind], "")
    if kind == "params":
        return f"count the numbers of each tensor: {rule}"
    if kind == "shape" and isinstance(row.node.type, Map) and rule.endswith("as for pool"):
        return "(*S, C) -> (*S', C), S' = (S + 2p - w)/s + 1"
    return rule
