"""Layers with standardised weights. The only 2 in a class whose name ends in 2d is its rank: those for 1 and 3 axes are written from it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class StandardConv2d(nn.Conv2d):
    """Convolution of filters that are standardised in each pass, and scaled by a learned gain over sqrt(fan-in)."""

    def __init__(self, *args, pads: tuple[int, ...] = (), gain: bool = True, eps: float = 1e-6, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.pads, self.eps = pads, eps
        self.gain = nn.Parameter(torch.ones(self.out_channels, *(1,) * (self.weight.dim() - 1))) if gain else None

    def forward(self, x: Tensor) -> Tensor:
        filters = self.weight.flatten(1)
        scale = None if self.gain is None else self.gain.flatten() * filters.shape[1] ** -0.5
        filters = F.batch_norm(filters[None], None, None, scale, training=True, momentum=0.0, eps=self.eps)
        x = F.pad(x, self.pads) if self.pads else x
        return self._conv_forward(x, filters.view_as(self.weight), self.bias)


class StandardLinear(nn.Linear):
    """Matrix product over an axis, of rows standardised in each pass and scaled by a learned gain over sqrt(fan-in)."""

    def __init__(self, *args, dim: int = -1, gain: bool = True, eps: float = 1e-6, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.dim, self.eps = dim, eps
        self.gain = nn.Parameter(torch.ones(self.out_features, 1)) if gain else None

    def forward(self, x: Tensor) -> Tensor:
        scale = None if self.gain is None else self.gain.flatten() * self.in_features**-0.5
        rows = F.batch_norm(self.weight[None], None, None, scale, training=True, momentum=0.0, eps=self.eps)
        return F.linear(x.movedim(self.dim, -1), rows[0], self.bias).movedim(-1, self.dim)
