"""`archspec draw`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from archspec.cli import specs
from archspec.cli.failure import Failure
from archspec.cli.screen import out
from archspec.cli.writing import content, write_whole
from archspec.diagnostics import SpecError
from archspec.extras import graphviz
from archspec.ir.graph import Network
from archspec.targets.figures import NoRenderer, Picture, draw, text_form

_FORMS = (".svg", ".png", ".pdf", ".dot", ".mmd")


def run(arguments: argparse.Namespace) -> int:
    form = Path(arguments.output).suffix.lower() if arguments.output else ".svg"
    if form not in _FORMS:
        raise Failure(f"a picture is written as {', '.join(_FORMS)}, by the name of the file; not as `{arguments.output}`")
    if form in (".dot", ".mmd") and arguments.kind != "blocks":
        raise Failure(f"only `--as blocks` has a form in {form}")
    network = specs.network(arguments)
    if network is None:
        return 1
    try:
        picture = _picture(network, form, arguments)
    except SpecError as error:
        specs.tell(error.diagnostics)
        return 1
    for note in picture.notes:
        print(f"archspec: {note}", file=sys.stderr)
    if arguments.output:
        write_whole(Path(arguments.output), content(picture.text, form))
    else:
        out().data(picture.text)
    return 0


def _picture(network: Network, form: str, arguments: argparse.Namespace) -> Picture:
    if form in (".dot", ".mmd"):
        return text_form(network, form[1:], arguments.level, arguments.theme)
    try:
        return draw(network, arguments.kind, arguments.level, arguments.theme)
    except NoRenderer as missing:
        raise Failure(
            f"boxes need Graphviz to place them ({missing}): {graphviz()}; `-o NAME.dot` writes the DOT text without it"
        ) from None
