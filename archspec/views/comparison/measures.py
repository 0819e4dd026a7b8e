"""The compared measures of a network: its counts, its reach, and the accuracy that it cites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from archspec.analysis.depth import depth, weight_layers
from archspec.analysis.layers import Report, Shape, Totals
from archspec.analysis.smallest_input import smallest_input
from archspec.diagnostics.visible import visible
from archspec.ir.graph import Network
from archspec.views.comparison.accuracies import Accuracy, given_accuracies


class Cited(NamedTuple):
    """An accuracy as the spec cites it: `top1` in per cent, or None with the reason in `doubt`, empty where none is given."""

    top1: float | None
    source: str
    doubt: str = ""


class Model(NamedTuple):
    """One network of a comparison. The name is the network's, with a number where another has it too."""

    network: Network
    name: str
    totals: Totals
    depth: int
    weight_layers: dict[str, int]
    smallest_input: Shape | None
    cited: Cited

    @property
    def title(self) -> str:
        """The title that the spec gives, or the name."""
        return self.network.meta.get("title", "").strip() or self.name


def measured(networks: Sequence[Network], accuracy: Mapping[str, float | Accuracy]) -> list[Model]:
    """Measure the networks; an accuracy by name counts in place of the one that the spec cites. Raises ValueError for one that makes no sense."""
    found: list[Model] = []
    for network, own in zip(networks, given_accuracies(networks, accuracy), strict=True):
        name, times = network.name, 1
        while any(model.name == name for model in found):
            times += 1
            name = f"{network.name} ({times})"
        totals = Report(network).totals
        source = Cited(own.top1, own.source) if own is not None else cited(network.meta)
        found.append(Model(network, name, totals, depth(network), weight_layers(network), smallest_input(network), source))
    return found


def cited(meta: dict[str, str]) -> Cited:
    """The accuracy of `meta top1= source=`. It is a percentage, and it counts only with the source that it is taken from."""
    written, source = meta.get("top1", "").strip(), meta.get("source", "").strip()
    if not written:
        return Cited(None, source)
    try:
        value = float(written.removesuffix("%"))
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 100:
        shown = written if len(written) < 40 else written[:39] + "…"
        return Cited(None, source, f"its top1, {visible(shown)}, is no percentage")
    if not source:
        return Cited(None, source, "its top1 has no source, so it is not cited")
    return Cited(value, source)
