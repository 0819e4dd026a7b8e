"""Names of Caffe's layers as names with levels, so that layers that belong together are found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from archspec.imports.caffe_net import Entry

_SHORT = {"convolution": "conv", "deconvolution": "deconv", "innerproduct": "fc", "batchnorm": "bn"}
"""What a layer is called where its name is taken by a level of names."""
_KEYED = ("convolution", "deconvolution", "innerproduct", "batchnorm", "scale", "bias", "prelu", "bn", "normalize")
"""Layers with weights."""
_PARTED = re.compile(r"((?:[A-Za-z]+_)*[A-Za-z]+)([0-9]+[A-Za-z0-9]*)(?:_(.+))?")
"""A word or several, a number with letters, and what is behind them."""


def name_layers(entries: Sequence[Entry], names: Sequence[str]) -> None:
    """Give each layer its key and its path, by names with levels.

    A name that is a level of others too has its type behind it. A layer without weights belongs to the level of its name where there are layers with
    weights, otherwise, and where it works in place and its name has no level, to that of the layer that it reads.
    """
    levels = {name[:at] for name in names for at, letter in enumerate(name) if letter == "."}
    taken: set[str] = set()
    homes = {""}
    for entry, name in zip(entries, names, strict=True):
        inner = f"{name}.{_kind(entry)}" if name in levels else name
        entry.key, count = inner, 1
        while entry.key in taken and inner:
            count += 1
            entry.key = f"{inner}_{count}"
        taken.add(entry.key)
        entry.path = inner.rpartition(".")[0]
        if entry.kind in _KEYED:
            homes.add(entry.path)
    given: dict[str, str] = {}
    for entry in entries:
        in_place = entry.kind not in _KEYED and not entry.path and entry.tops[:1] == entry.bottoms[:1]
        if entry.bottoms and (in_place or entry.path not in homes):
            entry.path = given.get(entry.bottoms[0], "")
        given |= dict.fromkeys(entry.tops, entry.path)


def _kind(entry: Entry) -> str:
    return _SHORT.get(entry.kind, entry.kind)


def by_slashes(entries: Sequence[Entry]) -> list[str]:
    """`inception_3a/1x1` is `1x1` of inception_3a."""
    return [entry.name.replace(".", "_").replace("/", ".").strip(".") for entry in entries]


def by_units(entries: Sequence[Entry]) -> list[str]:
    """`res2a_branch1` and `bn2a_branch1` are `branch1.conv` and `branch1.bn` of res2a, the layer that has this number first.

    A number behind several words is one of these words only: `a1_1x1` of inception_a1 is no part of conv1.
    """
    merged = {entry.merged for entry in entries}
    parted: dict[Entry, tuple[str, str | None]] = {}
    units: dict[str, str] = {}
    for entry in entries:
        if (found := _PARTED.fullmatch(entry.name)) is not None:
            word, number, rest = found.groups()
            parted[entry] = f"{word}{number}" if "_" in word else number, rest
            units.setdefault(parted[entry][0], f"{word}{number}")
    keyed = {entry for entry in parted if entry.kind in _KEYED and entry not in merged}
    times = Counter(parted[entry] for entry in parted if entry in keyed)
    levels = {number for number, rest in times if rest is not None}
    names = by_slashes(entries)
    for at, entry in enumerate(entries):
        number, rest = parted.get(entry, ("", None))
        if number in levels:
            inner = [rest.replace(".", "_").replace("/", ".")] if rest is not None and entry in keyed else []
            kind = [_kind(entry)] if times[number, rest] > 1 or not inner else []
            names[at] = ".".join((units[number], *inner, *kind))
    return names


def nameless(entries: Sequence[Entry]) -> list[str]:
    """No names at all."""
    return [""] * len(entries)


NAMINGS: tuple[Callable[[Sequence[Entry]], list[str]], ...] = (by_slashes, by_units, nameless)
"""Ways to name the layers of a file: the shortest text with names is taken, or one without them."""
