"""Functions of emitted files: what fills the weights and biases of a layer and returns it, and what expressions of a block may call."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def frozen(module):
    """Keep the weights of a layer, or a parameter, as they are: no gradient is computed for them."""
    return module.requires_grad_(False)


def kaiming(module):
    """Draw the weights from He's normal distribution, for layers before a ReLU (He et al. 2015); biases are 0."""
    nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return finished(module)


def kaiming_uniform(module):
    """Draw the weights from He's uniform distribution, for layers before a ReLU (He et al. 2015); biases are 0."""
    nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
    return finished(module)


def kaiming_out(module):
    """Draw weights from He's normal distribution, which keeps the size of gradients (He et al. 2015); biases are 0."""
    nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return finished(module)


def xavier(module):
    """Draw the weights from Glorot's uniform distribution (Glorot, Bengio 2010); biases are 0."""
    nn.init.xavier_uniform_(module.weight)
    return finished(module)


def xavier_normal(module):
    """Draw the weights from Glorot's normal distribution (Glorot, Bengio 2010); biases are 0."""
    nn.init.xavier_normal_(module.weight)
    return finished(module)


def lecun(module):
    """Draw the weights from a normal distribution of variance 1/fan-in (LeCun et al. 1998); biases are 0."""
    nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
    return finished(module)


def normal(module, std: float = 0.01):
    """Draw the weights from a normal distribution (Krizhevsky et al. 2012); biases are 0."""
    nn.init.normal_(module.weight, std=std)
    return finished(module)


def truncated(module, std: float = 0.02):
    """Draw the weights from a normal distribution cut at -2 and 2 (Dosovitskiy et al. 2020); biases are 0."""
    nn.init.trunc_normal_(module.weight, std=std)
    return finished(module)


def orthogonal(module):
    """Set the weights to a random orthogonal matrix (Saxe et al. 2013); biases are 0."""
    nn.init.orthogonal_(module.weight)
    return finished(module)


def zeros(module):
    """Set weights and biases to 0."""
    nn.init.zeros_(module.weight)
    return finished(module)


def finished(module):
    """Set the biases to 0. Its body is written in place of each call of it above."""
    if module.bias is not None:
        nn.init.zeros_(module.bias)
    return module


def sinusoids(length: int, channels: int) -> Tensor:
    """Compute sines in even channels and cosines in odd ones, of falling frequencies (Vaswani et al. 2017)."""
    at = torch.arange(channels, dtype=torch.float64)
    angles = torch.arange(length, dtype=torch.float64)[:, None] / 10000 ** ((at - at % 2) / channels)
    return torch.where(at % 2 == 0, angles.sin(), angles.cos()).float()[None]
