"""`archspec evaluate`."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from archspec.api import load, load_weights, to_onnx, to_torch
from archspec.backends.train.scripts.options import DEVICES
from archspec.cli.arguments import whole
from archspec.cli.failure import Failure, reading
from archspec.cli.screen import out, tell
from archspec.cli.writing import form, write_whole
from archspec.diagnostics import SpecError
from archspec.diagnostics.visible import visible
from archspec.extras import install, require
from archspec.saving import PICTURES

if TYPE_CHECKING:
    import torch
    from torch import nn

    from archspec.backends.train.evaluation import Result, Setting
    from archspec.backends.train.task import Task
    from archspec.ir.graph import Network

FORMATS = ("text", "json")
_WIDEST = 20
"""Of more classes than this only the commonest mistakes are shown."""
EXAMPLES = (
    ("evaluate runs/digits", "the accuracy and the confusion matrix"),
    ("evaluate runs/digits --onnx digits.onnx", "the trained network as a file"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    run_options(parser)
    parser.add_argument("--data", metavar="SOURCE", help="the data to test on, as for `train`; without it the data of the run")
    parser.add_argument("--batch", metavar="N", type=whole, default=256, help="images at a time (256)")
    parser.add_argument("--picture", metavar="OUT", help="where to draw the confusion matrix: .svg, .png or .pdf (DIR/confusion.svg)")
    parser.add_argument("--safetensors", metavar="OUT", help="write the weights as safetensors")
    parser.add_argument("--onnx", metavar="OUT", help="write the trained network as ONNX")


def run_options(parser: argparse.ArgumentParser) -> None:
    """Add what `evaluate` and `predict` take: a run, and how to use and report it."""
    parser.add_argument("folder", metavar="DIR", help="the folder of a run")
    parser.add_argument("--weights", metavar="FILE", help="the weights (DIR/best.pt)")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="(auto: a GPU where there is one)")
    parser.add_argument("--format", choices=FORMATS, default="text", help="the form of the result")


def run(arguments: argparse.Namespace) -> int:
    require("train", "torch")
    drawn = Path(arguments.picture or Path(arguments.folder) / "confusion.svg")
    ending = form(drawn, PICTURES, "the picture")
    if arguments.batch < 1:
        raise Failure("--batch takes a whole number of at least 1")
    from archspec.backends.train.evaluation import data_of, evaluate, picture

    network, net, task, told, device = trained(arguments)
    told = told._replace(settings=replace(told.settings, data=arguments.data)) if arguments.data else told
    with reading():
        data = data_of(told, task)
        if data.skipped:
            tell(f"{len(data.skipped):,} images cannot be read and are left out")
        result = evaluate(net, task, data, told, arguments.batch, device)
    try:
        write_whole(drawn, picture(result, f"{network.name}: accuracy {result.accuracy:.4f}", ending[1:]))
    except ImportError:
        if arguments.picture:
            raise Failure(f"matplotlib draws the picture: {install('curves')}") from None
    _export(network, net, told, arguments)
    if arguments.format == "json":
        counts = {"accuracy": result.accuracy, "images": result.images, "right": result.right}
        out().data(json.dumps(counts | {"classes": result.classes, "confusion": result.confusion}, indent=1) + "\n")
    else:
        _tell(result)
    return 0


def trained(arguments: argparse.Namespace) -> tuple[Network, nn.Module, Task, Setting, torch.device]:
    """The network of a run's folder with its weights, its task, what it was trained with, and where it runs. Raises Failure."""
    import torch

    from archspec.backends.train.evaluation import setting
    from archspec.backends.train.script import SPEC
    from archspec.backends.train.scripts.processes import device_kind
    from archspec.backends.train.task import task_of

    folder = Path(arguments.folder)
    try:
        with reading():
            told = setting(folder)
            device = torch.device(device_kind(arguments.device))
            network = load(folder / SPEC)
            task = task_of(network)
            net = to_torch(network)
            load_weights(net, arguments.weights or folder / "best.pt")
    except SpecError as error:
        raise Failure(f"{folder / SPEC} is damaged: {error.diagnostics[0].message}") from None
    return network, net, task, told, device


def _tell(result: Result) -> None:
    """Accuracy, and the confusion matrix: rows are classes, columns what their images were taken for."""
    screen = out()
    screen.line(f"accuracy {result.accuracy:.4f}: {result.right:,} of {result.images:,} images")
    screen.line()
    names = [visible(name) for name in result.classes]
    if len(names) > _WIDEST:
        screen.lines(_mistaken(result, names))
        return
    width = max(len(str(value)) for row in result.confusion for value in row)
    rows = [["class", *names, "recall"]]
    for at, (name, row) in enumerate(zip(names, result.confusion, strict=True)):
        recall = result.recall(at)
        rows.append([name, *(str(value or ".").rjust(width) for value in row), "?" if recall is None else f"{recall:.3f}"])
    first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
    for name, *cells in rows:
        screen.line("  ".join([name.ljust(first), *(cell.rjust(w) for cell, w in zip(cells, others, strict=True))]))


def _mistaken(result: Result, names: list[str]) -> list[str]:
    """The ten commonest mistakes."""
    found = [(n, i, j) for i, row in enumerate(result.confusion) for j, n in enumerate(row) if i != j and n]
    most = sorted(found, key=lambda each: (-each[0], *each[1:]))[:10]
    return [f"{count:>6} of {sum(result.confusion[i])} of class {names[i]} were taken for {names[j]}" for count, i, j in most]


def _export(network: Network, net: nn.Module, told: Setting, arguments: argparse.Namespace) -> None:
    """Write the weights, and an ONNX file, where asked for, with what their user has to know. Raises Failure."""
    values = {name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()}
    shape = network.inputs[0].type.shape
    about = told.about((shape[-1], *shape[:-1]))
    with reading():
        if arguments.safetensors:
            from safetensors.torch import save

            write_whole(Path(arguments.safetensors), save(values, {"format": "pt"} | about))
        if arguments.onnx:
            model = to_onnx(network, values)
            model.graph.input[0].doc_string = about["preprocessing"]
            for name, text in about.items():
                model.metadata_props.add(key=f"archspec.{name}", value=text)
            write_whole(Path(arguments.onnx), model.SerializeToString())
    for path in filter(None, (arguments.safetensors, arguments.onnx)):
        tell(f"{path} is written")
