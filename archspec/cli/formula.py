"""`archspec formula`."""

from __future__ import annotations

import argparse

from archspec.cli import specs
from archspec.cli.arguments import spec
from archspec.cli.failure import Failure, reading
from archspec.cli.screen import out
from archspec.symbolic.formulas import GROUPS, Formula
from archspec.symbolic.subjects import spec_of
from archspec.symbolic.tracing import COUNTS

EXAMPLES = (
    ("formula unet --in width", "parameters and MACs as polynomials in a param"),
    ("formula resnet50 --in H,W,classes", "in the sizes of the input, too"),
    ("formula resnet50 --in H,classes --group stage", "for each label, block and repeat at the top, and in all"),
    ("formula lenet5 --in H --count macs --format latex", "for a lecture"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser)
    parser.add_argument("--in", metavar="A,B", dest="names", required=True, help="the variables: H, W, C for the input's sizes, and params")
    parser.add_argument("--count", metavar="A,B", default="params,macs", help=f"the counts: {', '.join(COUNTS)}")
    parser.add_argument("--group", choices=GROUPS, help="formulas of the labels, blocks and repeats at the top of the spec, too")
    parser.add_argument("--format", choices=["text", "latex", "json", "python"], default="text", help="the form of the formulas")


def run(arguments: argparse.Namespace) -> int:
    import json

    if arguments.group and arguments.format == "python":
        raise Failure("`--group` is for text, latex and json; the function in Python computes the counts of the whole")
    network = specs.network(arguments)
    with reading():
        found = Formula(spec_of(network), _words(arguments.names), _words(arguments.count), arguments.group)
    screen = out()
    if arguments.format == "json":
        screen.data(json.dumps(found.to_data(), indent=1) + "\n")
    elif arguments.format == "text":
        for line in found.to_text().splitlines():
            screen.line(line)
    else:
        screen.data(getattr(found, f"to_{arguments.format}")())
    return 0


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
