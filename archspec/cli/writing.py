"""Writes the files of the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from archspec import saving
from archspec.cli.failure import Failure, reason


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all. Raises Failure."""
    with _reported(path):
        saving.write_whole(path, content)


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write files into a folder, which is made if it is missing. Raises Failure."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"cannot make the folder {folder}: {reason(error)}") from None
    for name, text in files.items():
        write_whole(folder / name, text)


@contextmanager
def writing(*paths: Path) -> Iterator[tuple[BinaryIO, ...]]:
    """Open files that are written together, as `saving.writing` does. Raises Failure."""
    with _reported(*paths), saving.writing(*paths) as opened:
        yield opened


@contextmanager
def _reported(*paths: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Failure(f"cannot write {' and '.join(map(str, paths))}: {reason(error)}") from None


def form(path: str | Path, forms: Sequence[str], what: str) -> str:
    """Give the ending of a file's name, in lower case. Raises Failure if it is none of `forms`."""
    found = Path(path).suffix.lower()
    if found not in forms:
        raise Failure(f"{what} is written as {', '.join(forms)}, by the name of the file; not as `{path}`")
    return found


def write_picture(path: Path, text: str) -> None:
    """Write an SVG as it is, as PNG or as PDF, by the ending of the file's name; other text as it is. Raises Failure, Missing."""
    from archspec.views.graphics.convert import converted

    write_whole(path, converted(text, path.suffix.lower()))
