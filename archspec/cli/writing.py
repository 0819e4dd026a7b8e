"""Files are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from archspec.cli.failure import Failure


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file through a temporary one beside it, so that readers see the old content or the new. Raises Failure."""
    with writing(path) as (file,):
        file.write(content.encode("utf-8") if isinstance(content, str) else content)


@contextmanager
def writing(*paths: Path) -> Iterator[tuple[BinaryIO, ...]]:
    """Files that take their places when all of them are written; where anything fails, none does. Raises Failure.

    The first refers to the others: it is put in its place last, and taken from it before any other changes. What is no regular file,
    such as a device, is written as it is.
    """
    try:
        # A device, or what a descriptor stands for, has no place beside it, nor always a path of its own.
        targets = [path if path.exists() and not path.is_file() else path.resolve() for path in paths]
        with ExitStack() as stack:
            opened = [stack.enter_context(_opened(target)) for target in targets]
            yield tuple(file for file, _ in opened)
            for file, _ in opened:
                file.close()
            if len(targets) > 1:
                targets[0].unlink(missing_ok=True)
            for (_, temporary), target in reversed(list(zip(opened, targets, strict=True))):
                if temporary is not None:
                    os.replace(temporary, target)
    except OSError as error:
        raise Failure(f"cannot write {' and '.join(map(str, paths))}: {error.strerror or error}") from None


@contextmanager
def _opened(target: Path) -> Iterator[tuple[BinaryIO, str | None]]:
    """A file to write, and its name where it is a temporary one, which is gone in the end unless it was renamed."""
    if target.is_dir():
        raise IsADirectoryError(21, "it is a directory")
    if target.exists() and not target.is_file():
        with target.open("wb") as device:
            yield device, None
        return
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.chmod(name, mode)
            yield file, name
    finally:
        Path(name).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def content(text: str, form: str) -> str | bytes:
    """A picture as a file by the ending of its name: an SVG, or what is made of it. Raises Failure."""
    if form not in (".png", ".pdf"):
        return text
    from archspec.targets.figures.convert import NoConverter, converted

    try:
        return converted(text, form)
    except NoConverter as missing:
        raise Failure(str(missing)) from None
