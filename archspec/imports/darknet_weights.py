"""Darknet's `.weights` files: all numbers one after the other, in the order of the layers; the `.cfg` says which are which.

Source: pjreddie/darknet, src/parser.c, load_weights_upto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

from archspec.imports.darknet import reader_of
from archspec.weights.files import WeightsError

_NUMBER = 4
"""Bytes of a number."""


class Numbers(Mapping[str, Any]):
    """The arrays of a file by layer and name, `0.weights`, each read when it is asked for."""

    def __init__(self, data: Path, start: int, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.data = data
        self.shapes = shapes
        self.places: dict[str, int] = {}
        for key, shape in shapes.items():
            self.places[key] = start
            start += _NUMBER * prod(shape)
        self.end = start

    def __getitem__(self, key: str) -> Any:
        import numpy as np

        shape = self.shapes[key]
        return np.fromfile(self.data, "<f4", prod(shape), offset=self.places[key]).reshape(shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


def tensors(path: Path, data: Path | None) -> Mapping[str, Any]:
    """The arrays of the file `data` that belongs to a `.cfg`. Raises WeightsError where there is none, or it is shorter; SpecError, OSError."""
    if data is None:
        raise WeightsError(f"{path.name} has no weights itself: name the file that has them, as `--data yolov3.weights`")
    with data.open("rb") as file:
        head = file.read(20)
    if len(head) < 16:
        raise WeightsError(f"{data} has {len(head)} bytes, and its header alone 16")
    major, minor, _ = struct.unpack("<3i", head[:12])
    if major > 1000 or minor > 1000:
        raise WeightsError(f"{data} has matrices the other way round, as Darknet wrote them before 2014")
    start = 20 if 10 * major + minor >= 2 else 16
    shapes = {key: shape for held in reader_of(path, {}).held for key, shape in held.items()}
    found = Numbers(data, start, shapes)
    size = data.stat().st_size
    if size != found.end:
        raise WeightsError(f"{data} has {size:,} bytes, and the layers of {path.name} take {found.end:,}")
    return found
