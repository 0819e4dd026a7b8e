"""`archspec rule`."""

from __future__ import annotations

import argparse
import re

from archspec.cli.arguments import proposal
from archspec.cli.failure import Failure
from archspec.cli.screen import out
from archspec.diagnostics.catalogue import codes, fence_attributes, page
from archspec.diagnostics.folding import folded

EXAMPLES = (
    ("rule A203", "what a message means, with an example"),
    ("rule conv", "the messages about a layer"),
    ("rule", "all codes"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", metavar="CODE", nargs="?", help="a code such as A203, or a layer such as conv; all codes without one")


def run(arguments: argparse.Namespace) -> int:
    word = arguments.code
    if word is None:
        _list(codes())
    elif re.fullmatch(r"[Aa]\d*", word):
        _page(word.upper())
    else:
        from archspec.cli.ops import step_of
        from archspec.views.layer_page import codes_about

        _list(codes_about(step_of(word)))
    return 0


def _list(chosen: list[str]) -> None:
    screen = out()
    for code in chosen:
        found = page(code)
        screen.line([(code, found.severity), (f"  {found.title}", "")], 6)


def _page(code: str) -> None:
    try:
        found = page(code)
    except KeyError:
        raise Failure(f"there is no code `{code}`" + proposal(code, codes(), "; `archspec rule` lists them")) from None
    screen = out()
    for line in _shown(found.code, found.title, found.severity, found.text):
        style = "head" if line in ("Wrong:", "Right:") else "label" if line.startswith("    ") else ""
        screen.lines(folded([(line, style)], screen.width or 120, 6 if line.startswith(" ") else 0))


def _shown(code: str, title: str, severity: str, text: str) -> list[str]:
    """The page for a terminal: fences become headings, and paragraphs are lines to be folded."""
    lines = [f"{severity}[{code}]: {title}", ""]
    fenced, paragraph = False, False
    for line in text.strip().splitlines():
        if line.startswith("```"):
            fenced = not fenced
            if fenced:
                attributes = fence_attributes(line.partition("{")[2])
                lines.append("Wrong:" if "wrong" in attributes else "Right:" if "right" in attributes else "With the file:")
            continue
        goes_on = paragraph and not fenced and line[:1].isalnum()
        paragraph = not fenced and bool(line)
        lines[-1:] = [f"{lines[-1]} {line}"] if goes_on else [lines[-1], f"    {line}" if fenced else line]
    return lines
