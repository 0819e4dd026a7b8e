"""`archspec import`."""  # noqa: N999  (a file is called as its command is)

from __future__ import annotations

import argparse
from pathlib import Path

from archspec.cli import specs
from archspec.cli.failure import Failure, reading
from archspec.cli.screen import out, tell
from archspec.cli.writing import write_whole, writing
from archspec.elaborate.settings import inputs_of
from archspec.imports.imported import Imported

EXAMPLES = (
    ("import model.onnx -o model.arch", "a short spec of a model"),
    ("import model.onnx --weights model.safetensors", "its numbers too, for load_weights"),
    ("import torch.nn:Identity --input 8x8x3", "a PyTorch module, whose code is run"),
)

_MODEL = (
    "a file, whose ending says what it is; or PACKAGE.MODULE:NAME, a model of PyTorch or Keras or what makes one when it is called without "
    "arguments: its code is imported, and so is run"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="MODEL", help=_MODEL)
    parser.add_argument("-o", "--output", metavar="OUT", help="the .arch file to write; standard output without it")
    parser.add_argument(
        "--input",
        metavar="HxWxC",
        action="append",
        default=[],
        help="the input's shape, channels last, where the model lacks it; NAME=HxWxC where there are several",
    )
    parser.add_argument("--flat", action="store_true", help="a line for each layer, without blocks and repeats")
    parser.add_argument("--weights", metavar="OUT", help="also write the numbers of the model as a .safetensors file")
    parser.add_argument("--data", metavar="FILE", help="the file of weights, where it lies apart from the model; no other is opened")


def run(arguments: argparse.Namespace) -> int:
    _check(arguments)
    found = _imported(arguments)
    specs.tell(found.diagnostics)
    if found.note:
        tell(found.note)
    text = _flat(found) if arguments.flat else found.text
    if arguments.weights:
        _write_weights(found, arguments)
    if arguments.output:
        write_whole(Path(arguments.output), text)
    else:
        out().data(text)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what makes no sense, before anything is read. Raises Failure."""
    if arguments.file == "-":
        raise Failure("a model is read from a file, whose ending says what it is; not from standard input")
    if arguments.data and not arguments.weights:
        raise Failure("--data is read for --weights OUT, which writes the numbers")
    for written in filter(None, (arguments.output, arguments.weights)):
        if any(
            read and Path(written).exists() and Path(read).exists() and Path(written).samefile(read)
            for read in (arguments.file, arguments.data)
        ):
            raise Failure(f"{written} is read, and would be overwritten")
    if arguments.weights and not arguments.weights.lower().endswith(".safetensors"):
        raise Failure(f"weights are written as .safetensors, not as `{arguments.weights}`")


def _imported(arguments: argparse.Namespace) -> Imported:
    from archspec.imports.live import from_name, is_name
    from archspec.imports.opening import from_file

    with reading():
        inputs = inputs_of(specs.shapes(arguments.input))
        if is_name(arguments.file):
            if arguments.data:
                raise Failure("--data is for the weights of a file: a live model has its own")
            return from_name(arguments.file, inputs, numbers=bool(arguments.weights))
        return from_file(arguments.file, inputs)


def _flat(found: Imported) -> str:
    from archspec.backends.arch import expand

    return expand(found.network)


def _write_weights(found: Imported, arguments: argparse.Namespace) -> None:
    from archspec.imports.carrying import carry

    with writing(Path(arguments.weights)) as (file,), reading():
        count = carry(found, file, Path(arguments.data) if arguments.data else None)
    tell(f"{count:,} tensors are in {arguments.weights}")
