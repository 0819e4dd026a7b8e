"""The corner cases in torch, and in Keras where it has them. Imported by the measured processes only."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class FunctionalConv(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 3, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, padding=1)


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.conv(x))


class Embedding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(1000, 64)
        self.head = nn.Linear(64, 10, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.table(x.long()))


class Parameters(nn.Module):
    """As a vision transformer begins."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, 64))
        self.positions = nn.Parameter(torch.zeros(1, 50, 64))
        self.head = nn.Linear(64, 64, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.cat((self.token, x), 1) + self.positions)


class AttentionModule(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(64, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


class Attention(nn.Module):
    """Attention written out; how its two products are taken is for a subclass."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(64, 3 * 64)
        self.out = nn.Linear(64, 64)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).view(1, 50, 3, 4, 16).permute(2, 0, 3, 1, 4).unbind(0)
        return self.out(self.attend(q, k, v).transpose(1, 2).reshape(1, 50, 64))

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v)


class MatmulAttention(Attention):
    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return (q @ k.transpose(-2, -1) / 4).softmax(-1) @ v


class EinsumAttention(Attention):
    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        weights = (torch.einsum("bhqd,bhkd->bhqk", q, k) / 4).softmax(-1)
        return torch.einsum("bhqk,bhkd->bhqd", weights, v)


def conv(*arguments: Any, **options: Any) -> nn.Module:
    return nn.Conv2d(*arguments, bias=False, **options)


def network(*layers: nn.Module) -> Callable[[], nn.Module]:
    """Layers in a Sequential, even a single one: some tools take only what is inside a network for a layer."""
    return partial(deepcopy, nn.Sequential(*layers))


TORCH: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "functional": (FunctionalConv, (3, 32, 32)),
    "bias": (network(nn.Conv2d(3, 8, 3, padding=1)), (3, 32, 32)),
    "same": (network(conv(3, 8, 4, padding="same")), (3, 32, 32)),
    "dilated": (network(conv(3, 8, 3, padding=2, dilation=2)), (3, 32, 32)),
    "grouped": (network(conv(16, 32, 3, padding=1, groups=4)), (16, 16, 16)),
    "depthwise": (network(conv(16, 16, 3, padding=1, groups=16)), (16, 16, 16)),
    "volume": (network(nn.Conv3d(2, 4, 3, padding=1, bias=False)), (2, 8, 8, 8)),
    "transposed": (network(nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1, bias=False)), (16, 14, 14)),
    "transposed_grouped": (network(nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1, groups=4, bias=False)), (16, 14, 14)),
    "tokens": (network(nn.Linear(64, 128, bias=False)), (49, 64)),
    "embedding": (Embedding, (16,)),
    "batch_norm": (network(conv(3, 8, 3, padding=1), nn.BatchNorm2d(8)), (3, 32, 32)),
    "layer_norm": (network(nn.LayerNorm(64), nn.Linear(64, 64, bias=False)), (49, 64)),
    "shared": (Shared, (8, 32, 32)),
    "attention_module": (AttentionModule, (50, 64)),
    "attention_fused": (Attention, (50, 64)),
    "attention_matmul": (MatmulAttention, (50, 64)),
    "attention_einsum": (EinsumAttention, (50, 64)),
    "ceil": (network(nn.MaxPool2d(3, 2, ceil_mode=True), conv(8, 8, 3, padding=1)), (8, 8, 8)),
    "parameters": (Parameters, (49, 64)),
    "nothing": (
        network(nn.ReLU(), nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Softmax(dim=1)),
        (8, 16, 16),
    ),
}
"""Module, and the shape of its input without the batch."""


def keras_corners() -> dict[str, Callable[[], Any]]:
    """Functions that make the Keras models."""
    import keras
    from keras import layers

    def model(shape: tuple[int, ...], *steps: Callable[[Any], Any]) -> Callable[[], Any]:
        def make() -> Any:
            x = value = keras.Input(shape)
            for step in steps:
                value = step(value)
            return keras.Model(x, value)

        return make

    def conv(filters: int, kernel: int, **options: Any) -> Any:
        return layers.Conv2D(filters, kernel, padding="same", use_bias=False, **options)

    deconv = {"strides": 2, "padding": "same", "use_bias": False}
    shared = conv(8, 3)
    attention = layers.MultiHeadAttention(4, 16)
    return {
        "bias": model((32, 32, 3), layers.Conv2D(8, 3, padding="same")),
        "same": model((32, 32, 3), conv(8, 4)),
        "dilated": model((32, 32, 3), conv(8, 3, dilation_rate=2)),
        "grouped": model((16, 16, 16), conv(32, 3, groups=4)),
        "depthwise": model((16, 16, 16), layers.DepthwiseConv2D(3, padding="same", use_bias=False)),
        "volume": model((8, 8, 8, 2), layers.Conv3D(4, 3, padding="same", use_bias=False)),
        "transposed": model((14, 14, 16), layers.Conv2DTranspose(8, 4, **deconv)),
        "tokens": model((49, 64), layers.Dense(128, use_bias=False)),
        "embedding": model((16,), layers.Embedding(1000, 64), layers.Dense(10, use_bias=False)),
        "batch_norm": model((32, 32, 3), conv(8, 3), layers.BatchNormalization()),
        "layer_norm": model((49, 64), layers.LayerNormalization(), layers.Dense(64, use_bias=False)),
        "shared": model((32, 32, 8), shared, shared),
        "attention_module": model((50, 64), lambda x: attention(x, x)),
        "nothing": model((16, 16, 8), layers.ReLU(), layers.MaxPooling2D(2), layers.GlobalAveragePooling2D(), layers.Softmax()),
    }
