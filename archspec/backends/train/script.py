"""The files of a training: the network, and the program that trains it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from archspec.backends.arch import expand
from archspec.backends.torch.module import emit as emit_torch
from archspec.backends.train.task import task_of
from archspec.ir.graph import Network

SCRIPTS = ("train", "data", "images", "options", "processes", "record")
SPEC = "network.arch"
_FOLDER = Path(__file__).with_name("scripts")


def emit(network: Network) -> dict[str, str]:
    """Make the files, by name; they need PyTorch, and no archspec. Raises SpecError, registry.Unsupported."""
    task = task_of(network)
    files = {"model.py": emit_torch(network)}
    for name in SCRIPTS:
        files[f"{name}.py"] = (_FOLDER / f"{name}.py").read_text(encoding="utf-8").replace("from archspec.backends.train.scripts.", "from ")
    constants = {
        "NAME": json.dumps(network.name),
        "INPUT": _listed("(", [*map(str, task.shape)], ")"),
        "OUTPUTS": str(task.outputs),
        "LOSS": json.dumps(task.loss),
        "LAST": _listed("(", [json.dumps(layer) for layer in task.last], ")"),
        "HEADS": _listed("{", [f"{json.dumps(head)}: {weight!r}" for head, weight in task.heads.items()], "}"),
        "MACS": str(task.macs),
    }
    for name, value in constants.items():
        files["train.py"] = _assigned(files["train.py"], name, value)
    return files | {SPEC: expand(network)}


def _listed(opened: str, items: list[str], closed: str) -> str:
    """Write a tuple or dict, over several lines if it is long."""
    comma = "," if opened == "(" and len(items) == 1 else ""
    whole = opened + ", ".join(items) + comma + closed
    return whole if len(whole) <= 60 else "\n".join([opened, *(f"    {item}," for item in items), closed])


def _assigned(text: str, name: str, value: str) -> str:
    """Give one of a text's constants another value."""
    pattern = re.compile(rf"^({name}(?:: [^=\n]+)?) = \S.*?(  # .*)?$", re.MULTILINE)
    assert len(pattern.findall(text)) == 1, name
    return pattern.sub(lambda found: f"{found[1]} = {value}{found[2] or ''}", text)
