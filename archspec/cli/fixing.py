"""`archspec check --fix` and `--diff`: the fixes of the messages, applied to a file or shown."""

from __future__ import annotations

import argparse
from functools import partial

from archspec.api import compile_source
from archspec.cli.fmt import show_changes, with_line_ends
from archspec.cli.screen import err, out
from archspec.cli.specs import Compiled, Text, may_change, own
from archspec.cli.writing import write_whole
from archspec.diagnostics.visible import visible
from archspec.editor.mending import Mended, mended


def fixed(file: str, arguments: argparse.Namespace) -> Compiled:
    """Apply the fixes to FILE, or show with `--diff` what they change; the result is of the text as it then is. Raises Failure."""
    may_change(file)
    text, options = own(file, arguments)
    compile_ = partial(compile_source, name=text.name, options=options)
    result = mended(compile_(text.text), compile_, unsafe=arguments.unsafe, notes=arguments.notes)
    changed = with_line_ends(text.text, result.text)
    if arguments.diff:
        show_changes(text.name, text.text, changed)
    else:
        _write(text, changed, result)
        text = text._replace(text=changed)
    found = compile_(text.text)
    return Compiled(text, found.network if found.complete else None, list(found.diagnostics))


def _write(text: Text, changed: str, result: Mended) -> None:
    """Write the file, or standard input to standard output, and list the fixes."""
    if text.path is None:
        out().data(changed)
    elif result.fixes:
        write_whole(text.path, changed)
    for diagnostic, fix in result.fixes:
        place = f":{diagnostic.span.line}" if diagnostic.span is not None else ""
        err().message(visible(f"{text.name}{place}: mended {diagnostic.code}: {fix.title}"))
