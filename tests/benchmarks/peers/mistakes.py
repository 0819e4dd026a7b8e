"""Five mistakes that everybody makes, in a spec, in torch, in Keras and as ONNX; and what is looked for in what a tool says to them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

TORCH = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
{layers}

    def forward(self, x):
{body}


model, x = Net(), torch.zeros(1, 8, {size}, {size})
"""
KERAS = """\
import keras
from keras import layers

x = inputs = keras.Input(({size}, {size}, 8))
{body}
model = keras.Model(inputs, x)
"""
ONNX = """\
<ir_version: 8, opset_import: ["": 17]>
net (float[1,8,{size},{size}] x) => (float y) {{
{body}
}}
"""
WEIGHTS = {"w1": (8, 8, 5, 5), "w2": (8, 8, 5, 5), "w3": (256, 10), "w4": (8, 8, 3, 3)}
CALLS = {
    "torch": "from torch.utils.flop_counter import FlopCounterMode\nwith FlopCounterMode(display=False):\n    model(x)",
    "torchinfo": "import torchinfo\nprint(torchinfo.summary(model, input_data=x, verbose=0))",
    "fvcore": "from fvcore.nn import FlopCountAnalysis, flop_count_table\nprint(flop_count_table(FlopCountAnalysis(model.eval(), x)))",
    "ptflops aten": "from ptflops import get_model_complexity_info\n"
    "print(get_model_complexity_info(model, tuple(x.shape[1:]), backend='aten', print_per_layer_stat=False))",
    "thop": "from thop import profile\nprint(profile(model, inputs=(x,), verbose=False))",
    "calflops": "from calflops import calculate_flops\nprint(calculate_flops(model, args=[x], print_results=False))",
    "onnx-tool": "import onnx_tool\nonnx_tool.model_profile('net.onnx')",
    "Keras": "model.summary()",
}
"""What a user writes below the network. `aten` of ptflops is what its documentation recommends."""


@dataclass(frozen=True)
class Mistake:
    """The same network for each tool, each layer named alike; `keras` is None where it cannot be written wrong.

    The last line of `body`, and of `keras`, is the one at fault. `layer` and `way` are expressions for what a message ought to name: the
    layer, and a change that would mend it; `numbers` are those that do not fit together.
    """

    title: str
    spec: str | None
    size: int
    layers: str
    body: str
    keras: str | None
    onnx: str
    layer: str
    numbers: tuple[int, int]
    way: str


_CONV1 = "self.conv1 = nn.Conv2d(8, 8, 5)"
_K1 = "x = layers.Conv2D(8, 5, name='conv1')(x)"

MISTAKES = {
    # 8 - 5 + 1 = 4, and 5 is more: a padding of 1 or more, or a kernel of 4 or less
    "kernel": Mistake(
        "kernel larger than its input",
        "input 8x8x8\nconv1: conv k=5 f=8\nconv2: conv k=5 f=8\n",
        8,
        _CONV1 + "\nself.conv2 = nn.Conv2d(8, 8, 5)",
        "x = self.conv1(x)\nreturn self.conv2(x)",
        _K1 + "\nx = layers.Conv2D(8, 5, name='conv2')(x)",
        "[conv1] a = Conv(x, w1)\n[conv2] y = Conv(a, w2)",
        "conv2",
        (4, 5),
        r"\bp=[1-9]|padding=[1-9]|k=[1-4]\b|at most 4",
    ),
    # 4*4*8 = 128 numbers, not 256
    "linear": Mistake(
        "wrong size of a linear layer",
        None,
        8,
        _CONV1 + "\nself.fc = nn.Linear(256, 10)",
        "x = self.conv1(x).flatten(1)\nreturn self.fc(x)",
        None,
        "[conv1] a = Conv(x, w1)\n[flatten] b = Flatten(a)\n[fc] y = Gemm(b, w3)",
        "fc",
        (128, 256),
        r"in_features(?: should be| must be|=) ?128|expected (?:in_features )?128",
    ),
    # 4x4 and 8x8: a padding of 2, or a shortcut that is cut alike
    "add": Mistake(
        "sum of unequal maps",
        "input 8x8x8\nadd:\n  conv1: conv k=5 f=8\n  skip\n",
        8,
        _CONV1,
        "return x + self.conv1(x)",
        "y = layers.Conv2D(8, 5, name='conv1')(x)\nx = layers.Add(name='sum')([x, y])",
        "[conv1] a = Conv(x, w1)\n[sum] y = Add(x, a)",
        r"conv1|sum|add",
        (4, 8),
        r"\bp=2|padding=2|p=same|\bcrop|shortcut",
    ),
    "concat": Mistake(
        "concatenation of unequal maps",
        "input 8x8x8\nconcat:\n  conv1: conv k=5 f=8\n  skip\n",
        8,
        _CONV1,
        "return torch.cat((x, self.conv1(x)), 1)",
        "y = layers.Conv2D(8, 5, name='conv1')(x)\nx = layers.Concatenate(name='join')([x, y])",
        "[conv1] a = Conv(x, w1)\n[join] y = Concat<axis=1>(x, a)",
        r"conv1|join|concat|cat\(",
        (4, 8),
        r"\bp=2|padding=2|p=same|\bcrop",
    ),
    # (7 - 3)/3 + 1 = 2.33: a seventh column is never read; padding 1, a 1x1 kernel, or a rounding that is said
    "stride": Mistake(
        "3x3 with stride 3 on 7x7",
        "input 7x7x8\nconv1: conv k=3 s=3 f=8\n",
        7,
        "self.conv1 = nn.Conv2d(8, 8, 3, stride=3)",
        "return self.conv1(x)",
        "x = layers.Conv2D(8, 3, strides=3, name='conv1')(x)",
        "[conv1] y = Conv<strides=[3,3]>(x, w4)",
        "conv1",
        (7, 3),
        r"\bp=1|round=|padding=1",
    ),
}


