"""MLP-Mixer beside a module written by hand, with timm's names of layers: keys, values, parameters, MACs."""

import pytest

torch = pytest.importorskip("torch", reason="the module is written in it")

from torch import nn

import archspec
from tests.helpers.torch import parameters_and_macs


class Mlp(nn.Module):
    def __init__(self, inner, outer):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(outer, inner), nn.Linear(inner, outer)

    def forward(self, x):
        return self.fc2(nn.functional.gelu(self.fc1(x)))


class MixerBlock(nn.Module):
    """Equation 1 of the paper."""

    def __init__(self, tokens, width):
        super().__init__()
        self.norm1, self.mlp_tokens = nn.LayerNorm(width, eps=1e-6), Mlp(width // 2, tokens)
        self.norm2, self.mlp_channels = nn.LayerNorm(width, eps=1e-6), Mlp(4 * width, width)

    def forward(self, x):
        x = x + self.mlp_tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.mlp_channels(self.norm2(x))


class Mixer(nn.Module):
    def __init__(self, size=224, width=768, depth=12, classes=1000):
        super().__init__()
        self.stem = nn.ModuleDict({"proj": nn.Conv2d(3, width, 16, 16)})
        self.blocks = nn.Sequential(*(MixerBlock((size // 16) ** 2, width) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, classes)

    def forward(self, x):
        x = self.stem["proj"](x).flatten(2).transpose(1, 2)
        return self.head(self.norm(self.blocks(x)).mean(1))


def test_keys_and_counts_are_those_of_the_module():
    network = archspec.load("mlp_mixer_b16")
    with torch.device("meta"):
        module, ours = Mixer(), archspec.to_torch(network)
    totals = archspec.analyze(network).totals
    assert (totals.params, totals.macs) == (59_880_472, 12_601_767_936)
    assert parameters_and_macs(module, (3, 224, 224)) == (totals.params, totals.macs)
    assert {key: value.shape for key, value in ours.state_dict().items()} == {
        key: value.shape for key, value in module.state_dict().items()
    }


def test_values_are_those_of_the_module():
    network = archspec.load("mlp_mixer_b16", params={"width": 48, "depth": 3, "classes": 7}, inputs="64x96x3")
    module, ours = Mixer(width=48, depth=0, classes=7), archspec.to_torch(network)
    module.blocks = nn.Sequential(*(MixerBlock(24, 48) for _ in range(3)))
    ours.load_state_dict(module.state_dict(), strict=True)
    x = torch.randn(2, 3, 64, 96)
    assert torch.allclose(ours(x), module(x), rtol=1e-5, atol=1e-5)
