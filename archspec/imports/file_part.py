"""A part of a file as a file, so that what an archive holds uncompressed is read in place."""

from __future__ import annotations

import io
from typing import IO, Any


class FilePart(io.RawIOBase):
    """`size` bytes of a file from `start` on, as a file by itself."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        super().__init__()
        self.file, self.start, self.size, self.place = file, start, size, 0

    def readable(self) -> bool:
        """Answer yes: `io` asks before it reads."""
        return True

    def seekable(self) -> bool:
        """Answer yes: h5py goes to the parts of a file in any order."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, in bytes from the beginning, from here (`whence` 1) or from the end (2), but never before 0; returns it."""
        self.place = max(0, offset + (0, self.place, self.size)[whence])
        return self.place

    def tell(self) -> int:
        """Report where the next read begins, in bytes from the beginning of the part."""
        return self.place

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, and go on behind what was read; returns the number of bytes, fewer at the end of the part."""
        self.file.seek(self.start + self.place)
        found = self.file.read(max(0, min(len(buffer), self.size - self.place)))
        buffer[: len(found)] = found
        self.place += len(found)
        return len(found)
