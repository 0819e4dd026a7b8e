"""docs/from_frameworks.md: PyTorch, Keras and the language side by side, from the table that messages use."""

from __future__ import annotations

import re

from archspec.foreign.equivalents import REASONS, Foreign, rows
from archspec.foreign.values import ACTIVATIONS, INITIALISERS
from archspec.foreign.whole_lines import rewritten
from archspec.ops import STEPS, op_class
from generate.common import NOTICE, cell

_HEAD = """# Coming from PyTorch or Keras

{notice}

If a spec contains a line of PyTorch or Keras, the error message shows the line to write instead. This page is generated from the same
table as those messages. [layers.md](layers.md) describes the layers, [language.md](language.md) how to combine lines. `archspec import` reads a
whole model ([I have a model](import.md)).

## A network

PyTorch:

```python
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.fc = nn.Linear(64 * 5 * 5, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return F.softmax(self.fc(torch.flatten(x, 1)), dim=1)
```

Keras:

```python
model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]
)
```

Here:

```arch
default round=floor             # both frameworks round down where a window does not fit
input 28x28x1                   # height x width x channels, without the batch
conv k=3 f=32 | relu            # the number of input channels is known
pool w=2
conv k=3 f=64 | relu
pool w=2
fc 10 | softmax                 # `fc` flattens its input
```

- Layers are written in the order in which data passes them. There is no `forward`, and a layer written twice has two sets of weights.
- The number of axes comes from the input: `conv` is `Conv1d`, `Conv2d` and `Conv3d`.
- As in both frameworks, the default padding is 0, and the default stride of pooling is its window.
- Where a window does not fit, both frameworks drop the rest; here this is an error, unless `round=floor` allows it.
- `fc` reads all numbers of its input; `linear` acts on the last axis, as `nn.Linear` and `Dense` do for inputs with several axes.
- `x + shortcut` is `residual:`, or `add e1` where `e1` is a label. `cat` is `concat`.
- Shapes are always channels last, whatever the layout of the framework.
"""

_LINES = (
    "nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)",
    "self.conv1 = nn.Conv2d(1, 6, 5)",
    "layers.Conv2D(32, (3, 3), padding='same', activation='relu')",
    "layers.Conv2D(32, 3, kernel_initializer='he_normal', name='stem')",
    "layers.SeparableConv2D(64, 3, padding='same', use_bias=False)",
    "layers.Conv2DTranspose(64, 3, strides=2, padding='same')",
    "nn.ConvTranspose2d(64, 32, 2, stride=2)",
    "nn.MaxPool2d(3, stride=2, padding=1)",
    "layers.MaxPooling2D()",
    "nn.AdaptiveAvgPool2d((1, 1))",
    "layers.GlobalAveragePooling2D()",
    "nn.Linear(400, 120)",
    "model.add(Dense(10, activation='softmax'))",
    "nn.BatchNorm2d(64)",
    "layers.LeakyReLU()",
    "nn.LeakyReLU(0.2, inplace=True)",
    "nn.Dropout(0.5)",
    "nn.Upsample(scale_factor=2, mode='bilinear')",
    "nn.Embedding(10000, 128)",
    "nn.LSTM(128, 64, num_layers=2, bidirectional=True)",
    "layers.Bidirectional(layers.GRU(64, return_sequences=True))",
    "nn.ReflectionPad2d(3)",
    "layers.ZeroPadding2D(((0, 1), (2, 3)))",
    "layers.Cropping2D(4)",
    "layers.Permute((2, 1))",
    "layers.Reshape((16, 96))",
    "spectral_norm(nn.Conv2d(3, 64, 3))",
    "nn.MultiheadAttention(192, 3)",
    "x = layers.add([x, residual])",
    "x = torch.cat([x, e1], dim=1)",
    "x = x.view(-1, 400)",
)


def frameworks() -> str:
    out = [_HEAD.format(notice=NOTICE), "## Lines", "", "| PyTorch or Keras | here |", "|---|---|"]
    for line in _LINES:
        found = rewritten(line)
        assert found is not None and found.line is not None, line
        out.append(f"| `{line}` | {_code(found.line)} |")
    out += ["", "## Layers", "", "| PyTorch | Keras | elsewhere | here |", "|---|---|---|---|"]
    out += _layers()
    out += ["", "## Arguments", ""]
    out += [
        "Arguments that change nothing in a network (`in_channels`, `data_format`, `inplace`, regularizers, ...) have no counterpart.",
        "",
    ]
    out += ["| there | here | |", "|---|---|---|"]
    out += _arguments()
    out += ["", "## Activation functions", "", "Keras's `activation=` is a step of its own: `conv k=3 f=8 | relu`.", ""]
    out += ["| there | here |", "|---|---|"]
    out += [f"| `{name}` | {_code(step) if step else 'nothing'} |" for name, step in _activations().items()]
    out += ["", "## Initialisers", "", "[Initial weights](language.md#initial-weights) describes each.", ""]
    out += ["| there | here |", "|---|---|"]
    out += [f"| `{name}` | {_code(f'init={ours}')} |" for name, ours in _INITIALISERS.items()]
    out += ["", "## What the language does not have", "", "| there | what to write |", "|---|---|"]
    out += _lacking()
    return "\n".join(out) + "\n"


