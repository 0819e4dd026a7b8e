"""Files of other kinds: one message, what it is and the way in."""

import json
import os

import pytest

import archspec
from archspec.api import Options, compile_text
from tests.helpers.messages import findings

TORCH = '''"""LeNet."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        return self.fc1(torch.flatten(x, 1))


net = Net()
'''
KERAS = """model = keras.Sequential(
    [
        keras.Input(shape=input_shape),
        layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Dense(num_classes, activation="softmax"),
    ]
)
"""
FUNCTIONAL = """from tensorflow import keras
inputs = keras.Input(shape=(32, 32, 3))
x = layers.Conv2D(
    32, 3, activation="relu",
)(inputs)
outputs = layers.Dense(10)(x)
"""
PRINTED = """Net(
  (conv1): Conv2d(3, 6, kernel_size=(5, 5), stride=(1, 1))
  (pool): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
  (fc1): Linear(in_features=400, out_features=120, bias=True)
)
"""
SUMMARY = """Model: "sequential"
_________________________________________________________________
 Layer (type)                Output Shape              Param #
=================================================================
 conv2d (Conv2D)             (None, 26, 26, 32)        320
=================================================================
Total params: 320
"""
RICH = """Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)         ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ conv2d (Conv2D)      │ (None, 26, 26, 32)     │           320 │
└──────────────────────┴────────────────────────┴───────────────┘
"""
TORCHSUMMARY = """----------------------------------------------------------------
        Layer (type)               Output Shape         Param #
================================================================
            Conv2d-1            [-1, 6, 28, 28]             456
"""
YAML = """nc: 80
backbone:
  # [from, number, module, args]
  - [-1, 1, Conv, [64, 6, 2, 2]]
  - [-1, 1, Conv, [128, 3, 2]]
"""
FLAT_YAML = "---\nname: lenet\nlayers:\n  - type: conv\n    filters: 6\n"
DARKNET = "[net]\nwidth=416\nheight=416\n\n[convolutional]\nbatch_normalize=1\nfilters=32\nsize=3\nactivation=leaky\n"
CAFFE = 'name: "LeNet"\nlayer {\n  name: "conv1"\n  type: "Convolution"\n  convolution_param { num_output: 20 kernel_size: 5 }\n}\n'
MARKDOWN = "# My net\n\nThis is a **small** net. See [the docs](https://x.y).\n\n```python\nimport torch\n```\n"
OWN_MARKDOWN = "# LeNet\n\nThe net:\n\n```arch\ninput 32x32x1\nfc 10\n```\n"
HTML = "<!DOCTYPE html>\n<html><body>input 3x3x3</body></html>\n"
NOTEBOOK = json.dumps({"cells": [{"cell_type": "code", "source": ["import torch\n", "x = 1"]}], "nbformat": 4}, indent=1)
KERAS_JSON = json.dumps({"module": "keras", "class_name": "Sequential", "config": {"layers": [{"class_name": "Dense"}]}})
DOT = "digraph net {\n  rankdir=TB;\n  a -> b;\n}\n"

CASES = {
    "Python code (PyTorch)": TORCH,
    "Python code (Keras)": KERAS,
    "Python code": FUNCTIONAL,
    "a module as PyTorch prints it": PRINTED,
    "a table as `model.summary()` prints it": SUMMARY,
    "a table": RICH,
    "a table as": TORCHSUMMARY,
    "a YAML file": YAML,
    "a YAML": FLAT_YAML,
    "a Darknet configuration (.cfg)": DARKNET,
    "a Caffe network (prototxt)": CAFFE,
    "a Markdown text": MARKDOWN,
    "a Markdown": OWN_MARKDOWN,
    "an HTML page": HTML,
    "a notebook (.ipynb)": NOTEBOOK,
    "a Keras model's JSON": KERAS_JSON,
    "a graph for Graphviz (DOT)": DOT,
}


@pytest.mark.parametrize("kind", CASES)
def test_a_file_of_another_kind_has_one_message(kind):
    (found,) = findings(CASES[kind])
    assert found.code == "A013"
    assert found.message.startswith(f"this is {kind}")
    assert found.message.endswith(", not a spec")
    assert found.help


