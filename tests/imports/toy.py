"""A reader of a made-up format, `.toy`: all that a source is. Its first line is the input; kernels are stored as (height, width, in, out)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archspec.imports.flat import Flat, Site, Unsaid
from archspec.imports.imported import Imported, Stored
from archspec.imports.sources import Source
from archspec.source import Source as Text
from archspec.source import Span
from archspec.types import from_shape

TOY = Source("toy", "a toy model", (".toy", ".cfg"), "tests.imports.toy:read", "tests.imports.toy:tensors", rb"(?m)^toy \d")
MODEL = "toy 8x8x3\nconv a 4\nrelu\nconv b 4\nrelu\n"


def read(path: Path, inputs: Mapping[str, tuple[int, ...]]) -> Imported:
    text = path.read_text()
    source = Text(str(path), text)
    flat = Flat(path.stem, path.name)
    at = 0
    value = -1
    for line in text.splitlines(keepends=True):
        span = Span(source, at, at + len(line.rstrip()))
        at += len(line)
        kind, *words = line.split()
        site = Site(kind, span=span, key=words[0] if kind == "conv" else "")
        if kind == "toy":
            sizes = inputs.get("") or tuple(map(int, words[0].split("x")))
            value = flat.input("image", from_shape(sizes))
        elif kind == "refused":
            flat.refuse(site, "there is no such layer")
        elif kind == "roll":
            value = flat.custom(site, value, out=flat.type_of(value), why="nothing rolls")
        else:
            try:
                kernel = {"weight": Stored((f"{words[0]}/kernel",), order=(3, 2, 0, 1))} if kind == "conv" else None
                given = {"k": 3, "f": int(words[1]), "p": 1, "bias": False} if kind == "conv" else {}
                value = flat.step(site, kind, value, stored=kernel, **given)
            except Unsaid as unsaid:
                flat.refuse(site, str(unsaid))
    flat.output(value)
    return flat.finish()


def tensors(path: Path, data: Path | None) -> Mapping[str, Any]:
    import numpy as np

    return np.load(data or path.with_suffix(".npz"))
