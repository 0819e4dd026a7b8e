"""ConvNeXt V2 beside a module written by hand, with timm's names of layers: keys, values, parameters, MACs."""

import pytest

torch = pytest.importorskip("torch", reason="the module is written in it")

from torch import nn

import archspec
from tests.helpers.torch import parameters_and_macs

WIDTHS, DEPTHS = (96, 192, 384, 768), (3, 3, 9, 3)


class Norm(nn.LayerNorm):
    """Over the channels of a map."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class Grn(nn.Module):
    """Algorithm 1 of the paper, channels last."""

    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(channels)), nn.Parameter(torch.empty(channels))

    def forward(self, x):
        g = x.norm(dim=(1, 2), keepdim=True)
        return self.weight * (x * (g / (g.mean(-1, keepdim=True) + 1e-6))) + self.bias + x


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv_dw, self.norm = nn.Conv2d(c, c, 7, padding=3, groups=c), nn.LayerNorm(c, eps=1e-6)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(c, 4 * c), "grn": Grn(4 * c), "fc2": nn.Linear(4 * c, c)})

    def forward(self, x):
        y = self.norm(self.conv_dw(x).movedim(1, -1))
        y = self.mlp["fc2"](self.mlp["grn"](nn.functional.gelu(self.mlp["fc1"](y))))
        return x + y.movedim(-1, 1)


class Stage(nn.Module):
    def __init__(self, before, c, depth):
        super().__init__()
        self.downsample = nn.Sequential(Norm(before, eps=1e-6), nn.Conv2d(before, c, 2, 2)) if before != c else nn.Identity()
        self.blocks = nn.Sequential(*(Block(c) for _ in range(depth)))

    def forward(self, x):
        return self.blocks(self.downsample(x))


class ConvNext(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, WIDTHS[0], 4, 4), Norm(WIDTHS[0], eps=1e-6))
        before = (WIDTHS[0], *WIDTHS)
        self.stages = nn.Sequential(*(Stage(*each) for each in zip(before, WIDTHS, DEPTHS, strict=False)))
        self.head = nn.ModuleDict({"norm": nn.LayerNorm(WIDTHS[-1], eps=1e-6), "fc": nn.Linear(WIDTHS[-1], 1000)})

    def forward(self, x):
        return self.head["fc"](self.head["norm"](self.stages(self.stem(x)).mean((2, 3))))


def test_keys_and_counts_are_those_of_the_module():
    network = archspec.load("convnext_v2_tiny")
    with torch.device("meta"):
        module, ours = ConvNext(), archspec.to_torch(network)
    totals = archspec.analyze(network).totals
    assert (totals.params, totals.macs) == (28_635_496, 4_455_531_264)
    assert parameters_and_macs(module, (3, 224, 224)) == (totals.params, totals.macs)
    assert {key: value.shape for key, value in ours.state_dict().items()} == {
        key: value.shape for key, value in module.state_dict().items()
    }


def test_values_are_those_of_the_module():
    module = ConvNext()
    generator = torch.Generator().manual_seed(0)
    for p in module.parameters():
        p.data.normal_(0, 0.1 if p.dim() == 1 else p[0].numel() ** -0.5, generator=generator)
    ours = archspec.to_torch(archspec.load("convnext_v2_tiny", inputs="64x96x3"), device="meta")
    ours.load_state_dict(module.state_dict(), strict=True, assign=True)
    x = torch.randn(2, 3, 64, 96, generator=generator)
    with torch.no_grad():
        y, theirs = ours(x), module(x)
    assert (y - theirs).norm() <= 1e-5 * theirs.norm()
