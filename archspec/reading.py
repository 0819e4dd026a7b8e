"""From bytes to text."""

from __future__ import annotations

BOM = "\ufeff"
_KINDS = {
    b"PK\x03\x04": "a zip archive, as PyTorch and Keras save models and weights in",
    b"\x89HDF": "an HDF5 file, as Keras saves models and weights in",
    b"\x80\x02": "a pickle, as PyTorch saved weights in",
    b"\x80\x04": "a pickle",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive",
}
"""What files that are no text begin with."""


def decode(data: bytes) -> str:
    """The text of a spec: UTF-8, a byte order mark left out. Raises ValueError that says at which byte it is not."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        kind = next((kind for mark, kind in _KINDS.items() if data.startswith(mark)), None) or _onnx(data)
        if kind:
            raise ValueError(f"it is {kind}, not a spec, which is a text of one layer a line") from None
        raise ValueError(f"it is not UTF-8 text (byte {error.start})") from None
    return text.removeprefix(BOM)


def _onnx(data: bytes) -> str | None:
    """Whether bytes begin as an ONNX model: field 1, the small version of its format, then another field of ModelProto."""
    begins = data[:1] == b"\x08" and len(data) > 2 and data[1] < 32 and data[2] in (0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42)
    return "an ONNX model" if begins else None
