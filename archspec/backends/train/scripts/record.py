"""The files of a run in its folder: checkpoints, metrics, curves. Every file is written whole: a temporary one first, then a rename."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, BinaryIO

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict, get_state_dict, set_state_dict

Metrics = dict[str, Any]


@dataclass
class Progress:
    """The progress of a run: `step` steps into epoch `epoch`, both counted from 0, and the sums of that epoch so far."""

    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    correct: float = 0.0
    seen: float = 0.0
    seconds: float = 0.0
    best: float = -1.0
    history: list[Metrics] = field(default_factory=list)


def write(path: Path, save: Callable[[BinaryIO], object]) -> None:
    """Write a file whole or not at all: readers see the old content or the new one, even after a crash of the machine."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as file:
            save(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all; line ends stay as they are in the text, on every system."""
    write(path, lambda file: file.write(text.encode()))


# checkpoints


def save(out: Path, model: nn.Module, optimizer: torch.optim.Optimizer, scaler: dict[str, Any], progress: Progress, sharded: bool) -> None:
    """Write last.pt, which holds what a run needs to resume. Each process of a sharded network writes its part to a folder named in it."""
    state: dict[str, Any] = {"progress": asdict(progress), "scaler": scaler}
    parts = _parts(model, optimizer, whole=not sharded)
    shards = f"shards-{progress.epoch}-{progress.step}"
    if sharded:
        dcp.save(parts, checkpoint_id=out / shards)
    if not _is_first():
        return
    write(out / "last.pt", lambda file: torch.save(state | ({"shards": shards} if sharded else parts), file))
    for folder in out.glob("shards-*"):
        if not sharded or folder.name != shards:
            shutil.rmtree(folder)


def load(out: Path, model: nn.Module, optimizer: torch.optim.Optimizer, scaler: Any) -> Progress:
    """Resume from last.pt, whatever number of processes wrote it. Raises SystemExit if that is impossible."""
    path = out / "last.pt"
    try:
        file = path.open("rb")
    except OSError as error:
        raise SystemExit(f"train.py: cannot read {path}: {error.strerror or error}") from None
    try:
        with file, warnings.catch_warnings(action="ignore"):
            state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises whatever its bytes lead to; torch's words advise to trust it
        code = isinstance(error, UnpicklingError) and "GLOBAL" in str(error)
        raise _damaged(path, "it holds Python objects beside weights" if code else "it is cut off, or no file of torch.save") from None
    try:
        return _restored(out, state, model, optimizer, scaler)
    except Exception as error:  # a missing part shows only where it is used
        told = str(error).strip().splitlines() or [""]
        raise _damaged(path, f"its content does not fit this run ({type(error).__name__}: {told[0][:120]})") from None


def _damaged(path: Path, why: str) -> SystemExit:
    best = path.with_name("best.pt")
    weights = f"`--out DIR --weights {shlex.quote(str(best))}` begins a run with the best weights"
    begin = weights if best.exists() else "begin anew with --out DIR"
    return SystemExit(f"train.py: {path} is damaged: {why}; nothing in it was executed; {begin}")


def _restored(out: Path, state: dict[str, Any], model: nn.Module, optimizer: torch.optim.Optimizer, scaler: Any) -> Progress:
    if "shards" in state:
        if not (out / state["shards"] / ".metadata").is_file():
            raise FileNotFoundError(f"there is no {out / state['shards'] / '.metadata'}")
        parts = _parts(model, optimizer, whole=False)
        dcp.load(parts, checkpoint_id=out / state["shards"])
        state |= parts
    elif not (state["model"] and state["optimizer"]):  # torch takes none for nothing to do
        raise ValueError("it has no weights")
    whole = _whole("shards" not in state)
    set_state_dict(model, optimizer, model_state_dict=state["model"], optim_state_dict=state["optimizer"], options=whole)
    if state["scaler"]:
        scaler.load_state_dict(state["scaler"])
    progress = Progress(**state["progress"])
    if not all(isinstance(value, type(default)) for value, default in zip(vars(progress).values(), vars(Progress()).values(), strict=True)):
        raise TypeError("the progress is none")
    return progress


def begin_with(model: nn.Module, path: Path) -> str:
    """Begin with the weights of a file, a `state_dict`; layers that it lacks stay as drawn. Returns a line that says which."""
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            found = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise SystemExit(f"train.py: cannot read {path}: {error.strerror or error}") from None
    except ImportError:
        raise SystemExit("train.py: safetensors is not installed: `pip install safetensors`") from None
    except Exception as error:  # a damaged file raises what its reader comes upon
        told = f"{path} holds no weights that can be read ({type(error).__name__}); nothing in it was executed"
        raise SystemExit(f"train.py: {told}") from None
    own = model.state_dict()
    if not isinstance(found, dict) or not found.keys() & own.keys():
        raise SystemExit(f"train.py: {path} holds none of the network's tensors, such as {next(iter(own), 'none')}; expected a state_dict")
    for name, value in found.items():
        if name not in own:
            raise SystemExit(f"train.py: {path} holds {name}, which the network lacks")
        if tuple(value.shape) != tuple(own[name].shape):
            shapes = f"{tuple(value.shape)} in {path}, {tuple(own[name].shape)} in the network"
            raise SystemExit(f"train.py: {name} is {shapes}; leave it out of the file to begin it as drawn")
    model.load_state_dict(found, strict=False)
    drawn = [name for name in own if name not in found]
    return f"{len(found)} tensors from {path}" + (f"; drawn: {', '.join(drawn)}" if drawn else "")


def save_best(out: Path, model: nn.Module) -> None:
    """Write best.pt: the weights alone, as a `state_dict`."""
    weights = get_model_state_dict(model, options=_whole(full=True))
    if _is_first():
        write(out / "best.pt", lambda file: torch.save(weights, file))


def _whole(full: bool) -> StateDictOptions:
    return StateDictOptions(full_state_dict=full, cpu_offload=full)


def _parts(model: nn.Module, optimizer: torch.optim.Optimizer, whole: bool) -> dict[str, Any]:
    """Collect the state of the network and of the optimizer, whole or this process's share."""
    return dict(zip(("model", "optimizer"), get_state_dict(model, optimizer, options=_whole(whole)), strict=True))


def _is_first() -> bool:
    return not dist.is_initialized() or dist.get_rank() == 0


# metrics


@contextmanager
def bar(shown: bool, text: str, done: int, total: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar in a terminal, if rich is installed; yields the function that advances it."""
    try:
        from rich.console import Console
        from rich.progress import Progress as Bar
    except ImportError:
        shown = False
    if not shown:
        yield lambda: None
        return
    with Bar(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(text, total=total, completed=done)
        yield lambda: progress.advance(task)


def told(row: dict[str, Any], epochs: int) -> str:
    """Describe an epoch in one line."""
    return (
        f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}  loss {row['train_loss']:.4f}  accuracy {row['train_accuracy']:.4f}"
        f"  val_loss {row['val_loss']:.4f}  val_accuracy {row['val_accuracy']:.4f}"
        f"  {row['images_per_second']:,.0f} images/s  {row['seconds']:.1f} s"
    )


def write_metrics(out: Path, history: list[Metrics]) -> None:
    """Write metrics.csv and metrics.jsonl, one line per epoch."""
    table = io.StringIO()
    rows = csv.DictWriter(table, list(history[0]), lineterminator="\n")
    rows.writeheader()
    rows.writerows(history)
    write_text(out / "metrics.csv", table.getvalue())
    write_text(out / "metrics.jsonl", "".join(json.dumps(row) + "\n" for row in history))


def draw_curves(out: Path, title: str, history: list[Metrics]) -> None:
    """Draw curves.svg and curves.png: loss and accuracy of each epoch. Raises ImportError without matplotlib."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    epochs = [row["epoch"] for row in history]
    with rc_context({"svg.hashsalt": title, "svg.fonttype": "path"}):
        figure = Figure(figsize=(10, 4), layout="constrained")
        figure.suptitle(title, parse_math=False)
        for axes, what in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
            for part, label, style in (("train", "training", "--"), ("val", "validation", "-")):
                values = [row[f"{part}_{what}"] for row in history]
                axes.plot(epochs, values, style, label=label, marker="." if len(epochs) < 3 else "")
            axes.set(xlabel="epoch", ylabel=what)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.grid(alpha=0.3)
            axes.legend()
        write(out / "curves.svg", lambda file: figure.savefig(file, format="svg", metadata={"Date": None}))
        write(out / "curves.png", lambda file: figure.savefig(file, format="png", dpi=150))


def finish(out: Path, title: str, history: list[Metrics]) -> list[str]:
    """Draw the curves of a run that has ended; returns its summary: the best epoch, where its weights are, what to do next."""
    lines = []
    try:
        draw_curves(out, title, history)
    except ImportError as error:
        if error.name != "matplotlib":
            raise
        lines.append("matplotlib is not installed, so no curves were drawn: `pip install matplotlib`")
    best = max(history, key=lambda row: row["val_accuracy"])
    folder = out.relative_to(Path.cwd()) if out.is_relative_to(Path.cwd()) and out != Path.cwd() else out
    reached = f"best: epoch {best['epoch']} of {len(history)}, val_accuracy {best['val_accuracy']:.4f}"
    run = shlex.quote(str(folder))
    return [*lines, f"{reached}; its weights are {folder / 'best.pt'}", f"next: archspec evaluate {run}   or: archspec predict {run} IMAGE"]
