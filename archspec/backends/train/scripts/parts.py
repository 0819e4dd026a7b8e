"""Images with their classes, as a run goes through them: in memory, or in files that are read when they are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

IMAGES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})

Batch = tuple[Tensor, Tensor]


class DataError(ValueError):
    """Data that cannot be read, or does not fit the network: one line that says what to do."""


class Wanted(NamedTuple):
    """What a network takes, `shape` channels first, and how the data is to be read for it.

    `channels` says where arrays have theirs: `first`, `last`, or `auto` for last unless they look otherwise.
    """

    shape: tuple[int, ...]
    outputs: int
    gray: bool = False
    channels: str = "auto"
    skip_broken: bool = False


class Tensors(Dataset[Any]):
    """Images in memory, (N, C, H, W), and their classes. A list of indices is a batch."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images, labels.long()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitems__(self, indices: list[int]) -> Batch:
        at = torch.tensor(indices)
        return self.images[at], self.labels[at]


class Files(Dataset[Any]):
    """Images in files, read when they are wanted: scaled so that they cover `size`, and cut to it around their middle."""

    def __init__(self, files: Sequence[tuple[Path, int]], size: tuple[int, ...], gray: bool) -> None:
        self.files, self.size, self.mode = files, size, "L" if gray else "RGB"

    def __len__(self) -> int:
        return len(self.files)

    def __getitems__(self, indices: list[int]) -> Batch:
        images = torch.stack([self.image(self.files[at][0]) for at in indices])
        return images, torch.tensor([self.files[at][1] for at in indices])

    def leave_out_broken(self) -> list[Path]:
        """Read every image once, go on with those that can be read, and return the others."""
        broken = []
        for path, _ in self.files:
            try:
                self.image(path)
            except DataError:
                broken.append(path)
        left_out = set(broken)
        self.files = [(path, at) for path, at in self.files if path not in left_out]
        return broken

    def image(self, path: Path) -> Tensor:
        """An image as bytes, (C, H, W). Raises DataError."""
        from PIL import Image, ImageOps

        height, width = self.size
        try:
            with Image.open(path) as opened:
                fitted = ImageOps.fit(opened.convert(self.mode), (width, height), Image.Resampling.BILINEAR)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            told = getattr(error, "strerror", None) or error
            raise DataError(f"cannot read {path}: {told}; `--skip-broken` leaves out images that cannot be read") from None
        pixels = torch.frombuffer(bytearray(fitted.tobytes()), dtype=torch.uint8)
        return pixels.view(height, width, -1).permute(2, 0, 1)


Part = Tensors | Files | Subset[Any]


class Data(NamedTuple):
    """Images to learn from and to test with.

    `shape` is that of an image, channels first, in both parts; `scaled` says that it may be scaled without being asked; `skipped` are
    images that cannot be read.
    """

    train: Part
    test: Part
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    scaled: bool = False
    skipped: tuple[Path, ...] = ()


def whole(batch: Any) -> Any:
    """Collate a batch that is one already."""
    return batch


def written(shape: tuple[int, ...]) -> str:
    """A shape as specs write it, channels last."""
    return "x".join(map(str, (*shape[1:], shape[0])))
