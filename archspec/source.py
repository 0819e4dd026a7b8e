"""Sources: reading their text from bytes, and spans, lines and columns in it."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from functools import cached_property
from typing import BinaryIO, NamedTuple


class Source:
    """A named text.

    `name` is what messages call it (a path as the user gave it, `<stdin>`), `text` is decoded, without a byte order mark.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    def __repr__(self) -> str:
        return f"Source({self.name!r})"

    @cached_property
    def starts(self) -> list[int]:
        """The offsets at which lines begin; only a line feed ends a line."""
        return [0, *[end.end() for end in re.finditer("\n", self.text)]]

    def locate(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset; both count from 1, columns in characters."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its line end."""
        start = self.starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].rstrip("\r")


class Span(NamedTuple):
    """A piece of a source: characters `start` up to, not including, `end`."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """The text from `start` up to `end`."""
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        """The line of its start, counted from 1."""
        return self.source.locate(self.start)[0]

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of the other."""
        return Span(self.source, self.start, other.end)


BOM = "\ufeff"
_PIECE = 1 << 20  # bytes
_MARKS = ((b"\xff\xfe\0\0", "UTF-32"), (b"\0\0\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
_KINDS = {
    b"PK\x03\x04": "a zip archive",
    b"\x89HDF": "an HDF5 file, as Keras saves models and weights in",
    b"\x80\x02": "a pickle, as PyTorch saved weights in", b"\x80\x04": "a pickle", b"\x93NUMPY": "a NumPy array",
    b"\x89PNG": "a PNG picture", b"\xff\xd8\xff": "a JPEG picture", b"GIF8": "a GIF picture", b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive", b"BZh": "a bzip2 archive", b"\xfd7zXZ": "an xz archive", b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"7z\xbc\xaf": "a 7-Zip archive", b"SQLite": "a database", b"\x7fELF": "a program", b"MZ": "a program",
}  # fmt: skip
"""The first bytes of common files that are not text."""
_MEMBERS = {
    "data.pkl": "a zip archive, as PyTorch saves models and weights in",
    "metadata.json": "a Keras model",
    "config.json": "a Keras model",
}
"""The first members of archives that frameworks write."""
_WAYS = {
    "an ONNX model": "`archspec import FILE` reads it, if its name ends in .onnx",
    "a Keras model": "`archspec import FILE` reads it, if its name ends in .keras",
    "an HDF5 file, as Keras saves models and weights in": "`archspec import FILE` reads a model of Keras, if its name ends in .h5",
    "a zip archive, as PyTorch saves models and weights in": "of a live module `archspec.from_torch` makes a spec; weights are an option beside "
    "a spec: `archspec emit onnx SPEC --weights FILE`",
    "a safetensors file, which holds weights and no layers": "it is an option beside a spec: `archspec emit onnx SPEC --weights FILE`",
}
"""What works with a file that is no spec."""


def read_text(file: BinaryIO, most: int) -> str:
    """The text of a file, of at most so many bytes; a longer one gives a text that is longer than that, and is read no further.

    So a file without an end costs what the largest spec does. Raises ValueError as `decode` does, OSError.
    """
    data = b""
    limit = most + 8  # without a byte order mark and a divided character the rest is still too long
    while len(data) < limit and (piece := file.read(min(_PIECE, limit - len(data)))):
        _refuse_binary(piece)
        data += piece
    text = _begun(data) if len(data) == limit else None
    return decode(data) if text is None else text.removeprefix(BOM)  # `decode` says where it is not UTF-8


def decode(data: bytes) -> str:
    """The text of a spec: UTF-8, a byte order mark left out. Raises ValueError that says what it is instead, or at which byte it is not."""
    _refuse_binary(data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if any(byte < 9 or 14 <= byte < 32 for byte in data[:4096]):
            raise ValueError("it is binary data, not text") from None
        start = error.start
        before = data[:start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        letter = data[start : start + 1].decode("cp1252", "replace")
        shown = f", `{letter}` in Latin-1" if letter.isalpha() else ""
        place = f"(byte {start}: 0x{data[start]:02X} at line {line}, column {column}{shown})"
        raise ValueError(f"it is not UTF-8 text {place}; save it as UTF-8") from None
    return text.removeprefix(BOM)


def _refuse_binary(data: bytes) -> None:
    """Refuse text in 16 or 32 bits per letter, and data that is not text. Raises ValueError."""
    sample = data[:4096]
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    kind = _archive(data) or next((name for start, name in _KINDS.items() if data.startswith(start)), None) or _onnx(data)
    even, odd = sample[::2].count(0) * 2, sample[1::2].count(0) * 2
    dense = len(sample) * 0.8
    if marked is None and kind is None and len(sample) >= 8 and min(even, odd) < len(sample) * 0.2:
        marked = "UTF-16" if max(even, odd) > dense else None
    if marked is not None:
        raise ValueError(f"it is not UTF-8 text but {marked}: save it as UTF-8, as `iconv -f {marked} -t UTF-8` does")
    if kind is not None and (b"\0" in sample or _begun(sample) is None):
        way = f"; {_WAYS[kind]}" if kind in _WAYS else ""
        raise ValueError(f"it is {kind}, not a spec, which is a text of one layer per line{way}")
    if len(sample) > 64 and (even + odd) / 2 > len(sample) / 4:
        raise ValueError("it is binary data, not text: it is full of NUL bytes")


def _begun(data: bytes) -> str | None:
    """Decode the beginning of a text, except a character that the cut divides; None if it is not UTF-8."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return None


def _archive(data: bytes) -> str | None:
    """What bytes begin as an archive of a framework: a zip file by its first member, or a header of safetensors after its length."""
    if data.startswith(b"PK\x03\x04"):
        name = data[30 : 30 + int.from_bytes(data[26:28], "little")].decode("utf-8", "replace")
        return _MEMBERS.get(name.rpartition("/")[2])
    short = int.from_bytes(data[:8], "little") < 1 << 27
    return "a safetensors file, which holds weights and no layers" if short and data[7:10] == b'\0{"' else None


def _onnx(data: bytes) -> str | None:
    """Whether bytes begin as an ONNX model: field 1, the small version of its format, then another field of ModelProto."""
    begins = data[:1] == b"\x08" and len(data) > 2 and data[1] < 32 and data[2] in (0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42)
    return "an ONNX model" if begins else None
