"""digits: input Nx1x8x8 -> output Nx10.

38,282 parameters, 0 buffers, 337,536 MACs per image. Written by archspec from a spec.
"""

from __future__ import annotations

import torch
from torch import nn


class Model(nn.Sequential):
    """digits: Nx1x8x8 -> Nx10."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.relu2 = nn.ReLU(inplace=True)
        self.pool1 = nn.MaxPool2d(2, 2)
        self.flatten1 = nn.Flatten()
        self.fc1 = nn.Linear(512, 64)
        self.relu3 = nn.ReLU(inplace=True)
        self.fc2 = nn.Linear(64, 10)
        self.softmax1 = nn.Softmax(dim=1)


if __name__ == "__main__":
    model = Model().eval()
    result = model(torch.zeros(2, 1, 8, 8))
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, output {tuple(result.shape)}")
