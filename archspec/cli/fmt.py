"""`archspec fmt`."""

from __future__ import annotations

import argparse
import difflib
import re

from archspec.cli.screen import err, out
from archspec.cli.specs import files, may_change, read, tell
from archspec.cli.writing import write_whole
from archspec.diagnostics import Diagnostics
from archspec.diagnostics.visible import visible
from archspec.source import Source
from archspec.syntax.printer import format_text

EXAMPLES = (
    ("fmt net.arch", "in place"),
    ("fmt --diff net.arch", "only show what would change"),
    ("fmt --check .", "all specs below a folder, for CI"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="specs, folders of specs, or `-` for standard input to standard output")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file would change")
    parser.add_argument("--diff", action="store_true", help="write nothing; show what would change")
    parser.add_argument("--stdin-filename", metavar="NAME", help="the name of standard input in messages")


def show_changes(name: str, before: str, after: str) -> None:
    """Print what would change; ends of lines only where they do."""
    if before.count("\n") == before.count("\r\n"):
        before, after = before.replace("\r\n", "\n"), after.replace("\r\n", "\n")
    old, new = (re.findall(r"[^\n]*\n|[^\n]+", text) for text in (before, after))  # a line feed ends one, and nothing else
    for line in difflib.unified_diff(old, new, name, name):
        out().data(visible(line.removesuffix("\n")) + "\n")
        if not line.endswith("\n"):
            out().data("\\ No newline at end of file\n")


def with_line_ends(before: str, after: str) -> str:
    """The text with CR LF at the end of each line, if most lines of the one before have it."""
    return after.replace("\r\n", "\n").replace("\n", "\r\n") if 2 * before.count("\r\n") > before.count("\n") else after


def run(arguments: argparse.Namespace) -> int:
    return max(_format(file, arguments) for file in files(arguments.files))


def _format(file: str, arguments: argparse.Namespace) -> int:
    may_change(file)
    text = read(file, arguments.stdin_filename)
    sink = Diagnostics()
    formatted = format_text(Source(text.name, text.text), sink)
    if formatted is None:
        tell(sink.sorted())
        return 1
    formatted = with_line_ends(text.text, formatted)
    changed = formatted != text.text
    if arguments.diff:
        show_changes(text.name, text.text, formatted)
    if arguments.check:
        if changed:
            err().message(f"{visible(text.name)}: would be formatted")
        return int(changed)
    if arguments.diff:
        return 0
    if file == "-":
        out().data(formatted)
    elif changed:
        assert text.path is not None
        write_whole(text.path, formatted)
        err().message(f"{visible(text.name)}: formatted")
    return 0