_INITIALISERS = {
    name: INITIALISERS[name.replace("_", "")]
    for name in [
        "he_normal",
        "he_uniform",
        "kaiming_normal_",
        "glorot_uniform",
        "glorot_normal",
        "xavier_uniform_",
        "lecun_normal",
        "random_normal",
        "orthogonal",
        "zeros",
    ]
}


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def _layers() -> list[str]:
    """A row for each way to write steps that some name has, in the order of the language's layers."""
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows():
        if row.steps and row.steps not in ("?", "input") and not (row.tool == "word" and " " in row.steps):
            found.setdefault(row.steps.replace(" round=ceil", ""), {}).setdefault(row.tool, []).extend(row.names)
    order = [*STEPS, "skip"]
    out = []
    for steps in sorted(found, key=lambda steps: (order.index(steps.split()[0]), steps)):
        names = found[steps]
        elsewhere = [name for tool in ("caffe", "onnx", "word") for name in names.get(tool, [])][:4]
        cells = [_names(names.get("torch", [])), _names(names.get("keras", [])), _names(elsewhere)]
        shown = "gap" if steps == "adaptpool 1" else re.sub(r"{\w+}", "2", steps)
        out.append(f"| {' | '.join(cells)} | {_code(shown)} |")
    return out


def _names(names: list[str]) -> str:
    """Names with those that differ in the number of axes as one: `Conv1d, 2d, 3d`."""
    merged: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        axes = re.search(r"[123][dD]", name)
        merged.setdefault(name.replace(axes[0], "*") if axes else name, []).append(axes[0] if axes else "")
    shown = []
    for pattern, axes in merged.items():
        if not pattern.startswith("Lazy"):
            first = pattern.replace("*", axes[0])
            shown.append(f"`{first}`" + "".join(f", `{other}`" for other in axes[1:]))
    return ", ".join(shown)


def _arguments() -> list[str]:
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows():
        if row.tool in ("torch", "keras"):
            for parameter in row.parameters:
                step, _, ours = ("", "", parameter.argument) if "." not in parameter.argument else parameter.argument.partition(".")
                word = step or row.steps.split()[0] if row.steps else ""
                if parameter.name != ours and word in STEPS and ours in op_class(word).fields:
                    known = found.setdefault(parameter.name, {}).setdefault(ours, [])
                    known += [word] if word not in known else []
    out = []
    for name in sorted(found):
        for ours, steps in found[name].items():
            out.append(f"| `{name}=` | `{ours}=` | {', '.join(f'`{step}`' for step in steps[:6])} |")
    return out


def _activations() -> dict[str, str]:
    words = {
        "relu": "relu",
        "relu6": "relu6",
        "leaky_relu": "leakyrelu",
        "elu": "elu",
        "selu": "selu",
        "gelu": "gelu",
        "silu": "silu",
        "swish": "swish",
    }
    words |= {
        "mish": "mish",
        "hard_swish": "hardswish",
        "hard_sigmoid": "hardsigmoid",
        "sigmoid": "sigmoid",
        "tanh": "tanh",
        "softplus": "softplus",
    }
    words |= {"softmax": "softmax", "log_softmax": "logsoftmax", "linear": "linear"}
    return {name: ACTIVATIONS[word] for name, word in words.items()}


def _lacking() -> list[str]:
    by_reason: dict[str, list[Foreign]] = {}
    for row in rows():
        if row.reason and row.tool in ("torch", "keras"):
            by_reason.setdefault(row.reason, []).append(row)
    out = []
    for reason in REASONS.values():
        names = [name for row in by_reason.get(reason, []) for name in row.names]
        shown = ", ".join(f"`{name}`" for name in list(dict.fromkeys(names))[:14]) + (", ..." if len(names) > 14 else "")
        if names:
            out.append(f"| {shown} | {cell(reason)} |")
    return out
