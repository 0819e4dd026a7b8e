"""`archspec memory`."""

from __future__ import annotations

import argparse
import json
import re

from archspec.analysis.training import OPTIMIZERS, PRECISIONS, TrainingMemory
from archspec.cli import specs
from archspec.cli.arguments import spec, whole
from archspec.cli.failure import reading
from archspec.cli.screen import out

EXAMPLES = (
    ("memory resnet50 --batch 32", "what a step of training takes"),
    ("memory vit_b_16 --optimizer adamw --fit 24GiB", "the largest batch for a GPU"),
    ("memory resnet50 --precision bfloat16 --format json", "with autocast, as data"),
)
_UNITS = {
    "": 1,
    **{f"{unit}{kind}": base**at for at, unit in enumerate("KMGT", 1) for kind, base in (("iB", 1024), ("B", 1000), ("", 1024))},
}


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser)
    parser.add_argument("--batch", metavar="N", type=whole, default=32, help="images of a step (default: 32)")
    parser.add_argument("--optimizer", choices=list(OPTIMIZERS), default="adam", help="whose states are counted (default: adam)")
    parser.add_argument("--precision", choices=PRECISIONS, default=PRECISIONS[0], help="bfloat16: autocast, with weights in float32")
    parser.add_argument("--fit", metavar="SIZE", type=size, help="also the largest batch within this memory, such as 24GiB")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="the form of the answer")


def size(text: str) -> int:
    """An amount of memory, as the type of an argument: 24GiB, 80GB, 512M."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) *([A-Za-z]*)", text.strip())
    unit = next((unit for unit in _UNITS if found is not None and unit.lower() == found[2].lower()), None)
    if found is None or unit is None or len(found[1]) > 15:
        raise argparse.ArgumentTypeError(f"expected an amount of memory such as 24GiB, found `{text}`")
    return int(float(found[1]) * _UNITS[unit])


def run(arguments: argparse.Namespace) -> int:
    network = specs.network(arguments)
    specs.tell(network.diagnostics)
    with reading():
        found = TrainingMemory(network, arguments.batch, arguments.optimizer, arguments.precision)
    screen = out()
    if arguments.format == "json":
        screen.data(json.dumps(found.to_data(arguments.fit), indent=1) + "\n")
        return 0
    for line in found.to_text(arguments.fit).splitlines():
        screen.line(line, 24)
    return 0
