"""`archspec list`."""

from __future__ import annotations

import argparse

from archspec.cli.screen import out
from archspec.resources import bundled_names, specs_folder

EXAMPLES = (("list", "all of them"),)


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(arguments: argparse.Namespace) -> int:
    """The bundled specs, each with the first line of its text."""
    screen = out()
    names = bundled_names()
    width = max(map(len, names), default=0)
    for name in names:
        with (specs_folder() / f"{name}.arch").open(encoding="utf-8") as file:
            first = file.readline().strip()
        about = first.lstrip("# ") if first.startswith("#") else ""
        room = (screen.width or 10_000) - width - 2
        screen.line([(f"{name:<{width}}  ", "head"), (about if len(about) <= room else about[: room - 3] + "...", "")])
    return 0
