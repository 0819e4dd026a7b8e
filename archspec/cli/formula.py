"""`archspec formula`."""

from __future__ import annotations

import argparse

from archspec.cli import specs
from archspec.cli.arguments import spec
from archspec.cli.failure import reading
from archspec.cli.screen import out
from archspec.symbolic.subjects import spec_of
from archspec.symbolic.tracing import COUNTS

EXAMPLES = (
    ("formula unet --in width", "parameters and MACs as polynomials in a param"),
    ("formula resnet50 --in H,W,classes", "in the sizes of the input, too"),
    ("formula lenet5 --in H --count macs --format latex", "for a lecture"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser)
    parser.add_argument("--in", metavar="A,B", dest="names", required=True, help="the variables: H, W, C for the input's sizes, and params")
    parser.add_argument("--count", metavar="A,B", default="params,macs", help=f"the counts: {', '.join(COUNTS)}")
    parser.add_argument("--format", choices=["text", "latex", "json", "python"], default="text", help="the form of the formulas")


def run(arguments: argparse.Namespace) -> int:
    import json

    from archspec.symbolic.formulas import Formula

    network = specs.network(arguments)
    with reading():
        found = Formula(spec_of(network), _words(arguments.names), _words(arguments.count))
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
