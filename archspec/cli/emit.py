"""`archspec emit`."""

from __future__ import annotations

import argparse
from pathlib import Path

from archspec.api import emit
from archspec.cli import onnx, specs, train
from archspec.cli.failure import Failure
from archspec.cli.onnx import OPTIONS
from archspec.cli.screen import out
from archspec.cli.writing import write_whole
from archspec.diagnostics import SpecError


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
