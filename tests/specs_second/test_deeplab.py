"""DeepLabv3 beside torchvision's own, with its random weights."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the modules are written in it")

from torch import nn

import archspec
from tests.helpers.torchvision import torchvision

torch.set_num_threads(1)


def deeplab() -> nn.Module:
    return torchvision().models.segmentation.deeplabv3_resnet50(weights=None, weights_backbone=None, aux_loss=True)


def test_keys_and_shapes_are_torchvision_s() -> None:
    with torch.device("meta"):
        theirs, ours = deeplab(), archspec.to_torch(archspec.load("deeplabv3_resnet50"))
    assert {key: value.shape for key, value in ours.state_dict().items()} == {
        key: value.shape for key, value in theirs.state_dict().items()
    }


def test_deeplab_gives_torchvision_s_scores() -> None:
    torch.manual_seed(0)
    theirs, ours = deeplab().eval(), archspec.to_torch(archspec.load("deeplabv3_resnet50", inputs="65x97x3")).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(1, 3, 65, 97)
    with torch.no_grad():
        assert torch.allclose(ours(x).output, theirs(x)["out"], rtol=1e-5, atol=1e-5)
