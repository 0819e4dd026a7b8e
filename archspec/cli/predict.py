"""`archspec predict`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from archspec.cli.arguments import whole
from archspec.cli.evaluate import run_options, trained
from archspec.cli.failure import Failure
from archspec.cli.screen import out, tell
from archspec.diagnostics.visible import visible
from archspec.extras import require

_BATCH = 64
Prediction = tuple[str, list[tuple[str, float]]]
"""An image, and its likeliest classes with their probabilities."""
EXAMPLES = (
    ("predict runs/digits three.png", "the likeliest classes of an image"),
    ("predict runs/digits three.png --top 1 --format json", "for a program"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    run_options(parser)
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="image files, or folders of them")
    parser.add_argument("--top", metavar="N", type=whole, default=3, help="the number of classes to show per image (3)")
    parser.add_argument(
        "--invert", action="store_true", help="swap light and dark: for dark digits on paper, where the network learned light ones"
    )


def run(arguments: argparse.Namespace) -> int:
    """Classify images with a trained network."""
    require("torch")
    require("images", "PIL")
    if arguments.top < 1:
        raise Failure(f"--top takes a whole number of at least 1, not {arguments.top}")
    found, unread = _predicted(arguments)
    if arguments.format == "json":
        rows = [{"image": image, "classes": [{"class": name, "probability": part} for name, part in likely]} for image, likely in found]
        out().data(json.dumps(rows, indent=1) + "\n")
    else:
        # A line per image: the likeliest class, its probability, and the next ones.
        lines = [[visible(image), *(f"{visible(name)} {part:.3f}" for name, part in likely)] for image, likely in found]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            out().line("   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    for problem in unread:
        tell(problem)
    return 2 if unread else 0


def _predicted(arguments: argparse.Namespace) -> tuple[list[Prediction], list[str]]:
    """What each image shows, and what is wrong with those that cannot be read. Raises Failure."""
    import torch

    from archspec.backends.train.evaluation import probabilities
    from archspec.backends.train.scripts.images import DataError, Files, written

    _, net, task, told, device = trained(arguments)
    if len(task.shape) != 3 or task.shape[0] not in (1, 3):
        raise Failure(f"predict reads gray and colored images, and the network takes {written(task.shape)}")
    if len(told.mean) != task.shape[0]:
        raise Failure(f"settings.json holds means of {len(told.mean)} channels, and the network takes {task.shape[0]}")
    count = max(task.outputs, 2)
    classes = told.classes if len(told.classes) == count else tuple(map(str, range(count)))
    reader = Files([], task.shape[1:], task.shape[0] == 1)
    found: list[Prediction] = []
    unread: list[str] = []
    paths = _images(arguments.images)
    for at in range(0, len(paths), _BATCH):
        images = {}
        for path in paths[at : at + _BATCH]:
            try:
                image = reader.image(path)
                images[str(path)] = 255 - image if arguments.invert else image
            except DataError as error:
                unread.append(str(error).partition("; `--skip-broken`")[0])
        if images:
            rows = probabilities(net, task, torch.stack(list(images.values())), told, device)
            for name, row in zip(images, rows.tolist(), strict=True):
                found.append((name, sorted(zip(classes, row, strict=True), key=lambda each: -each[1])[: arguments.top]))
    return found, unread


def _images(named: list[str]) -> list[Path]:
    """The images named, and those in folders named. Raises Failure."""
    from archspec.backends.train.scripts.images import IMAGES

    found: list[Path] = []
    for path in map(Path, named):
        images = [each for each in sorted(path.rglob("*")) if each.suffix.lower() in IMAGES] if path.is_dir() else [path]
        if not images:
            raise Failure(f"{path} holds no images; they end in {', '.join(sorted(IMAGES))}")
        found += images
    return found
