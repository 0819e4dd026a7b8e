"""Recurrent layers that give one value. They are written for LSTM; those for GRU and RNN are written from them."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SequenceLSTM(nn.LSTM):
    """LSTM that gives its output at every position; `dim` is the axis of the positions."""

    def __init__(self, *args, dim: int = 1, **kwargs) -> None:
        super().__init__(*args, batch_first=True, **kwargs)
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(self.dim, 1))[0].movedim(1, self.dim)


class LastLSTM(nn.LSTM):
    """LSTM that gives the final state of each direction of its last layer; `dim` is the axis of the positions."""

    def __init__(self, *args, dim: int = 1, **kwargs) -> None:
        super().__init__(*args, batch_first=True, **kwargs)
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        x = super().forward(x.movedim(self.dim, 1))[0]
        n = self.hidden_size
        return torch.cat((x[:, -1, :n], x[:, 0, n:]), dim=1)  # the reverse direction ends at the first position
