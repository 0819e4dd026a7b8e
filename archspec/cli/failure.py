"""The errors that end a command with status 2."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager


class Failure(Exception):
    """Wrong usage, a file that cannot be read, or the like. Its text is one line; the exit status is 2."""


def reason(error: OSError) -> str:
    """Say why a stream or a file fails."""
    return "it is closed" if error.errno == errno.EBADF else error.strerror or str(error)


@contextmanager
def reading() -> Iterator[None]:
    """Turn the library's errors about files and arguments into a Failure."""
    try:
        yield
    except OSError as error:  # those of ours name no file apart from their text
        raise Failure(f"cannot read {error.filename}: {reason(error)}" if error.filename is not None else str(error)) from None
    except (ValueError, ImportError) as error:
        raise Failure(str(error)) from None
