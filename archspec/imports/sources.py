"""The kinds of files that are read as networks, a line each, and which of them a file is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_HEAD = 1 << 16
"""Bytes of a file that are looked at to find its kind."""


class Source(NamedTuple):
    """A kind of file: its name, what messages call it, the suffixes that it has, and what reads it, as `module:function`.

    `read(path, inputs)` gives an Imported; `inputs` are shapes by the names of inputs, channels last, "" for the only one.
    `tensors(path, data)` gives arrays by the source's names, each read when it is asked for; `data` is a file of weights that lies apart.
    `mark` is a pattern in the first bytes, for a suffix that specs or other sources have too.
    """

    name: str
    kind: str
    suffixes: tuple[str, ...]
    read: str
    tensors: str = ""
    mark: bytes = b""


_KERAS = "archspec.imports.keras_model:read", "archspec.imports.keras_model:tensors"
SOURCES: tuple[Source, ...] = (
    Source("onnx", "an ONNX model", (".onnx",), "archspec.imports.onnx.reader:read", "archspec.imports.onnx.arrays:tensors"),
    Source(
        "darknet",
        "a Darknet file",
        (".cfg",),
        "archspec.imports.darknet:read",
        "archspec.imports.darknet_weights:tensors",
        rb"(?m)^[ \t]*\[",
    ),
    Source("caffe", "a Caffe file", (".prototxt",), "archspec.imports.caffe:read", "archspec.imports.caffe_weights:tensors"),
    Source("keras", "a Keras model", (".keras", ".h5", ".hdf5"), *_KERAS),
    Source("keras_json", "a Keras configuration", (".json",), *_KERAS, mark=rb'"class_name":'),
)


def source_of(path: Path) -> Source | None:
    """The kind of a file, by its suffix and its first bytes; None for a spec and for what is not known."""
    found = [source for source in SOURCES if path.suffix.lower() in source.suffixes]
    if not any(source.mark for source in found):
        return found[0] if found else None
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return next((source for source in found if re.search(source.mark, head)), None)


def called(name: str) -> Source:
    """The source of this name."""
    return next(source for source in SOURCES if source.name == name)


def kinds() -> str:
    """List what is read, with the suffixes."""
    return ", ".join(f"{source.kind} ({', '.join(source.suffixes)})" for source in SOURCES)
