"""Networks beside modules written by hand after their authors' code: keys, shapes, parameters, MACs, values."""

from __future__ import annotations

from itertools import pairwise

import pytest

torch = pytest.importorskip("torch", reason="the modules are written in it")

from torch import Tensor, nn
from torch.nn import functional as F

import archspec
from tests.helpers.torch import distance, enliven, parameters_and_macs, results

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


class Gated(nn.Module):
    """Equations 2 and figure 4 of van den Oord et al. 2016."""

    def __init__(self, width: int, skips: int, d: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv1d(width, width, 2, dilation=d) for _ in range(2))
        self.side, self.conv4 = nn.Conv1d(width, skips, 1), nn.Conv1d(width, width, 1)
        self.d = d

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        past = F.pad(x, (self.d, 0))
        z = torch.tanh(self.conv1(past)) * torch.sigmoid(self.conv2(past))
        return x + self.conv4(z), self.side(z)


class WaveNet(nn.Module):
    def __init__(self, width: int = 32, skips: int = 256) -> None:
        super().__init__()
        self.causal = nn.Conv1d(256, width, 2)
        self.stack = nn.ModuleList(Gated(width, skips, 2**i) for _ in range(3) for i in range(10))
        self.conv2, self.conv3 = nn.Conv1d(skips, skips, 1), nn.Conv1d(skips, 256, 1)

    def forward(self, x: Tensor) -> Tensor:
        x, total = self.causal(F.pad(x, (1, 0))), 0
        for block in self.stack:
            x, side = block(x)
            total = total + side
        return F.softmax(self.conv3(F.relu(self.conv2(F.relu(total)))), 1)


class Transformed(nn.Module):
    """A T-net, and the product with the matrix that it finds."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k
        self.iden = nn.Buffer(torch.eye(k))
        sizes = [k, 64, 128, 1024]
        for i in range(3):
            self.add_module(f"conv{i + 1}", nn.Conv1d(sizes[i], sizes[i + 1], 1))
            self.add_module(f"bn{i + 1}", nn.BatchNorm1d(sizes[i + 1]))
        self.fc1, self.fc2, self.fc3 = nn.Linear(1024, 512), nn.Linear(512, 256), nn.Linear(256, k * k)
        self.bn4, self.bn5 = nn.BatchNorm1d(512), nn.BatchNorm1d(256)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = F.relu(self.bn3(self.conv3(y))).amax(2)
        y = F.relu(self.bn5(self.fc2(F.relu(self.bn4(self.fc1(y))))))
        matrix = self.fc3(y).view(-1, self.k, self.k) + self.iden
        return torch.bmm(x.transpose(2, 1), matrix).transpose(2, 1)


class Features(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stn, self.fstn = Transformed(3), Transformed(64)
        self.conv1, self.conv2, self.conv3 = nn.Conv1d(3, 64, 1), nn.Conv1d(64, 128, 1), nn.Conv1d(128, 1024, 1)
        self.bn1, self.bn2, self.bn3 = nn.BatchNorm1d(64), nn.BatchNorm1d(128), nn.BatchNorm1d(1024)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fstn(F.relu(self.bn1(self.conv1(self.stn(x)))))
        return self.bn3(self.conv3(F.relu(self.bn2(self.conv2(x))))).amax(2)


class PointNet(nn.Module):
    """github.com/fxia22/pointnet.pytorch, pointnet/model.py: PointNetCls(k=40, feature_transform=True)."""

    def __init__(self) -> None:
        super().__init__()
        self.feat = Features()
        self.fc1, self.fc2, self.fc3 = nn.Linear(1024, 512), nn.Linear(512, 256), nn.Linear(256, 40)
        self.bn1, self.bn2 = nn.BatchNorm1d(512), nn.BatchNorm1d(256)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.fc1(self.feat(x))))
        x = F.relu(self.bn2(F.dropout(self.fc2(x), 0.3, self.training)))
        return F.log_softmax(self.fc3(x), 1)


NETWORKS = {
    "dcgan_generator": (generator, (100, 1, 1), {"width": 4}, (100, 1, 1), 3_576_704),
    "dcgan_discriminator": (discriminator, (3, 64, 64), {"width": 4}, (3, 64, 64), 2_765_568),
    "cyclegan_generator": (CycleGan, (3, 256, 256), {"width": 4, "depth": 2}, (3, 16, 32), 11_378_179),
    "wavenet": (WaveNet, (256, 16000), {"width": 4, "skips": 6}, (256, 40), 557_920),
    "pointnet": (PointNet, (3, 2500), {}, (3, 20), 3_471_473),
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
    x = {"input": torch.randn(2, *shape)}
    module = enliven(build(**small), x)
    ours = archspec.to_torch(archspec.load(name, params=small, inputs={"input": (*shape[1:], shape[0])})).eval()
    ours.load_state_dict(module.state_dict(), strict=True)
    (found,), (expected,) = results(ours, x), results(module, x)
    assert distance(found, expected) < 1e-5
    assert distance(found[:1], found[1:]) > 1e-3  # the result depends on the input
