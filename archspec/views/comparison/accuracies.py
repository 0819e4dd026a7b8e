"""Accuracies that are given beside the specs: a table of names and percentages."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from archspec.diagnostics import did_you_mean
from archspec.ir.graph import Network

_MOST = 10_000


class Accuracy(NamedTuple):
    """A top-1 accuracy in per cent, and where it is from."""

    top1: float
    source: str


def read_accuracies(text: str, name: str) -> dict[str, Accuracy]:
    """Read a CSV of names, accuracies in per cent and, if there is a third column, their sources. A line of titles may stand first.

    Raises ValueError with the line that is wrong.
    """
    found: dict[str, Accuracy] = {}
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    for at, row in enumerate(csv.reader(text.splitlines(), delimiter=delimiter), 1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) < 2:
            raise ValueError(f"{name}, line {at}: expected a name and an accuracy such as `vgg16,71.6`, found `{cells[0][:40]}`")
        value = _percentage(cells[1])
        if value is None:
            if at == 1:
                continue  # titles
            raise ValueError(f"{name}, line {at}: expected an accuracy from 0 to 100, found `{cells[1][:40]}`")
        if cells[0] in found:
            raise ValueError(f"{name}, line {at}: `{cells[0]}` is given twice")
        found[cells[0]] = Accuracy(value, cells[2] if len(cells) > 2 and cells[2] else name)
        if len(found) > _MOST:
            raise ValueError(f"{name} has more than {_MOST:,} accuracies")
    if not found:
        raise ValueError(f"{name} has no accuracies; expected lines such as `vgg16,71.6`")
    if max(accuracy.top1 for accuracy in found.values()) <= 1:
        raise ValueError(f"{name} has no accuracy above 1; they are percentages, 71.6 and not 0.716")
    return found


def _percentage(text: str) -> float | None:
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        return None
    return value if 0 <= value <= 100 else None


def given_accuracies(networks: Sequence[Network], accuracy: Mapping[str, float | Accuracy]) -> list[Accuracy | None]:
    """The accuracy of each network, by its name or its title. Raises ValueError where a value is no percentage, or no name is known."""
    known = [name for network in networks for name in (network.name, network.meta.get("title", "")) if name]
    made: dict[str, Accuracy] = {}
    for name, value in accuracy.items():
        made[name] = value if isinstance(value, Accuracy) else Accuracy(float(value), "the accuracies given")
        if not 0 <= made[name].top1 <= 100:
            raise ValueError(f"expected an accuracy from 0 to 100 for `{name}`, found {made[name].top1:g}")
    if accuracy and not set(made) & set(known):
        first = next(iter(made))
        raise ValueError(
            f"none of the accuracies is of a network compared; `{first}`: {did_you_mean(first, known, 'there are ' + ', '.join(known))}"
        )
    return [made.get(network.name) or made.get(network.meta.get("title", "")) for network in networks]
