"""DeepLabv3 and SSD300 beside torchvision's own, with its random weights."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the modules are written in it")

from torch import nn

import archspec
from tests.helpers.torchvision import torchvision

torch.set_num_threads(1)


def deeplab() -> nn.Module:
    return torchvision().models.segmentation.deeplabv3_resnet50(weights=None, weights_backbone=None, aux_loss=True)


def ssd() -> nn.Module:
    return torchvision().models.detection.ssd300_vgg16(weights=None, weights_backbone=None)


@pytest.mark.parametrize(("name", "build"), [("deeplabv3_resnet50", deeplab), ("ssd300", ssd)])
def test_keys_and_shapes_are_torchvision_s(name, build) -> None:
    with torch.device("meta"):
        theirs, ours = build(), archspec.to_torch(archspec.load(name))
    assert {key: value.shape for key, value in ours.state_dict().items()} == {
        key: value.shape for key, value in theirs.state_dict().items()
    }


@pytest.mark.slow
def test_deeplab_gives_torchvision_s_scores() -> None:
    torch.manual_seed(0)
    theirs, ours = deeplab().eval(), archspec.to_torch(archspec.load("deeplabv3_resnet50", inputs="65x97x3")).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(1, 3, 65, 97)
    with torch.no_grad():
        assert torch.allclose(ours(x).output, theirs(x)["out"], rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_ssd_gives_torchvision_s_boxes_and_scores() -> None:
    torch.manual_seed(0)
    theirs, ours = ssd().eval(), archspec.to_torch(archspec.load("ssd300", inputs="268x268x3")).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(1, 3, 268, 268)
    with torch.no_grad():
        found, expected = ours(x), theirs.head(list(theirs.backbone(x).values()))
    assert torch.allclose(found.output, expected["bbox_regression"], rtol=1e-5, atol=1e-5)
    assert torch.allclose(found.scores, expected["cls_logits"], rtol=1e-5, atol=1e-5)
