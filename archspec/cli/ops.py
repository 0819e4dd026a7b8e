"""`archspec ops`."""

from __future__ import annotations

import argparse

from archspec.cli.screen import out
from archspec.ops import all_classes

EXAMPLES = (("ops", "all of them"),)


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(arguments: argparse.Namespace) -> int:
    """The layers of the language, each with its arguments and what it does."""
    screen = out()
    for op in all_classes():
        fields = op.model_fields
        parts = [
            name if name in op.bare else f"{name}="
            for name in sorted(fields, key=lambda n: (n not in op.bare, not fields[n].is_required()))
        ]
        about = (op.__doc__ or "").strip().splitlines()[0]
        screen.line([(f"{op.step:<13}", "head"), (f"{' '.join(parts):<44} ", "label"), (about, "")])
    return 0
