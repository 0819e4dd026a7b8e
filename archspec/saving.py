"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

PICTURES = (".svg", ".png", ".pdf")
"""Endings of the files of pictures."""
DRAWN = (*PICTURES, ".tex")
"""Those of pictures of networks, which are written as TikZ too."""


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file through a temporary one beside it, so that readers see the old content or the new. Raises OSError."""
    with writing(path) as (file,):
        file.write(content.encode("utf-8") if isinstance(content, str) else content)


@contextmanager
def writing(*paths: Path) -> Iterator[tuple[BinaryIO, ...]]:
    """Open files that are put in place once all of them are written; if anything fails, none is. Raises OSError.

    The first refers to the others: it is put in its place last, and taken from it before any other changes. What is no regular file,
    such as a device, is written as it is. A link leads to the file that is written; a file with several names keeps them.
    """
    # Nothing can be put beside a device or an open descriptor, and it may have no path of its own.
    targets = [path if path.exists() and not path.is_file() else path.resolve() for path in paths]
    with ExitStack() as stack:
        parts, opened = [_Part(target) for target in targets], []
        for part in parts:
            stack.callback(part.clean)
            opened.append(stack.enter_context(part.open()))
        yield tuple(opened)
        for file in opened:
            file.close()
        if len(parts) > 1 and not parts[0].through:
            targets[0].unlink(missing_ok=True)
        for part in reversed(parts):
            part.place()


class _Part:
    """A file being written: its content goes to a temporary file, or directly to what is not a regular file."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.through = False
        """Whether the file itself is overwritten in the end: renaming would lose its other names, or its owner."""
        self.temporary: Path | None = None

    def open(self) -> BinaryIO:
        if self.target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a directory")
        if not self.target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, f"there is no folder {self.target.parent}")
        if not self.target.exists():
            return self.created(self.target.parent)
        if not self.target.is_file():
            return self.target.open("wb")
        if not os.access(self.target, os.W_OK):
            raise PermissionError(errno.EACCES, "it is read-only")
        now = self.target.stat()  # the temporary file has its mode and owner, or else it is overwritten at last
        self.through = now.st_nlink > 1
        try:
            file = self.created(self.target.parent)
        except PermissionError:  # no file can be made in the folder, but the one in it may be writable
            self.through = True
            return self.created(Path(tempfile.gettempdir()))
        Path(file.name).chmod(stat.S_IMODE(now.st_mode))
        try:
            if hasattr(os, "chown") and (now.st_uid, now.st_gid) != (os.geteuid(), os.getegid()):
                os.chown(file.fileno(), now.st_uid, now.st_gid)
        except PermissionError:
            self.through = True
        return file

    def created(self, folder: Path) -> BinaryIO:
        """Make a new file. Its name is noted before, so that it is removed whatever happens next."""
        self.temporary = folder / f".archspec-{os.urandom(8).hex()}"
        return self.temporary.open("xb")

    def place(self) -> None:
        """Give the file its new content."""
        if self.temporary is None:
            return
        if not self.through:
            self.temporary.replace(self.target)
            return
        with self.temporary.open("rb") as source, self.target.open("r+b") as file:
            shutil.copyfileobj(source, file)
            file.truncate()

    def clean(self) -> None:
        if self.temporary is not None:
            self.temporary.unlink(missing_ok=True)
