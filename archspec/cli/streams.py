"""The three standard streams, and the signals that end the process.

A stream that is full or closed ends the command in one line, not in a traceback; text that a stream's encoding lacks is written
in plainer letters.
"""

from __future__ import annotations

import codecs
import io
import os
import select
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, Literal, TextIO

from archspec.cli.failure import Failure, reason

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_PLAINER = {
    "×": "x", "→": "->", "←": "<-", "–": "-", "—": "-", "…": "...", "≥": ">=", "≤": "<=", "≠": "!=", "−": "-", "·": "*",
    "“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " ", "─": "-", "━": "-", "│": "|", "┃": "|",
}  # fmt: skip


class Ended(BaseException):
    """Raised by a signal, its argument, that ends the process, so that what was begun is cleaned up."""


def guard() -> None:
    """Make the streams of the process report what is wrong with them, and let signals clean up. For the main thread."""
    codecs.register_error("archspec", _plainer)
    sys.stdin = sys.stdin or _text(io.BufferedReader(_closed("r")))
    sys.stdout = _guarded(sys.stdout, "standard output")
    sys.stderr = _guarded(sys.stderr, None)
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # `nohup` has the second one ignored
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # the clean-up is not to be interrupted
    raise Ended(number)


def _closed(mode: Literal["r", "w"]) -> io.FileIO:
    """Replaces a stream that was closed before the command began: reading from it, or writing to it, fails.

    It holds a descriptor, since the next file would get its number; one that is open the wrong way round, so that children fail too.
    """
    return io.FileIO(os.open(os.devnull, os.O_WRONLY if mode == "r" else os.O_RDONLY), mode, closefd=False)


class _Guard(io.RawIOBase):
    """The bytes below a stream of output. It raises Failure where it has a name for messages, and says nothing where it has none.

    After that it takes everything and writes nothing: one cause, one line.
    """

    def __init__(self, inner: io.RawIOBase, name: str | None) -> None:
        self.inner = inner
        self.name = name
        self.broken = False

    def fileno(self) -> int:
        return self.inner.fileno()

    def isatty(self) -> bool:
        return self.inner.isatty()

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        size = memoryview(data).nbytes
        if self.broken:
            return size
        try:
            while (written := self.inner.write(data)) is None:  # a stream that does not block is full
                select.select([], [self.inner.fileno()], [])
        except OSError as error:
            self.broken = True
            if isinstance(error, BrokenPipeError):
                raise
            if self.name is not None:
                raise Failure(f"cannot write to {self.name}: {reason(error)}") from None
            return size
        return written


def _guarded(stream: TextIO | None, name: str | None) -> TextIO:
    if stream is None:
        return _text(io.BufferedWriter(_Guard(_closed("w"), name)))
    encoding = stream.encoding
    lines = getattr(stream, "line_buffering", False) or getattr(stream, "write_through", False)
    stream.flush()
    below = stream.detach()  # type: ignore[attr-defined]
    raw = below.detach() if isinstance(below, io.BufferedWriter) else below  # Python that does not buffer has none between
    return _text(io.BufferedWriter(_Guard(raw, name)), encoding, lines)


def _text(binary: io.BufferedReader | io.BufferedWriter, encoding: str = "utf-8", lines: bool = False) -> io.TextIOWrapper:
    return io.TextIOWrapper(binary, encoding, "archspec", line_buffering=lines)


def _plainer(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that an encoding lacks by a plainer sign, or else by an escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_sign, error.object[error.start : error.end])), error.end


def _sign(char: str) -> str:
    drawn = "+" if "\u2500" <= char <= "\u257f" else "#" if "\u2580" <= char <= "\u259f" else ""
    return _PLAINER.get(char) or drawn or char.encode("ascii", "backslashreplace").decode()
