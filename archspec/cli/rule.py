"""`archspec rule`."""

from __future__ import annotations

import argparse

from archspec.cli.failure import Failure
from archspec.cli.screen import out
from archspec.diagnostics import nearest
from archspec.diagnostics.catalogue import codes, page
from archspec.diagnostics.folding import Line

EXAMPLES = (
    ("rule A203", "what a message means, with an example"),
    ("rule", "all codes"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", metavar="CODE", nargs="?", help="a diagnostic's code such as A203; all of them without one")


def run(arguments: argparse.Namespace) -> int:
    screen = out()
    if arguments.code is None:
        for code in codes():
            found = page(code)
            screen.line([(code, found.severity), (f"  {found.title}", "")])
        return 0
    code = arguments.code.upper()
    try:
        found = page(code)
    except KeyError:
        close = nearest(code, codes())
        raise Failure(f"there is no code `{code}`" + (f"; did you mean {close}?" if close else "; `archspec rule` lists them")) from None
    screen.lines([_styled(line) for line in _shown(found.code, found.title, found.severity, found.text)])
    return 0


def _shown(code: str, title: str, severity: str, text: str) -> list[str]:
    """The page for a terminal: fences become headings."""
    lines = [f"{severity}[{code}]: {title}", ""]
    fenced = False
    for line in text.strip().splitlines():
        if line.startswith("```"):
            fenced = not fenced
            if fenced:
                lines.append({"wrong": "Wrong:", "right": "Right:"}.get(line.split()[1] if len(line.split()) > 1 else "", "With the file:"))
            continue
        lines.append(f"    {line}" if fenced else line)
    return lines


def _styled(line: str) -> Line:
    if line in ("Wrong:", "Right:"):
        return [(line, "head")]
    return [(line, "label" if line.startswith("    ") else "")]
