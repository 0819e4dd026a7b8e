"""Networks beside modules written by hand after their authors' code: keys, shapes, parameters, MACs, values."""

from __future__ import annotations

from itertools import pairwise

import pytest

torch = pytest.importorskip("torch", reason="the modules are written in it")

from torch import Tensor, nn

import archspec
from tests.helpers.torch import parameters_and_macs

torch.set_num_threads(1)


def unit(before: int, after: int, k: int = 3, **options: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, k, bias=False, **options), nn.BatchNorm2d(after)]


class Main(nn.Module):
    """The nets of PyTorch's tutorial, which has its layers in `main`."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.main = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.main(x)


def generator(width: int = 64) -> nn.Module:
    layers, sizes = [], [100, 8 * width, 4 * width, 2 * width, width]
    for i, (before, after) in enumerate(pairwise(sizes)):
        layers += [nn.ConvTranspose2d(before, after, 4, min(i, 1) + 1, min(i, 1), bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return Main(*layers, nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False), nn.Tanh())


def discriminator(width: int = 64) -> nn.Module:
    layers, sizes = [nn.Conv2d(3, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)], [width, 2 * width, 4 * width, 8 * width]
    for before, after in pairwise(sizes):
        layers += [*unit(before, after, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
    return Main(*layers, nn.Conv2d(8 * width, 1, 4, bias=False), nn.Sigmoid())


class ResnetBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        first, second = ([nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width)] for _ in range(2))
        self.conv_block = nn.Sequential(*first, nn.ReLU(), *second)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class CycleGan(nn.Module):
    """github.com/junyanz/pytorch-CycleGAN-and-pix2pix, models/networks.py: ResnetGenerator with instance normalisation."""

    def __init__(self, width: int = 64, depth: int = 9) -> None:
        super().__init__()
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), nn.InstanceNorm2d(width), nn.ReLU()]
        for n in (width, 2 * width):
            layers += [nn.Conv2d(n, 2 * n, 3, 2, 1), nn.InstanceNorm2d(2 * n), nn.ReLU()]
        layers += [ResnetBlock(4 * width) for _ in range(depth)]
        for n in (2 * width, width):
            layers += [nn.ConvTranspose2d(2 * n, n, 3, 2, 1, 1), nn.InstanceNorm2d(n), nn.ReLU()]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


NETWORKS = {
    "dcgan_generator": (generator, (100, 1, 1), {"width": 4}, (100, 1, 1), 3_576_704),
    "dcgan_discriminator": (discriminator, (3, 64, 64), {"width": 4}, (3, 64, 64), 2_765_568),
    "cyclegan_generator": (CycleGan, (3, 256, 256), {"width": 4, "depth": 2}, (3, 16, 32), 11_378_179),
}
"""The module, its input, params and an input that make it small, and the parameters of the spec as it stands."""


@pytest.mark.parametrize("name", NETWORKS)
def test_keys_and_counts_are_those_of_the_module(name: str) -> None:
    build, shape, _, _, params = NETWORKS[name]
    network = archspec.load(name)
    with torch.device("meta"):
        module, ours = build().eval(), archspec.to_torch(network)
    assert {key: value.shape for key, value in ours.state_dict().items()} == {
        key: value.shape for key, value in module.state_dict().items()
    }
    totals = archspec.analyze(network).totals
    assert totals.params == params
    assert parameters_and_macs(module, shape) == (totals.params, totals.macs)


@pytest.mark.parametrize("name", NETWORKS)
def test_values_are_those_of_the_module(name: str) -> None:
    build, _, small, shape, _ = NETWORKS[name]
    torch.manual_seed(0)
    module = build(**small).eval()
    ours = archspec.to_torch(archspec.load(name, params=small, inputs={"input": (*shape[1:], shape[0])})).eval()
    ours.load_state_dict(module.state_dict(), strict=True)
    x = torch.randn(2, *shape)
    with torch.no_grad():
        assert torch.allclose(ours(x), module(x), rtol=1e-5, atol=1e-5)
