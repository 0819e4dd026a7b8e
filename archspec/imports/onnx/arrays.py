"""The numbers of an ONNX file's tensors as NumPy arrays, each read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from archspec.imports.onnx.model import BFLOAT16, FLOAT16, Tensor, read_model
from archspec.imports.onnx.numbers import LETTERS
from archspec.imports.onnx.wire import BYTES, Damaged, Pieces, Wire, signed
from archspec.weights.files import WeightsError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]


def tensors(path: Path, data: Path | None) -> Mapping[str, Array]:
    """The stored tensors by name. Those that the file keeps in another file are read from `data`, whatever the file calls it.

    Raises WeightsError where a file is damaged, lacks numbers, or needs a file apart that is not given; OSError.
    """
    try:
        with path.open("rb") as file:
            model = read_model(Pieces(file))
    except Damaged as damaged:
        raise WeightsError(f"{path.name} is damaged, or no ONNX file: {damaged}") from None
    found = dict(model.tensors)
    for node in model.nodes:
        value = node.attributes.get("value")
        if node.operator == "Constant" and isinstance(value, Tensor) and node.outputs:
            found[node.outputs[0]] = value._replace(name=node.outputs[0])
    return _Arrays(path, data, found)


class _Arrays(Mapping[str, "Array"]):
    def __init__(self, path: Path, data: Path | None, found: Mapping[str, Tensor]) -> None:
        self.path = path
        self.data = data
        self.found = found

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, name: str) -> Array:
        tensor = self.found[name]
        letter = LETTERS.get(tensor.kind)
        if letter is None:
            raise WeightsError(f"`{name}` has numbers of kind {tensor.kind}, which are not read")
        found = self._outside(tensor, letter) if tensor.external is not None else self._inside(tensor, letter)
        if found.size != tensor.size:
            raise WeightsError(f"`{name}` has {found.size:,} numbers, and its shape {tensor.shape} needs {tensor.size:,}")
        return found.reshape(tensor.shape)

    def _inside(self, tensor: Tensor, letter: str) -> Array:
        import numpy as np

        parts: list[Array] = []
        with self.path.open("rb") as file:
            pieces = Pieces(file)
            wire = Wire(pieces)
            for field, form, start, stop in tensor.values:
                if field in (4, 9, 10):
                    bytes_ = tensor.data[start:stop] if isinstance(tensor.data, bytes) else _between(file, start, stop)
                    kind = letter if field == 9 else "f" if field == 4 else "d"
                    parts.append(_of_bytes(bytes_, kind, tensor.kind if field == 9 else 0))
                elif form == BYTES:
                    numbers = wire.packed(tensor.data, start, stop, prod(tensor.shape)) if tensor.size else []
                    parts.append(_of_whole(np.array(numbers, np.int64), tensor.kind, letter))
                else:
                    parts.append(_of_whole(np.array([signed(start)], np.int64), tensor.kind, letter))
        return np.concatenate(parts) if len(parts) != 1 else parts[0]

    def _outside(self, tensor: Tensor, letter: str) -> Array:
        import numpy as np

        if self.data is None:
            raise WeightsError(f"the numbers of `{tensor.name}` are in a file apart: give it by `--data FILE`")
        told = tensor.external or {}
        width = np.dtype(letter).itemsize
        try:
            start, length = int(told.get("offset") or 0), int(told.get("length") or width * tensor.size)
        except ValueError:
            raise WeightsError(f"`{tensor.name}` is at no place in its file") from None
        if start < 0 or length != width * tensor.size or start + length > self.data.stat().st_size:
            raise WeightsError(f"{self.data.name} ends before the numbers of `{tensor.name}`, or it has another size")
        with self.data.open("rb") as file:
            return _of_bytes(_between(file, start, start + length), letter, tensor.kind)


def _between(file: BinaryIO, start: int, stop: int) -> bytes:
    file.seek(start)
    return file.read(stop - start)


def _of_bytes(bytes_: bytes, letter: str, kind: int) -> Array:
    """Little-endian numbers; those of bfloat16 as the first half of a float32."""
    import numpy as np

    width = np.dtype(letter).itemsize
    found: Array = np.frombuffer(bytes_[: len(bytes_) // width * width], np.dtype(letter).newbyteorder("<"))
    return _widened(found) if kind == BFLOAT16 else found


def _of_whole(numbers: Array, kind: int, letter: str) -> Array:
    """Numbers that stand as whole ones: halves as their bits."""
    import numpy as np

    if kind == FLOAT16:
        return numbers.astype(np.uint16).view(np.float16)
    return _widened(numbers.astype(np.uint16)) if kind == BFLOAT16 else numbers.astype(letter)


def _widened(bits: Array) -> Array:
    import numpy as np

    return (bits.astype(np.uint32) << 16).view(np.float32)
