"""Names of Caffe's layers as names with levels, so that layers that belong together are found."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.imports.caffe_net import Entry

_SHORT = {"convolution": "conv", "deconvolution": "deconv", "innerproduct": "fc", "batchnorm": "bn"}
"""What a layer is called where its name is taken by a level of names."""
_KEYED = ("convolution", "deconvolution", "innerproduct", "batchnorm", "scale", "bias", "prelu", "bn", "normalize")
"""Layers with weights."""


def name_layers(entries: Sequence[Entry]) -> None:
    """Give each layer its key and its path: `inception_3a/1x1` is `1x1` of inception_3a.

    A name that is a level of others too has its type behind it. A layer without weights belongs to the level of its name where there are layers with
    weights, otherwise, and where it works in place and its name has no level, to that of the layer that it reads.
    """
    names = [entry.name.replace(".", "_").replace("/", ".").strip(".") for entry in entries]
    levels = {name[:at] for name in names for at, letter in enumerate(name) if letter == "."}
    taken: set[str] = set()
    homes = {""}
    for entry, name in zip(entries, names, strict=True):
        inner = f"{name}.{_SHORT.get(entry.kind, entry.kind)}" if name in levels else name
        entry.key, count = inner, 1
        while entry.key in taken:
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
