"""The receptive field on a picture: what is seen of the input has the size that tables give, and covers what PyTorch's gradient finds."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

import archspec
from archspec.views.arithmetic.seen import seen
from tests.helpers.specs import few_quick

NAMES = [
    "lenet5",
    "vgg16",
    "resnet18",
    "googlenet_2014",
    "unet",
    "wavenet",
    "densenet121",
    "pointnet",
    "mobilenet_v2",
    "dcgan_generator",
    "fcn8s",
]


@pytest.mark.parametrize("name", few_quick(NAMES, ["lenet5", "resnet18", "unet"]))
def test_the_size_is_that_of_the_table(name, networks):
    report = archspec.analyze(networks(name))
    checked = 0
    for row in report.layers[:: max(1, len(report) // 40)]:
        try:
            maps = seen(report, row.name)
        except ValueError:
            continue
        size = tuple(high - low + 1 for low, high in maps[0].region)
        if row.receptive_field is None or maps[0].name not in report.inputs:
            continue
        checked += 1
        if row.receptive_field == row.smallest_field:
            assert size == row.receptive_field, row
        else:
            assert all(a <= b for a, b in zip(size, row.receptive_field, strict=True)), row
    assert checked


@pytest.mark.parametrize(
    "text",
    [
        "conv k=3 f=2 p=1\navgpool w=2 s=2\nconv k=3 f=2 p=1 d=2\n", "conv k=3 f=2 s=2 p=1 round=floor\ndeconv k=4 f=2 s=2 p=1\nconv k=3 f=2\n",
        "avgpool w=2 s=2\nupsample 2\nconv k=3 f=2\n", "add:\n  conv k=3 f=1 p=1\n  conv k=5 f=1 p=2\nconv k=2 f=1\n",
    ],
)  # fmt: skip
def test_what_is_seen_is_where_the_gradient_is(text):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    model = archspec.loads(f"input 24x24x1\n{text}")
    report = archspec.analyze(model)
    last = report.layers[-1]
    net = archspec.to_torch(model).double()
    for parameter in net.parameters():
        torch.nn.init.uniform_(parameter, 0.5, 1.0)
    x = torch.rand(1, 1, 24, 24, dtype=torch.float64, requires_grad=True)
    net(x)[0, :, last.output[0] // 2, last.output[1] // 2].sum().backward()
    touched = x.grad[0, 0].nonzero()
    found = seen(report, last.name)[0].inside
    assert list(found) == [(int(touched[:, axis].min()), int(touched[:, axis].max())) for axis in range(2)]


def test_the_picture(archspec_command, networks, tmp_path):
    done = archspec_command("draw", "lenet5", "--field", "conv2")
    root = ElementTree.fromstring(done.out)
    parts = [(each.get("data-name"), each.get("data-seen")) for each in root.iter() if each.get("class") == "seen"]
    assert parts == [("input", "14x14"), ("conv1", "10x10"), ("avgpool1", "5x5"), ("conv2", "1x1")]
    assert "receptive field 14×14" in done.out and re.search(r">5×5 of 14×14<", done.out)
    assert archspec_command("draw", "lenet5", "--field", "conv2", "--theme", "dark", "-o", "x.svg", cwd=tmp_path).status == 0
    assert (tmp_path / "x.svg").read_text(encoding="utf-8") != done.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("lenet5", "--field", "conv9"), "no layer `conv9`"), (("lenet5", "--field", "fc1"), "has no positions"), (("resnet18", "--field", "layer1"), "found the group"),
        (("lenet5", "--field", "conv1", "--as", "bars"), "picture of its own"), (("lenet5", "conv2", "--field", "conv1"), "picture of its own"),
        (("lenet5", "--field", "conv1", "-o", "x.dot"), "as .svg"), (("lenet5", "--field"), "expected one argument"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(words, message, archspec_command, tmp_path):
    done = archspec_command("draw", *words, cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert message in done.err and "Traceback" not in done.err
