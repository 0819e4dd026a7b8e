"""`archspec find`."""

from __future__ import annotations

import argparse

from archspec.cli import spaces
from archspec.cli.arguments import whole
from archspec.cli.failure import Failure, reading
from archspec.cli.screen import out
from archspec.cli.sweep import show
from archspec.symbolic.sweeps import read_condition
from archspec.views import variants

EXAMPLES = (
    ("find mobilenet_v2 --set width=0.1:4:0.001 --where 'params < 3e6' --largest width", "the widest network under a budget"),
    ("find net.arch --input 96:320:32 --where 'macs < 300e6' --largest H --top 3", "the largest inputs"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spaces.arguments(parser)
    parser.add_argument("--where", metavar="CONDITION", help="as the language writes it, over counts and what varies: 'params < 5e6'")
    parser.add_argument("--largest", metavar="NAME", help="the largest values of a count, or of what varies, first")
    parser.add_argument("--smallest", metavar="NAME", help="the smallest ones first")
    parser.add_argument("--top", metavar="N", type=whole, default=10, help="how many are shown (default: 10)")
    parser.add_argument("--format", choices=variants.FORMATS, default="text", help="the form of the answer")


def run(arguments: argparse.Namespace) -> int:
    if arguments.largest and arguments.smallest:
        raise Failure("--largest and --smallest exclude each other")
    if arguments.top < 1:
        raise Failure(f"--top takes a number from 1 on, not {arguments.top}")
    asked = spaces.asked(arguments)
    if not asked.space.groups:
        raise Failure("nothing varies: give a range, such as `--set width=0.1:4:0.01` or `--input 96:320:32`")
    with reading():
        if arguments.where is not None:
            read_condition(arguments.where)  # before the work
    found = spaces.swept(arguments, asked)
    with reading():
        kept = found.where(arguments.where) if arguments.where is not None else found
        by = arguments.largest or arguments.smallest or found.names[0]
        rows = kept.best(by, largest=bool(arguments.largest))[: arguments.top]
    screen = out()
    if arguments.format != "text":
        for piece in variants.document(found.names, rows, arguments.format, kept):
            screen.data(piece)
        return 0
    show(kept, rows, screen)
    if not kept.legal and found.legal:
        screen.line(f"None, because no variant meets `{arguments.where}`.")
    elif not found.legal:
        screen.line("None, because no variant is a network.")
    return 0
