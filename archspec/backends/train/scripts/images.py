"""Images with their classes: in memory, or in files that are read when needed; and their preparation for the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset, Subset

from archspec.backends.train.scripts.options import Settings

IMAGES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})

Batch = tuple[Tensor, Tensor]


class DataError(ValueError):
    """Data that cannot be read, or does not fit the network: one line that says what to do."""


class Wanted(NamedTuple):
    """The input of a network, `shape` channels first, and the settings that say which data is read for it, and how."""

    shape: tuple[int, ...]
    outputs: int
    settings: Settings


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
    """Images in files, read when needed: scaled so that they cover `size`, and cut to it around their middle."""

    def __init__(self, files: Sequence[tuple[Path, int]], size: tuple[int, ...], gray: bool) -> None:
        self.files, self.size, self.mode = [*files], size, "L" if gray else "RGB"

    def __len__(self) -> int:
        return len(self.files)

    def __getitems__(self, indices: list[int]) -> Batch:
        images = torch.stack([self.image(self.files[at][0]) for at in indices])
        return images, torch.tensor([self.files[at][1] for at in indices])

    def leave_out_broken(self) -> list[Path]:
        """Read every image once, go on with those that can be read, and return the others."""
        found, self.files, broken = self.files, [], []
        for path, at in found:
            try:
                self.image(path)
                self.files.append((path, at))
            except DataError:
                broken.append(path)
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


def written(shape: tuple[int, ...]) -> str:
    """Write a shape as specs do, channels last."""
    return "x".join(map(str, (*shape[1:], shape[0])))


def statistics(part: Any, most: int = 2000) -> tuple[list[float], list[float]]:
    """Compute mean and standard deviation of each channel, over images spread evenly over the data."""
    count = len(part)
    images, _ = part.__getitems__([at * count // min(most, count) for at in range(min(most, count))])
    values = floats(images).transpose(0, 1).flatten(1).double()
    std = values.std(1, correction=0)
    return values.mean(1).tolist(), torch.where(std > 1e-6, std, 1.0).tolist()


def floats(images: Tensor) -> Tensor:
    """Turn bytes into numbers from 0 to 1."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images.float()


def grayed(images: Tensor) -> Tensor:
    """Turn (N, 3, H, W) into (N, 1, H, W)."""
    weights = enumerate((0.299, 0.587, 0.114))  # of red, green and blue: ITU-R BT.601
    mixed = sum(images[:, at : at + 1].float() * weight for at, weight in weights)
    assert isinstance(mixed, Tensor)
    return mixed.round().byte() if images.dtype == torch.uint8 else mixed


def prepare(images: Tensor, shape: tuple[int, ...], mean: Tensor, std: Tensor, augment: str = "none") -> Tensor:
    """Prepare images for the network: scaled to its size, with mean 0 and standard deviation 1 in each channel."""
    x = floats(images)
    if x.shape[1:] != shape:
        x = F.interpolate(x, shape[1:], mode="bilinear", antialias=True)
    for_channels = (1, -1, *(1 for _ in shape[1:]))
    x = (x - mean.view(for_channels)) / std.view(for_channels)
    if "crop" in augment:
        x = cropped(x)
    if "flip" in augment:
        x = torch.where(torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5, x.flip(3), x)
    return x


def cropped(x: Tensor) -> Tensor:
    """Move each image by up to an eighth of its size and fill with zeros (He et al. 2015, section 4.2: 4 of 32 pixels)."""
    count, channels, height, width = x.shape
    pad = max(height // 8, 1)
    top, left = torch.randint(2 * pad + 1, (2, count, 1, 1, 1), device=x.device)
    rows = top + torch.arange(height, device=x.device)[:, None]
    columns = left + torch.arange(width, device=x.device)
    images, maps = torch.arange(count, device=x.device)[:, None, None, None], torch.arange(channels, device=x.device)[:, None, None]
    return F.pad(x, [pad] * 4)[images, maps, rows, columns]
