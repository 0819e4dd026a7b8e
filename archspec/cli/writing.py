"""Files are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from archspec.cli.failure import Failure


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file through a temporary one beside it, so that readers see the old content or the new. Raises Failure."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    target = path.resolve()
    temporary = None
    try:
        if target.is_dir():
            raise IsADirectoryError(21, "it is a directory")
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise Failure(f"cannot write {path}: {error.strerror or error}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
