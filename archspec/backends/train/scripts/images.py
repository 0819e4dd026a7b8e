"""Prepares images for the network."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)  # red, green, blue: ITU-R BT.601


def statistics(part: Any, most: int = 2000) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel, over images spread evenly over the data."""
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
    mixed = sum(images[:, at : at + 1].float() * weight for at, weight in enumerate(LUMA))
    assert isinstance(mixed, Tensor)
    return mixed.round().byte() if images.dtype == torch.uint8 else mixed


def prepare(images: Tensor, shape: tuple[int, ...], mean: Tensor, std: Tensor, augment: str = "none") -> Tensor:
    """What the network takes: numbers, scaled to its size, with mean 0 and standard deviation 1 in each channel."""
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
