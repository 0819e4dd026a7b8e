"""`archspec emit`."""

from __future__ import annotations

import argparse
from pathlib import Path

from archspec.api import emit
from archspec.cli import onnx, specs, train
from archspec.cli.arguments import spec
from archspec.cli.failure import Failure
from archspec.cli.onnx import OPTIONS
from archspec.cli.screen import out
from archspec.cli.writing import write_whole
from archspec.diagnostics import SpecError

TARGETS = ("torch", "onnx", "json", "train")
_TARGET = "torch (a PyTorch source file), onnx (a model), json (the IR document), or train (a folder with the model and what trains it)"
EXAMPLES = (
    ("emit torch resnet50 -o resnet50.py", "a module of PyTorch"),
    ("emit onnx lenet5 -o lenet5.onnx", "an ONNX model, weights drawn at random"),
    ("emit json net.arch", "the network as a document"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", choices=TARGETS, help=_TARGET)
    spec(parser)
    parser.add_argument("-o", "--output", metavar="OUT", help="the file to write; standard output without it. For `train` the folder")
    onnx.arguments(parser.add_argument_group("onnx"))


def run(arguments: argparse.Namespace) -> int:
    for name in OPTIONS if arguments.target != "onnx" else ():
        if (value := getattr(arguments, name)) is not None and value is not False:
            raise Failure(f"--{name.replace('_', '-')} is for `emit onnx`")
    if arguments.target == "train" and not arguments.output:
        raise Failure("`emit train` writes several files: name their folder with -o")
    network = specs.network(arguments)
    if network is None:
        return 1
    try:
        if arguments.target == "train":
            train.write(network, arguments.output)
            return 0
        if arguments.target == "onnx":
            onnx.run(network, arguments)
            return 0
        text = emit(network, arguments.target)
    except SpecError as error:
        specs.tell(error.diagnostics)
        return 1
    if arguments.output:
        write_whole(Path(arguments.output), text)
    else:
        out().data(text)
    return 0
