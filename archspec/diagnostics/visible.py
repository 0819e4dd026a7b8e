"""Text of a spec made safe to show."""

from __future__ import annotations

import re

_UNSEEN = "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"


def visible(text: str) -> str:
    """Text with control, bidirectional and zero-width characters shown as escapes."""
    if text.isprintable():
        return text
    return re.sub(_UNSEEN, lambda m: f"\\x{ord(m[0]):02X}" if ord(m[0]) < 256 else f"\\u{ord(m[0]):04X}", text)
