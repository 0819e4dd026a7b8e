"""`archspec sizes`."""

from __future__ import annotations

import argparse
import json

from archspec.cli import spaces
from archspec.cli.arguments import spec, whole
from archspec.cli.failure import reading
from archspec.cli.screen import out
from archspec.symbolic.sizes import LAST, sizes_of

EXAMPLES = (
    ("sizes unet", "which input sizes a spec takes, and where the others fail"),
    ("sizes vgg16 --free", "height and width each alone"),
    ("sizes net.arch --from 32 --to 512", "of some sizes"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser)
    parser.add_argument("--from", metavar="N", dest="first", type=whole, default=1, help="the smallest size that is tried (default: 1)")
    parser.add_argument("--to", metavar="N", dest="last", type=whole, default=LAST, help=f"the largest (default: {LAST:,})")
    parser.add_argument("--free", action="store_true", help="each axis alone, instead of a square")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="the form of the answer")


def run(arguments: argparse.Namespace) -> int:
    found = spaces.spec(arguments, arguments.set, arguments.input)
    with reading():
        each = [
            answer
            for name in found.inputs or [found.first]
            for answer in sizes_of(found, name, arguments.first, arguments.last, free=arguments.free)
        ]
    screen = out()
    if arguments.format == "json":
        screen.data(json.dumps([answer.to_data() for answer in each], indent=1) + "\n")
        return 0
    for answer in each:
        head = f"{answer.input}: " if len(found.inputs) > 1 else ""
        for at, line in enumerate(answer.lines()):
            screen.line(head + line if at == 0 else line, 4)
    return 0
