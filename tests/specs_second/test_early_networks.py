"""The networks up to 2017 beside modules written by hand from their papers: counts, and values with the same random weights."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch", reason="the modules are written in it")

from torch import Tensor, nn
from torch.nn import functional as F

import archspec
from tests.helpers.torch import Apply, Concat, PartialConv, Rbf, Residual, Subsample, distance, enliven, parameters_and_macs, results

torch.set_num_threads(1)


def stack(before: int, *filters: int, k: int = 3, padding: int = 1, **options: int) -> list[nn.Module]:
    """Convolutions, each with its relu."""
    found: list[nn.Module] = []
    for f in filters:
        found += [nn.Conv2d(before, f, k, padding=padding, **options), nn.ReLU()]
        before = f
    return found


def perceptron(*sizes: int, act: type[nn.Module] = nn.ReLU) -> list[nn.Module]:
    """Fully connected layers, the last with a softmax."""
    layers = [nn.Flatten()]
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), act()]
    return [*layers[:-1], nn.Softmax(1)]


def lenet5() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)),
        *perceptron(400, 120, 84, 10, act=nn.Tanh),
    )


def lenet5_1998() -> nn.Module:
    """Table I of the paper names the maps of S2 that each map of C3 reads: three in a row, four in a row, four in two pairs, all."""
    rows = [[(i + j) % 6 for j in range(3)] for i in range(6)] + [[(i + j) % 6 for j in range(4)] for i in range(6)]
    table = [sorted(row) for row in [*rows, [0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5], list(range(6))]]
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.Tanh(), Subsample(6, 2), nn.Tanh()),
        *(PartialConv(table, 5), nn.Tanh(), Subsample(16, 2), nn.Tanh()),
        *(nn.Conv2d(16, 120, 5), nn.Tanh(), nn.Flatten(), nn.Linear(120, 84), nn.Tanh(), Rbf(84, 10)),
    )


def alexnet_2012() -> nn.Module:
    def lrn() -> nn.Module:
        return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)

    return nn.Sequential(
        *(*stack(3, 96, k=11, padding=0, stride=4), lrn(), nn.MaxPool2d(3, 2)),
        *(*stack(96, 256, k=5, padding=2, groups=2), lrn(), nn.MaxPool2d(3, 2)),
        *(*stack(256, 384), *stack(384, 384, 256, groups=2), nn.MaxPool2d(3, 2)),
        *perceptron(9216, 4096, 4096, 1000),
    )


def allconv() -> nn.Module:
    return nn.Sequential(
        *(*stack(3, 96, 96), *stack(96, 96, stride=2), *stack(96, 192, 192), *stack(192, 192, stride=2)),
        *(*stack(192, 192, padding=0), *stack(192, 192, 10, k=1, padding=0)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Softmax(1)),
    )


def convnetjs_cifar10() -> nn.Module:
    sizes = ((3, 16), (16, 20), (20, 20))
    layers = [layer for size in sizes for layer in (*stack(*size, k=5, padding=2), nn.MaxPool2d(2))]
    return nn.Sequential(*layers, *perceptron(320, 10))


def vgg(side: int, *stages: list[nn.Module]) -> nn.Module:
    layers = [layer for stage in stages for layer in (*stage, nn.MaxPool2d(2))]
    return nn.Sequential(*layers, *perceptron(512 * (side // 32) ** 2, 4096, 4096, 1000))


def vgg11_lrn(side: int = 224) -> nn.Module:
    first = [*stack(3, 64), nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)]
    return vgg(side, first, stack(64, 128), stack(128, 256, 256), stack(256, 512, 512), stack(512, 512, 512))


def vgg16_c(side: int = 224) -> nn.Module:
    def three(before: int, f: int) -> list[nn.Module]:
        return [*stack(before, f, f), *stack(f, f, k=1, padding=0)]

    return vgg(side, stack(3, 64, 64), stack(64, 128, 128), three(128, 256), three(256, 512), three(512, 512))


def googlenet_2014() -> nn.Module:
    def inception(before: int, f1: int, r3: int, f3: int, r5: int, f5: int, pool: int) -> nn.Module:
        return Concat(
            nn.Sequential(*stack(before, f1, k=1, padding=0)),
            nn.Sequential(*stack(before, r3, k=1, padding=0), *stack(r3, f3)),
            nn.Sequential(*stack(before, r5, k=1, padding=0), *stack(r5, f5, k=5, padding=2)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), *stack(before, pool, k=1, padding=0)),
        )

    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    def lrn() -> nn.Module:
        return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1)

    return nn.Sequential(
        *(*stack(3, 64, k=7, padding=3, stride=2), pool(), lrn(), *stack(64, 64, k=1, padding=0), *stack(64, 192), lrn(), pool()),
        *(inception(192, 64, 96, 128, 16, 32, 32), inception(256, 128, 128, 192, 32, 96, 64), pool()),
        *(inception(480, 192, 96, 208, 16, 48, 64), inception(512, 160, 112, 224, 24, 64, 64)),
        *(inception(512, 128, 128, 256, 24, 64, 64), inception(512, 112, 144, 288, 32, 64, 64)),
        *(inception(528, 256, 160, 320, 32, 128, 128), pool()),
        *(inception(832, 256, 160, 320, 32, 128, 128), inception(832, 384, 192, 384, 48, 128, 128)),
        *(nn.AdaptiveAvgPool2d(1), *perceptron(1024, 1000)),
    )


def resnet20_cifar() -> nn.Module:
    """Shortcuts of option A: every second position, and zeros for the channels that are new."""

    def norm(before: int, f: int, s: int = 1) -> list[nn.Module]:
        return [nn.Conv2d(before, f, 3, s, 1, bias=False), nn.BatchNorm2d(f)]

    def blocks() -> Iterator[nn.Module]:
        before = 16
        for f in (16, 32, 64):
            for i in range(3):
                s = 2 if i == 0 and f > 16 else 1
                short = Apply(lambda x, f=f: F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, f // 4, f // 4))) if s > 1 else None
                yield Residual(nn.Sequential(*norm(before, f, s), nn.ReLU(), *norm(f, f)), short)
                yield nn.ReLU()
                before = f

    return nn.Sequential(*norm(3, 16), nn.ReLU(), *blocks(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def mobilenet_v1(alpha: float = 1.0) -> nn.Module:
    def norm(before: int, f: int, k: int, s: int = 1, g: int = 1) -> list[nn.Module]:
        return [nn.Conv2d(before, f, k, s, k // 2, groups=g, bias=False), nn.BatchNorm2d(f), nn.ReLU()]

    rows = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    before = int(32 * alpha)
    layers = norm(3, before, 3, 2)
    for width, s in rows:
        f = int(width * alpha)
        layers += [*norm(before, before, 3, s, before), *norm(before, f, 1)]
        before = f
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), *perceptron(before, 1000))


class UNet(nn.Module):
    """Figure 1 of the paper."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        sizes = [width * 2**i for i in range(5)]
        double = [nn.Sequential(*stack(before, f, f, padding=0)) for before, f in zip([1, *sizes], sizes, strict=False)]
        self.down = nn.ModuleList(double)
        self.up = nn.ModuleList()
        for f in reversed(sizes[:-1]):
            self.up.extend([nn.ConvTranspose2d(2 * f, f, 2, 2), nn.Sequential(*stack(2 * f, f, f, padding=0))])
        self.last = nn.Conv2d(width, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for down in self.down:
            x = down(F.max_pool2d(x, 2) if kept else x)
            kept.append(x)
        for i, wide in enumerate(reversed(kept[:-1])):
            x = self.up[2 * i](x)
            cut = (wide.shape[2] - x.shape[2]) // 2
            x = self.up[2 * i + 1](torch.cat([wide[:, :, cut : cut + x.shape[2], cut : cut + x.shape[3]], x], 1))
        return self.last(x)


def dogs_vs_cats() -> nn.Module:
    def stage(before: int, f: int) -> tuple[nn.Module, ...]:
        return (*stack(before, f, padding=0), nn.BatchNorm2d(f, eps=0.001), nn.MaxPool2d(2))

    return nn.Sequential(
        *(*stage(3, 32), *stage(32, 64), *stage(64, 128), nn.Flatten()),
        *(nn.Linear(25088, 512), nn.ReLU(), nn.BatchNorm1d(512, eps=0.001), nn.Linear(512, 2), nn.Softmax(1)),
    )


NETWORKS = {
    "lenet5": (lenet5, (1, 32, 32), {}),
    "lenet5_1998": (lenet5_1998, (1, 32, 32), {}),
    "alexnet_2012": (alexnet_2012, (3, 227, 227), {}),
    "allconv": (allconv, (3, 32, 32), {}),
    "convnetjs_cifar10": (convnetjs_cifar10, (3, 32, 32), {}),
    "vgg11_lrn": (vgg11_lrn, (3, 224, 224), {"side": 64}),
    "vgg16_c": (vgg16_c, (3, 224, 224), {"side": 64}),
    "googlenet_2014": (googlenet_2014, (3, 224, 224), {}),
    "resnet20_cifar": (resnet20_cifar, (3, 32, 32), {}),
    "unet": (UNet, (1, 572, 572), {"width": 4}),
    "mobilenet_v1": (mobilenet_v1, (3, 224, 224), {"alpha": 0.25}),
    "dogs_vs_cats": (dogs_vs_cats, (3, 128, 128), {}),
}
"""The module, its input, and what makes it small: params, or another side of the image."""


@pytest.mark.parametrize("name", NETWORKS)
def test_counts_are_those_of_the_module(name: str) -> None:
    build, shape, _ = NETWORKS[name]
    with torch.device("meta"):
        module = build().eval()
    totals = archspec.analyze(archspec.load(name)).totals
    fixed = 840 if name == "lenet5_1998" else 0  # the centres of the last layer, which are not learned
    assert parameters_and_macs(module, shape) == (totals.params + fixed, totals.macs)


@pytest.mark.parametrize("name", NETWORKS)
def test_values_are_those_of_the_module(name: str) -> None:
    build, (channels, *sides), small = NETWORKS[name]
    params = {key: value for key, value in small.items() if key != "side"}
    sides = [small["side"]] * 2 if "side" in small else sides
    torch.manual_seed(0)
    x = {"input": torch.randn(2, channels, *sides)}
    module = enliven(build(**small), x)
    state = list(module.state_dict().values())
    if name == "lenet5_1998":  # ours holds the 16 filters of C3 in one tensor
        state[4:36] = [torch.cat([weight[0] for weight in state[4:36:2]]), torch.cat(state[5:36:2])]
    ours = archspec.to_torch(archspec.load(name, params=params, inputs={"input": (*sides, channels)})).eval()
    ours.load_state_dict(dict(zip(ours.state_dict(), state, strict=True)), assign=True)
    (expected,), (found,) = results(module, x), results(ours, x)
    assert distance(found, expected) < 1e-5
    assert distance(found[:1], found[1:]) > 1e-3  # the result depends on the input