@pytest.mark.parametrize(
    ("text", "way"),
    [
        (TORCH, "`archspec import package.module:name --input 224x224x3` reads a PyTorch module"),
        (PRINTED, "`archspec import package.module:name --input 224x224x3` reads a PyTorch module"),
        (KERAS, '`archspec import NAME.keras` reads the model that `model.save("NAME.keras")` writes'),
        (SUMMARY, "`archspec import NAME.keras`"),
        (KERAS_JSON, "if its name ends in .json"),
        (CAFFE, "if its name ends in .prototxt"),
        (DARKNET, "if its name ends in .cfg"),
    ],
)
def test_a_model_is_imported(text, way):
    (found,) = findings(text)
    assert way in found.help
    assert "write one layer per line" in found.help


def test_an_ir_document_is_no_spec():
    (found,) = findings(archspec.emit(archspec.load("lenet5"), "json"))
    assert "IR document" in found.message


@pytest.mark.parametrize("text", [TORCH, KERAS, PRINTED])
def test_the_first_layers_are_written_as_they_are_here(text):
    (found,) = findings(text)
    lines = found.notes[0].split("`")[1::2]
    assert len(lines) >= 2
    assert compile_text("input 32x32x3\nparam num_classes = 10\n" + "\n".join(lines) + "\n", "case.arch", Options())[0] is not None


def test_markdown_with_a_spec_in_it_says_where_the_spec_is():
    (found,) = findings(OWN_MARKDOWN)
    assert "```arch" in found.help


@pytest.mark.parametrize(
    "text",
    [
        "input 32x32x3\nfeatures:\n  conv k=3 f=8;\n  relu\n",
        "# a comment with a [link](https://x.y)\ninput 32x32x3\nConv2D(8, 3)\nConv2D(8, 3)\nDense(10)\nnn.Linear(3, 4)\n",
        "block basic(n):\n  conv k=3 f=n;\n",
        "Conv2D(8, 3)\n",
    ],
)
def test_a_spec_with_mistakes_is_a_spec(text):
    assert all(d.code != "A013" for d in findings(text))


def test_an_onnx_file_is_told_by_its_bytes(tmp_path):
    pytest.importorskip("onnx", reason="writes the file")
    path = tmp_path / "net.model"
    path.write_bytes(archspec.to_onnx(archspec.load("lenet5")).SerializeToString())
    with pytest.raises(ValueError, match=r"an ONNX model, .*`archspec import FILE` reads it, if its name ends in \.onnx"):
        archspec.load(path)


def test_saved_weights_are_told_by_their_bytes(tmp_path):
    torch = pytest.importorskip("torch", reason="writes the file")
    path = tmp_path / "net.pt"
    torch.save({"w": torch.arange(200.0)}, path)
    with pytest.raises(ValueError, match="a zip archive"):
        archspec.load(path)


@pytest.mark.slow
def test_a_keras_model_is_told_by_its_first_member(tmp_path):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="writes the file")
    path = tmp_path / "net.keras"
    keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3)]).save(path)
    path = path.rename(tmp_path / "net.zip")
    with pytest.raises(ValueError, match=r"a Keras model, .*; `archspec import FILE` reads it, if its name ends in \.keras"):
        archspec.load(path)


def test_a_safetensors_file_is_told_by_its_header(tmp_path):
    torch = pytest.importorskip("torch", reason="has the tensors")
    files = pytest.importorskip("safetensors.torch", reason="writes the file")
    path = tmp_path / "net.safetensors"
    files.save_file({"w": torch.arange(200.0)}, path)
    with pytest.raises(ValueError, match=r"holds weights and no layers, .*`archspec emit onnx SPEC --weights FILE`"):
        archspec.load(path)


def test_a_printed_module_below_an_input_is_one_message():
    text = "input 32x32x3\nNet(\n  (features): Sequential(\n    (0): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))\n    (1): ReLU()\n  )\n)\n"
    (found,) = compile_text(text, "case.arch", Options())[1]
    assert (found.code, found.message) == ("A013", "this is a module as PyTorch prints it, not a spec")
    assert "`conv k=3 f=8`, then `relu`" in found.notes[0]
