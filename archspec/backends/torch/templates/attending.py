"""Attention, and the other layers with numbers of their own that PyTorch lacks."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DropPath(nn.Module):
    """Zeroes the whole value of an example with probability p (Huang et al. 2016)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = torch.rand((x.shape[0],) + (1,) * (x.dim() - 1), device=x.device) >= self.p
        return x * kept / (1 - self.p)


class Rbf(nn.Module):
    """Squared distances to fixed codes of -1 and 1 (LeCun et al. 1998, equation 7)."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randint(0, 2, (classes, features)) * 2.0 - 1.0, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return (x[:, None, :] - self.weight).square().sum(dim=2)


class SelfAttention(nn.MultiheadAttention):
    """Multi-head self-attention."""

    def __init__(self, channels: int, heads: int, bias: bool = True) -> None:
        super().__init__(channels, heads, bias=bias, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x, x, x, need_weights=False)[0]


class CausalAttention(nn.MultiheadAttention):
    """Multi-head self-attention in which a token reads itself and those before it."""

    def __init__(self, channels: int, heads: int, bias: bool = True) -> None:
        super().__init__(channels, heads, bias=bias, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], device=x.device, dtype=x.dtype)
        return super().forward(x, x, x, attn_mask=mask, is_causal=True, need_weights=False)[0]


class CrossAttention(nn.MultiheadAttention):
    """Multi-head attention of tokens to those of another value."""

    def __init__(self, channels: int, heads: int, bias: bool = True) -> None:
        super().__init__(channels, heads, bias=bias, batch_first=True)

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        return super().forward(x, source, source, need_weights=False)[0]


class WindowAttention(nn.Module):
    """Self-attention in shifted windows of a map, with a bias for each relative position (Liu et al. 2021).

    An axis that one window covers is not shifted.
    """

    relative_position_index: Tensor

    def __init__(self, channels: int, heads: int, window, shift, bias: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.window = (window, window) if isinstance(window, int) else window
        self.shift = (shift, shift) if isinstance(shift, int) else shift
        h, w = self.window
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * h - 1) * (2 * w - 1), heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        row, column = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        row, column = row.flatten(), column.flatten()
        index = (row[:, None] - row + h - 1) * (2 * w - 1) + column[:, None] - column + w - 1
        self.register_buffer("relative_position_index", index.flatten())
        self.qkv = nn.Linear(channels, 3 * channels, bias=bias)
        self.proj = nn.Linear(channels, channels, bias=bias)

    def windows(self, x: Tensor) -> Tensor:
        """(N, H, W, C) to (N * windows, positions, C)."""
        n, height, width, c = x.shape
        h, w = self.window
        return x.view(n, height // h, h, width // w, w, c).transpose(2, 3).reshape(-1, h * w, c)

    def mask(self, x: Tensor, shift: tuple[int, ...]) -> Tensor:
        """-100 where two positions of a window were apart before the shift: (windows, 1, positions, positions)."""
        rows, columns = ((torch.arange(n, device=x.device) >= n - s).int() for n, s in zip(x.shape[1:3], shift))
        region = self.windows((2 * rows[:, None] + columns)[None, :, :, None])[..., 0]
        return torch.where(region[:, None, :] == region[:, :, None], 0.0, -100.0)[:, None]

    def forward(self, x: Tensor) -> Tensor:
        n, c, height, width = x.shape
        h, w = self.window
        shift = tuple(s if window < size else 0 for s, window, size in zip(self.shift, self.window, (height, width)))
        x = x.movedim(1, -1).contiguous().roll(tuple(-s for s in shift), (1, 2))
        mask = self.mask(x, shift) if any(shift) else None
        q, k, v = self.qkv(self.windows(x)).view(-1, h * w, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        bias = self.relative_position_bias_table[self.relative_position_index].view(h * w, h * w, -1).permute(2, 0, 1)
        score = (q * (c // self.heads) ** -0.5) @ k.transpose(-2, -1) + bias
        if mask is not None:
            score = (score.view(n, -1, *score.shape[1:]) + mask).view(score.shape)
        x = self.proj((score.softmax(dim=-1) @ v).transpose(1, 2).reshape(-1, h * w, c))
        x = x.view(n, height // h, width // w, h, w, c).transpose(2, 3).reshape(n, height, width, c)
        return x.roll(shift, (1, 2)).movedim(-1, 1)
