"""Attention within windows in ONNX files of PyTorch's exporters: short, with the module's own parameters, and with the values of onnxruntime."""

from __future__ import annotations

import io
import warnings
from importlib.util import find_spec

import pytest

for _name in ("torch", "onnx", "onnxruntime"):
    pytest.importorskip(_name, reason="files are made by PyTorch's exporter and compared with onnxruntime")

import numpy as np
import onnx
import torch
from onnx import numpy_helper

import archspec
from archspec.backends.onnx.export import emit
from archspec.diagnostics import SpecError
from archspec.imports.onnx.reader import read
from tests.helpers.torchvision import stirred, torchvision
from tests.imports.onnx_values import difference

EXPORTERS = [False, pytest.param(True, marks=pytest.mark.skipif(find_spec("onnxscript") is None, reason="the exporter needs onnxscript"))]


def swin(version=1):
    made = torchvision().models.swin_transformer
    more = {"block": made.SwinTransformerBlockV2, "downsample_layer": made.PatchMergingV2} if version == 2 else {}
    return made.SwinTransformer([2, 2], 12, [2, 1], [3, 6], [4, 4], num_classes=5, **more)


def maxvit():
    return torchvision().models.maxvit.MaxVit((32, 32), 8, 4, [8, 16], [1, 1], 4, 0.0, num_classes=5)


def exported(module, path, dynamo, images="open"):
    """Write a module for images of 32x32 pixels, with an open number of them, or for two."""
    x = torch.zeros(2, 3, 32, 32)
    open_ = {"dynamic_shapes": ({0: "N"},)} if dynamo else {"dynamic_axes": {"image": {0: "N"}}, "opset_version": 17}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stream = io.BytesIO()
        torch.onnx.export(
            module.eval(), (x,), stream, dynamo=dynamo, input_names=["image"], verbose=False, **(open_ if images == "open" else {})
        )
    path.write_bytes(stream.getvalue())
    return path


@pytest.mark.parametrize("dynamo", EXPORTERS)
@pytest.mark.parametrize("images", ["open", "two"])
@pytest.mark.parametrize("name", ["swin", "maxvit"])
def test_windows_are_attention(tmp_path, name, images, dynamo):
    torch.manual_seed(0)
    module = stirred({"swin": swin, "maxvit": maxvit}[name]())
    path = exported(module, tmp_path / "net.onnx", dynamo, images)
    found = read(path, {})
    assert not found.diagnostics
    assert "rel=table" in found.text
    assert ("shift=" if name == "swin" else "grid=4") in found.text
    totals = archspec.analyze(found.network).totals
    if name == "swin":  # no batch norm is folded
        assert totals.params == sum(p.numel() for p in module.parameters())
    assert difference(path, found=found) <= 1e-5


def changed(path, where, change):
    """Change the numbers of the first stored tensor, or constant, of which `where` is true."""
    model = onnx.load(path)
    stored = [*model.graph.initializer, *[a.t for node in model.graph.node for a in node.attribute if a.name == "value"]]
    for tensor in stored:
        array = numpy_helper.to_array(tensor)
        if where(array):
            array = array.copy()
            change(array)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
            onnx.save(model, path)
            return
    raise AssertionError("no such tensor")


def biases(array):
    return array.shape[-2:] == (16, 16) and array.dtype == np.float32 and array.std() > 0 and array.min() > -10


@pytest.mark.parametrize("dynamo", EXPORTERS)
def test_other_biases_are_no_table(tmp_path, dynamo):
    """Biases of which one pair of positions has its own are those of no window: the network is another, or is refused, never wrong."""
    path = exported(stirred(swin()), tmp_path / "net.onnx", dynamo)

    def change(array):
        array.reshape(-1)[17] += 1

    changed(path, biases, change)
    try:
        found = read(path, {})
    except SpecError:
        return
    assert found.diagnostics or difference(path, found=found) <= 1e-5


def masks(array):
    return array.ndim > 2 and array.dtype == np.float32 and array.min() <= -100


def test_another_mask_is_not_that_of_shifted_windows(tmp_path):
    path = tmp_path / "net.onnx"
    with path.open("wb") as file:
        emit(archspec.loads("input 8x8x8\nattn: winattn heads=2 w=4 shift=2\n")).write(file)
    assert "shift=2" in read(path, {}).text
    assert difference(path) <= 1e-5
    changed(path, masks, lambda array: array.__setitem__(slice(None), np.roll(array, 1, axis=-1)))
    try:
        found = read(path, {})
    except SpecError:
        return
    assert found.diagnostics
    assert "shift" not in found.text
