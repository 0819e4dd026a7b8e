"""What the command line writes into files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from archspec import saving
from archspec.cli.failure import Failure


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all. Raises Failure."""
    with _told(path):
        saving.write_whole(path, content)


@contextmanager
def writing(*paths: Path) -> Iterator[tuple[BinaryIO, ...]]:
    """Files that are written together, as `files.writing` does. Raises Failure."""
    with _told(*paths), saving.writing(*paths) as opened:
        yield opened


@contextmanager
def _told(*paths: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Failure(f"cannot write {' and '.join(map(str, paths))}: {error.strerror or error}") from None


def content(text: str, form: str) -> str | bytes:
    """A picture as a file by the ending of its name: an SVG, or what is made of it. Raises Failure."""
    if form not in (".png", ".pdf"):
        return text
    from archspec.views.figures.convert import NoConverter, converted

    try:
        return converted(text, form)
    except NoConverter as missing:
        raise Failure(str(missing)) from None
