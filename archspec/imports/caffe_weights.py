"""Caffe's `.caffemodel` files: the layers once more, each with its blobs.

Source: BVLC/caffe, src/caffe/proto/caffe.proto, NetParameter, LayerParameter, V1LayerParameter and BlobProto.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from archspec.imports.onnx.wire import BYTES, Damaged, Pieces, Wire
from archspec.weights.files import WeightsError

_LAYERS = {100: (1, 7), 2: (4, 6)}
"""The fields of a network that hold layers, today's and those of before 2014, and in these the fields of the name and of the blobs."""
_DATA = {5: "<f4", 8: "<f8"}
"""The fields of a blob that hold its numbers."""


class Blob(NamedTuple):
    """Where the numbers of a blob are in the file, and their type."""

    start: int
    stop: int
    type: str


class Blobs(Mapping[str, Any]):
    """The blobs of a file by layer and number, `conv1/0`, each read when it is asked for and as a row of numbers.

    `bn1/mean` and `bn1/variance` are those of a batch normalisation, whose blobs hold sums and, in the third, what to divide them by.
    """

    def __init__(self, data: Path, places: Mapping[str, Blob]) -> None:
        self.data = data
        self.places = places

    def __getitem__(self, key: str) -> Any:
        name, _, what = key.rpartition("/")
        if what not in ("mean", "variance"):
            return self._read(key)
        by = self._read(f"{name}/2")[0]
        return self._read(f"{name}/{0 if what == 'mean' else 1}") * (1 / by if by else 0)

    def _read(self, key: str) -> Any:
        import numpy as np

        start, stop, type_ = self.places[key]
        return np.fromfile(self.data, type_, (stop - start) // int(type_[-1]), offset=start)

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


def tensors(path: Path, data: Path | None) -> Mapping[str, Any]:
    """The blobs of the file `data` that belongs to a `.prototxt`. Raises WeightsError, OSError."""
    if data is None:
        raise WeightsError(f"{path.name} has no weights itself: name the file that has them, as `--data net.caffemodel`")
    places: dict[str, Blob] = {}
    with data.open("rb") as file:
        pieces = Pieces(file)
        wire = Wire(pieces)
        try:
            for field, form, start, stop in wire.fields(pieces, 0, pieces.size):
                if field in _LAYERS and form == BYTES:
                    _layer(wire, pieces, (start, stop), _LAYERS[field], places)
        except Damaged as damaged:
            raise WeightsError(f"{data} is no .caffemodel, or is damaged: {damaged}") from None
    return Blobs(data, places)


def _layer(wire: Wire, pieces: Pieces, within: tuple[int, int], fields: tuple[int, int], places: dict[str, Blob]) -> None:
    """Note where the blobs of a layer stand."""
    name, found = "", []
    for field, form, start, stop in wire.fields(pieces, *within):
        if field == fields[0] and form == BYTES:
            name = wire.text(pieces, start, stop)
        elif field == fields[1] and form == BYTES:
            found += [
                Blob(first, last, _DATA[inner])
                for inner, kind, first, last in wire.fields(pieces, start, stop)
                if inner in _DATA and kind == BYTES
            ]
    for at, blob in enumerate(found):
        places.setdefault(f"{name}/{at}", blob)
