"""Writing to a terminal or to a file: results to standard output, messages to standard error.

Colour only where a terminal reads it; NO_COLOR and FORCE_COLOR are obeyed. rich is loaded only when there is colour to print.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TextIO

from archspec.diagnostics.folding import StyledLine, folded
from archspec.diagnostics.visible import visible

STYLES = {
    "error": "bold red",
    "warning": "bold yellow",
    "note": "bold cyan",
    "message": "bold",
    "label": "cyan",
    "frame": "blue",
    "bar": "cyan",
    "good": "green",
    "head": "bold",
}

_USUAL = 80
"""Columns of a terminal that does not say how many it has."""


def style_of(name: str) -> str:
    """Find a style of rich. `kind convolution` is the colour of that kind of layer in pictures."""
    if not name.startswith("kind "):
        return STYLES.get(name, name)
    from archspec.views.theme import readable  # with all of the pictures: not for every table

    return readable(name.removeprefix("kind "))


class Screen:
    """One output stream."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.terminal = stream.isatty()
        wanted = bool(os.environ.get("FORCE_COLOR")) or (self.terminal and os.environ.get("TERM") != "dumb")
        self.colour = wanted and not os.environ.get("NO_COLOR")

    @property
    def width(self) -> int | None:
        """Columns of the terminal, or None where lines may be of any length."""
        set_ = os.environ.get("COLUMNS", "")
        if set_.isdecimal() and int(set_) > 0:
            return int(set_)
        if not self.terminal:
            return None
        try:
            return os.get_terminal_size(self.stream.fileno()).columns or _USUAL
        except OSError:
            return _USUAL

    @property
    def unicode(self) -> bool:
        """Whether the stream can show block characters."""
        return (self.stream.encoding or "").lower().replace("-", "").startswith("utf")

    def line(self, line: StyledLine | str = "", hang: int = 2) -> None:
        """Write a line, folded at words if it is wider than the screen; its further lines are indented by `hang`."""
        self.lines(folded([(line, "")] if isinstance(line, str) else line, self.width, hang))

    def message(self, text: str) -> None:
        """Write a message beside the result: folded at words on a terminal, one line for a log or another program."""
        if self.terminal:
            self.line(text)
        else:
            self.write(text + "\n")

    def lines(self, lines: Iterable[StyledLine | str]) -> None:
        """Write lines of styled pieces, or of plain text."""
        if not self.colour:
            for line in lines:
                text = line if isinstance(line, str) else "".join(piece for piece, _ in line)
                self.write(text.rstrip() + "\n")
            return
        from rich.console import Console
        from rich.text import Text

        console = Console(file=self.stream, force_terminal=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
        for line in lines:
            pieces = [(line, "")] if isinstance(line, str) else line
            console.print(Text.assemble(*((piece, style_of(style)) for piece, style in pieces)))

    def write(self, text: str) -> None:
        """Write text for a reader, in the encoding of the terminal."""
        self.stream.write(text)

    def data(self, text: str) -> None:
        """Write text that programs read too: in UTF-8, whatever the locale."""
        binary = getattr(self.stream, "buffer", None)
        if binary is None:  # the stream of a notebook or of a test takes only text
            self.stream.write(text)
            return
        self.stream.flush()
        binary.write(text.encode("utf-8", "backslashreplace"))


def out() -> Screen:
    """The screen of standard output."""
    return Screen(sys.stdout)


def err() -> Screen:
    """The screen of standard error."""
    return Screen(sys.stderr)


def tell(message: str) -> None:
    """Write a message beside the result, as the command."""
    err().message(f"archspec: {visible(message)}")
