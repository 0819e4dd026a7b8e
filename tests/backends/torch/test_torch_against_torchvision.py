"""The emitted modules against torchvision's own: names, shapes and order of tensors, outputs and gradients."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is what the emitted source runs on")

import archspec
from archspec.api import to_torch
from tests.helpers.specs import VARIED, few_quick
from tests.helpers.torch import counted
from tests.helpers.torchvision import (
    CLASSIFIERS,
    NAMES,
    empty,
    matched,
    network_of,
    quick_side,
    reference,
    shortened,
    state_of,
    stirred,
    torchvision,
)

torch.set_num_threads(1)


def listed(state):
    return [(key, tuple(tensor.shape)) for key, tensor in state.items()]


def test_the_table_is_torchvision_s():
    models = torchvision().models
    assert list(CLASSIFIERS) == models.list_models(module=models)
    for name, row in CLASSIFIERS.items():
        weights = list(models.get_model_weights(name))[0]
        assert (row["params"], row["gmacs"]) == (weights.meta["num_params"], weights.meta["_ops"])
        assert [row["side"]] == weights.transforms().crop_size


@pytest.mark.parametrize("name", few_quick(CLASSIFIERS, (*VARIED, "efficientnet_b7", "mnasnet0_5", "regnet_x_8gf", "vit_h_14")))
def test_the_state_dict_is_torchvision_s(name):
    ours = listed(to_torch(network_of(name), device="meta").state_dict())
    with torch.device("meta"):
        theirs = listed(state_of(name, reference(name)))
    if CLASSIFIERS[name].get("keys") == "in another order":
        assert sorted(ours) == sorted(theirs)
    else:
        assert ours == theirs


@pytest.mark.parametrize("name", few_quick(CLASSIFIERS, ("alexnet", "mnasnet0_5", "vit_h_14")))
def test_macs_are_those_that_torch_counts(name):
    with torch.device("meta"):
        theirs = reference(name).train(name.startswith("vit"))  # in inference attention takes a path that is not counted
    side = CLASSIFIERS[name]["side"]
    assert archspec.analyze(network_of(name)).totals.macs == counted(theirs, (3, side, side))[1]


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
    assert listed(ours.state_dict()) == listed(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict(), assign=True)
    x = torch.randn(1, 3, 4, 40, 48)
    with torch.no_grad():
        assert close(ours.eval()(x), theirs(x), 1e-5)


@pytest.mark.parametrize("name", few_quick([name for name in CLASSIFIERS if name not in NAMES], ["shufflenet_v2_x0_5"]))
def test_outputs_of_others_are_torchvision_s(name):
    """Their weights are stored once, for both; networks that take more than 1 GB even so have fewer blocks."""
    torch.manual_seed(0)
    row = CLASSIFIERS[name]
    side = quick_side(name)
    theirs = stirred((shortened if "cut" in row else reference)(name, side))
    ours = empty(network_of(name, side, row.get("short")))
    ours.load_state_dict(state_of(name, theirs), assign=True)
    x = torch.randn(1, 3, side, side)
    with torch.no_grad():
        expected = theirs.eval()(x)
        assert expected.std() > 0.001
        assert close(ours.eval()(x), expected, 1e-5)


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
