"""The emitted modules against torchvision's own: names, shapes and order of tensors, outputs and gradients."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is what the emitted source runs on")

import archspec
from archspec.api import to_torch
from tests.helpers.specs import VARIED, few_quick
from tests.helpers.torchvision import DIFFERENT_ORDER, HYPHENS, NAMES, matched, reference, torchvision

torch.set_num_threads(1)


def listed(model):
    return [(key, tuple(tensor.shape)) for key, tensor in model.state_dict().items()]


@pytest.mark.parametrize("name", few_quick(NAMES, VARIED))
def test_the_state_dict_is_torchvision_s(name):
    ours = listed(to_torch(archspec.load(name, params={"aux": 1} if name == "googlenet" else None), device="meta"))
    with torch.device("cpu" if name.startswith("regnet") else "meta"):  # RegNet's widths are computed by tensors
        theirs = listed(reference(name))
    if name in HYPHENS:
        assert [shape for _, shape in ours] == [shape for _, shape in theirs]
    elif name in DIFFERENT_ORDER:
        assert dict(ours) == dict(theirs)
    else:
        assert ours == theirs


def close(ours, theirs, tolerance):
    return float((ours - theirs).norm()) <= tolerance * float(theirs.norm()) + 1e-12


@pytest.mark.parametrize("name", few_quick(NAMES))
def test_outputs_and_gradients_are_torchvision_s(name):
    torch.manual_seed(0)
    pair = matched(name)
    assert close(*pair.eval_outputs(), 1e-5)
    outputs, gradients = pair.train_outputs_and_gradients()
    assert close(*outputs, 1e-5)
    assert all(close(*both, 1e-4) for both in gradients)
    assert all(torch.equal(a, b) for a, b in zip(running(pair.ours), running(pair.theirs), strict=True))


def running(model):
    return [buffer for name, buffer in model.named_buffers() if "running" in name]


def test_the_network_of_videos_is_torchvision_s():
    torch.manual_seed(0)
    theirs = torchvision().models.video.r3d_18().eval()
    ours = to_torch(archspec.load("resnet3d_18", inputs="4x40x48x3"), device="meta")
    assert listed(ours) == listed(theirs)
    ours.load_state_dict(theirs.state_dict(), assign=True)
    x = torch.randn(1, 3, 4, 40, 48)
    with torch.no_grad():
        assert close(ours.eval()(x), theirs(x), 1e-5)


def test_windows_and_grids_in_turn_are_torchvision_s():
    torch.manual_seed(0)
    theirs = torchvision().models.maxvit_t().eval()
    state = {key.replace(".to_qkv.", ".qkv.").replace(".merge.", ".proj."): value for key, value in theirs.state_dict().items()}
    state |= {key: value.flatten() for key, value in state.items() if key.endswith("relative_position_index")}
    for key, value in state.items():
        if key.endswith("relative_position_bias_table"):
            value.normal_()
    ours = to_torch(archspec.load("maxvit_t"))
    ours.load_state_dict(state)
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        assert close(ours.eval()(x), theirs(x), 1e-5)


@pytest.mark.parametrize(("size", "window", "shift"), [((8, 8), (4, 4), (2, 2)), ((8, 12), (4, 6), (1, 0)), ((6, 12), (6, 4), (3, 2))])
def test_window_attention_is_torchvision_s(size, window, shift):
    theirs = torchvision().models.swin_transformer.ShiftedWindowAttention(8, list(window), list(shift), 2)
    text = "input {}x{}x8\nattn: winattn heads=2 w={}x{} shift={}x{}\n".format(*size, *window, *shift)
    ours = to_torch(archspec.loads(text))
    torch.nn.init.normal_(theirs.relative_position_bias_table)
    ours.attn.load_state_dict(theirs.state_dict())
    x = torch.randn(3, 8, *size)
    with torch.no_grad():
        assert close(ours(x), theirs(x.movedim(1, -1)).movedim(-1, 1), 1e-5)