def source(tool: str, name: str) -> str | None:
    """The program of a user who made the mistake; None where the tool leaves no room for it."""
    mistake = MISTAKES[name]
    if tool == "archspec":
        return mistake.spec
    if tool == "onnx-tool":
        return CALLS[tool]
    if tool == "Keras":
        return mistake.keras and KERAS.format(size=mistake.size, body=mistake.keras) + CALLS[tool]
    layers, body = (" " * 8 + text.replace("\n", "\n" + " " * 8) for text in (mistake.layers, mistake.body))
    return TORCH.format(layers=layers, body=body, size=mistake.size) + CALLS[tool]


def write_onnx(name: str, path: str) -> None:
    """The network as a file, which no exporter would write, but a program may."""
    import numpy
    import onnx

    mistake = MISTAKES[name]
    model = onnx.parser.parse_model(ONNX.format(size=mistake.size, body=mistake.onnx))
    for weight, shape in WEIGHTS.items():
        if weight in mistake.onnx:
            model.graph.initializer.append(onnx.numpy_helper.from_array(numpy.zeros(shape, numpy.float32), weight))
    onnx.save(model, path)


def said(output: str) -> str:
    """What a tool says itself: its own lines, or of a traceback the exceptions with their messages."""
    if "Traceback (most recent call last)" not in output:
        return output
    kept, inside = [], False
    for line in output.splitlines():
        inside = line.startswith("Traceback") or (inside and line.startswith(" "))
        if not inside:
            kept.append(line)
    return "\n".join(kept)


def judge(tool: str, name: str, output: str, failed: bool) -> dict[str, Any]:
    """A message and what it tells; all of it false where the tool prints a result as if nothing were wrong.

    A layer and a line also count where a traceback shows them in the user's own source. Numbers and a way out are looked for in what the
    tool says itself.
    """
    mistake, own = MISTAKES[name], said(output)
    found = re.search(r"^(?:<class '|error\[|\w+Error: ).*", own, re.MULTILINE)
    if not failed and not found:
        return {"message": None, "layer": False, "line": False, "numbers": False, "way": False}
    place = r"net\.arch:\d+" if tool == "archspec" else rf'net\.py", line {line_at_fault(tool, name)}\b'
    return {
        "message": found[0] if found else own.strip().partition("\n")[0],
        "layer": bool(re.search(mistake.layer, output, re.IGNORECASE)),
        "line": bool(re.search(place, output)),
        "numbers": all(re.search(rf"(?<!\d){number}(?!\d)", own) for number in mistake.numbers),
        "way": bool(re.search(mistake.way, own, re.IGNORECASE)),
    }


def line_at_fault(tool: str, name: str) -> int:
    """Where in its program the mistake shows; 0 where a program does not show the network."""
    mistake = MISTAKES[name]
    text = {"Keras": mistake.keras, "onnx-tool": None}.get(tool, mistake.body)
    lines = [line.strip() for line in (source(tool, name) or "").splitlines()]
    return lines.index(text.rpartition("\n")[2]) + 1 if text else 0
