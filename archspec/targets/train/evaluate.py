"""How good a trained network is: which class each image of a test was taken for."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from archspec.targets.train.scripts.data import Data, DataError, check, read, whole
from archspec.targets.train.scripts.images import prepare
from archspec.targets.train.task import Task


class Setting(NamedTuple):
    """What a run was told, as far as a test must do the same: settings.json in its folder."""

    source: str
    resize: bool
    gray: bool
    mean: list[float]
    std: list[float]


class Result(NamedTuple):
    """`confusion[i][j]`: how many images of class i were taken for class j."""

    classes: tuple[str, ...]
    confusion: list[list[int]]

    @property
    def images(self) -> int:
        return sum(map(sum, self.confusion))

    @property
    def right(self) -> int:
        return sum(row[at] for at, row in enumerate(self.confusion))

    @property
    def accuracy(self) -> float:
        return self.right / self.images

    def recall(self, at: int) -> float | None:
        """Of the images of a class, the part that was found; None where there are none."""
        count = sum(self.confusion[at])
        return self.confusion[at][at] / count if count else None


def setting(folder: Path) -> Setting:
    """What the run of a folder was told. Raises DataError."""
    try:
        told = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
        settings: dict[str, Any] = told["settings"]
        return Setting(
            str(settings["data"]), bool(settings["resize"]), bool(settings["gray"]), *([*map(float, told[n])] for n in ("mean", "std"))
        )
    except OSError:
        raise DataError(f"{folder} is no folder of a run: it has no settings.json") from None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder / 'settings.json'} is damaged: {error}") from None


def data_of(setting: Setting, task: Task) -> Data:
    """The data to test with. Raises DataError where it cannot be read or does not fit."""
    data = read(setting.source, task.shape, task.outputs, setting.gray)
    check(data, task.shape, task.outputs, setting.resize)
    if len(setting.mean) != data.shape[0]:
        raise DataError(f"the run learned from images with {len(setting.mean)} channels, and these have {data.shape[0]}")
    return data


@torch.no_grad()
def evaluate(net: nn.Module, task: Task, data: Data, setting: Setting, batch: int, device: torch.device) -> Result:
    """Test a network, as `archspec.to_torch` makes it, with the test part of the data."""
    count = len(data.test)
    mean, std = (torch.tensor(values, dtype=torch.float32, device=device) for values in (setting.mean, setting.std))
    batches = [list(range(at, min(at + batch, count))) for at in range(0, count, batch)]
    classes = len(data.classes)
    counts = torch.zeros(classes * classes, dtype=torch.long)
    net = net.to(device).eval()
    for images, labels in DataLoader(data.test, batch_sampler=batches, collate_fn=whole):
        result = net(prepare(images.to(device), task.shape, mean, std))
        found = predicted(getattr(result, "output", result), task)
        counts += torch.bincount(labels * classes + found.cpu(), minlength=classes * classes)
    return Result(data.classes, counts.view(classes, classes).tolist())


def predicted(result: Tensor, task: Task) -> Tensor:
    """The class that each row of results stands for: probabilities, scores, or distances."""
    if task.loss == "distance":
        return result.argmin(1)
    return result.argmax(1) if task.outputs > 1 else (result[:, 0] > (0.5 if task.last else 0.0)).long()


def picture(result: Result, title: str, form: str) -> bytes:
    """The confusion matrix, drawn: each row as parts of its class. Raises ImportError without matplotlib."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    count = len(result.classes)
    parts = [[value / max(sum(row), 1) for value in row] for row in result.confusion]
    side = min(max(0.45 * count + 2, 4), 24)
    with rc_context({"svg.hashsalt": title, "text.parse_math": False}):
        figure = Figure(figsize=(side, side), layout="constrained")
        axes = figure.add_subplot(title=title, xlabel="taken for", ylabel="class")
        axes.imshow(parts, cmap="Blues", vmin=0, vmax=1)
        if count <= 40:
            axes.set_xticks(range(count), result.classes, rotation=90 if max(map(len, result.classes)) > 2 else 0)
            axes.set_yticks(range(count), result.classes)
            for row, values in enumerate(result.confusion):
                for column, value in enumerate(values):
                    if value:
                        colour = "white" if parts[row][column] > 0.5 else "black"
                        axes.text(column, row, str(value), ha="center", va="center", color=colour, fontsize=8)
        drawn = io.BytesIO()
        metadata: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form, {})
        figure.savefig(drawn, format=form, dpi=150, metadata=metadata)
    return drawn.getvalue()
