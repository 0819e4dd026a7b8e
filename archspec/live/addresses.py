"""The address of the playground that holds a spec: its fragment is `#spec=` and the text, as raw deflate (RFC 1951) in base64url without padding (RFC 4648).

A fragment is never sent to a server, so a spec in an address stays with those who have the address.
"""

from __future__ import annotations

import base64
import binascii
import zlib

from archspec.syntax.parser import MAX_BYTES

PREFIX = "#spec="


def fragment(text: str) -> str:
    r"""Write a text as the fragment of an address.

    >>> fragment("input 8\nfc 10\n")
    '#spec=y8wrKC1RsOBKS1YwNOACAA'
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(text.encode("utf-8", "replace")) + packer.flush()
    return PREFIX + base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def text_of(fragment: str) -> str:
    """Read the text of a fragment, with or without its prefix. Raises ValueError where it is damaged, or holds more than a spec may."""
    packed = fragment.removeprefix("#").removeprefix("spec=").rstrip("=").encode("utf-8", "replace")
    try:
        data = base64.b64decode(packed + b"=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        text = unpacker.decompress(data, MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise ValueError(f"the spec in the address is larger than {MAX_BYTES:,} bytes, the most that a spec may have")
        if not unpacker.eof or unpacker.unused_data:
            raise ValueError(_DAMAGED)
        return text.decode("utf-8")
    except (binascii.Error, zlib.error, UnicodeError):
        raise ValueError(_DAMAGED) from None


_DAMAGED = "the spec in the address is damaged: a part of the address is missing, or was changed"
