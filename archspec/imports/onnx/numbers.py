"""Small tensors of known numbers, and how the numbers of any tensor are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product as cartesian
from math import prod
from struct import unpack
from typing import Any, NamedTuple

from archspec.imports.onnx.model import (
    BFLOAT16,
    BOOL,
    DOUBLE,
    FLOAT,
    FLOAT16,
    INT8,
    INT16,
    INT32,
    INT64,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    Tensor,
)
from archspec.imports.onnx.wire import BYTES, EIGHT, FOUR, Damaged, Wire, signed

MOST = 4096
"""Numbers of a stored tensor that is computed with; larger ones are only passed on."""
MOST_MADE = 65_536
"""Numbers of a tensor that is computed from known ones: masks of shifted windows begin from the positions of a whole map."""
LETTERS = {
    FLOAT: "f", UINT8: "B", INT8: "b", UINT16: "H", INT16: "h", INT32: "i", INT64: "q", BOOL: "?", FLOAT16: "e", DOUBLE: "d", UINT32: "I",
    UINT64: "Q", BFLOAT16: "H",
}  # fmt: skip
"""The kinds of numbers that are read, as `struct` and NumPy call them; 16 bits of a bfloat16 are read as a whole number."""
WIDTHS = {"f": 4, "B": 1, "b": 1, "H": 2, "h": 2, "i": 4, "q": 8, "?": 1, "e": 2, "d": 8, "I": 4, "Q": 8}
REAL = frozenset((FLOAT, FLOAT16, BFLOAT16, DOUBLE))
"""The kinds of numbers with fractions."""


class Numbers(NamedTuple):
    """A tensor of known numbers, row by row. `kind` is the kind of numbers, as the format has it."""

    kind: int
    shape: tuple[int, ...]
    values: tuple[Any, ...]

    @property
    def one(self) -> Any:
        """The only number; None where there are several."""
        return self.values[0] if len(self.values) == 1 else None

    @property
    def real(self) -> bool:
        """Whether the numbers may have fractions."""
        return self.kind in REAL

    def reshaped(self, shape: Sequence[int]) -> Numbers:
        """The same numbers in another shape. Raises ValueError."""
        if prod(shape) != len(self.values):
            raise ValueError(f"{len(self.values)} numbers in the shape {shape}")
        return Numbers(self.kind, tuple(shape), self.values)

    def taken(self, shape: Sequence[int], at: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Numbers:
        """The tensor of a shape whose number at an index is that which `at` says."""
        strides = strides_of(self.shape)
        values = self.values
        found = [values[sum(map(int.__mul__, at(index), strides))] for index in indexes(shape)]
        return Numbers(self.kind, tuple(shape), tuple(found))


def whole(*values: int) -> Numbers:
    """A list of whole numbers."""
    return Numbers(INT64, (len(values),), values)


def strides_of(shape: Sequence[int]) -> list[int]:
    """How far apart neighbours along each axis stand."""
    found = [1]
    for size in reversed(shape[1:]):
        found.append(found[-1] * size)
    return found[::-1][: len(shape)]


def indexes(shape: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All indexes of a tensor, row by row."""
    return cartesian(*map(range, shape))


def known(tensor: Tensor, wire: Wire) -> Numbers | None:
    """The numbers of a small tensor; None where it is large, of another kind, or stands in another file. Raises Damaged."""
    if tensor.size > MOST or tensor.kind not in LETTERS or tensor.external is not None:
        return None
    letter = LETTERS[tensor.kind]
    found: list[Any] = []
    for field, form, start, stop in tensor.values:
        if field == 9:
            bytes_ = wire.whole(tensor.data, start, stop) if stop - start <= 8 * MOST else b""
            count = len(bytes_) // WIDTHS[letter]
            found += unpack(f"<{count}{letter}", bytes_[: count * WIDTHS[letter]])
        elif form in (FOUR, EIGHT) or field in (4, 10):
            of = "f" if field == 4 else "d"
            bytes_ = wire.whole(tensor.data, start, stop) if stop - start <= 8 * MOST else b""
            found += unpack(f"<{len(bytes_) // WIDTHS[of]}{of}", bytes_[: len(bytes_) // WIDTHS[of] * WIDTHS[of]])
        else:
            numbers = wire.packed(tensor.data, start, stop, MOST) if form == BYTES else [signed(start)]
            found += [_stored(number, tensor.kind) for number in numbers]
    if len(found) != tensor.size:
        raise Damaged(f"the tensor `{tensor.name}` has {len(found):,} numbers, and its shape {tensor.shape} needs {tensor.size:,}")
    if tensor.kind == BFLOAT16:
        found = [unpack("<f", bytes((0, 0, number & 255, number >> 8)))[0] for number in found]
    return Numbers(tensor.kind, tensor.shape, tuple(found))


def _stored(number: int, kind: int) -> Any:
    """A number that stands as a whole one: halves as their bits."""
    if kind == FLOAT16:
        return unpack("<e", (number & 65535).to_bytes(2, "little"))[0]
    return bool(number) if kind == BOOL else number & 65535 if kind == BFLOAT16 else number
