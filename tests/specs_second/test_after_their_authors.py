"""Networks beside modules written by hand after their authors' code or figures: counts, and values with the module's random weights."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the modules are written in it")

from torch import Tensor, nn
from torch.nn import functional as F

import archspec
from tests.helpers.torch import distance, enliven, parameters_and_macs, results

torch.set_num_threads(1)


def unit(before: int, after: int, k: int = 3, **options: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, k, bias=False, **options), nn.BatchNorm2d(after)]


class Double(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        layers = [*unit(before, after, padding=1), nn.ReLU(), *unit(after, after, padding=1), nn.ReLU()]
        self.double_conv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.double_conv(x)


class Down(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), Double(before, after))

    def forward(self, x: Tensor) -> Tensor:
        return self.maxpool_conv(x)


class Up(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.up, self.conv = nn.ConvTranspose2d(before, after, 2, 2), Double(before, after)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        return self.conv(torch.cat([e, self.up(x)], 1))


class UNet(nn.Module):
    """github.com/milesial/Pytorch-UNet, unet_model.py."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.inc = Double(3, width)
        for i in range(4):
            self.add_module(f"down{i + 1}", Down(width * 2**i, width * 2 ** (i + 1)))
        for i in range(4):
            self.add_module(f"up{i + 1}", Up(width * 2 ** (4 - i), width * 2 ** (3 - i)))
        self.outc = nn.ModuleDict({"conv": nn.Conv2d(width, 1, 1)})

    def forward(self, x: Tensor) -> Tensor:
        e = [self.inc(x)]
        for i in range(4):
            e.append(getattr(self, f"down{i + 1}")(e[-1]))
        x = e.pop()
        for i in range(4):
            x = getattr(self, f"up{i + 1}")(x, e.pop())
        return self.outc["conv"](x)


