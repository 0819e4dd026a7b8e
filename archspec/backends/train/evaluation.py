"""Tests a trained network: the class that it gives each test image."""

from __future__ import annotations

import io
import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from archspec.backends.train.scripts.data import read
from archspec.backends.train.scripts.images import Data, DataError, Wanted, prepare
from archspec.backends.train.scripts.options import Settings, checked
from archspec.backends.train.task import Task


class Setting(NamedTuple):
    """The settings that a test shares with a run: settings.json in its folder."""

    settings: Settings
    mean: list[float]
    std: list[float]
    classes: tuple[str, ...]

    def about(self, shape: tuple[int, ...]) -> dict[str, str]:
        """What a user of the exported network must know, for the metadata of its file; `shape` is the input's, channels first."""
        numbers = {name: [float(f"{value:.9g}") for value in values] for name, values in (("mean", self.mean), ("std", self.std))}
        note = (
            f"float32, N x {' x '.join(map(str, shape))} (batch, channels, then rows and columns of a map); bytes divided by 255, then "
            f"(x - mean)/std per channel with mean {numbers['mean']} and std {numbers['std']}"
        )
        facts = {name: json.dumps(values) for name, values in numbers.items()}
        return facts | {"classes": json.dumps(list(self.classes), ensure_ascii=False), "preprocessing": note}


class Result(NamedTuple):
    """`confusion[i][j]`: how many images of class i were classified as j."""

    classes: tuple[str, ...]
    confusion: list[list[int]]

    @property
    def images(self) -> int:
        """How many images were classified."""
        return sum(map(sum, self.confusion))

    @property
    def right(self) -> int:
        """How many of them are classified right."""
        return sum(row[at] for at, row in enumerate(self.confusion))

    @property
    def accuracy(self) -> float:
        """Compute the part that was classified right, from 0 to 1."""
        return self.right / self.images

    def recall(self, at: int) -> float | None:
        """Compute the part of a class's images that was classified right; None if it has no images."""
        count = sum(self.confusion[at])
        return self.confusion[at][at] / count if count else None


def setting(folder: Path) -> Setting:
    """Read the settings of the run in a folder. Raises DataError."""
    try:
        told = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
        mean, std = ([*map(float, told[name])] for name in ("mean", "std"))
        return Setting(Settings(**checked(told["settings"])), mean, std, tuple(map(str, told["classes"])))
    except OSError:
        runs = sorted(inner.parent for inner in folder.glob("*/settings.json"))
        close = f"; did you mean {' or '.join(map(str, runs[:3]))}?" if runs else ""
        raise DataError(f"{folder} is no folder of a run: it has no settings.json{close}") from None
    except (ValueError, KeyError, TypeError, ArgumentTypeError) as error:
        raise DataError(f"{folder / 'settings.json'} is damaged: {error}") from None


def data_of(setting: Setting, task: Task) -> Data:
    """Read the data to test with. Raises DataError if it cannot be read or does not fit."""
    data = read(Wanted(task.shape, task.outputs, setting.settings))
    if len(setting.mean) != data.shape[0]:
        raise DataError(f"the run learned from images with {len(setting.mean)} channels, and these have {data.shape[0]}")
    return data


@torch.no_grad()
def evaluate(net: nn.Module, task: Task, data: Data, setting: Setting, batch: int, device: torch.device) -> Result:
    """Test a network, as `archspec.to_torch` makes it, with the test part of the data."""
    count, classes = len(data.test), len(data.classes)
    counts = torch.zeros(classes * classes, dtype=torch.long)
    net = net.to(device).eval()
    for at in range(0, count, batch):
        images, labels = data.test.__getitems__([*range(at, min(at + batch, count))])
        found = predicted(_output(net, task, images, setting, device), task)
        counts += torch.bincount(labels * classes + found.cpu(), minlength=classes * classes)
    return Result(data.classes, counts.view(classes, classes).tolist())


def _output(net: nn.Module, task: Task, images: Tensor, setting: Setting, device: torch.device) -> Tensor:
    """The main output of a network for images as bytes, (N, C, H, W)."""
    mean, std = (torch.tensor(values, dtype=torch.float32, device=device) for values in (setting.mean, setting.std))
    result = net(prepare(images.to(device), task.shape, mean, std))
    main: Tensor = getattr(result, "output", result)
    return main


def predicted(result: Tensor, task: Task) -> Tensor:
    """Find the class that each row of results means: probabilities, scores, or distances."""
    if task.loss == "distance":
        return result.argmin(1)
    return result.argmax(1) if task.outputs > 1 else (result[:, 0] > (0.5 if task.last else 0.0)).long()


@torch.no_grad()
def probabilities(net: nn.Module, task: Task, images: Tensor, setting: Setting, device: torch.device) -> Tensor:
    """Compute the probability of each class, (N, classes), for images as bytes, (N, C, H, W)."""
    scores = _output(net.to(device).eval(), task, images, setting, device).float().cpu()
    if task.loss == "sigmoid":
        each: Tensor = scores if task.last else scores.sigmoid()
        return each if task.outputs > 1 else torch.cat([1 - each, each], 1)
    if task.loss == "softmax" and task.last:
        return scores
    scores = -scores if task.loss == "distance" else scores
    return scores.softmax(1)


def picture(result: Result, title: str, form: str) -> bytes:
    """Draw the confusion matrix: each row as parts of its class. Raises ImportError without matplotlib."""
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
