"""`archspec emit onnx`."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec import __version__
from archspec.cli.arguments import whole
from archspec.cli.failure import Failure
from archspec.cli.screen import tell
from archspec.cli.writing import writing
from archspec.extras import install
from archspec.ir.graph import Network

if TYPE_CHECKING:
    from archspec.backends.onnx.export import Emitted

OPTIONS = ("opset", "batch", "layout", "weights", "seed", "external_data", "fold_bn")
"""The arguments of `archspec emit` that are for this target alone."""


def arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--weights", metavar="FILE", help="the weights: a .safetensors or .pt file, or `none` to declare them as inputs")
    group.add_argument("--seed", metavar="N", type=whole, help="draw the weights as PyTorch initialises them (without --weights: 0)")
    group.add_argument("--opset", metavar="N", type=whole, help="the version of the operators, 13 to 26 (22)")
    group.add_argument("--batch", metavar="N", type=whole, help="the size of the batch; a dimension called N without it")
    group.add_argument("--layout", choices=["nchw", "nhwc"], help="the order of the axes of the input (nchw)")
    group.add_argument("--fold-bn", action="store_true", help="fold batch norms into the layers before them")
    group.add_argument("--external-data", action="store_true", help="write the weights to OUT.data; above 2 GiB they always are")


def run(network: Network, arguments: argparse.Namespace) -> None:
    """Write a network as an ONNX file. Raises Failure, and SpecError where it cannot be said in ONNX or the weights do not fit."""
    if find_spec("onnx") is None:
        raise Failure(f"onnx is not installed: {install('onnx')}")
    from archspec.backends.onnx.export import emit
    from archspec.backends.onnx.opsets import Settings

    chosen = {name: value for name in Settings._fields if (value := getattr(arguments, name, None)) is not None}
    if arguments.seed is not None and (arguments.seed < 0 or arguments.weights is not None):
        raise Failure("--seed takes a whole number of at least 0, and excludes --weights")
    try:
        emitted = emit(network, Settings(**chosen, version=__version__), _weights(arguments.weights), arguments.seed or 0)
    except ValueError as error:
        raise Failure(str(error)) from None
    if emitted.told:
        tell(f"{arguments.weights}: {emitted.told}")
    _write(emitted, arguments.output, bool(arguments.external_data))


def _weights(named: str | None) -> dict[str, Any] | str | None:
    """The values in a file, by key; `none` for none. Raises Failure."""
    if named is None or named == "none":
        return named
    from archspec.weights.files import read_weights

    try:
        return read_weights(named, "numpy").tensors
    except OSError as error:
        raise Failure(f"cannot read {named}: {error.strerror or error}") from None
    except ImportError as error:
        raise Failure(str(error)) from None


def _write(emitted: Emitted, output: str | None, external: bool) -> None:
    from archspec.backends.onnx import file

    parts = emitted.model, emitted.graph, emitted.stored
    external = external or not emitted.fits
    if output is None:
        if external:
            raise Failure("weights above 2 GiB, and those asked to be apart, stand in a file beside the model: name it with -o")
        if sys.stdout.isatty():
            raise Failure("a model is no text: name the file to write with -o")
        file.write(sys.stdout.buffer, *parts)
        return
    path = Path(output)
    if not external:
        with writing(path) as (stream,):
            file.write(stream, *parts)
        return
    if path.exists() and not path.is_file() and not path.is_dir():
        raise Failure(f"{path} is no file that another could stand beside")
    path = path.resolve() if path.is_symlink() else path
    beside = path.with_name(f"{path.name}.data")
    with writing(path, beside) as (stream, data):
        file.write_external(stream, data, beside.name, *parts)