class TextCnn(nn.Module):
    """Kim 2014, section 2."""

    def __init__(self, words: int = 18765, width: int = 300, filters: int = 100, classes: int = 2) -> None:
        super().__init__()
        self.embed1 = nn.Embedding(words, width)
        for i in range(3):
            self.add_module(f"conv{i + 1}", nn.Conv1d(width, filters, i + 3))
        self.fc1 = nn.Linear(3 * filters, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed1(x).transpose(1, 2)
        found = [F.relu(conv(x)).amax(2) for conv in (self.conv1, self.conv2, self.conv3)]
        return F.softmax(self.fc1(F.dropout(torch.cat(found, 1), 0.5, self.training)), 1)


def darknet(before: int, after: int, k: int = 3, s: int = 1) -> nn.Module:
    return nn.Sequential(*unit(before, after, k, stride=s, padding=k // 2), nn.LeakyReLU(0.1))


class Residual(nn.Module):
    def __init__(self, f: int) -> None:
        super().__init__()
        self.body = nn.Sequential(darknet(f, f // 2, 1), darknet(f // 2, f))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def stage(before: int, after: int, n: int) -> nn.Module:
    return nn.Sequential(darknet(before, after, s=2), *(Residual(after) for _ in range(n)))


def neck(before: int, f: int) -> nn.Module:
    pair = [darknet(before, f, 1), darknet(f, 2 * f), darknet(2 * f, f, 1), darknet(f, 2 * f)]
    return nn.Sequential(*pair, darknet(2 * f, f, 1))


def yolo_head(f: int) -> nn.Module:
    return nn.Sequential(darknet(f, 2 * f), nn.Conv2d(2 * f, 255, 1))


class Yolo(nn.Module):
    """yolov3.cfg of Darknet."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(darknet(3, 32), stage(32, 64, 1), stage(64, 128, 2), stage(128, 256, 8))
        self.middle, self.end = stage(256, 512, 8), stage(512, 1024, 4)
        self.neck1, self.head1, self.up1 = neck(1024, 512), yolo_head(512), darknet(512, 256, 1)
        self.neck2, self.head2, self.up2 = neck(768, 256), yolo_head(256), darknet(256, 128, 1)
        self.neck3, self.head3 = neck(384, 128), yolo_head(128)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        fine = self.fine(x)
        middle = self.middle(fine)
        large = self.neck1(self.end(middle))
        medium = self.neck2(torch.cat([F.interpolate(self.up1(large), scale_factor=2), middle], 1))
        small = self.neck3(torch.cat([F.interpolate(self.up2(medium), scale_factor=2), fine], 1))
        return self.head3(small), self.head1(large), self.head2(medium)


class Fcn(nn.Module):
    """voc-fcn8s/train.prototxt of fcn.berkeleyvision.org."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        sizes, before = [(width, 2), (2 * width, 2), (4 * width, 3), (8 * width, 3), (8 * width, 3)], 3
        for i, (f, n) in enumerate(sizes):
            layers = []
            for j in range(n):
                layers += [nn.Conv2d(before, f, 3, padding=100 if i == j == 0 else 1), nn.ReLU()]
                before = f
            self.add_module(f"conv{i + 1}", nn.Sequential(*layers))
        self.fc6, self.fc7 = nn.Conv2d(8 * width, 64 * width, 7), nn.Conv2d(64 * width, 64 * width, 1)
        self.score_fr = nn.Conv2d(64 * width, 21, 1)
        self.upscore2 = nn.ConvTranspose2d(21, 21, 4, 2, bias=False)
        self.score_pool4, self.upscore_pool4 = nn.Conv2d(8 * width, 21, 1), nn.ConvTranspose2d(21, 21, 4, 2, bias=False)
        self.score_pool3, self.upscore8 = nn.Conv2d(4 * width, 21, 1), nn.ConvTranspose2d(21, 21, 16, 8, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        pool3 = self.pool(self.conv3(self.pool(self.conv2(self.pool(self.conv1(x))))))
        pool4 = self.pool(self.conv4(pool3))
        y = F.relu(self.fc7(F.relu(self.fc6(self.pool(self.conv5(pool4))))))
        y = self.upscore2(self.score_fr(y))
        y = self.upscore_pool4(y + self.score_pool4(pool4)[:, :, 5 : 5 + y.shape[2], 5 : 5 + y.shape[3]])
        y = self.upscore8(y + self.score_pool3(pool3)[:, :, 9 : 9 + y.shape[2], 9 : 9 + y.shape[3]])
        return y[:, :, 31 : 31 + height, 31 : 31 + width]


def vgg_stage(before: int, *sizes: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for f in sizes:
        layers += [nn.Conv2d(before, f, 3, padding=1), nn.BatchNorm2d(f), nn.ReLU()]
        before = f
    return nn.Sequential(*layers)


class SegNet(nn.Module):
    """segnet_pascal.prototxt of github.com/alexgkendall/SegNet-Tutorial, without dropout."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        n = width
        down = [(3, n, n), (n, 2 * n, 2 * n), (2 * n, *[4 * n] * 3), (4 * n, *[8 * n] * 3), [8 * n] * 4]
        up = [[8 * n] * 4, [*[8 * n] * 3, 4 * n], [*[4 * n] * 3, 2 * n], (2 * n, 2 * n, n), (n, n)]
        self.down, self.up = (nn.ModuleList(vgg_stage(*sizes) for sizes in arm) for arm in (down, up))
        self.up[-1].append(nn.Conv2d(n, 21, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        places = []
        for stage in self.down:
            x, place = F.max_pool2d(stage(x), 2, return_indices=True)
            places.append(place)
        for stage in self.up:
            x = stage(F.max_unpool2d(x, places.pop(), 2))
        return F.softmax(x, 1)


NETWORKS = {
    "unet_padded": (UNet, (3, 512, 512), {"width": 4}, (3, 32, 48), 31_037_633),
    "textcnn": (TextCnn, (56,), {"words": 30, "width": 8, "filters": 5, "classes": 3}, (56,), 5_990_402),
    "yolov3": (Yolo, (3, 416, 416), {}, (3, 32, 64), 61_949_149),
    "segnet": (SegNet, (3, 224, 224), {"width": 4}, (3, 64, 96), 29_455_125),
    "fcn8s": (Fcn, (3, 500, 500), {"width": 4}, (3, 500, 500), 134_489_759),
}
"""The module, its input, params and an input that make it small, and the parameters of the spec as it stands."""


def example(name: str, n: int, shape: tuple[int, ...]) -> Tensor:
    return torch.randint(0, 30, (n, *shape)) if name == "textcnn" else torch.randn(n, *shape)


@pytest.mark.parametrize("name", NETWORKS)
def test_counts_are_those_of_the_module(name: str) -> None:
    build, shape, _, _, params = NETWORKS[name]
    network = archspec.load(name)
    with torch.device("meta"):
        module, ours = build().eval(), archspec.to_torch(network)
    assert [value.shape for value in ours.state_dict().values()] == [value.shape for value in module.state_dict().values()]
    totals = archspec.analyze(network).totals
    assert totals.params == params
    assert parameters_and_macs(module, shape, example(name, 1, (1,)).dtype) == (totals.params, totals.macs)


@pytest.mark.parametrize("name", NETWORKS)
def test_values_are_those_of_the_module(name: str) -> None:
    build, _, small, shape, _ = NETWORKS[name]
    torch.manual_seed(0)
    x = {"input": example(name, 2, shape)}
    module = enliven(build(**small), x)
    ours = archspec.to_torch(archspec.load(name, params=small, inputs={"input": (*shape[1:], shape[0])})).eval()
    ours.load_state_dict(dict(zip(ours.state_dict(), module.state_dict().values(), strict=True)))
    for found, expected in zip(results(ours, x), results(module, x), strict=True):
        assert distance(found, expected) < 1e-5
        assert distance(found[:1], found[1:]) > 1e-3  # the result depends on the input
