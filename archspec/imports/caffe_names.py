"""Names of Caffe's layers as names with levels, so that layers that belong together are found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from archspec.imports.caffe_net import Entry

Name = Callable[[Entry], str]
Naming = Callable[[Sequence[Entry]], Name]
_SHORT = {"convolution": "conv", "deconvolution": "deconv", "innerproduct": "fc", "batchnorm": "bn"}
"""What a layer is called where its name is taken by a level of names."""


def name_layers(entries: Sequence[Entry], naming: Naming) -> None:
    """Give each layer its key and its path, by its name with levels. A name that is a level of others too has its type behind it."""
    name_of = naming(entries)
    names = [name_of(entry).strip(".") for entry in entries]
    levels = {name[:at] for name in names for at, letter in enumerate(name) if letter == "."}
    taken: set[str] = set()
    for entry, name in zip(entries, names, strict=True):
        inner = f"{name}.{_SHORT.get(entry.kind, entry.kind)}" if name in levels else name
        entry.key, count = inner, 1
        while entry.key in taken and name:
            count += 1
            entry.key = f"{inner}_{count}"
        taken.add(entry.key)
        entry.path = name if name in levels else name.rpartition(".")[0]


def by_slashes(entry: Entry) -> str:
    """`inception_3a/1x1` is `1x1` of inception_3a."""
    return entry.name.replace(".", "_").replace("/", ".")


_PARTED = re.compile(r"((?:[A-Za-z]+_)*[A-Za-z]+)([0-9]+[A-Za-z0-9]*)(?:_(.+))?")
"""A word or several, a number with letters, and what is behind them."""
_KEYED = ("convolution", "deconvolution", "innerproduct", "batchnorm", "scale", "bias", "prelu")


def by_units(entries: Sequence[Entry]) -> Name:
    """`res2a_branch1` and `bn2a_branch1` are `branch1.conv` and `branch1.bn` of res2a, the layer that has this number first.

    A number behind several words is one of these words only: `a1_1x1` of inception_a1 is no part of conv1.
    """
    merged = {entry.merged for entry in entries}
    parted: dict[Entry, tuple[str, str, str | None]] = {}
    for entry in entries:
        if (found := _PARTED.fullmatch(entry.name)) is not None:
            word, number, rest = found.groups()
            parted[entry] = word, f"{word}{number}" if "_" in word else number, rest
    keyed = [entry for entry in parted if entry.kind in _KEYED and entry not in merged]
    times = Counter(parted[entry][1:] for entry in keyed)
    levels = {number for number, rest in times if rest is not None}
    units: dict[str, str] = {}
    for word, number, _ in parted.values():
        units.setdefault(number, number if "_" in word else f"{word}{number}")

    def name(entry: Entry) -> str:
        _, number, rest = parted.get(entry, ("", "", None))
        if number not in levels:
            return by_slashes(entry)
        inner = [(rest or "").replace(".", "_").replace("/", ".")] if rest is not None and entry in keyed else []
        kind = [_SHORT.get(entry.kind, entry.kind)] if times[number, rest] > 1 or not inner else []
        return ".".join((units[number], *inner, *kind))

    return name


NAMINGS: tuple[Naming, ...] = (lambda _: by_slashes, by_units, lambda _: lambda _: "")
"""Ways to make levels of the names of layers: as they are, by what they seem to mean, and no names at all."""
