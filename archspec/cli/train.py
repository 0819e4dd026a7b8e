"""`archspec train`."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from archspec.backends.registry import BACKENDS
from archspec.backends.train.scripts.options import SOURCES, Settings, add_options, flag, run_in
from archspec.cli import specs
from archspec.cli.arguments import spec
from archspec.cli.failure import Failure, reading
from archspec.cli.screen import tell
from archspec.cli.writing import write_folder, write_whole
from archspec.extras import require
from archspec.ir.graph import Network

FIRST = "first.pt"
"""The weights that a run begins with, by the network's own names, where --weights gives them."""

EXAMPLES = (
    ("train digits --data digits --epochs 2", "a small network on small images"),
    ("train lenet5 --data synthetic --epochs 1 --out try", "made-up data, to try it"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser)
    parser.add_argument("--out", metavar="DIR", help="the folder of the run (runs/NAME)")
    parser.add_argument("--resume", action="store_true", help="continue the run in that folder")
    add_options(parser)
    parser.add_argument(
        "--skip",
        metavar="NAME",
        action="append",
        default=[],
        help="a layer that starts from random weights, even if --weights has it; repeatable",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write what trains the network into the folder of the run, and become it."""
    require("train", "torch")
    network = specs.network(arguments)
    out = Path(arguments.out or Path("runs") / (re.sub(r"[^\w.-]", "_", network.name).strip(".") or "model"))
    files = BACKENDS["train"].emit(network)
    given = {field.name: getattr(arguments, field.name) for field in fields(Settings) if field.name in arguments}
    if arguments.resume:
        try:
            there = (out / "model.py").read_text(encoding="utf-8")
        except OSError:
            raise Failure(f"there is no run in {out} to go on with") from None
        if there != files["model.py"]:
            raise Failure(f"the run in {out} is one of another network: its model.py differs")
    else:
        _fits(network, given, out)
        first = _first_weights(network, arguments)
        write_folder(out, files)
        if first is not None:
            given["weights"] = out / FIRST
            write_whole(out / FIRST, first)
    options = [flag(name) + (f"={value}" if value is not True else "") for name, value in given.items()]
    return _become([str(out / "train.py"), *["--resume"] * arguments.resume, *options])


def _fits(network: Network, given: dict[str, Any], out: Path) -> None:
    """Look at the data, before anything is written. Raises Failure where it does not fit."""
    if held := run_in(out):
        raise Failure(held)
    if "data" not in given:
        raise Failure(f"--data is needed: {SOURCES}")
    from archspec.backends.train.scripts.data import read
    from archspec.backends.train.scripts.images import Wanted
    from archspec.backends.train.task import task_of

    task = task_of(network)
    with reading():
        # Reading every image to find broken ones is left to the run itself.
        read(Wanted(task.shape, task.outputs, Settings(**given | {"skip_broken": False})))


def _first_weights(network: Network, arguments: argparse.Namespace) -> bytes | None:
    """The weights of --weights, matched to the network as `load_weights` does, as a file; None without any. Raises Failure."""
    if "weights" not in arguments:
        if arguments.skip:
            raise Failure("--skip names layers of --weights FILE that begin as drawn; there is no --weights")
        return None
    from io import BytesIO

    import torch

    from archspec.api import load_weights, to_torch
    from archspec.weights.files import WeightsError

    net = to_torch(network, seed=0)
    with reading():
        try:
            loaded = load_weights(net, arguments.weights, skip=arguments.skip)
        except WeightsError as error:
            # What Python takes as a list is one option per name here.
            options = " ".join(f"--skip {name!r}" for name in error.skip)
            raise Failure(str(error).replace(f"skip={[*error.skip]!r}", options)) from None
    tell(f"{arguments.weights}: {loaded}")
    state, file = net.state_dict(), BytesIO()
    torch.save({name: state[name] for name, _ in loaded.pairs}, file)
    return file.getvalue()


def _become(command: list[str]) -> int:
    """Run a Python script in place of this process, so that signals and the exit status are its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execv(sys.executable, [sys.executable, *command])
    return subprocess.call([sys.executable, *command])
