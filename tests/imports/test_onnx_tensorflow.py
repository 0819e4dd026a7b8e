"""Files as tf2onnx writes them of networks of Keras 3: names of layers, and batch norms in inference."""

from __future__ import annotations

import pytest

for _name in ("torch", "onnx", "onnxruntime"):
    pytest.importorskip(_name, reason="files are made by the package onnx and compared with onnxruntime")

import numpy as np
import onnx
from onnx import helper, numpy_helper

from archspec.imports.onnx.reader import read
from tests.imports.onnx_values import difference


def written(path):
    """A ResNet of blocks whose convolutions are called `conv2_block1_1_conv`, with batch norms as a product and a sum each."""
    draw = np.random.default_rng(0)
    nodes, stored = [], []

    def tensor(name, *shape):
        stored.append(numpy_helper.from_array(draw.uniform(0.1, 0.5, shape).astype("float32"), name))
        return name

    def node(operator, layer, inner, *inputs, **attributes):
        name = f"net_1/{layer}/{inner}" if layer else inner
        nodes.append(helper.make_node(operator, inputs, [f"{name}:0"], name, **attributes))
        return f"{name}:0"

    def unit(x, layer, channels):
        kernel = tensor(f"net_1/{layer}_conv_1/convolution/ReadVariableOp:0", 8, channels, 1, 1)
        bias = tensor(f"net_1/{layer}_conv_1/Squeeze:0", 8)
        x = node("Conv", "", f"Conv__{len(nodes)}", x, kernel, bias)
        x = node("Mul", f"{layer}_bn_1", "batchnorm/mul_1", x, tensor(f"net_1/{layer}_bn_1/batchnorm/mul:0", 1, 8, 1, 1))
        return node("Add", f"{layer}_bn_1", "batchnorm/add_1", x, tensor(f"const_fold_opt__{len(nodes)}", 1, 8, 1, 1))

    x = unit("image", "conv1", 3)
    for block in range(1, 4):
        inner = x
        for at in (1, 2):
            inner = unit(inner, f"conv2_block{block}_{at}", 8)
            inner = node("Relu", f"conv2_block{block}_{at}_relu_1", "Relu", inner)
        x = node("Add", f"conv2_block{block}_add_1", "Add", x, inner)
    given, result = (helper.make_tensor_value_info(name, 1, ["N", count, 4, 4]) for name, count in (("image", 3), (x, 8)))
    graph = helper.make_graph(nodes, "net", [given], [result], stored)
    model = helper.make_model(graph, producer_name="tf2onnx", opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def test_levels_and_batch_norms(tmp_path):
    path = written(tmp_path / "net.onnx")
    found = read(path, {})
    assert "conv2: repeat 3 as i: block{i+1}:" in found.text
    assert "conv2.block3.bn2.running_var" in found.stored
    assert found.text.count("conv k=1") <= 3
    assert difference(path, found=found) < 1e-6
