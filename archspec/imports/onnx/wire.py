"""Messages of protocol buffers in a file, read in pieces: what is passed over, as the numbers of tensors are, is not read.

Source: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack_from
from typing import BinaryIO

NUMBER, EIGHT, BYTES, FOUR = 0, 1, 2, 5
"""The forms of a field: a number in groups of seven bits, eight bytes, a length and so many bytes, four bytes."""
MOST_BYTES = 64 * 2**20
"""Bytes of a file that are read, tensors apart."""
MOST_FIELDS = 8_000_000
"""Fields that are read: a layer has about 40."""
_PIECE = 16_384
"""Bytes that are read at a time. Longer messages are gone through field by field."""


class Damaged(Exception):
    """Says why a file cannot be read, as what stands behind "is damaged: " or "is too large: "."""


class TooLarge(Damaged):
    """Says which bound a file exceeds."""


class Pieces:
    """The bytes of a file, of which the last piece that was read is kept."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = file.seek(0, 2)
        self._piece, self._start = b"", 0
        self._left = MOST_BYTES

    def __getitem__(self, at: int, /) -> int:
        offset = at - self._start
        if not 0 <= offset < len(self._piece):
            self._piece, self._start = self._read(at, min(at + _PIECE, self.size)), at
            offset = 0
        return self._piece[offset]

    def between(self, start: int, stop: int) -> bytes:
        """The bytes from one place to another, which are counted."""
        self._left -= stop - start
        if self._left < 0:
            raise TooLarge(f"more than {MOST_BYTES:,} bytes of it are no tensors")
        offset = start - self._start
        if offset >= 0 and stop - self._start <= len(self._piece):
            return self._piece[offset : stop - self._start]
        if stop - start > _PIECE:
            return self._read(start, stop)
        self._piece, self._start = self._read(start, min(start + _PIECE, self.size)), start
        return self._piece[: stop - start]

    def _read(self, start: int, stop: int) -> bytes:
        self.file.seek(start)
        found = self.file.read(stop - start)
        if len(found) < stop - start:
            raise Damaged("it became shorter while it was read")
        return found


Place = Pieces | bytes
"""Where bytes stand: a file, or what was read of it."""


class Wire:
    """Reads messages field by field, of which a file has no more than a bound."""

    def __init__(self, pieces: Pieces) -> None:
        self.pieces = pieces
        self._left = MOST_FIELDS

    def near(self, data: Place, start: int, stop: int) -> tuple[Place, int, int]:
        """The bytes of a message in memory, if they are few or are there already; else where they stand."""
        if isinstance(data, bytes) or stop - start > _PIECE:
            return data, start, stop
        return self.pieces.between(start, stop), 0, stop - start

    def whole(self, data: Place, start: int, stop: int) -> bytes:
        """The bytes from one place to another."""
        return data[start:stop] if isinstance(data, bytes) else self.pieces.between(start, stop)

    def fields(self, data: Place, start: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield the fields of a message: a field's number and form, and the number that it is or where its bytes begin and end."""
        at = start
        while at < stop:
            self._left -= 1
            if self._left < 0:
                raise TooLarge(f"it has more than {MOST_FIELDS:,} fields")
            tag = data[at]
            at += 1
            if tag > 127:
                tag, at = _longer(data, tag, at, stop)
            form = tag & 7
            if form in (BYTES, NUMBER):
                if at >= stop:
                    raise Damaged("a message ends within a field")
                value = data[at]
                at += 1
                if value > 127:
                    value, at = _longer(data, value, at, stop)
                if form == NUMBER:
                    yield tag >> 3, NUMBER, value, at
                    continue
                end = at + value
            elif form == FOUR:
                end = at + 4
            elif form == EIGHT:
                end = at + 8
            else:
                raise Damaged(f"a field has the form {form}, which no field of such files has")
            if end > stop:
                raise Damaged(f"a field of {end - at:,} bytes is longer than what holds it")
            yield tag >> 3, form, at, end
            at = end
        if at > stop:
            raise Damaged("a field is longer than what holds it")

    def text(self, data: Place, start: int, stop: int) -> str:
        """A text; what is no UTF-8 is written with backslashes."""
        return self.whole(data, start, stop).decode("utf-8", "backslashreplace")

    def packed(self, data: Place, start: int, stop: int, most: int) -> list[int]:
        """Numbers one behind the other, at most so many."""
        found = []
        bytes_ = self.whole(data, start, stop)
        at, end = 0, len(bytes_)
        while at < end:
            value = bytes_[at]
            at += 1
            if value > 127:
                value, at = _longer(bytes_, value, at, end)
            found.append(signed(value))
            if len(found) > most:
                raise TooLarge(f"a list has more than {most:,} numbers")
        return found

    def float(self, data: Place, start: int, stop: int) -> float:
        """A number of four bytes."""
        found: float = unpack_from("<f", self.whole(data, start, stop))[0]
        return found


def signed(value: int) -> int:
    """A number of 64 bits with its sign."""
    return value - 2**64 if value >> 63 else value


def _longer(data: Place, first: int, at: int, stop: int) -> tuple[int, int]:
    """A number of which the first group has been read: its value, and the place behind it."""
    value = first & 127
    for shift in range(7, 70, 7):
        if at >= stop:
            raise Damaged("a message ends within a number")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (2**64 - 1), at
    raise Damaged("a number has more than 10 bytes")
