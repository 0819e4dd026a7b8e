"""`archspec compare`."""

from __future__ import annotations

import argparse
from pathlib import Path

from archspec.api import compare
from archspec.cli import specs
from archspec.cli.failure import Failure
from archspec.cli.screen import out
from archspec.cli.writing import content, write_whole
from archspec.ir.graph import Network

_FORMS = (".svg", ".png", ".pdf")


def run(arguments: argparse.Namespace) -> int:
    form = Path(arguments.output).suffix.lower() if arguments.output else ""
    if arguments.output and form not in _FORMS:
        raise Failure(f"a chart is written as {', '.join(_FORMS)}, by the name of the file; not as `{arguments.output}`")
    if len(arguments.files) < 2:
        raise Failure("it takes two specs to compare, or more")
    if arguments.files.count("-") > 1:
        raise Failure("standard input can be read once")
    networks = _networks(arguments)
    if networks is None:
        return 1
    found = compare(networks)
    if arguments.output:
        write_whole(Path(arguments.output), content(found.draw(arguments.theme), form))
    screen = out()
    if arguments.format == "text":
        screen.lines(found.lines(screen.width, screen.unicode))
    else:
        screen.data(getattr(found, f"to_{arguments.format}")())
    return 0


def _networks(arguments: argparse.Namespace) -> list[Network] | None:
    """All networks; where one has errors they are printed, and there are none."""
    found = [specs.compiled(file, arguments) for file in arguments.files]
    wrong = [result for result in found if result.network is None]
    for result in wrong or found:
        specs.tell(result.diagnostics)
    return None if wrong else [result.network for result in found if result.network is not None]
