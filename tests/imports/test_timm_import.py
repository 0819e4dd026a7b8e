"""A sample of timm's models read as specs: without `custom`, with the parameters that timm counts, and as short as they were."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="reads modules of PyTorch")

import archspec
from tests.helpers.torchvision import torchvision

LINES = {
    "botnet26t_256": 62,
    "edgenext_xx_small": 104,
    "lambda_resnet26t": 56,
    "resnet18": 18,
    "resnetv2_50d_evos": 33,
    "vit_tiny_patch16_224": 22,
    "xcit_nano_12_p16_224": 88,
}
"""Models and the lines of their specs at most: attention with positions of each axis, sines, products with a convolution, two plain
ones, evolved norms, and attention of channels."""


@pytest.mark.slow
@pytest.mark.parametrize("name", LINES)
def test_models_of_timm(name):
    torchvision()  # which timm imports
    timm = pytest.importorskip("timm", reason="its models are read")
    with torch.device("meta"):
        module = timm.create_model(name).eval()
    channels, height, width = module.default_cfg["input_size"]
    found = archspec.from_torch(module, (height, width, channels))
    assert not found.diagnostics and "line of its own" not in found.note
    assert archspec.analyze(found.network).totals.params == sum(one.numel() for one in module.parameters())
    assert sum(bool(line.strip()) for line in found.text.splitlines()) <= LINES[name]
