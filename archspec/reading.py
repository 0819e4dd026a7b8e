"""From bytes to text."""

from __future__ import annotations

BOM = "\ufeff"


def decode(data: bytes) -> str:
    """The text of a spec: UTF-8, a byte order mark left out. Raises ValueError that says at which byte it is not."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 text (byte {error.start})") from None
    return text.removeprefix(BOM)
