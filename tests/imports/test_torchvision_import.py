"""torchvision's classifiers as short specs of the same networks: counts, names of weights and lines; values of some."""

from __future__ import annotations

import json

import pytest

import archspec

torch = pytest.importorskip("torch", reason="reads modules of PyTorch")

from tests.helpers.paths import FACTS
from tests.helpers.torchvision import CLASSIFIERS, torchvision

LINES: dict[str, int] = json.loads((FACTS / "imported_lines.json").read_text(encoding="utf-8"))
"""The lines of each, which become fewer, never more."""
HEADS = ("googlenet", "inception_v3")
"""What has auxiliary heads, which are read and which the published counts leave out."""


FAMILIES = sorted({name for by in (reversed, list) for name in {name[:6]: name for name in by([*CLASSIFIERS])}.values()})
"""The first and the last classifier of each family; those between differ in numbers."""


def made(name, device):
    """A classifier with random weights."""
    given = {"init_weights": False} if name in HEADS else {"image_size": CLASSIFIERS[name]["side"]} if name.startswith("vit") else {}
    with torch.device(device):
        return getattr(torchvision().models, name)(weights=None, **given).eval()


def lines(text):
    return sum(bool(line.strip()) for line in text.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_each_is_short_and_the_same_network(name):
    module = made(name, "cpu" if name.startswith("regnet") else "meta")  # RegNet's constructor copies numbers
    side = CLASSIFIERS[name]["side"]
    found = archspec.from_torch(module, f"{side}x{side}x3")
    assert not found.diagnostics
    assert "line of its own" not in found.note
    assert lines(found.text) <= LINES[name]
    totals = archspec.analyze(found.network).totals
    assert totals.params == sum(p.numel() for p in module.parameters())
    if name not in HEADS:
        assert totals.params == CLASSIFIERS[name]["params"]
        assert round(totals.macs / 1e9, 3) == pytest.approx(CLASSIFIERS[name]["gmacs"], abs=0.0011)
    own = {
        key for key in module.state_dict() if not key.endswith(("num_batches_tracked", "relative_position_index", "relative_coords_table"))
    }
    assert {key for stored in found.stored.values() for key in stored.keys} == own


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["resnet18", "googlenet", "densenet121", "shufflenet_v2_x0_5", "regnet_y_400mf", "vit_b_32", "swin_t", "convnext_tiny"]
)
def test_values_are_those_of_the_module(name, tmp_path):
    torch.manual_seed(0)
    module = made(name, "cpu")
    image = torch.randn(2, 3, 224, 224)
    found = archspec.from_torch(module, image)
    found.save_weights(tmp_path / "w.safetensors")
    ours = archspec.to_torch(found.network).eval()
    archspec.load_weights(ours, tmp_path / "w.safetensors")
    with torch.no_grad():
        expected = module(image)
        got = ours(image)
        got = got if isinstance(got, torch.Tensor) else got[0]
        assert (got - expected).abs().max() <= 1e-5 * max(1, expected.abs().max())
