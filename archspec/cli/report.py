"""`archspec report`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from archspec.cli import specs
from archspec.cli.failure import Failure
from archspec.cli.screen import out
from archspec.cli.writing import writing
from archspec.ir.graph import Network
from archspec.targets.page import page


def run(arguments: argparse.Namespace) -> int:
    target = Path(arguments.output) if arguments.output else None
    if target is not None and target.suffix.lower() not in (".html", ".htm"):
        raise Failure(f"a page is written as .html, not as `{arguments.output}`")
    if arguments.quiz is not None and target is None:
        raise Failure("a quiz has a second file, its key: `-o NAME.html` says where, and the key is NAME.key.html")
    networks = _networks(arguments)
    if networks is None:
        return 1
    made = page(networks, arguments.quiz)
    for note in made.notes:
        print(f"archspec: {note}", file=sys.stderr)
    if target is None:
        out().data(made.html)
    elif made.key is None:
        _write((target, made.html))
    else:
        _write((target, made.html), (target.with_suffix(f".key{target.suffix}"), made.key))
    return 0


def _networks(arguments: argparse.Namespace) -> list[Network] | None:
    """The networks of all files; where one has errors they are printed, and there are none."""
    found = [specs.compiled(file, arguments) for file in arguments.files]
    for result in found:
        specs.tell(result.diagnostics)
    networks = [result.network for result in found if result.network is not None]
    return networks if len(networks) == len(found) else None


def _write(*files: tuple[Path, str]) -> None:
    with writing(*(path for path, _ in files)) as opened:
        for file, (_, content) in zip(opened, files, strict=True):
            file.write(content.encode("utf-8"))
