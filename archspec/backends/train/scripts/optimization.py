"""The optimizer of a run, and the learning rate at each moment."""

from __future__ import annotations

import math

import torch
from torch import nn

from archspec.backends.train.scripts.options import Settings


def optimizer_of(settings: Settings, model: nn.Module) -> torch.optim.Optimizer:
    parameters = [p for p in model.parameters() if p.requires_grad]
    if settings.optimizer == "sgd":
        return torch.optim.SGD(parameters, settings.lr, settings.momentum, weight_decay=settings.weight_decay)
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, settings.lr, weight_decay=settings.weight_decay)


def learning_rate(settings: Settings, epoch: float) -> float:
    """The learning rate at a moment, counted in epochs."""
    if epoch < settings.warmup:
        return settings.lr * epoch / settings.warmup
    part = epoch / settings.epochs
    factors = {
        "constant": 1.0,
        "cosine": (1 + math.cos(math.pi * part)) / 2,
        "step": 0.1 ** ((part >= 0.5) + (part >= 0.75)),
        "inverse": 1 / (1 + part),
    }
    return settings.lr * factors[settings.schedule]
