"""CBAM beside a module written by hand from the paper, in torchvision's ResNet-50: values, parameters, MACs."""

import pytest

torch = pytest.importorskip("torch", reason="the module is written in it")

from torch import nn

import archspec
from tests.helpers.torch import parameters_and_macs
from tests.helpers.torchvision import torchvision


class Cbam(nn.Module):
    """Equations 2 and 3 of the paper."""

    def __init__(self, c):
        super().__init__()
        self.mlp = nn.Sequential(nn.Conv2d(c, c // 16, 1, bias=False), nn.ReLU(), nn.Conv2d(c // 16, c, 1, bias=False))
        self.conv, self.norm = nn.Conv2d(2, 1, 7, padding=3, bias=False), nn.BatchNorm2d(1)

    def forward(self, x):
        x = x * (self.mlp(x.mean((2, 3), keepdim=True)) + self.mlp(x.amax((2, 3), keepdim=True))).sigmoid()
        pooled = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], dim=1)
        return x * self.norm(self.conv(pooled)).sigmoid()


def reference():
    """The paper puts the module behind the last norm of a branch."""
    model = torchvision().models.resnet50()
    for module in model.modules():
        if hasattr(module, "bn3"):
            module.bn3 = nn.Sequential(module.bn3, Cbam(module.bn3.num_features))
    return model.eval()


def test_counts_are_those_of_the_module():
    with torch.device("meta"):
        module = reference()
    totals = archspec.analyze(archspec.load("cbam_resnet50")).totals
    assert (totals.params, totals.macs) == (28_073_576, 4_095_573_110)
    assert parameters_and_macs(module, (3, 224, 224)) == (totals.params, totals.macs)


def test_values_are_those_of_the_module():
    torch.manual_seed(0)
    theirs = reference()
    ours = archspec.to_torch(archspec.load("cbam_resnet50", inputs="64x96x3"), device="meta").eval()
    state = {}
    for key, value in theirs.state_dict().items():
        for old, new in (
            ("bn3.0.", "bn3."),
            ("bn3.1.mlp.", "cbam.0.mlp."),
            ("bn3.1.conv.", "cbam.1.conv1."),
            ("bn3.1.norm.", "cbam.1.bn1."),
        ):
            key = key.replace(old, new)
        state[key] = value
    ours.load_state_dict(state, strict=True, assign=True)
    x = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        y, expected = ours(x), theirs(x)
    assert (y - expected).norm() <= 1e-5 * expected.norm()
