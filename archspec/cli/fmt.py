"""`archspec fmt`."""

from __future__ import annotations

import argparse
import difflib
from pathlib import Path

from archspec.cli.failure import Failure
from archspec.cli.screen import err, out
from archspec.cli.specs import read, tell
from archspec.cli.writing import write_whole
from archspec.diagnostics import Diagnostics
from archspec.diagnostics.visible import visible
from archspec.source import Source
from archspec.syntax.printer import format_text


def run(arguments: argparse.Namespace) -> int:
    statuses = [_format(file, arguments) for file in arguments.files]
    return max(statuses)


def _format(file: str, arguments: argparse.Namespace) -> int:
    if file != "-" and not Path(file).exists():
        raise Failure(f"cannot read {file}: No such file or directory")
    text = read(file, arguments.stdin_filename)
    sink = Diagnostics()
    formatted = format_text(Source(text.name, text.text), sink)
    if formatted is None:
        tell(sink.sorted())
        return 1
    changed = formatted != text.text
    if arguments.diff:
        lines = difflib.unified_diff(text.text.splitlines(keepends=True), formatted.splitlines(keepends=True), text.name, text.name)
        for line in lines:
            out().data(visible(line.rstrip("\n")) + "\n")
    if arguments.check:
        if changed:
            err().line(f"{visible(text.name)}: would be formatted")
        return int(changed)
    if arguments.diff:
        return 0
    if file == "-":
        out().data(formatted)
    elif changed:
        assert text.path is not None
        write_whole(text.path, formatted)
        err().line(f"{visible(text.name)}: formatted")
    return 0
