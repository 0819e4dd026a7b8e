"""`archspec emit`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from archspec.backends.registry import BACKENDS, Backend, Binary
from archspec.cli import specs
from archspec.cli.arguments import listed, spec, whole
from archspec.cli.failure import Failure, reading
from archspec.cli.screen import out, tell
from archspec.cli.writing import write_folder, write_whole, writing

EXAMPLES = (
    ("emit torch resnet50 -o resnet50.py", "a PyTorch module"),
    ("emit onnx lenet5 -o lenet5.onnx", "an ONNX model, weights drawn at random"),
    ("emit json net.arch", "the network as a document"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    about = listed([f"{backend.name} ({backend.about})" for backend in BACKENDS.values()])
    parser.add_argument("target", metavar="TARGET", choices=list(BACKENDS), help=about)
    spec(parser)
    folders = listed([f"`{backend.name}`" for backend in BACKENDS.values() if not backend.suffix])
    parser.add_argument("-o", "--output", metavar="OUT", help=f"the file to write; standard output without it. For {folders} the folder")
    for backend in BACKENDS.values():
        group = parser.add_argument_group(backend.name)
        for option in backend.options:
            kind: dict[str, Any] = {"metavar": option.value, "type": whole if option.value == "N" else str}
            kind = {"choices": option.choices} if option.choices else kind if option.value else {"action": "store_true", "default": None}
            group.add_argument(f"--{option.name.replace('_', '-')}", help=option.about, **kind)


def run(arguments: argparse.Namespace) -> int:
    backend = BACKENDS[arguments.target]
    options = _options(backend, arguments)
    if not backend.suffix and not arguments.output:
        raise Failure(f"`emit {backend.name}` writes several files: name their folder with -o")
    network = specs.network(arguments)
    with reading():
        result = backend.emit(network, **options)
    if isinstance(result, dict):
        write_folder(Path(arguments.output), result)
    elif not isinstance(result, str):
        _write_binary(result, arguments.output)
    elif arguments.output:
        write_whole(Path(arguments.output), result)
    else:
        out().data(result)
    return 0


def _options(backend: Backend, arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that were given. Raises Failure for those of another backend."""
    given = {}
    for other, option in ((each, option) for each in BACKENDS.values() for option in each.options):
        value = getattr(arguments, option.name)
        if value is None:
            continue
        if other is not backend:
            raise Failure(f"--{option.name.replace('_', '-')} is for `emit {other.name}`")
        given[option.name] = value
    return given


def _write_binary(result: Binary, output: str | None) -> None:
    if result.note:
        tell(result.note)
    if output is None:
        if result.apart:
            raise Failure("weights above 2 GiB, and those of --external-data, go to a file next to the model: name the model with -o")
        if sys.stdout.isatty():
            raise Failure("a model is no text: name the file to write with -o")
        result.write(sys.stdout.buffer)
        return
    path = Path(output)
    if not result.apart:
        with writing(path) as (stream,):
            result.write(stream)
        return
    if path.exists() and not path.is_file() and not path.is_dir():
        raise Failure(f"{path} is not a regular file, so the weights cannot go to a file next to it")
    path = path.resolve() if path.is_symlink() else path
    beside = path.with_name(f"{path.name}.data")
    with writing(path, beside) as (stream, data):
        result.write(stream, data, beside.name)
