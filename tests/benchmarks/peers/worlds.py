"""What each kind of tool is given for a network or a corner case. Imported by the measured processes only."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks.peers import networks
from tests.benchmarks.peers.corners import CORNERS
from tests.benchmarks.peers.tools import onnx_tool_load
from tests.benchmarks.peers.truth import NETWORKS

Given = tuple[Any, ...]


def spec(name: str, folder: Path) -> Given | None:
    """A spec, read and checked."""
    import archspec

    if name in CORNERS:
        text = CORNERS[name].spec
        return (archspec.loads(text),) if text is not None else None
    bundled, *options = NETWORKS[name][1].split()
    settings = (option.split("=") for option in options if "=" in option)
    return (archspec.load(bundled, params={key: [int(part) for part in value.split(",")] for key, value in settings}),)


def module(name: str, folder: Path, device: str = "cpu") -> Given | None:
    """A module and its input."""
    import torch

    with torch.device(device) if device != "cpu" else nullcontext():
        if name in NETWORKS:
            return networks.torch_network(name), torch.zeros(networks.shape(name))
        from tests.benchmarks.peers.modules import TORCH

        make, shape = TORCH[name]
        return make().to(device), torch.zeros(1, *shape)


def keras(name: str, folder: Path) -> Given | None:
    """A Keras model."""
    if name in NETWORKS:
        return (networks.keras_network(name),) if networks.in_keras(name) else None
    from tests.benchmarks.peers.modules import keras_corners

    make = keras_corners().get(name)
    return (make(),) if make is not None else None


def onnx(name: str, folder: Path) -> Given | None:
    """A graph, read from its file."""
    return (onnx_tool_load(str(folder / f"{name}.onnx")),)


WORLDS: dict[str, Callable[[str, Path], Given | None]] = {
    "archspec": spec,
    "torch": module,
    "torch meta": partial(module, device="meta"),
    "keras": keras,
    "onnx": onnx,
}
